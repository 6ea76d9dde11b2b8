/**
 * Hours, days, weeks, months and years of a time zone, as names of the stretch that an instant lies in. What
 * the calendar of a zone says at an instant is asked of `Intl`; nothing is computed with offsets here.
 */
import { fail } from '../base/errors.ts'

export const periods = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type Period = (typeof periods)[number]

export interface Calendar {
  /** Two instants have the same name when they lie in the same stretch; it is shown to people. */
  stretch(period: Period, atMs: number): string
}

const dayMs = 86_400_000
/** 1970-01-01 was a Thursday: so many days after a Monday. */
const daysAfterMonday = 3

/** @param zone an IANA name, such as Europe/Zurich. @throws `usage` when there is no such zone */
export function openCalendar(zone: string): Calendar {
  const format = formatOf(zone)
  const cache = new Map<number, Readonly<Record<string, string>>>()
  const partsOf = (atMs: number) => {
    const known = cache.get(atMs)
    if (known !== undefined) return known
    const parts: Record<string, string> = {}
    for (const { type, value } of format.formatToParts(atMs)) parts[type] = value
    cache.set(atMs, parts)
    return parts
  }
  return {
    stretch(period, atMs) {
      const { year = '', month = '', day = '', hour = '', timeZoneName = '' } = partsOf(atMs)
      const date = `${year.padStart(4, '0')}-${month}-${day}`
      switch (period) {
        case 'hourly':
          return `${date}T${hour} ${timeZoneName}` // the hour that a clock change repeats is two hours
        case 'daily':
          return date
        case 'weekly':
          return `week of ${mondayOf(date)}`
        case 'monthly':
          return date.slice(0, -3)
        case 'yearly':
          return date.slice(0, -6)
      }
    },
  }
}

/** The Monday of a calendar date's week. Dates without times have no zone: days are counted in UTC. */
function mondayOf(date: string): string {
  const days = Date.parse(`${date}T00:00:00Z`) / dayMs
  const monday = days - ((((days + daysAfterMonday) % 7) + 7) % 7)
  return new Date(monday * dayMs).toISOString().slice(0, 10)
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      timeZoneName: 'longOffset',
    })
  } catch {
    return fail(
      'usage',
      `there is no time zone ${timeZone}`,
      'Write an IANA name such as Europe/Zurich.',
    )
  }
}
