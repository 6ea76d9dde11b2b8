/** A clock that a test turns by hand. Both its clocks move together unless the wall clock is set. */
import type { Clock } from '../../engine/base/clock.ts'

export interface ManualClock extends Clock {
  /** Time passes. */
  advance(milliseconds: number): void
  /** Somebody sets the wall clock; the monotonic clock does not notice. */
  setWallClock(epochMs: number): void
}

/** Starts at 2026-01-01T00:00:00Z unless told otherwise. */
export function manualClock(startAt = Date.UTC(2026, 0, 1)): ManualClock {
  let wallMs = startAt
  let monotonicMs = 0
  return {
    nowMs: () => Math.floor(wallMs),
    nowUs: () => Math.round(wallMs * 1000),
    monotonicMs: () => monotonicMs,
    advance: (milliseconds) => {
      wallMs += milliseconds
      monotonicMs += milliseconds
    },
    setWallClock: (epochMs) => {
      wallMs = epochMs
    },
  }
}
