/**
 * The times at which a sequence is due. Pure.
 *
 * A cron line is read in its zone. `every:` counts from the due time of the last run, so a run that
 * starts late does not move the ones after it; without a run it is due at once.
 */
import { nextDue, previousDue } from '../plan/cron.ts'
import { jitterOf } from './jitter.ts'
import type { Timed } from './timed.ts'

/** Epoch milliseconds. */
export interface DueTime {
  readonly dueAt: number
  /** With jitter; equal to {@link dueAt} without. */
  readonly startAt: number
  /** The latest start that jitter allows. */
  readonly latestStartAt: number
}

/** The last due time at or before `now`. @param lastDueAt that of the last run */
export function lastDue(
  sequence: Timed,
  lastDueAt: number | undefined,
  now: number,
): number | undefined {
  const { rhythm } = sequence
  if (rhythm.kind === 'cron') return previousDue(rhythm.line, rhythm.timezone, now)
  if (lastDueAt === undefined) return now
  const periods = Math.floor((now - lastDueAt) / rhythm.everyMs)
  return periods < 0 ? undefined : lastDueAt + periods * rhythm.everyMs
}

/** The first due time after `dueAt`, itself a due time or any instant for a cron line. */
export function dueAfter({ rhythm }: Timed, dueAt: number): number | undefined {
  if (rhythm.kind === 'every') return dueAt + rhythm.everyMs
  return nextDue(rhythm.line, rhythm.timezone, dueAt)
}

/** From `dueAt` to the next due time. */
export function periodMs(sequence: Timed, dueAt: number): number {
  return (dueAfter(sequence, dueAt) ?? Number.POSITIVE_INFINITY) - dueAt
}

/** A due time with its jitter. */
export function withJitter(plan: string, sequence: Timed, dueAt: number): DueTime {
  const period = periodMs(sequence, dueAt)
  return {
    dueAt,
    startAt: dueAt + jitterOf(plan, sequence, dueAt, period),
    latestStartAt: dueAt + Math.min(sequence.jitterMs ?? 0, period),
  }
}
