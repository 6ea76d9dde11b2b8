import { expect, test } from 'vitest'
import type { JsonObject } from '../../../engine/index.ts'
import { audit } from '../../../planner/audit/audit.ts'
import { check } from '../../../planner/check/check.ts'
import { toReport } from '../../../planner/report/report.ts'
import type { StepRecord } from '../../../planner/step/record.ts'
import { type DescribedRun, ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { buildCollection, buildDrill, buildPlan } from '../../support/plan-builder.ts'

const second = 1_000
const minute = 60 * second
const noon = Date.UTC(2026, 5, 1, 12)
const iso = (seconds: number) => new Date(noon + seconds * second).toISOString()

const objectives = { rtoMs: 5 * minute, rpoMs: 10 * second, recall: 0.95 }
const plan = buildPlan({
  collections: [buildCollection('words', { objectives })],
  drills: new Map([['hand-over', buildDrill({ name: 'hand-over', proves: ['rto', 'recall'] })]]),
})

/** A step between two seconds after noon. */
const step = (
  kind: StepRecord['kind'],
  [from, to]: readonly [number, number],
  outputs: JsonObject = {},
  more: Partial<StepRecord> = {},
) =>
  stepAt(noon + from * second, noon + to * second, {
    kind,
    step: `${kind}-${from}`,
    outputs,
    ...more,
  })

const promote = (span: readonly [number, number], words: JsonObject = {}, planned = false) =>
  step(
    'promote',
    span,
    {
      target: 'standby',
      collections: { words: { epoch: 2, lsn: 9, lostRecords: null, ...words } },
    },
    { inputs: { target: 'standby', collections: ['words'], planned } },
  )

const lost = (seconds: number) => ({
  window: { records: null, knownRecords: 0, asOfAt: iso(seconds), seconds: 1 },
})

/** Approved after 20 s, fenced after 25, promoted after 28, switched after 29, answering after 31, checked after 40. */
const failover: readonly StepRecord[] = [
  step('approve', [0, 20]),
  step('fence', [20, 25], { target: 'primary', reached: false }),
  promote([25, 28], lost(-2)),
  step('switch', [28, 29], { alias: 'live', target: 'standby', collection: 'words' }),
  step('probe', [29, 31], { url: 'http://standby/readyz', status: 200 }),
  step('check', [31, 40], {
    ...{ target: 'standby', collection: 'words', recall: 0.99, k: 10, queries: 64 },
    servingAt: iso(36),
  }),
]

const procedure = (steps: readonly StepRecord[], changes: Partial<DescribedRun> = {}) => ({
  ...{ run: 'failover-1', kind: 'procedure' as const, name: 'failover', proves: [] },
  ...{ startedAt: noon, endedAt: noon + 60 * second, steps },
  ...changes,
})

const judged = (...runs: DescribedRun[]) =>
  audit({
    plan,
    entries: ledgerOf(...runs),
    window: { from: noon - 60 * minute, to: noon + 60 * minute },
  })

const verdictOf = (objective: string, ...runs: DescribedRun[]) =>
  judged(...runs).verdicts.find((each) => each.objective === objective)

test('a real failover is measured phase by phase, and proves the RTO', async () => {
  const rto = verdictOf('rto', procedure(failover))
  expect(rto).toMatchObject({ verdict: 'met', actual: 40 * second, run: 'failover-1' })
  expect(rto?.measured.phases?.map(({ name, afterMs }) => [name, afterMs / second])).toEqual([
    ['run started', 0],
    ['decided', 20],
    ['fenced', 25],
    ['promoted', 28],
    ['switched', 29],
    ['answered', 31],
    ['serving', 36],
    ['checked', 40],
  ])
  expect(rto?.reasons.join('; ')).toContain('nobody said with --since')
  expect(rto?.reasons.join('; ')).toContain('the old primary did not answer')
  const { markdown, html } = await toReport(judged(procedure(failover)))
  expect(markdown).toMatch(
    /words \| failover failover-1.*\| standby \| no \| 20 s \| 25 s \| 28 s \|/,
  )
  expect(html).toContain('answered')
})

test('the word of who started it is what a failover counts from, and decides whether it was in time', () => {
  const late = procedure(failover, { sinceAt: noon - 5 * minute })
  expect(verdictOf('rto', late)).toMatchObject({
    ...{ verdict: 'missed', actual: 5 * minute + 40 * second, gap: 40 * second },
    measured: { countedFrom: 'since' },
  })
  const [finding] = judged(late).sections?.findings ?? []
  expect(finding).toMatchObject({ id: 'rto/words', severity: 'critical', state: 'open' })
  expect(finding?.message).toContain('procedure failover missed the RTO of words')
  // the next one was in time
  const next = procedure(failover, { run: 'failover-2' })
  const [closed] =
    judged(late, next).sections?.findings.filter(({ id }) => id === 'rto/words') ?? []
  expect(closed).toMatchObject({ state: 'closed', closedBy: { run: 'failover-2' } })
})

test('a probe alone shows that a standby answers; without one, or a check, nothing does', () => {
  const upTo = (kind: string) =>
    failover.slice(0, failover.findIndex((each) => each.kind === kind) + 1)
  expect(verdictOf('rto', procedure(upTo('probe')))).toMatchObject({
    ...{ verdict: 'met', actual: 31 * second },
  })
  expect(verdictOf('rto', procedure(upTo('switch')))).toMatchObject({
    ...{ verdict: 'unproven', actual: null },
    reasons: [expect.stringContaining('no check or probe showed')],
  })
})

test('a failover that fails at the promotion, the switch or the probe missed the RTO; one that nobody approved says nothing', () => {
  const error = { code: 'unreachable', message: 'nobody there', hint: '' } as const
  const failing = (kind: string) => {
    const at = failover.findIndex((each) => each.kind === kind)
    const steps = failover
      .slice(0, at + 1)
      .map((each, index) =>
        index === at ? { ...each, outcome: 'failed' as const, outputs: {}, error } : each,
      )
    return procedure(steps, { outcome: 'failed' })
  }
  for (const kind of ['promote', 'switch', 'probe']) {
    const verdict = verdictOf('rto', failing(kind))
    expect([kind, verdict?.verdict, verdict?.reasons[0]]).toEqual([
      kind,
      'missed',
      expect.stringContaining('the procedure failed at step'),
    ])
  }
  expect(verdictOf('rto', failing('approve'))).toMatchObject({ verdict: 'unproven' })
})

test('a way back, and a promotion that found the standby in office, recover nothing', () => {
  const back = procedure([promote([0, 5], {}, true), ...failover.slice(4)])
  const twice = procedure([promote([0, 5], { already: true }), ...failover.slice(4)])
  for (const run of [back, twice]) {
    expect(verdictOf('rto', run)).toMatchObject({ verdict: 'unproven', actual: null })
  }
  expect(judged(back).sections?.recoveries[0]?.runs).toEqual([])
})

test('a drill that hands over and back proves what it says by the way there', () => {
  const there = promote([10, 12], { lostRecords: 0, window: { records: 0 } }, true)
  const checkAt = (span: readonly [number, number], target: string, recall: number) =>
    step('check', span, { target, collection: 'words', recall, k: 10, queries: 64 })
  const back = step(
    'promote',
    [30, 31],
    { target: 'primary', collections: { words: { epoch: 3, lostRecords: 0 } } },
    { inputs: { target: 'primary', collections: ['words'], planned: true } },
  )
  const steps = [there, checkAt([12, 15], 'standby', 0.97), back, checkAt([31, 50], 'primary', 1)]
  const drill = { ...procedure(steps), kind: 'drill' as const, name: 'hand-over' }
  const run: DescribedRun = { ...drill, proves: ['rpo', 'rto', 'recall'] }
  expect(verdictOf('rto', run)).toMatchObject({ verdict: 'met', actual: 15 * second })
  expect(verdictOf('rto', run)?.reasons.join()).toContain('the promotion was planned')
  expect(verdictOf('recall', run)).toMatchObject({ verdict: 'met', actual: 0.97 })
  expect(judged(run).sections?.recoveries[0]?.runs).toMatchObject([
    { rpoMs: 0, recordsLost: 0, takeover: { target: 'standby', isPlanned: true, epoch: 2 } },
  ])
})

test('what a failover may have lost counts back to the last moment at which nothing was missing', () => {
  const [run] = judged(procedure(failover)).sections?.recoveries[0]?.runs ?? []
  // the promotion began 25 s after noon, and knew of 2 s before noon
  expect(run).toMatchObject({ rpoMs: 27 * second, recordsLost: null })
  const told = procedure(failover, { sinceAt: noon - second })
  expect(judged(told).sections?.recoveries[0]?.runs[0]).toMatchObject({ rpoMs: second })
  const unknown = procedure([promote([0, 5]), ...failover.slice(3)])
  expect(judged(unknown).sections?.recoveries[0]?.runs[0]).toMatchObject({ rpoMs: null })
})

test('check holds the last takeover against the RTO', () => {
  const found = (run: DescribedRun) =>
    check({ plan, entries: ledgerOf(run), at: noon + 60 * minute }).map(({ code }) => code)
  const [slow, quick] = [noon - 5 * minute, noon - minute].map((sinceAt) =>
    found(procedure(failover, { sinceAt })),
  )
  expect(slow).toContain('rto-measured')
  expect(quick).not.toContain('rto-measured')
  expect(quick).not.toContain('rto-unmeasured')
})
