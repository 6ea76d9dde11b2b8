/** The days of a window in a time zone, as long as they were: 23 and 25 hours where clocks change. Pure. */
import { nextDue } from '../plan/cron.ts'
import { wallTime } from '../plan/zone.ts'
import type { Span } from './claims.ts'

/** The part of a day that lies in the window; epoch milliseconds, the end not part of it. */
export interface Day extends Span {
  /** `2026-10-25` */
  readonly day: string
}

/** In their order; the first and the last may be parts of days. */
export function daysOf({ from, to }: Span, timezone: string): Day[] {
  const days: Day[] = []
  for (let start = from; start <= to; ) {
    const end = nextDue('0 0 * * *', timezone, start) ?? to + 1
    const digits = wallTime(start, timezone).date
    const day = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`
    days.push({ day, from: start, to: end })
    start = end
  }
  return days
}

/** The index of the day that holds the instant; -1 for one outside. */
export function dayAt(days: readonly Day[], instant: number): number {
  let low = 0
  let high = days.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((days[middle]?.to ?? 0) <= instant) low = middle + 1
    else high = middle
  }
  const day = days[low]
  return day !== undefined && instant >= day.from ? low : -1
}
