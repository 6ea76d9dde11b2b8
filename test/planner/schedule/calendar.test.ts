import { expect, test } from 'vitest'
import { cronFields, onCalendar } from '../../../planner/schedule/calendar.ts'

// each right-hand side was read back by systemd-analyze calendar of systemd 252
test.each([
  ['0 2 * * *', ['*-*-* 02:00:00 Europe/Zurich']],
  ['*/15 * * * *', ['*-*-* *:00,15,30,45:00 Europe/Zurich']],
  ['5/20 * * * *', ['*-*-* *:05,25,45:00 Europe/Zurich']],
  ['0 4 * * 7', ['Sun *-*-* 04:00:00 Europe/Zurich']],
  ['@weekly', ['Sun *-*-* 00:00:00 Europe/Zurich']],
  ['0 22-2 * JAN-MAR *', ['*-01,02,03-* 00,01,02,22,23:00:00 Europe/Zurich']],
  [
    '30 1 1,15 * MON-FRI',
    ['*-*-01,15 01:30:00 Europe/Zurich', 'Mon,Tue,Wed,Thu,Fri *-*-* 01:30:00 Europe/Zurich'],
  ],
])('%s is the same times in the notation of systemd', (line, calendar) => {
  expect(onCalendar(line, 'Europe/Zurich')).toEqual(calendar)
})

test('a nickname is five fields for who does not know it', () => {
  expect(cronFields('@daily')).toBe('0 0 * * *')
  expect(cronFields('0  2 * * *')).toBe('0 2 * * *')
})
