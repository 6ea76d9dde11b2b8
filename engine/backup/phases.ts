/** Named phases of long work, each timed: what the result reports and what later estimates rest on. */
import type { Clock } from '../base/clock.ts'

export interface PhaseTime {
  readonly phase: string
  readonly durationMs: number
}

export class Phases {
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #times: PhaseTime[] = []
  /** Time of the phases inside the one that is running: it is theirs, not its. */
  #innerMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedMs = clock.monotonicMs()
  }

  async run<T>(phase: string, work: () => Promise<T>): Promise<T> {
    const startedMs = this.#clock.monotonicMs()
    const outerMs = this.#innerMs
    this.#innerMs = 0
    try {
      return await work()
    } finally {
      const wholeMs = this.#clock.monotonicMs() - startedMs
      this.#times.push({ phase, durationMs: rounded(wholeMs - this.#innerMs) })
      this.#innerMs = outerMs + wholeMs
    }
  }

  /** In the order in which they ended. */
  get times(): readonly PhaseTime[] {
    return [...this.#times]
  }

  get totalMs(): number {
    return rounded(this.#clock.monotonicMs() - this.#startedMs)
  }
}

/** To the microsecond: more digits would only be noise in a ledger. */
export const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000
