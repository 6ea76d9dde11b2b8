/** IANA time zones, and what a clock on the wall shows in one of them. */
import { nearest } from './nearest.ts'
import { problem, type Reading, value } from './reading.ts'

/** The zone's name. Fixed offsets and abbreviations are refused: they do not follow summer time. */
export function readZone(text: string): Reading<string> {
  if (isZone(text)) return value(text)
  const hint = suggestZone(text) ?? 'Write an IANA name such as Europe/Zurich, or UTC.'
  return problem(text.includes('/') ? 'is not a known time zone' : 'is not a time zone', hint)
}

/** Whether {@link readZone} accepts it, without a look for what was meant instead. */
export function isZone(text: string): boolean {
  if (text === 'UTC') return true
  if (!text.includes('/')) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false // the platform knows which zones there are, and answers by throwing
  }
}

function suggestZone(text: string): string | undefined {
  const zone = nearest(text, Intl.supportedValuesOf('timeZone'))
  return zone === undefined ? undefined : `Did you mean "${zone}"?`
}

export interface WallTime {
  /** `20261101` */
  readonly date: string
  /** `020000` */
  readonly time: string
}

/** Of each zone that was asked for; making one takes thirty times as long as using it. */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  formats.set(timezone, format)
  return format
}

/** Date and time of day at `instantAt` in `timezone`, digits only, so that they fit into names. */
export function wallTime(instantAt: number, timezone: string): WallTime {
  const named = formatOf(timezone).formatToParts(instantAt)
  const parts = new Map(named.map((part) => [part.type, part.value]))
  const digits = (...names: Intl.DateTimeFormatPartTypes[]): string =>
    names.map((name) => parts.get(name) ?? '').join('')
  return { date: digits('year', 'month', 'day'), time: digits('hour', 'minute', 'second') }
}
