import { expect, test } from 'vitest'
import { Absence } from '../../../planner/tabletop/absence.ts'
import { Person, weekMs } from '../../../planner/tabletop/staff.ts'
import { WeekClocks } from '../../../planner/tabletop/week-clocks.ts'

const hour = 3_600_000
const monday = Date.UTC(2026, 0, 5)
const utc = new WeekClocks('UTC', { from: monday, to: monday + weekMs })

test('who has office hours is there at the next opening, over the weekend and round the week', () => {
  const person = new Person('db-1', 'Mon-Fri 08:00-18:00', new Absence([]))
  expect(person.thereAt(0, monday + 9 * hour, utc)).toBe(0)
  expect(person.thereAt(0, monday + 6.5 * hour, utc)).toBe(1.5 * hour)
  // Friday 19:00 to Monday 08:00
  expect(person.thereAt(0, monday + 4 * 24 * hour + 19 * hour, utc)).toBe((5 + 48 + 8) * hour)
  // the same, two weeks on
  expect(person.thereAt(2 * weekMs, monday + 6.5 * hour, utc)).toBe(2 * weekMs + 1.5 * hour)
})

test('who is away comes back into their hours, and who is away for ever never does', () => {
  const away = (toMs: number) => new Absence([{ fromMs: 0, toMs }])
  const late = new Person('db-1', 'Mon-Fri 08:00-18:00', away(12 * hour))
  // gone from 08:00 to 20:00: the next morning
  expect(late.thereAt(0, monday + 8 * hour, utc)).toBe(24 * hour)
  const gone = new Person('db-1', '24x7', away(Number.POSITIVE_INFINITY))
  expect(gone.thereAt(5, monday, utc)).toBe(Number.POSITIVE_INFINITY)
})
