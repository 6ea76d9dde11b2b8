/**
 * What was due and what became of it, for everything that the clock runs. Pure.
 *
 * - A due time is *attempted* by the runs from it to the next one. It *succeeded* when one of them passed,
 *   *failed* when none did, and is *unfinished* while the only one has no end. Without a run it was *missed*;
 *   as long as jitter and patience still allow one it is *pending*, and not counted.
 * - `every:` counts on from the due time of the last run, so what lies between two runs more than one period
 *   apart was missed.
 * - Before the ledger first names the plan nothing was due.
 */
import type { Plan } from '../plan/plan.ts'
import { dueAfter, withJitter } from '../schedule/due-times.ts'
import { patienceMs } from '../schedule/limits.ts'
import { keyOf, type Timed } from '../schedule/timed.ts'
import type { Span } from './claims.ts'
import type { LedgerRun, ServedRuns } from './ledger-run.ts'

export type DueOutcome = 'succeeded' | 'failed' | 'unfinished' | 'missed'

export interface Occurrence {
  /** Epoch milliseconds. */
  readonly dueAt: number
  readonly outcome: DueOutcome
  /** The run that decides: the first that passed, else the last one. */
  readonly run?: OccurringRun
}

/** A run, as far as due times ask; one that passed may have let go of its steps. */
export type OccurringRun = Pick<
  LedgerRun,
  'run' | 'line' | 'sequence' | 'dueAt' | 'startedAt' | 'ended' | 'steps'
>

export interface Occurrences {
  readonly sequence: Timed
  /** By due time. */
  readonly all: readonly Occurrence[]
  /** Due at the end of the window and not begun, in time still. */
  readonly pending: number
}

/**
 * @param runs of the plan, whatever they ran
 * @param served more of them: runs of schedules that passed
 */
export function occurrencesOf(
  plan: Plan,
  sequences: readonly Timed[],
  runs: readonly LedgerRun[],
  served: ReadonlyMap<string, ServedRuns>,
  window: Span,
): Occurrences[] {
  const bySequence = new Map<string, OccurringRun[]>()
  for (const run of runs) {
    const key = keyOf(run.sequence)
    const known = bySequence.get(key)
    if (known === undefined) bySequence.set(key, [run])
    else known.push(run)
  }
  return sequences.map((sequence) => {
    const passed = sequence.kind === 'schedule' ? served.get(sequence.name) : undefined
    const own = [...(bySequence.get(keyOf(sequence)) ?? []), ...runsIn(sequence, passed)].sort(
      (a, b) => a.dueAt - b.dueAt,
    )
    const dues =
      sequence.rhythm.kind === 'cron'
        ? cronDues(sequence, window)
        : everyDues(sequence.rhythm.everyMs, own, window)
    return { sequence, ...judge(plan, sequence, dues, own, window) }
  })
}

const noSteps: OccurringRun['steps'] = []

const runsIn = ({ kind, name }: Timed, served: ServedRuns | undefined): OccurringRun[] => {
  const sequence = { kind, name }
  return (served?.runs ?? []).map((run, index) => {
    const startedAt = served?.startedAt[index] ?? 0
    const at = served?.endedAt[index] ?? 0
    return {
      ...{ run, line: served?.lines[index] ?? 0, sequence, steps: noSteps, startedAt },
      dueAt: served?.dueAt[index] ?? 0,
      ended: { at, outcome: 'passed', durationMs: at - startedAt },
    }
  })
}

function cronDues(sequence: Timed, { from, to }: Span): number[] {
  const dues: number[] = []
  for (let due = dueAfter(sequence, from - 1); due !== undefined && due <= to; ) {
    dues.push(due)
    due = dueAfter(sequence, due)
  }
  return dues
}

/** The due times of runs, and those between them where runs are missing. */
function everyDues(everyMs: number, runs: readonly OccurringRun[], { from, to }: Span): number[] {
  const before = runs.findLast(({ dueAt }) => dueAt < from)
  const dues: number[] = []
  // without a run it is due at once
  let last = before?.dueAt ?? from - everyMs
  const fill = (until: number): void => {
    const missing = Math.max(0, Math.round((until - last) / everyMs) - 1)
    for (let slot = 1; slot <= missing; slot++) {
      const due = last + slot * everyMs
      if (due >= from && due <= to) dues.push(due)
    }
  }
  for (const { dueAt } of runs) {
    if (dueAt < from || dueAt > to || dueAt === dues.at(-1)) continue
    fill(dueAt)
    dues.push(dueAt)
    last = dueAt
  }
  for (let due = last + everyMs; due <= to; due += everyMs) if (due >= from) dues.push(due)
  return dues
}

function judge(
  plan: Plan,
  sequence: Timed,
  dues: readonly number[],
  runs: readonly OccurringRun[],
  { to }: Span,
): Pick<Occurrences, 'all' | 'pending'> {
  const all: Occurrence[] = []
  let pending = 0
  let next = 0
  for (const [index, dueAt] of dues.entries()) {
    const end = dues[index + 1] ?? Number.POSITIVE_INFINITY
    while ((runs[next]?.dueAt ?? end) < dueAt) next++
    const own: OccurringRun[] = []
    for (; (runs[next]?.dueAt ?? end) < end; next++) {
      const run = runs[next]
      if (run !== undefined && run.startedAt <= to) own.push(run)
    }
    const run = own.find(({ ended }) => ended?.outcome === 'passed') ?? own.at(-1)
    if (run !== undefined) all.push({ dueAt, outcome: outcomeOf(run), run })
    else if (withJitter(plan.name, sequence, dueAt).latestStartAt + patienceMs > to) pending++
    else all.push({ dueAt, outcome: 'missed' })
  }
  return { all, pending }
}

function outcomeOf({ ended }: OccurringRun): DueOutcome {
  if (ended === undefined) return 'unfinished'
  return ended.outcome === 'passed' ? 'succeeded' : 'failed'
}
