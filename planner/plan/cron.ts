/**
 * Cron lines: five fields or `@daily` and its kin, read in a time zone. The only file that knows croner.
 *
 * A time that the spring change skips is due right after the gap. One that the autumn change repeats is due once,
 * the first time, when the line names its hours; a line whose hours are `*` or a step of it, and `@hourly`, is due
 * both times.
 */
import { Cron } from 'croner'
import { problem, type Reading, value } from './reading.ts'

const nicknames = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']
const fieldPattern = /^[0-9A-Za-z*,/-]+$/
const hint =
  'Write five fields, minute hour day month weekday, as in "0 2 * * *", or one of @hourly @daily @weekly @monthly @yearly.'

/** Reading a line costs more than asking it; a plan asks the same lines again and again. */
const opened = new Map<string, Cron>()
const mostOpened = 1_000

function open(line: string, timezone: string): Cron {
  const key = `${timezone} ${line}`
  const known = opened.get(key)
  if (known !== undefined) return known
  if (opened.size >= mostOpened) opened.clear()
  // asking the platform for the time in a zone is slow, and UTC needs no asking
  const zone = timezone === 'UTC' ? { utcOffset: 0 } : { timezone }
  const cron = new Cron(line, { paused: true, mode: '5-part', ...zone })
  opened.set(key, cron)
  return cron
}

const readings = new Map<string, Reading<string>>()

/** The line itself, once it is known to be due again and again. */
export function readCron(line: string): Reading<string> {
  const known = readings.get(line)
  if (known !== undefined) return known
  if (readings.size >= mostOpened) readings.clear()
  const reading = readNew(line)
  readings.set(line, reading)
  return reading
}

function readNew(line: string): Reading<string> {
  if (!nicknames.includes(line)) {
    const fields = line.trim().split(/\s+/)
    if (line.startsWith('@')) return problem('is not a cron line', hint)
    if (fields.length === 6 || fields.length === 7) {
      return problem(
        `has ${fields.length} fields; cron lines here have five and start with the minute`,
        `Leave the seconds out: "${fields.slice(1, 6).join(' ')}".`,
      )
    }
    if (fields.length !== 5) return problem('is not a cron line', hint)
    const odd = fields.find((field) => !fieldPattern.test(field) || /(^|\d)[LW]$/.test(field))
    if (odd !== undefined) return problem(`is not a cron line: "${odd}" is not a field`, hint)
  }
  try {
    if (open(line, 'UTC').nextRun(new Date(0)) === null) {
      return problem('is a cron line that is never due', 'Check day and month.')
    }
  } catch (error) {
    // croner's messages name the field; its prefix does not help anybody
    const reason = String(error instanceof Error ? error.message : error)
    return problem(`is not a cron line: ${reason.replace(/^(TypeError: )?Cron\w*: /, '')}`, hint)
  }
  return value(line)
}

/** The first due time after `instantAt`, epoch milliseconds. `line` passed {@link readCron}. */
export function nextDue(line: string, timezone: string, instantAt: number): number | undefined {
  return open(line, timezone).nextRun(new Date(instantAt))?.getTime()
}

/** The last due time at or before `instantAt`, epoch milliseconds. */
export function previousDue(line: string, timezone: string, instantAt: number): number | undefined {
  // croner looks strictly before its reference, to the second
  return open(line, timezone)
    .previousRuns(1, new Date(instantAt + 1))
    .at(0)
    ?.getTime()
}
