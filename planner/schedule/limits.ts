/** Bounds of the scheduler, in milliseconds. */

/**
 * How late a run may begin and still be the run of its due time, where nobody watched all the while: a scheduler that
 * calls once in ten minutes is in time, and so is a daemon that was restarted.
 */
export const patienceMs = 10 * 60_000

/** For {@link Moment.watchedSinceAt} of whoever begins to watch at `now`. */
export const watchedSince = (now: number): number => now - patienceMs

/** The daemon looks at clock and plan file at least so often. */
export const napMs = 5_000

/** A difference of wall and monotonic clock between two looks that is told as a jump. */
export const jumpMs = 5_000

/** A loop that did not look for so long, while nothing runs, is not healthy. */
export const stuckMs = 2 * 60_000
