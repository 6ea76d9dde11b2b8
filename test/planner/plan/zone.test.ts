import { describe, expect, it } from 'vitest'
import { readZone, wallTime } from '../../../planner/plan/zone.ts'

describe('a time zone', () => {
  it.each(['UTC', 'Europe/Zurich', 'America/Argentina/Buenos_Aires', 'Asia/Kathmandu'])(
    '%s is read',
    (name) => {
      expect(readZone(name)).toEqual({ value: name })
    },
  )

  it.each(['', 'CET', 'EST', '+01:00', 'GMT+1', 'Europe', 'Mars/Olympus', 'Europe/Zurich/x'])(
    '%j is refused',
    (name) => {
      expect(readZone(name).problem).toMatch(/time zone/)
    },
  )

  it('that is misspelt gets a suggestion', () => {
    const reading = readZone('Europe/Zuerich')
    expect(reading.problem !== undefined && reading.hint).toBe('Did you mean "Europe/Zurich"?')
  })
})

describe('the time on the wall', () => {
  it.each([
    ['UTC', '2026-11-01T02:03:04Z', { date: '20261101', time: '020304' }],
    ['Europe/Zurich', '2026-06-30T22:00:00Z', { date: '20260701', time: '000000' }],
    ['America/New_York', '2026-01-01T04:59:59.999Z', { date: '20251231', time: '235959' }],
    ['Asia/Kathmandu', '2026-01-01T00:00:00Z', { date: '20260101', time: '054500' }],
  ])('in %s at %s', (zone, instant, expected) => {
    expect(wallTime(Date.parse(instant), zone)).toEqual(expected)
  })
})
