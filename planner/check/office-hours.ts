/** Hours in which a person answers, `24x7` or `Mon-Fri 08:00-18:00, Sat 09:00-12:00`, as minutes of a week. */
const days: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

export const minutesOfWeek = 7 * 24 * 60
const minutesOfDay = 24 * 60

/** One byte a minute from Monday 00:00 on, 1 where somebody answers. `hours` passed the plan's format. */
export function weekOf(hours: string): Uint8Array {
  const week = new Uint8Array(minutesOfWeek)
  if (hours === '24x7') return week.fill(1)
  for (const part of hours.split(',')) {
    const match = /^(\w{3})(?:-(\w{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(part.trim())
    if (match === null) continue
    const [, first = '', last = first, ...times] = match
    const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = times.map(Number)
    const from = fromHour * 60 + fromMinute
    const end = toHour * 60 + toMinute
    // over midnight
    const length = end > from ? end - from : end - from + minutesOfDay
    for (const day of daysBetween(first, last)) {
      for (let minute = 0; minute < length; minute++) {
        week[(day * minutesOfDay + from + minute) % minutesOfWeek] = 1
      }
    }
  }
  return week
}

function daysBetween(first: string, last: string): number[] {
  const index = (name: string): number => days.indexOf(name)
  const from = index(first)
  const count = ((index(last) - from + 7) % 7) + 1
  return Array.from({ length: count }, (_, day) => (from + day) % 7)
}

/** `Sat 18:00`. */
export function minuteText(minute: number): string {
  const day = days[Math.floor(minute / minutesOfDay)] ?? ''
  const hour = Math.floor(minute / 60) % 24
  return `${day} ${String(hour).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}
