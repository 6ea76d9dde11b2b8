import { expect, test } from 'vitest'
import { parseMoment } from '../../../engine/backup/moment.ts'

const atUs = (text: string) => {
  const moment = parseMoment(text)
  return moment.kind === 'time' ? moment.atUs : undefined
}

test('an instant is read to the microsecond, one of three decimals to the end of its millisecond', () => {
  const second = Date.UTC(2026, 10, 1, 9) * 1_000
  expect(atUs('2026-11-01T10:00:00+01:00')).toBe(second)
  expect(atUs('2026-11-01T09:00:00.5Z')).toBe(second + 500_000)
  expect(atUs('2026-11-01T09:00:00.123Z')).toBe(second + 123_999)
  expect(atUs('2026-11-01T09:00:00.123456Z')).toBe(second + 123_456)
})

test('what is finer than a microsecond lies before the next one, as "date" prints nanoseconds', () => {
  const second = Date.UTC(2026, 10, 1, 9) * 1_000
  expect(atUs('2026-11-01T09:00:00.123456999Z')).toBe(second + 123_456)
  expect(atUs('2026-11-01T09:00:00.000000001Z')).toBe(second)
})

test.each(['2026-11-01T09:00:00', '2026-11-01T09:00:00.1234567890Z', 'lsn:x', 'now', ' latest'])(
  '%s is no moment',
  (text) => {
    expect(() => parseMoment(text)).toThrow(expect.objectContaining({ code: 'usage' }))
  },
)
