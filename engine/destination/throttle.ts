/**
 * A bound on the bytes that pass to and from destinations in a second, kept in the mean: each value waits
 * until the ones before it have taken their time. A value passes at full speed once it is its turn, so the
 * line is busy for moments and idle between; over the length of some values it is what was asked for.
 */
import type { Clock } from '../base/clock.ts'
import { pause, type Timer } from '../base/timer.ts'

export interface ThrottleOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly timer: Timer
  /** Ends the waiting, with its reason. */
  readonly signal?: AbortSignal | undefined
}

export class Throttle {
  readonly bytesPerSecond: number
  readonly #options: ThrottleOptions
  /** When everything that was let through has taken its time. */
  #freeAtMs = 0

  constructor(bytesPerSecond: number, options: ThrottleOptions) {
    this.bytesPerSecond = bytesPerSecond
    this.#options = options
  }

  /** Resolves when `bytes` may pass. @throws the signal's reason */
  async pass(bytes: number): Promise<void> {
    const { clock, signal, timer } = this.#options
    signal?.throwIfAborted()
    const nowMs = clock.monotonicMs()
    const atMs = Math.max(nowMs, this.#freeAtMs)
    this.#freeAtMs = atMs + (1_000 * bytes) / this.bytesPerSecond
    if (atMs > nowMs) await pause(timer, atMs - nowMs, signal)
  }
}
