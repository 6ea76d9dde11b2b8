import { describe, expect, it } from 'vitest'
import { readDate, readInstant } from '../../../planner/plan/instant.ts'

describe('an instant', () => {
  it.each([
    ['2026-11-01T10:00:00Z', Date.UTC(2026, 10, 1, 10)],
    ['2026-11-01T10:00:00+01:00', Date.UTC(2026, 10, 1, 9)],
    ['2026-11-01T10:00-05:30', Date.UTC(2026, 10, 1, 15, 30)],
    ['2026-11-01 10:00:00.250z', Date.UTC(2026, 10, 1, 10, 0, 0, 250)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
  ])('%s is read', (text, expected) => {
    expect(readInstant(text)).toEqual({ value: expected })
  })

  it.each(['2026-11-01T10:00:00', '2026-11-01T10:00', '2026-11-01 10:00:00.5'])(
    '%s is refused for want of an offset',
    (text) => {
      expect(readInstant(text).problem).toBe('is an instant without an offset')
    },
  )

  it.each([
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01T00:60:00Z',
  ])('%s does not exist', (text) => {
    expect(readInstant(text).problem).toBe('is a moment that does not exist')
  })

  it.each(['', 'now', '2026-11-01', '1793520000', '2026-11-01T10Z', '20261101T100000Z'])(
    '%j is not one',
    (text) => {
      expect(readInstant(text).problem).toBe('is not an instant')
    },
  )
})

describe('a date', () => {
  it('counts from midnight UTC', () => {
    expect(readDate('2026-11-01')).toEqual({ value: Date.UTC(2026, 10, 1) })
  })

  it('may be an instant', () => {
    expect(readDate('2026-11-01T00:00:00+02:00')).toEqual({ value: Date.UTC(2026, 9, 31, 22) })
  })

  it.each([
    ['2026-02-29', 'is a day that does not exist'],
    ['2026-00-10', 'is a day that does not exist'],
    ['01.11.2026', 'is not a date'],
    ['2026-11-01T10:00:00', 'is an instant without an offset'],
  ])('%s %s', (text, problem) => {
    expect(readDate(text).problem).toBe(problem)
  })
})
