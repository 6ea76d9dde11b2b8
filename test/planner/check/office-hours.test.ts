import { expect, test } from 'vitest'
import { minuteText, weekOf } from '../../../planner/check/office-hours.ts'

const sum = (week: Uint8Array): number => week.reduce((total, minute) => total + minute, 0)

test.each([
  ['24x7', 168],
  ['Mon-Fri 08:00-18:00', 50],
  ['Mon-Fri 08:00-18:00, Sat 09:00-12:00', 53],
  ['Fri-Mon 22:00-06:00', 32],
  ['Sun 20:00-24:00', 4],
])('%s are %i hours of a week', (hours, expected) => {
  expect(sum(weekOf(hours)) / 60).toBe(expected)
})

test('a night from Sunday to Monday goes over the end of the week', () => {
  const week = weekOf('Sun 22:00-06:00')
  expect(week[5 * 60]).toBe(1)
  expect(week[6 * 60]).toBe(0)
  expect(minuteText(5 * 60)).toBe('Mon 05:00')
})
