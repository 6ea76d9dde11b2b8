/** How late a run may begin and still be the run of its due time, where nobody watched all the while. */

/** A scheduler that calls once in ten minutes is still in time; so is a daemon that was restarted. */
export const patienceMs = 10 * 60_000

/** For {@link Moment.watchedSinceAt} of whoever begins to watch at `now`. */
export const watchedSince = (now: number): number => now - patienceMs
