/** What the clocks on the wall show in a week of a time zone, also where they are put forward or back. */
import { wallTime } from '../plan/zone.ts'
import type { Window } from './loss.ts'

const weekMs = 7 * 86_400_000

/** A Monday 00:00 from which weeks are counted; UTC. */
const someMondayAt = Date.UTC(1970, 0, 5)

/** Nobody is waited for longer; after that the clocks are left as they are. */
const watchedWeeks = 6

/** Asking does not allocate. Instants are epoch milliseconds. */
export class WeekClocks {
  /** Instants at which the clocks are changed, ascending. */
  readonly #changes: readonly number[]
  /** How far they are ahead of UTC, before the first of them and from each on. */
  readonly #offsets: readonly number[]

  /** @param window in which disasters are drawn */
  constructor(timezone: string, { from, to }: Window) {
    const changes: number[] = []
    const offsets = [offsetMs(from, timezone)]
    const end = to + watchedWeeks * weekMs
    for (let at = from; at < end; at += weekMs) {
      const next = offsetMs(at + weekMs, timezone)
      if (next === offsets.at(-1)) continue
      changes.push(changeBetween(at, at + weekMs, timezone))
      offsets.push(next)
    }
    this.#changes = changes
    this.#offsets = offsets
  }

  #offsetAt(instantAt: number): number {
    let index = 0
    while (index < this.#changes.length && (this.#changes[index] ?? 0) <= instantAt) index++
    return this.#offsets[index] ?? 0
  }

  /** Milliseconds since a Monday 00:00 on the wall. */
  shownAt(instantAt: number): number {
    return instantAt + this.#offsetAt(instantAt) - someMondayAt
  }

  /** When the clocks first show `shownMs`, or more where they jump over it, from `fromAt` on. */
  nextAt(shownMs: number, fromAt: number): number {
    const before = this.#offsetAt(fromAt)
    const at = shownMs - before + someMondayAt
    const after = this.#offsetAt(at)
    if (after === before) return at
    const changeAt = this.#changes.findLast((each) => each <= at) ?? at
    return Math.max(changeAt, at + before - after)
  }
}

/** How far clocks of the zone are ahead of UTC. */
export function offsetMs(instantAt: number, timezone: string): number {
  const { date, time } = wallTime(instantAt, timezone)
  const digits = (text: string, from: number, to: number) => Number(text.slice(from, to))
  const shown = Date.UTC(
    digits(date, 0, 4),
    digits(date, 4, 6) - 1,
    digits(date, 6, 8),
    digits(time, 0, 2),
    digits(time, 2, 4),
    digits(time, 4, 6),
  )
  return shown - Math.floor(instantAt / 1_000) * 1_000
}

/** To the second; the clocks are not as they were at the end. */
function changeBetween(from: number, to: number, timezone: string): number {
  const before = offsetMs(from, timezone)
  let [low, high] = [Math.floor(from / 1_000), Math.ceil(to / 1_000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetMs(middle * 1_000, timezone) === before) low = middle
    else high = middle
  }
  return high * 1_000
}
