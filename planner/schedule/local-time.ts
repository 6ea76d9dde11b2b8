/** Instants as a clock on the wall of a zone shows them. */

/** `2026-11-27 02:00:00 +01:00`; `UTC` instead of a zero offset. */
export function localTime(instantAt: number, timezone: string): string {
  const parts = new Map(
    new Intl.DateTimeFormat('en-GB', {
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
      timeZoneName: 'longOffset',
    })
      .formatToParts(instantAt)
      .map(({ type, value }) => [type, value]),
  )
  const get = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
  const offset = get('timeZoneName').replace('GMT', '')
  const date = `${get('year')}-${get('month')}-${get('day')}`
  const time = `${get('hour')}:${get('minute')}:${get('second')}`
  return `${date} ${time} ${offset === '' ? 'UTC' : offset}`
}
