import { expect, test } from 'vitest'
import { Absence } from '../../../planner/tabletop/absence.ts'
import { Person, weekMs } from '../../../planner/tabletop/staff.ts'
import { WeekClocks } from '../../../planner/tabletop/week-clocks.ts'

const hour = 3_600_000
const at = (text: string): number => Date.parse(text)

const clocksOf = (from: string, timezone = 'Europe/Zurich') =>
  new WeekClocks(timezone, { from: at(from), to: at(from) + weekMs })

/** When somebody with these hours is there after a disaster at `disaster`. */
function thereAfter(disaster: string, hours: string, clocks: WeekClocks): string {
  const waitMs = new Person('db-1', hours, new Absence([])).thereAt(0, at(disaster), clocks)
  return new Date(at(disaster) + waitMs).toISOString()
}

test('Monday begins on the wall, in whatever zone', () => {
  for (const [zone, monday] of [
    ['Europe/Zurich', '2026-11-22T23:00:00Z'],
    ['Asia/Kathmandu', '2026-11-22T18:15:00Z'],
    ['America/St_Johns', '2026-11-23T03:30:00Z'],
  ] as const) {
    expect(clocksOf(monday, zone).shownAt(at(monday)) % weekMs).toBe(0)
  }
})

test('office hours are those on the wall before and after clocks are put back', () => {
  // 2026-10-25, 03:00 is 02:00 again
  const clocks = clocksOf('2026-10-20T00:00:00Z')
  const office = 'Mon-Fri 08:00-18:00'
  expect(thereAfter('2026-10-22T20:00:00Z', office, clocks)).toBe('2026-10-23T06:00:00.000Z')
  expect(thereAfter('2026-10-24T10:00:00Z', office, clocks)).toBe('2026-10-26T07:00:00.000Z')
  expect(thereAfter('2026-10-26T06:30:00Z', office, clocks)).toBe('2026-10-26T07:00:00.000Z')
  // what is shown twice is there at the first
  expect(thereAfter('2026-10-24T23:00:00Z', 'Sun 02:30-04:00', clocks)).toBe(
    '2026-10-25T00:30:00.000Z',
  )
  expect(clocks.shownAt(at('2026-10-25T01:00:00Z'))).toBe(
    clocks.shownAt(at('2026-10-25T00:00:00Z')),
  )
})

test('a beginning that is jumped over is the moment of the jump', () => {
  // 2026-03-29, 02:00 is 03:00; the window ends before it
  const clocks = clocksOf('2026-03-16T00:00:00Z')
  expect(thereAfter('2026-03-28T23:00:00Z', 'Sun 02:30-04:00', clocks)).toBe(
    '2026-03-29T01:00:00.000Z',
  )
  // and hours that it swallows whole come a week later
  expect(thereAfter('2026-03-28T23:00:00Z', 'Sun 02:15-02:45', clocks)).toBe(
    '2026-04-05T00:15:00.000Z',
  )
  expect(thereAfter('2026-03-28T10:00:00Z', 'Mon-Fri 08:00-18:00', clocks)).toBe(
    '2026-03-30T06:00:00.000Z',
  )
  expect(
    clocks.shownAt(at('2026-03-29T01:00:00Z')) - clocks.shownAt(at('2026-03-29T00:59:59Z')),
  ).toBe(hour + 1_000)
})
