/**
 * How far a standby is behind, and what a promotion of it would lose.
 *
 * As-of is the last moment at which the standby is known to have had everything that the primary had
 * acknowledged: the moment before it asked a question whose answer was "nothing newer". It needs no common
 * clock, and moves on while nobody writes.
 */
import type { Clock } from '../base/clock.ts'

/** Plain data, for status and metrics. */
export interface Lag {
  /** Records of the primary that are not here, as far as the primary's last answer said. */
  readonly records: number
  /** Log bytes of these. */
  readonly bytes: number
  /** Since the as-of moment; null when there was none since this process started. */
  readonly seconds: number | null
  /** ISO 8601, on this node's clock; null as above. */
  readonly asOfAt: string | null
}

export class LagMeter {
  readonly #clock: Clock
  #asOfMs: number | undefined
  #primaryLsn = 0
  #behindBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * An answer came and was applied.
   * @param askedMs monotonic, before the question was sent; `waitedMs`: how long the primary held it
   */
  heard(answer: {
    readonly askedMs: number
    readonly waitedMs: number
    readonly primaryLsn: number
    readonly behindBytes: number
    readonly lsn: number
  }): void {
    this.#primaryLsn = answer.primaryLsn
    this.#behindBytes = answer.behindBytes
    if (answer.lsn < answer.primaryLsn) return
    const moment = Math.min(answer.askedMs + answer.waitedMs, this.#clock.monotonicMs())
    this.#asOfMs = Math.max(this.#asOfMs ?? moment, moment)
  }

  lag(lsn: number): Lag {
    const { monotonicMs, nowMs } = this.#clock
    const ageMs = this.#asOfMs === undefined ? undefined : monotonicMs() - this.#asOfMs
    return {
      records: Math.max(0, this.#primaryLsn - lsn),
      bytes: this.#primaryLsn > lsn ? this.#behindBytes : 0,
      seconds: ageMs === undefined ? null : ageMs / 1000,
      asOfAt: ageMs === undefined ? null : new Date(nowMs() - ageMs).toISOString(),
    }
  }
}
