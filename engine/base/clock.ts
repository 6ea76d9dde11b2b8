/** Time, injected. Nothing but this file reads the wall clock or the monotonic clock. */
export interface Clock {
  /** Wall clock, epoch milliseconds. May jump; never use it to measure a duration. */
  nowMs(): number
  /** Wall clock, epoch microseconds as an integer. */
  nowUs(): number
  /** Milliseconds since an arbitrary start, never going back. For durations only. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  monotonicMs: () => performance.now(),
}
