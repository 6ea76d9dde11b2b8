import { describe, expect, it } from 'vitest'
import { openCalendar } from '../../../engine/retention/calendar.ts'

const at = (text: string) => Date.parse(text)

describe('a calendar', () => {
  it('names the hours, days, weeks, months and years of its zone', () => {
    const zurich = openCalendar('Europe/Zurich')
    const newYear = at('2025-12-31T23:30:00Z') // half past midnight in Zurich
    expect(zurich.stretch('hourly', newYear)).toBe('2026-01-01T00 GMT+01:00')
    expect(zurich.stretch('daily', newYear)).toBe('2026-01-01')
    expect(zurich.stretch('weekly', newYear)).toBe('week of 2025-12-29')
    expect(zurich.stretch('monthly', newYear)).toBe('2026-01')
    expect(zurich.stretch('yearly', newYear)).toBe('2026')
    expect(openCalendar('UTC').stretch('daily', newYear)).toBe('2025-12-31')
  })

  it('begins weeks on Monday, also before 1970', () => {
    const { stretch } = openCalendar('UTC')
    for (const [day, monday] of [
      ['2026-11-22', '2026-11-16'],
      ['2026-11-23', '2026-11-23'],
      ['2026-11-29', '2026-11-23'],
      ['1969-12-28', '1969-12-22'],
      ['1969-12-29', '1969-12-29'],
      ['2024-03-01', '2024-02-26'],
    ] as const) {
      expect(stretch('weekly', at(`${day}T12:00:00Z`))).toBe(`week of ${monday}`)
    }
  })

  it('case 41: tells the hour that a clock change repeats from the one before, and skips the gap', () => {
    const { stretch } = openCalendar('Europe/Berlin')
    const first = stretch('hourly', at('2026-10-25T00:30:00Z'))
    const second = stretch('hourly', at('2026-10-25T01:30:00Z'))
    expect([first, second]).toEqual(['2026-10-25T02 GMT+02:00', '2026-10-25T02 GMT+01:00'])
    expect(stretch('daily', at('2026-03-29T00:59:59Z'))).toBe('2026-03-29')
    expect(stretch('hourly', at('2026-03-29T01:00:00Z'))).toBe('2026-03-29T03 GMT+02:00')
    // midnight does not exist there on that day
    const cairo = openCalendar('Africa/Cairo')
    expect(cairo.stretch('daily', at('2026-04-23T21:59:59Z'))).toBe('2026-04-23')
    expect(cairo.stretch('daily', at('2026-04-23T22:00:00Z'))).toBe('2026-04-24')
  })

  it('refuses a zone that there is none of', () => {
    expect(() => openCalendar('Europe/Zuerich')).toThrow(/no time zone Europe\/Zuerich/)
  })
})
