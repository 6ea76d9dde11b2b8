/**
 * Writes that had to wait because segments fill faster than they are sealed: how often, how long, and
 * what waits now. A wait is bounded by the sealing of one segment: at most `limits.pendingSeals` wait to
 * be sealed, and the writers go on as soon as one of them is done.
 */
import type { Clock } from '../base/clock.ts'

export interface WriteStallStats {
  /** Writes that have waited since the collection was opened, those that wait now left out. */
  readonly count: number
  readonly totalMs: number
  readonly longestMs: number
  /** Writes that wait now. */
  readonly waiting: number
  /** For how long the one that came first has waited; 0 when none waits. */
  readonly waitingMs: number
  /** Frozen segments whose sealing is not committed yet, and at how many of them writes wait. */
  readonly pendingSeals: number
  readonly pendingSealsLimit: number
}

export class WriteStalls {
  readonly #clock: Clock
  /** When each write that waits now began to, in that order. */
  readonly #waiting = new Set<{ readonly sinceMs: number }>()
  #count = 0
  #totalMs = 0
  #longestMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Measures one wait, however it ends. */
  async during(wait: () => Promise<void>): Promise<void> {
    const stall = { sinceMs: this.#clock.monotonicMs() }
    this.#waiting.add(stall)
    try {
      await wait()
    } finally {
      this.#waiting.delete(stall)
      const tookMs = this.#clock.monotonicMs() - stall.sinceMs
      this.#count++
      this.#totalMs += tookMs
      this.#longestMs = Math.max(this.#longestMs, tookMs)
    }
  }

  /** What has waited so far, in whole milliseconds. */
  stats(): Omit<WriteStallStats, 'pendingSeals' | 'pendingSealsLimit'> {
    const [first] = this.#waiting
    const nowMs = this.#clock.monotonicMs()
    return {
      count: this.#count,
      totalMs: Math.round(this.#totalMs),
      longestMs: Math.round(this.#longestMs),
      waiting: this.#waiting.size,
      waitingMs: first === undefined ? 0 : Math.round(nowMs - first.sinceMs),
    }
  }
}
