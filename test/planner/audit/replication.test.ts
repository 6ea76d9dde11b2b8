import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { toReport } from '../../../planner/report/report.ts'
import type { StepRecord } from '../../../planner/step/record.ts'
import { type DescribedRun, ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { buildPlan, somewhere } from '../../support/plan-builder.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 5, 1)
const plan = buildPlan({
  replication: new Map([
    [
      'words',
      {
        ...{ collection: 'words', from: 'primary', to: ['standby'], mode: 'async' as const },
        ...{ maxLagMs: 10_000, place: somewhere },
      },
    ],
  ]),
})

const runOf = (atHour: number, step: Partial<StepRecord>): DescribedRun => {
  const from = start + atHour * hour
  const inputs = { kind: 'lag', collection: 'words', belowMs: 10_000 }
  return {
    ...{
      run: `run-${atHour}`,
      kind: 'schedule',
      name: 'lag',
      startedAt: from,
      endedAt: from + 1_000,
    },
    outcome: step.outcome === 'failed' ? 'failed' : 'passed',
    steps: [stepAt(from, from + 1_000, { step: 'wait', kind: 'wait', inputs, ...step })],
  }
}

const look = (atHour: number, seconds: number, records = 0) =>
  runOf(atHour, { outputs: { waitedMs: 5, lag: { standby: { seconds, records, lsn: 9 } } } })

const sectionOf = (...runs: DescribedRun[]) =>
  audit({
    plan,
    entries: ledgerOf(...runs),
    window: { from: start + hour, to: start + 24 * hour },
  })

test('looks at a standby are counted, the worst and the newest told with their lines', async () => {
  // the first one lies before the window
  const report = sectionOf(look(0, 99), look(2, 1.5), look(3, 7.25, 12), look(4, 0.5))
  const [words] = report.sections?.replication ?? []
  expect(words).toMatchObject({
    ...{ collection: 'words', isWithin: true, failed: [], promotions: [] },
    standbys: [
      {
        ...{ target: 'standby', looks: 3 },
        newest: { seconds: 0.5, run: 'run-4' },
        worst: { seconds: 7.25, records: 12, run: 'run-3' },
      },
    ],
  })
  const { markdown } = await toReport(report)
  expect(markdown).toContain('## Replication')
  expect(markdown).toMatch(
    /words \| standby \| async \| 3 \| 0\.5 s, 0 records .*7\.3 s, 12 records .*10s/,
  )
})

const lateness = { code: 'step-failed', message: 'took longer than 1 min', hint: '' } as const

test('a lag beyond the bound, and a look that failed, are not within it', () => {
  expect(sectionOf(look(2, 11)).sections?.replication?.[0]?.isWithin).toBe(false)
  const late = runOf(3, { outcome: 'failed', outputs: {}, error: lateness })
  const [words] = sectionOf(look(2, 1), late).sections?.replication ?? []
  expect(words?.isWithin).toBe(false)
  expect(words?.failed).toMatchObject([{ run: 'run-3', error: lateness.message }])
  expect(sectionOf().sections?.replication?.[0]?.isWithin).toBeNull()
})

test('a promotion tells what was lost, and one that found the primary in office is none', () => {
  const promoted = (atHour: number, words: Record<string, unknown>) =>
    runOf(atHour, {
      ...{ step: 'promote', kind: 'promote', inputs: { target: 'standby' } },
      outputs: { target: 'standby', collections: { words } } as StepRecord['outputs'],
    })
  const window = { records: null, knownRecords: 0, asOfAt: null, seconds: 1.25 }
  const [words] =
    sectionOf(
      promoted(2, { epoch: 2, lsn: 9, lostRecords: null, window }),
      promoted(3, { epoch: 3, lsn: 9, lostRecords: 0, window: { ...window, records: 0 } }),
      promoted(4, { epoch: 3, lsn: 9, already: true }),
    ).sections?.replication ?? []
  expect(words?.promotions).toMatchObject([
    { epoch: 2, lostRecords: null, windowSeconds: 1.25, run: 'run-2' },
    { epoch: 3, lostRecords: 0, windowSeconds: null, run: 'run-3' },
  ])
})

test('a plan that replicates nothing has no such section', () => {
  const entries = ledgerOf(look(2, 1))
  const report = audit({ plan: buildPlan(), entries, window: { from: start, to: start + hour } })
  expect(report.sections).not.toHaveProperty('replication')
})
