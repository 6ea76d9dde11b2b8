/** The section on drills: due, done, overdue. Plain JSON. */
import type { Drill, ObjectiveKind, Plan } from '../plan/plan.ts'
import { toIso } from '../step/observation.ts'
import type { Span } from './claims.ts'
import type { LedgerRun } from './ledger-run.ts'
import { rhythmText, type SequenceReport } from './schedules.ts'

export interface DrillReport {
  readonly drill: string
  readonly proves: readonly ObjectiveKind[]
  /** Null when people run it. */
  readonly rhythm: string | null
  /** By the clock; null when people run it. */
  readonly due: number | null
  readonly missed: number | null
  /** Runs that began in the window, by how they ended. */
  readonly done: number
  readonly passed: number
  readonly failed: number
  /** The system was not steady before it: neither passed nor failed. */
  readonly void: number
  /** Interrupted, or without an end. */
  readonly broken: number
  /** Of the ledger up to the end of the window. */
  readonly lastPassedAt: string | null
  readonly lastPassedRun: string | null
  /** What compliance.drillEvery wants; null when it says nothing. */
  readonly everyMs: number | null
  /** Since when the last pass is older than that, at the end of the window; null when it is not. */
  readonly overdueSince: string | null
  /** Time in the window for which it was. */
  readonly overdueMs: number
}

/**
 * @param runs of the plan up to the end of the window
 * @param schedules what was due
 */
export function reportDrills(
  plan: Plan,
  runs: readonly LedgerRun[],
  schedules: readonly SequenceReport[],
  window: Span,
): DrillReport[] {
  return [...plan.drills.values()].map((drill) => {
    const own = runs.filter(
      ({ sequence }) => sequence.kind === 'drill' && sequence.name === drill.name,
    )
    const inside = own.filter(({ startedAt }) => startedAt >= window.from && startedAt <= window.to)
    const ended = (...outcomes: readonly string[]) =>
      inside.filter((run) => outcomes.includes(run.ended?.outcome ?? 'unfinished')).length
    const passes = own
      .filter((run) => run.ended?.outcome === 'passed' && run.ended.at <= window.to)
      .map(({ run, ended: end }) => ({ run, at: end?.at ?? 0 }))
      .sort((a, b) => a.at - b.at)
    const last = passes.at(-1)
    const clocked = schedules.find(
      ({ sequence }) => sequence.kind === 'drill' && sequence.name === drill.name,
    )
    return {
      ...{ drill: drill.name, proves: drill.proves },
      rhythm: drill.rhythm === undefined ? null : rhythmText(drill.rhythm),
      due: clocked?.due ?? null,
      missed: clocked?.missed ?? null,
      done: inside.length,
      passed: ended('passed'),
      failed: ended('failed'),
      void: ended('void'),
      broken: ended('interrupted', 'unfinished'),
      lastPassedAt: last === undefined ? null : toIso(last.at),
      lastPassedRun: last?.run ?? null,
      ...overdue(
        drill,
        plan.compliance.drillEveryMs,
        passes.map(({ at }) => at),
        window,
      ),
    }
  })
}

/** Before the first pass it counts from the start of the window. */
function overdue(
  { proves }: Drill,
  everyMs: number | undefined,
  passes: readonly number[],
  { from, to }: Span,
): Pick<DrillReport, 'everyMs' | 'overdueSince' | 'overdueMs'> {
  // one that proves nothing is wanted by nobody
  if (everyMs === undefined || proves.length === 0) {
    return { everyMs: null, overdueSince: null, overdueMs: 0 }
  }
  let since = passes.findLast((at) => at <= from) ?? from
  let overdueMs = 0
  for (const at of passes.filter((each) => each > from)) {
    overdueMs += Math.max(0, at - Math.max(from, since + everyMs))
    since = at
  }
  const begins = since + everyMs
  overdueMs += Math.max(0, to - Math.max(from, begins))
  return { everyMs, overdueSince: begins < to ? toIso(begins) : null, overdueMs }
}
