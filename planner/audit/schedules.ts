/** The section on schedules: what was due and what became of it, in sums and day by day. Plain JSON. */
import type { Rhythm } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import { toIso } from '../step/observation.ts'
import type { Day } from './days.ts'
import type { DueOutcome, Occurrence, Occurrences } from './occurrences.ts'

/** How many due times came to what. `due` is the sum of the other four. */
export interface DueCounts {
  readonly due: number
  readonly succeeded: number
  readonly failed: number
  /** Begun, and without an end: it still ran, or its process had died. */
  readonly unfinished: number
  readonly missed: number
}

/** One day of the calendar, as long as the day was: 23 and 25 hours where clocks change. */
export interface CalendarDay extends DueCounts {
  /** `2026-10-25`, in the time zone of the plan. */
  readonly day: string
}

/** Due times one after the other that came to the same and did not succeed. */
export interface Failing {
  readonly outcome: Exclude<DueOutcome, 'succeeded'>
  readonly firstDueAt: string
  readonly lastDueAt: string
  readonly count: number
  /** Of the first of them; null where no run began. */
  readonly run: string | null
  /** Line of the ledger. */
  readonly line: number | null
  readonly error: string | null
}

export interface SequenceReport extends DueCounts {
  readonly sequence: { readonly kind: 'schedule' | 'drill'; readonly name: string }
  /** `0 2 * * * Europe/Zurich`, `every 5m`. */
  readonly rhythm: string
  /** Those of {@link due} for which a run began. */
  readonly attempted: number
  /** Due right before the end of the window, and in time still; not part of {@link due}. */
  readonly pending: number
  readonly failing: readonly Failing[]
  readonly days: readonly CalendarDay[]
}

/** @param days of the window */
export function reportSchedules(
  all: readonly Occurrences[],
  days: readonly Day[],
): SequenceReport[] {
  return all.map(({ sequence, all: occurrences, pending }) => {
    const counts = countDues(occurrences)
    return {
      sequence: { kind: sequence.kind, name: sequence.name },
      rhythm: rhythmText(sequence.rhythm),
      ...counts,
      attempted: counts.due - counts.missed,
      pending,
      failing: failingOf(occurrences),
      days: byDay(occurrences, days),
    }
  })
}

/** `0 2 * * * Europe/Zurich`, `every 5m`. */
export const rhythmText = (rhythm: Rhythm): string =>
  rhythm.kind === 'cron'
    ? `${rhythm.line} ${rhythm.timezone}`
    : `every ${formatDuration(rhythm.everyMs)}`

function countDues(occurrences: readonly Occurrence[]): DueCounts {
  const counts = { due: 0, succeeded: 0, failed: 0, unfinished: 0, missed: 0 }
  for (const { outcome } of occurrences) {
    counts.due++
    counts[outcome]++
  }
  return counts
}

function failingOf(occurrences: readonly Occurrence[]): Failing[] {
  const failing: { -readonly [Key in keyof Failing]: Failing[Key] }[] = []
  let before: Occurrence | undefined
  for (const each of occurrences) {
    const { outcome, dueAt, run } = each
    const last = failing.at(-1)
    if (outcome !== 'succeeded') {
      // runs stand alone: each has an error of its own
      if (last !== undefined && outcome === 'missed' && before?.outcome === 'missed') {
        last.lastDueAt = toIso(dueAt)
        last.count++
      } else {
        failing.push({
          outcome,
          firstDueAt: toIso(dueAt),
          lastDueAt: toIso(dueAt),
          count: 1,
          run: run?.run ?? null,
          line: run?.line ?? null,
          error: run?.ended?.error?.message ?? null,
        })
      }
    }
    before = each
  }
  return failing
}

function byDay(occurrences: readonly Occurrence[], days: readonly Day[]): CalendarDay[] {
  let next = 0
  return days.map(({ day, to }) => {
    const begin = next
    while ((occurrences[next]?.dueAt ?? to) < to) next++
    return { day, ...countDues(occurrences.slice(begin, next)) }
  })
}
