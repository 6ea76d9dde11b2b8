import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Audit, Auditor, audit } from '../../../planner/audit/audit.ts'
import type { Verdict } from '../../../planner/audit/verdict.ts'
import { encodeLine, startOfLedger } from '../../../planner/ledger/ledger-line.ts'
import { type SummableRun, sumRuns, unfold } from '../../../planner/ledger/sum.ts'
import type { Plan } from '../../../planner/plan/plan.ts'
import type { StepRecord } from '../../../planner/step/record.ts'
import { type DescribedRun, ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import {
  buildCollection,
  buildCompliance,
  buildDrill,
  buildPlan,
} from '../../support/plan-builder.ts'
import { buildSchedule, every } from '../../support/schedule-builder.ts'

const minute = 60_000
const day = 24 * 60 * minute
const noon = Date.UTC(2026, 5, 1, 12)
const iso = (at: number) => new Date(at).toISOString()

const plan = (changes: Partial<Plan> = {}): Plan => ({
  ...buildPlan({
    collections: [
      buildCollection('words', {
        objectives: { rpoMs: 15 * minute, rtoMs: 30 * minute, recall: 0.95 },
      }),
    ],
    drills: new Map([['restore-test', buildDrill({ proves: ['rpo', 'rto', 'recall'] })]]),
    compliance: buildCompliance({ drillEveryMs: 35 * day }),
  }),
  ...changes,
})

const position = (lsn: number, observedAt: number, history = 'h1') => ({
  uuid: 'u1',
  epoch: 1,
  history,
  lsn,
  committedAt: null,
  count: lsn,
  observedAt: iso(observedAt),
})

/** What the steps of a drill leave: a backup at LSN 100, a disaster at LSN 100 + `lost`. */
interface Shape {
  readonly start: number
  /** When the state that was backed up was pinned. */
  readonly backedUpAt?: number
  readonly lost?: number
  readonly disasterAt?: number
  readonly restoredAt?: number
  readonly checkedAt?: number
  readonly recall?: number
  readonly withDisaster?: boolean
}

function drillSteps(shape: Shape): StepRecord[] {
  const { start, lost = 0, recall = 0.98, withDisaster = true } = shape
  const backedUpAt = shape.backedUpAt ?? start + minute
  const disasterAt = shape.disasterAt ?? start + 2 * minute
  const restoredAt = shape.restoredAt ?? disasterAt + 5 * minute
  const checkedAt = shape.checkedAt ?? restoredAt + minute
  return [
    stepAt(start, backedUpAt, {
      step: 'backup',
      kind: 'backup',
      outputs: { snapshots: [{ collection: 'words', position: position(100, backedUpAt) }] },
    }),
    ...(withDisaster
      ? [
          stepAt(disasterAt, disasterAt + 10, {
            step: 'inject',
            kind: 'inject',
            outputs: {
              collection: 'words',
              target: 'primary',
              disasterAt: iso(disasterAt),
              lastAcknowledged: position(100 + lost, disasterAt - 5),
            },
          }),
        ]
      : []),
    stepAt(disasterAt + 10, restoredAt, {
      step: 'restore',
      kind: 'restore',
      inputs: { collection: 'words' },
      outputs: {
        target: 'primary',
        collection: 'words_test',
        restoredFrom: 'words',
        recoveryPoint: { uuid: 'u1', history: 'h1', lsn: 100, observedAt: iso(backedUpAt) },
      },
    }),
    stepAt(restoredAt, checkedAt, {
      step: 'check',
      kind: 'check',
      outputs: {
        target: 'primary',
        collection: 'words_test',
        recall,
        k: 10,
        queries: 64,
        truth: 'snapshot',
        contentKnownAt: iso(restoredAt + 20_000),
        servingAt: iso(restoredAt + 30_000),
      },
      evidence: [{ artefact: 'runs/r/measurement.json', sha256: 'a'.repeat(64) }],
    }),
  ]
}

const drill = (run: string, shape: Shape, changes: Partial<DescribedRun> = {}): DescribedRun => {
  const steps = drillSteps(shape)
  const last = steps.at(-1)
  return {
    run,
    startedAt: shape.start,
    endedAt: Date.parse(last?.endedAt ?? iso(shape.start)) + 1_000,
    steps,
    ...changes,
  }
}

const fail = (
  steps: readonly StepRecord[],
  step: string,
  outcome: 'failed' | 'cancelled' = 'failed',
): StepRecord[] => {
  const at = steps.findIndex((record) => record.step === step)
  return steps.map((record, index) => {
    if (index < at) return record
    if (index > at) return { ...record, outcome: 'skipped', outputs: {} }
    return {
      ...record,
      outcome,
      outputs: {},
      error: { code: 'step-failed', message: 'it broke', hint: '' },
    }
  })
}

const auditAt = (to: number, ...runs: readonly DescribedRun[]): Audit =>
  audit({ plan: plan(), entries: ledgerOf(...runs), window: { from: to - 90 * day, to } })

const of = (result: Audit, objective: Verdict['objective']): Verdict => {
  const found = result.verdicts.find((verdict) => verdict.objective === objective)
  if (found === undefined) throw new Error(`no verdict on ${objective}`)
  return found
}

describe('RPO', () => {
  test('nothing lost: the source was seen at the recovery point right before the disaster', () => {
    const rpo = of(auditAt(noon + day, drill('r1', { start: noon })), 'rpo')
    expect(rpo).toMatchObject({
      verdict: 'met',
      actual: 5,
      gap: 5 - 15 * minute,
      measured: {
        recordsLost: 0,
        lastAcknowledgedLsn: 100,
        recoveryPointLsn: 100,
        disasterAt: iso(noon + 2 * minute),
        asOfAt: iso(noon + 2 * minute - 5),
      },
      run: 'r1',
    })
  })

  test('writes after the backup are lost, and the time counts from when it was pinned', () => {
    const shape = { start: noon, backedUpAt: noon, disasterAt: noon + 16 * minute, lost: 7 }
    const rpo = of(auditAt(noon + day, drill('r1', shape)), 'rpo')
    expect(rpo).toMatchObject({
      verdict: 'missed',
      actual: 16 * minute,
      gap: minute,
      measured: { recordsLost: 7, lastAcknowledgedLsn: 107, recoveryPointLsn: 100 },
      reasons: ['7 acknowledged log records did not come back'],
    })
  })

  test('records lost within the time that is allowed still meet the objective, and are told', () => {
    const shape = { start: noon, backedUpAt: noon, disasterAt: noon + 15 * minute, lost: 1 }
    const rpo = of(auditAt(noon + day, drill('r1', shape)), 'rpo')
    expect(rpo).toMatchObject({ verdict: 'met', actual: 15 * minute, gap: 0 })
    expect(rpo.reasons).toHaveLength(1)
  })

  test('an idle source is not in breach: a later observation at the same LSN counts', () => {
    // an old snapshot, and another run that saw the source at its LSN shortly before the disaster
    const shape = {
      start: noon,
      backedUpAt: noon - 3 * day,
      disasterAt: noon + 20 * minute,
      lost: 3,
    }
    const looked: DescribedRun = {
      run: 'r0',
      kind: 'schedule',
      startedAt: noon,
      endedAt: noon + 10 * minute,
      steps: [
        stepAt(noon, noon + 10 * minute, {
          step: 'backup',
          kind: 'backup',
          outputs: { snapshots: [{ position: position(100, noon + 10 * minute) }] },
        }),
      ],
    }
    const rpo = of(auditAt(noon + day, looked, drill('r1', shape)), 'rpo')
    expect(rpo).toMatchObject({
      verdict: 'met',
      actual: 10 * minute,
      measured: { asOfAt: iso(noon + 10 * minute) },
    })
  })

  test('an observation of another history or after the disaster does not count', () => {
    const shape = { start: noon, backedUpAt: noon, disasterAt: noon + 20 * minute, lost: 3 }
    const looked: DescribedRun = {
      run: 'r0',
      startedAt: noon,
      endedAt: noon + 30 * minute,
      kind: 'schedule',
      steps: [
        stepAt(noon, noon + minute, {
          kind: 'backup',
          outputs: { position: position(100, noon + 19 * minute, 'other') },
        }),
        stepAt(noon, noon + 30 * minute, {
          kind: 'backup',
          outputs: { position: position(100, noon + 25 * minute) },
        }),
      ],
    }
    const rpo = of(auditAt(noon + day, looked, drill('r1', shape)), 'rpo')
    expect(rpo).toMatchObject({ verdict: 'missed', actual: 20 * minute })
  })

  test('a drill without a disaster proves no RPO', () => {
    const rpo = of(auditAt(noon + day, drill('r1', { start: noon, withDisaster: false })), 'rpo')
    expect(rpo).toMatchObject({ verdict: 'unproven', actual: null })
    expect(rpo.reasons[0]).toContain('no disaster')
  })

  test('what is restored from another history proves no RPO', () => {
    const run = drill('r1', { start: noon })
    const steps = run.steps.map((record) =>
      record.kind === 'inject'
        ? {
            ...record,
            outputs: { ...record.outputs, lastAcknowledged: position(100, noon, 'other') },
          }
        : record,
    )
    expect(of(auditAt(noon + day, { ...run, steps }), 'rpo')).toMatchObject({
      verdict: 'unproven',
      reasons: [expect.stringContaining('not of the history')],
    })
  })
})

describe('RTO', () => {
  test('it runs from the disaster to the last passing check, phase by phase', () => {
    const rto = of(auditAt(noon + day, drill('r1', { start: noon })), 'rto')
    // disaster 12:02, restored 12:07, checked 12:08
    expect(rto).toMatchObject({
      verdict: 'met',
      actual: 6 * minute,
      gap: -24 * minute,
      measured: {
        countedFrom: 'disaster',
        phases: [
          { name: 'disaster', afterMs: 0 },
          { name: 'restored', afterMs: 5 * minute },
          { name: 'verified', afterMs: 5 * minute + 20_000 },
          { name: 'serving', afterMs: 5 * minute + 30_000 },
          { name: 'checked', afterMs: 6 * minute, at: iso(noon + 8 * minute) },
        ],
      },
    })
    expect(rto.evidence.map(({ step, line }) => [step, line])).toEqual([
      ['inject', 3],
      ['restore', 4],
      ['check', 5],
    ])
  })

  test('a millisecond too long is missed', () => {
    const shape = { start: noon, disasterAt: noon + 60_000, restoredAt: noon + 30 * minute }
    const met = drill('r1', { ...shape, checkedAt: noon + 31 * minute })
    const late = drill('r1', { ...shape, checkedAt: noon + 31 * minute + 1 })
    expect(of(auditAt(noon + day, met), 'rto')).toMatchObject({ verdict: 'met', gap: 0 })
    expect(of(auditAt(noon + day, late), 'rto')).toMatchObject({ verdict: 'missed', gap: 1 })
  })

  test('without a disaster it counts from the start of the run, and says so', () => {
    const rto = of(auditAt(noon + day, drill('r1', { start: noon, withDisaster: false })), 'rto')
    expect(rto).toMatchObject({
      actual: 8 * minute,
      measured: { countedFrom: 'run start' },
      reasons: [expect.stringContaining('start of the run')],
    })
  })

  test('a restore that nothing checked proves no RTO', () => {
    const run = drill('r1', { start: noon })
    const steps = run.steps.filter(({ kind }) => kind !== 'check')
    expect(of(auditAt(noon + day, { ...run, steps }), 'rto')).toMatchObject({
      verdict: 'unproven',
      reasons: ['no check proved the restored collection'],
    })
  })
})

describe('recall', () => {
  test.each([
    [0.95, 'met', 0],
    [0.949999, 'missed', 0.000001],
    [1, 'met', -0.05],
  ])('%f is %s', (recall, verdict, gap) => {
    const result = of(auditAt(noon + day, drill('r1', { start: noon, recall })), 'recall')
    expect(result).toMatchObject({ verdict, gap, actual: recall, measured: { k: 10, queries: 64 } })
    expect(result.evidence[0]?.artefacts).toEqual([
      { artefact: 'runs/r/measurement.json', sha256: 'a'.repeat(64) },
    ])
  })
})

describe('what counts as proof', () => {
  test('the newest drill decides, not the best one', () => {
    const good = drill('r1', { start: noon, recall: 1 })
    const bad = drill('r2', { start: noon + day, recall: 0.5 })
    expect(of(auditAt(noon + 2 * day, good, bad), 'recall')).toMatchObject({
      verdict: 'missed',
      run: 'r2',
    })
    expect(of(auditAt(noon + day - 1, good, bad), 'recall')).toMatchObject({ run: 'r1' })
  })

  test('proof older than the plan allows is unproven, and keeps its numbers', () => {
    const run = drill('r1', { start: noon })
    const end = noon + 8 * minute + 1_000
    expect(of(auditAt(end + 35 * day, run), 'recall').verdict).toBe('met')
    const old = of(auditAt(end + 35 * day + 1, run), 'recall')
    expect(old).toMatchObject({ verdict: 'unproven', actual: 0.98 })
    expect(old.reasons[0]).toBe('the proof is 35d old, and a drill is wanted every 35d')
  })

  test('proof outside the window is unproven', () => {
    const entries = ledgerOf(drill('r1', { start: noon }))
    const window = { from: noon + day, to: noon + 2 * day }
    for (const { verdict, reasons } of audit({ plan: plan(), entries, window }).verdicts) {
      expect(verdict).toBe('unproven')
      expect(reasons[0]).toContain('ran in the window')
    }
  })

  test('an empty ledger proves nothing', () => {
    const { totals } = auditAt(noon)
    expect(totals).toEqual({ met: 0, missed: 0, unproven: 3 })
  })

  test.each(['restore', 'check'])(
    'a drill that failed at %s missed all it was to prove',
    (step) => {
      const run = drill('r1', { start: noon })
      const failed = { ...run, steps: fail(run.steps, step), outcome: 'failed' as const }
      const { verdicts, totals } = auditAt(noon + day, failed)
      expect(totals).toEqual({ met: 0, missed: 3, unproven: 0 })
      for (const { reasons, evidence } of verdicts) {
        expect(reasons[0]).toBe(`the drill failed at step ${step}: it broke`)
        expect(evidence.at(-1)?.step).toBe(step)
      }
    },
  )

  test('a drill that failed before the disaster says nothing; the one before it still counts', () => {
    const good = drill('r1', { start: noon })
    const next = drill('r2', { start: noon + day })
    const failed = { ...next, steps: fail(next.steps, 'backup'), outcome: 'failed' as const }
    const recall = of(auditAt(noon + 2 * day, good, failed), 'recall')
    expect(recall).toMatchObject({ verdict: 'met', run: 'r1' })
    expect(recall.reasons[0]).toContain('r2: it failed at step backup')
    expect(of(auditAt(noon + 2 * day, failed), 'recall').verdict).toBe('unproven')
  })

  test.each(['void', 'interrupted'] as const)('a drill that was %s proves nothing', (outcome) => {
    const run = { ...drill('r1', { start: noon }), outcome }
    expect(auditAt(noon + day, run).totals).toEqual({ met: 0, missed: 0, unproven: 3 })
  })

  test('a drill whose process died proves nothing', () => {
    const { endedAt, ...run } = drill('r1', { start: noon })
    expect(endedAt).toBeDefined()
    const result = auditAt(noon + day, run)
    expect(result.totals.unproven).toBe(3)
    expect(result.runs[0]?.outcome).toBe('unfinished')
  })

  test('a drill whose clean-up failed is no proof', () => {
    const run = drill('r1', { start: noon })
    const cleanUp = stepAt(noon + 9 * minute, noon + 9 * minute, {
      step: 'drop',
      kind: 'drop',
      stage: 'always',
      outcome: 'failed',
    })
    const failed = {
      ...run,
      endedAt: noon + 10 * minute,
      outcome: 'failed' as const,
      steps: [...run.steps, cleanUp],
    }
    expect(auditAt(noon + day, failed).totals.unproven).toBe(3)
  })

  test('a drill is evidence only for what it says it proves', () => {
    const run = { ...drill('r1', { start: noon }), proves: ['recall'] as const }
    expect(auditAt(noon + day, run).totals).toEqual({ met: 1, missed: 0, unproven: 2 })
  })

  test('a schedule is no drill', () => {
    const run = { ...drill('r1', { start: noon }), kind: 'schedule' as const }
    expect(auditAt(noon + day, run).totals.unproven).toBe(3)
  })

  test('a plan that changed since is remarked', () => {
    const run = { ...drill('r1', { start: noon }), planSha256: '6'.repeat(64) }
    expect(auditAt(noon + day, run).remarks).toEqual([expect.stringContaining('has changed')])
  })
})

describe('one run alone', () => {
  test('is judged on the objectives that it proves of the collections that it restores', () => {
    const first = drill('r1', { start: noon, recall: 0.1 })
    const second = { ...drill('r2', { start: noon + day }), proves: ['rto', 'recall'] as const }
    const entries = ledgerOf(first, second)
    const window = { from: noon + day, to: noon + 2 * day }
    const result = audit({ plan: plan(), entries, window, run: 'r2' })
    expect(result.verdicts.map(({ objective, verdict }) => [objective, verdict])).toEqual([
      ['rto', 'met'],
      ['recall', 'met'],
    ])
    expect(result.runs.map(({ run }) => run)).toEqual(['r2'])
  })
})

test('the same input gives the same value, and what comes after the window changes nothing', () => {
  const moment = fc.integer({ min: 0, max: 20 })
  const runs = fc.array(
    fc.record({ at: moment, recall: fc.double({ min: 0, max: 1, noNaN: true }) }),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(runs, moment, (described, end) => {
      const sorted = [...described].sort((a, b) => a.at - b.at)
      const drills = sorted.map(({ at, recall }, index) =>
        drill(`r${index}`, { start: noon + at * day + index * 20 * minute, recall }),
      )
      const to = noon + end * day
      const window = { from: to - 90 * day, to }
      const whole = audit({ plan: plan(), entries: ledgerOf(...drills), window })
      const again = audit({ plan: plan(), entries: ledgerOf(...drills), window })
      expect(JSON.stringify(again)).toBe(JSON.stringify(whole))
      const before = drills.filter(({ endedAt = 0 }) => endedAt <= to)
      const then = audit({ plan: plan(), entries: ledgerOf(...before), window })
      expect(then.verdicts.map(({ verdict, run }) => [verdict, run])).toEqual(
        whole.verdicts.map(({ verdict, run }) => [verdict, run]),
      )
      // unproven never counts as met
      for (const { verdict, run } of whole.verdicts) {
        if (run === null) expect(verdict).toBe('unproven')
      }
    }),
    { numRuns: 100 },
  )
})

test('a sum is read as the runs that it is of', () => {
  const archive = (index: number): SummableRun => {
    const at = noon + index * 5 * minute
    const end = at + 2_000
    const archives = [
      {
        ...{ collection: 'words', target: 'primary', records: 3, bytes: 500 },
        ...{ readBack: { firstLsn: 100 + index, lastLsn: 100 + index } },
        position: position(100 + index, at),
      },
    ]
    return {
      run: `log-${index}`,
      ...{ at: iso(at), dueAt: iso(at), endedAt: iso(end), durationMs: 2_000 },
      records: [
        stepAt(at, end, {
          ...{ step: 'archive', kind: 'archive' },
          outputs: { destination: 'local', archives },
        }),
      ],
    }
  }
  const runs = Array.from({ length: 12 }, (_, index) => archive(index))
  const about = {
    sequence: { kind: 'schedule', name: 'log' },
    ...{ planFile: 'plans/test.yaml', version: '0' },
  } as const
  const [sum] = sumRuns(about, runs)
  if (sum === undefined) throw new Error('runs that are alike make a sum')
  const header = { plan: 'test', planSha256: '5'.repeat(64), gitCommit: null, run: 'log-11' }
  const { entry } = encodeLine(header, sum.body, startOfLedger, iso(noon + 60 * minute))
  const of = buildPlan({
    collections: [buildCollection('words', { objectives: { rpoMs: 15 * minute } })],
    schedules: new Map([['log', buildSchedule(every(5 * minute), { name: 'log' })]]),
  })
  for (const to of [noon + 30 * minute, noon + 90 * minute]) {
    const request = { plan: of, window: { from: noon - day, to } }
    const [byLine, byEntry] = [new Auditor(request), new Auditor(request)]
    byLine.readLine(entry)
    for (const each of unfold(entry)) byEntry.read(each)
    expect(byLine.finish()).toEqual(byEntry.finish())
  }
})
