/**
 * Cron lines in other notations. Pure.
 *
 * systemd's OnCalendar (systemd.time(7)) has a weekday, a date and a time that must all fit; cron's day
 * of month and weekday, where both are restricted, are alternatives, which takes two lines.
 */

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/** Five fields. `line` passed `readCron`. */
export const cronFields = (line: string): string =>
  nicknames[line] ?? line.trim().replace(/\s+/g, ' ')

/** The lines of `OnCalendar=` that are due when the cron line is, in the zone. */
export function onCalendar(line: string, timezone: string): string[] {
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] =
    cronFields(line).split(' ')
  const time = `${numbers(hour, 0, 23)}:${numbers(minute, 0, 59)}:00`
  const inMonth = numbers(month, 1, 12, months)
  const onDay = `*-${inMonth}-${numbers(day, 1, 31)} ${time} ${timezone}`
  if (isFree(weekday)) return [onDay]
  const onWeekday = `${weekdays(weekday)} *-${inMonth}-* ${time} ${timezone}`
  return isFree(day) ? [onWeekday] : [onDay, onWeekday]
}

const isFree = (field: string): boolean => field === '*'

/** A list of numbers, `*` where it is all of them: the notation that needs no knowledge of the other's ranges. */
function numbers(field: string, from: number, to: number, names: readonly string[] = []): string {
  const all = valuesOf(field, from, to, names)
  if (all.length === to - from + 1) return '*'
  return all.map((each) => String(each).padStart(2, '0')).join(',')
}

function weekdays(field: string): string {
  const all = new Set(valuesOf(field, 0, 7, days).map((each) => each % 7))
  return days
    .filter((_, index) => all.has(index))
    .map((name) => `${name.charAt(0)}${name.slice(1).toLowerCase()}`)
    .join(',')
}

/** The values of a cron field, ascending. */
function valuesOf(field: string, from: number, to: number, names: readonly string[]): number[] {
  const found = new Set<number>()
  for (const part of field.toUpperCase().split(',')) {
    const [range = '*', step] = part.split('/')
    const [low = '', high] = range.split('-')
    const first = range === '*' ? from : read(low, from, names)
    const last =
      range === '*' || (high === undefined && step !== undefined)
        ? to
        : read(high ?? low, from, names)
    // a range such as 22-2 goes round
    const end = last < first ? last + (to - from + 1) : last
    for (let each = first; each <= end; each += Number(step ?? 1)) {
      found.add(from + ((each - from) % (to - from + 1)))
    }
  }
  return [...found].sort((a, b) => a - b)
}

function read(text: string, from: number, names: readonly string[]): number {
  const named = names.indexOf(text)
  return named >= 0 ? named + from : Number(text)
}
