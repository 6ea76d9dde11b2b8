/** A timer that fires when a test lets time pass; it moves the manual clock with it. */
import type { Timer } from '../../engine/base/timer.ts'
import type { ManualClock } from './manual-clock.ts'

export interface ManualTimer extends Timer {
  /** Time passes: everything due fires in order, and what follows from it gets its turn. */
  pass(milliseconds: number): Promise<void>
  /** Timers that were set and neither fired nor were cancelled. */
  readonly pending: number
}

interface Pending {
  readonly at: number
  readonly act: () => void
}

/** Lets everything that is ready run, promises of promises included. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export function manualTimer(clock: ManualClock): ManualTimer {
  const pending = new Set<Pending>()
  const next = (until: number): Pending | undefined =>
    [...pending].filter((each) => each.at <= until).sort((a, b) => a.at - b.at)[0]
  return {
    get pending() {
      return pending.size
    },
    after(milliseconds, act) {
      const entry = { at: clock.monotonicMs() + milliseconds, act }
      pending.add(entry)
      return () => pending.delete(entry)
    },
    async pass(milliseconds) {
      await settle()
      const until = clock.monotonicMs() + milliseconds
      for (let due = next(until); due !== undefined; due = next(until)) {
        pending.delete(due)
        clock.advance(Math.max(0, due.at - clock.monotonicMs()))
        due.act()
        await settle()
      }
      clock.advance(until - clock.monotonicMs())
      await settle()
    },
  }
}
