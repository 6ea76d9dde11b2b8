import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import type { LedgerExercise } from '../../../planner/audit/exercises.ts'
import type { LedgerEntry } from '../../../planner/ledger/ledger-line.ts'
import { toReport } from '../../../planner/report/report.ts'
import { ledgerPoints } from '../../../planner/tabletop/ledger-points.ts'
import { type DescribedRun, ledgerOf } from '../../support/ledger-builder.ts'
import { buildCompliance, buildDrill, buildPlan } from '../../support/plan-builder.ts'
import { shopSetup } from '../../support/played-exercise.ts'

const day = 86_400_000
const start = Date.UTC(2026, 5, 1)

const { people } = (await shopSetup()).plan
const plan = buildPlan({
  ...{ reviewedAt: start, people },
  drills: new Map([['restore-test', buildDrill()]]),
  compliance: buildCompliance({ findings: { owner: 'team', warningDueMs: day } }),
})

const played = (onDay: number, changes: Partial<LedgerExercise> = {}): LedgerEntry => ({
  ...{ plan: 'test', planSha256: '5'.repeat(64), gitCommit: null, run: `exercise-${onDay}` },
  ...{ ledger: 4, line: 100 + onDay, previous: '0'.repeat(64) },
  at: new Date(start + onDay * day).toISOString(),
  ...{ kind: 'exercise', scenario: 'dark', procedure: 'restore', isScripted: false },
  // what somebody says of its time is not believed
  startedAt: '2020-01-01T00:00:00.000Z',
  durationMs: 60_000,
  participants: [{ contact: 'engineer-2', role: 'engineer' }],
  actions: [
    {
      ...{ id: `action/exercise-${onDay}/1`, text: 'Print it.', owner: 'lead' },
      ...{ dueOn: '2026-06-10', provedBy: { kind: 'drill', name: 'restore-test' } },
    },
  ],
  reportSha256: '0'.repeat(64),
  ...changes,
})

const run = (onDay: number, outcome: 'passed' | 'failed', changes: Partial<DescribedRun> = {}) => ({
  ...{ run: `run-${onDay}`, startedAt: start + onDay * day, endedAt: start + onDay * day + 1_000 },
  ...{ outcome, steps: [] },
  ...changes,
})

/** @param toDay of the window, from the first day on */
function auditOf(
  exercises: readonly LedgerEntry[],
  runs: readonly DescribedRun[],
  toDay = 30,
  of = plan,
) {
  const entries = [...ledgerOf(...runs), ...exercises]
  return audit({ plan: of, entries, window: { from: start, to: start + toDay * day } })
}

const action = (...request: Parameters<typeof auditOf>) =>
  auditOf(...request).sections?.findings.find(({ id }) => id === 'action/exercise-2/1')

test('a corrective action is a finding of its owner, open until its date and late after it', () => {
  expect(action([played(2)], [], 5)).toMatchObject({
    ...{ state: 'open', owner: 'lead', severity: 'warning', isLate: false, retest: 'not retested' },
    ...{ dueAt: '2026-06-10T23:59:59.999Z', openedAt: '2026-06-03T00:00:00.000Z' },
    message: 'exercise dark: Print it. To be proven by drill restore-test',
    shownBy: [{ run: 'exercise-2', line: 102 }],
  })
  expect(action([played(2)], [])).toMatchObject({ state: 'open', isLate: true })
})

test('a run that passed before, another drill, and one that failed do not close it', () => {
  expect(action([played(2)], [run(1, 'passed')])).toMatchObject({ state: 'open' })
  expect(action([played(2)], [run(3, 'passed', { name: 'other' })])).toMatchObject({
    state: 'open',
  })
  const wrongKind = run(3, 'passed', { kind: 'schedule' })
  expect(action([played(2)], [wrongKind])).toMatchObject({ state: 'open' })
  expect(action([played(2)], [run(3, 'failed')])).toMatchObject({
    ...{ state: 'open', retest: 'failed again' },
    shownBy: [{ run: 'exercise-2' }, { run: 'run-3' }],
  })
})

test('the first run of it that passes afterwards closes it', () => {
  expect(action([played(2)], [run(3, 'failed'), run(4, 'passed'), run(5, 'failed')])).toMatchObject(
    {
      ...{ state: 'closed', retest: 'passed', isLate: false, closedBy: { run: 'run-4' } },
      shownBy: [{ run: 'exercise-2' }, { run: 'run-3' }],
    },
  )
})

test('a schedule closes it as well, although its runs are only counted', () => {
  const provedBy = { kind: 'schedule', name: 'restore-test' } as const
  const [entry] = [played(2)].map((each) =>
    each.kind === 'exercise'
      ? { ...each, actions: each.actions.map((one) => ({ ...one, provedBy })) }
      : each,
  )
  const runs = [1, 3, 4].map((onDay) => run(onDay, 'passed', { kind: 'schedule' }))
  expect(action(entry === undefined ? [] : [entry], runs)).toMatchObject({
    closedBy: { run: 'run-3' },
  })
})

test('what was played proves nothing, is no run, and changes no other word of the audit', () => {
  const runs = [run(3, 'failed')]
  const quiet = played(2, { actions: [] })
  const [without, withIt] = [auditOf([], runs), auditOf([quiet], runs)]
  expect(withIt.sections?.training).toBeDefined()
  const { training: _, ...sections } = withIt.sections ?? {}
  expect({ ...withIt, sections, ledgerLines: 0 }).toEqual({ ...without, ledgerLines: 0 })
})

test('what was played feeds no estimate: the time that a simulation knows ends with the last run', () => {
  const entries = ledgerOf(run(3, 'passed'))
  const { endsAt } = ledgerPoints(plan, [...entries, played(20)])
  expect(endsAt).toBe(ledgerPoints(plan, entries).endsAt)
})

test('training is counted by contact and role, from the day it was recorded, and overdue after a year', () => {
  const people = (exercises: readonly LedgerEntry[], toDay: number) =>
    auditOf(exercises, [], toDay).sections?.training?.people.filter(
      ({ role }) => role === 'engineer',
    )
  expect(people([played(2), played(4)], 30)).toEqual([
    {
      ...{ contact: 'engineer-1', role: 'engineer', exercises: 0, lastTookPartAt: null },
      ...{ line: null, overdueSince: '2026-06-03T00:00:00.000Z' },
    },
    {
      ...{ contact: 'engineer-2', role: 'engineer', exercises: 2, line: 104 },
      ...{ lastTookPartAt: '2026-06-05T00:00:00.000Z', overdueSince: null },
    },
  ])
  expect(people([played(2)], 400)?.[1]).toMatchObject({ overdueSince: '2027-06-03T00:00:00.000Z' })
  // as often as the plan wants it
  const monthly = buildCompliance({ trainingEveryMs: 30 * day })
  const often = auditOf([played(2)], [], 40, { ...plan, compliance: monthly }).sections?.training
  expect(often).toMatchObject({ everyMs: 30 * day })
  expect(often?.people.find(({ contact }) => contact === 'engineer-2')).toMatchObject({
    overdueSince: '2026-07-03T00:00:00.000Z',
  })
  // nobody learns from a script
  expect(people([played(2, { isScripted: true })], 30)?.[1]).toMatchObject({ exercises: 0 })
  expect(auditOf([], []).sections?.training).toBeUndefined()
})

test('the report has both, and leads to the lines of the ledger', async () => {
  const { markdown, html, json } = await toReport(auditOf([played(2)], []))
  expect(markdown).toContain('## Training')
  expect(markdown).toMatch(/\| engineer-2 \| engineer \| 1 \| /)
  expect(markdown).toContain('exercise dark: Print it. To be proven by drill restore-test')
  expect(html).toContain('an exercise was played')
  expect(json).toContain('"lastTookPartAt": "2026-06-03T00:00:00.000Z"')
})
