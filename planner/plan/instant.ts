/**
 * Instants and dates. An instant carries its offset: `2026-11-01T10:00:00+01:00` or `…Z`. Without one
 * it means another moment on another machine, so it is refused rather than guessed.
 */
import { problem, type Reading, value } from './reading.ts'

const instantPattern =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?$/
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/

const instantHint = 'Write it with its offset from UTC: 2026-11-01T10:00:00+01:00, or …Z for UTC.'

/** Epoch milliseconds. */
export function readInstant(text: string): Reading<number> {
  const match = instantPattern.exec(text)
  if (match === null) return problem('is not an instant', instantHint)
  if (match[7] === undefined) return problem('is an instant without an offset', instantHint)
  const instantAt = Date.parse(text.replace(' ', 'T').toUpperCase())
  if (Number.isNaN(instantAt) || !isDay(match)) {
    return problem('is a moment that does not exist', instantHint)
  }
  return value(instantAt)
}

/** A date (its 00:00 UTC) or an instant, in epoch milliseconds. */
export function readDate(text: string): Reading<number> {
  const match = datePattern.exec(text)
  if (match === null) {
    const instant = readInstant(text)
    if (instant.problem !== 'is not an instant') return instant
    return problem('is not a date', 'Write year, month and day: 2026-11-01.')
  }
  if (!isDay(match)) return problem('is a day that does not exist', 'Check month and day.')
  return value(Date.parse(text))
}

// Date.parse rolls 30 February over into March; a day that exists survives the round trip
function isDay(match: RegExpExecArray): boolean {
  const day = `${match[1]}-${match[2]}-${match[3]}`
  const parsedAt = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(parsedAt) && new Date(parsedAt).toISOString().startsWith(day)
}
