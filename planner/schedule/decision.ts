/**
 * Whether a sequence is due now. Pure: plan, ledger and clock in, a decision out.
 *
 * - A due time is served by any run that was due at it or later, so each runs once, whoever asks.
 * - Several unserved due times are one run, for the newest of them: no storm after a pause.
 * - A cron time from before anybody watched was *missed*: `catchUp: true` runs the newest once, else
 *   it is only told. An interval is never missed, only overdue.
 * - Clock set back: a run that the ledger has in the future counts while it is less than one period
 *   ahead, so nothing runs twice; further ahead it was written by a clock that was wrong, and is set
 *   aside, so that nothing stands still until that time has come.
 */
import { dueAfter, lastDue, periodMs, withJitter } from './due-times.ts'
import type { ServedTimes } from './served-times.ts'
import { keyOf, type Timed } from './timed.ts'

export interface Moment {
  /** Epoch milliseconds. */
  readonly now: number
  /** Cron times from here on cannot have been missed. */
  readonly watchedSinceAt: number
}

interface Base {
  readonly sequence: Timed
  /** By how much the newest run in the ledger lies ahead of the clock, where it is set aside. */
  readonly aheadMs?: number
}

/** To be started now. */
export interface Due extends Base {
  readonly kind: 'due'
  readonly dueAt: number
  /** Older due times that this run serves as well; counted up to {@link countedMissed}. */
  readonly missed: number
  /** It is a missed run that is caught up. */
  readonly caughtUp: boolean
}

/** Not now. */
export interface Later extends Base {
  readonly kind: 'later'
  /** Absent for a cron line that is never due again. */
  readonly next?: {
    readonly dueAt: number
    readonly startAt: number
    readonly latestStartAt: number
  }
  /** A missed due time that nobody wants caught up. */
  readonly skippedDueAt?: number
}

export type Decision = Due | Later

export const countedMissed = 100

/** How a sequence stands at a moment. @param plan its name */
export function decide(
  plan: string,
  sequence: Timed,
  past: ServedTimes,
  { now, watchedSinceAt }: Moment,
): Decision {
  const { last, aheadMs } = lastCounted(sequence, past, now)
  const base = { sequence, ...(aheadMs !== undefined && { aheadMs }) }
  const newest = lastDue(sequence, last, now)
  const isEvery = sequence.rhythm.kind === 'every'
  // an interval that never ran is due at any moment; jitter would move away with the clock
  const isFirst = isEvery && last === undefined
  const begun = unserved(sequence, newest, last).find(
    (dueAt) => isFirst || withJitter(plan, sequence, dueAt).startAt <= now,
  )
  if (begun !== undefined) {
    const isMissed = !isEvery && begun < watchedSinceAt
    // before the plan's first run nothing can have been missed
    const from = last ?? past.knownSinceAt
    const isWanted = sequence.catchUp && from !== undefined && begun > from
    if (!isMissed || isWanted) {
      const missed = countMissed(sequence, last ?? watchedSinceAt - 1, begun)
      return { kind: 'due', ...base, dueAt: begun, missed, caughtUp: isMissed }
    }
    const skipped = from !== undefined && begun > from ? { skippedDueAt: begun } : {}
    return { kind: 'later', ...base, ...nextOf(plan, sequence, newest, last, now), ...skipped }
  }
  return { kind: 'later', ...base, ...nextOf(plan, sequence, newest, last, now) }
}

/** The newest due time and the one before, where no run has served them, newest first. */
function unserved(
  sequence: Timed,
  newest: number | undefined,
  last: number | undefined,
): readonly number[] {
  if (newest === undefined) return []
  const before =
    sequence.rhythm.kind === 'every' && last === undefined
      ? undefined
      : lastDue(sequence, last, newest - 1)
  return [newest, before].filter(
    (dueAt): dueAt is number => dueAt !== undefined && (last === undefined || dueAt > last),
  )
}

/** The due time that waits for its jitter, or else the next one. */
function nextOf(
  plan: string,
  sequence: Timed,
  newest: number | undefined,
  last: number | undefined,
  now: number,
): Pick<Later, 'next'> {
  const waiting = newest !== undefined && (last === undefined || newest > last) ? newest : undefined
  if (waiting !== undefined) {
    const due = withJitter(plan, sequence, waiting)
    if (due.startAt > now) return { next: due }
  }
  const from = sequence.rhythm.kind === 'every' ? (last ?? now) : Math.max(now, last ?? now)
  const dueAt = dueAfter(sequence, from)
  return dueAt === undefined ? {} : { next: withJitter(plan, sequence, dueAt) }
}

function lastCounted(sequence: Timed, past: ServedTimes, now: number) {
  const times = past.dueAt.get(keyOf(sequence)) ?? []
  const last = times.findLast((dueAt) => dueAt - now < periodMs(sequence, dueAt))
  const newest = times.at(-1)
  const aheadMs = newest !== undefined && newest !== last ? newest - now : undefined
  return { last, aheadMs }
}

/** Due times after `from` and before `dueAt`. */
function countMissed(sequence: Timed, from: number, dueAt: number): number {
  const { rhythm } = sequence
  if (rhythm.kind === 'every') {
    return Math.min(countedMissed, Math.max(0, Math.round((dueAt - from) / rhythm.everyMs) - 1))
  }
  let count = 0
  for (let each = dueAfter(sequence, from); each !== undefined && each < dueAt; count++) {
    if (count === countedMissed) break
    each = dueAfter(sequence, each)
  }
  return count
}
