import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { tellSections } from '../../../planner/cli/tell-sections.ts'
import type { LedgerEntry } from '../../../planner/ledger/ledger-line.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { buildPlan, somewhere } from '../../support/plan-builder.ts'
import { shopSetup } from '../../support/played-exercise.ts'

const start = Date.UTC(2026, 5, 1)
const { people } = (await shopSetup()).plan
const replication = {
  ...{ collection: 'words', from: 'primary', to: ['near', 'far'], mode: 'async' as const },
  ...{ maxLagMs: 10_000, place: somewhere },
}

async function told(plan: ReturnType<typeof buildPlan>, more: readonly LedgerEntry[] = []) {
  const look = (at: number, seconds: number) =>
    stepAt(at, at, {
      ...{ step: 'wait', kind: 'wait', inputs: { kind: 'lag', collection: 'words' } },
      outputs: { waitedMs: 0, lag: { near: { seconds, records: 0, lsn: 9 } } },
    })
  const steps = [look(start + 1_000, 7.25), look(start + 2_000, 0.5)]
  const run = { run: 'r', kind: 'schedule', name: 'lag', startedAt: start } as const
  const entries = [...ledgerOf({ ...run, endedAt: start + 3_000, steps }), ...more]
  const judged = audit({ plan, entries, window: { from: start, to: start + 86_400_000 } })
  const lines: string[] = []
  await tellSections(
    { print: async (line) => void lines.push(line.replace(/ {2,}/g, ' | ')) },
    judged,
  )
  return lines
}

test('the terminal tells of each standby how far it was behind, or that nobody looked', async () => {
  const lines = await told(buildPlan({ replication: new Map([['words', replication]]) }))
  expect(lines).toContain('near | words | 2 | 0.5 s | 7.3 s | 10s | 0 | 0')
  expect(lines).toContain('far | words | 0 | not measured | not measured | 10s | 0 | 0')
})

test('the terminal tells whose training is overdue, once somebody has played', async () => {
  const exercise: LedgerEntry = {
    ...{ plan: 'test', planSha256: '5'.repeat(64), gitCommit: null, run: 'exercise-1' },
    ...{ ledger: 4, line: 9, previous: '0'.repeat(64), at: new Date(start).toISOString() },
    kind: 'exercise',
    ...{ scenario: 'dark', procedure: 'restore', isScripted: false },
    ...{ startedAt: new Date(start).toISOString(), durationMs: 1, actions: [] },
    ...{ participants: [{ contact: 'engineer-2', role: 'engineer' }], reportSha256: '' },
  }
  const about = (lines: readonly string[]) => lines.filter((line) => line.startsWith('training'))
  const [line, ...others] = about(await told(buildPlan({ people }), [exercise]))
  expect(others).toEqual([])
  // who played in one role has not played in another
  expect(line).toBe(
    'training: an exercise every 365d; overdue: engineer-1 as engineer, lead-1 as lead, engineer-2 as lead',
  )
  expect(about(await told(buildPlan({ people })))).toEqual([])
})
