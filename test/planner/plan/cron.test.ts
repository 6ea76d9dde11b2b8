import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextDue, previousDue, readCron } from '../../../planner/plan/cron.ts'

const at = (text: string): number => Date.parse(text)
const next = (line: string, zone: string, from: string): string | undefined => {
  const due = nextDue(line, zone, at(from))
  return due === undefined ? undefined : new Date(due).toISOString()
}
const previous = (line: string, zone: string, from: string): string | undefined => {
  const due = previousDue(line, zone, at(from))
  return due === undefined ? undefined : new Date(due).toISOString()
}

describe('a cron line', () => {
  it.each([
    '0 2 * * *',
    '*/15 * * * *',
    '0 0 1 JAN *',
    '0 0 * * MON-FRI',
    '0 0 * * 7',
    '0,30 1-5 * * 1',
    '@daily',
    '@hourly',
    '0 0 29 2 *',
  ])('%s is read', (line) => {
    expect(readCron(line)).toEqual({ value: line })
  })

  it.each([
    ['', /is not a cron line$/],
    ['daily', /is not a cron line$/],
    ['@reboot', /is not a cron line$/],
    ['@every 5m', /is not a cron line$/],
    ['* * * *', /is not a cron line$/],
    ['0 0 2 * * *', /has 6 fields/],
    ['0 0 2 * * ? 2026', /has 7 fields/],
    ['0 0 L * *', /"L" is not a field/],
    ['0 0 15W * *', /"15W" is not a field/],
    ['0 0 ? * *', /"\?" is not a field/],
    ['0 0 * * 5#2', /"5#2" is not a field/],
    ['60 * * * *', /is not a cron line: .*minute: 60/],
    ['*/0 * * * *', /is not a cron line: .*stepping/],
    ['0 0 30 2 *', /is never due|never due/],
    ['2026-01-01T00:00:00', /is not a cron line$/],
  ])('%j is refused', (line, problem) => {
    expect(readCron(line).problem).toMatch(problem)
  })

  it('with seconds is answered with the line without them', () => {
    const reading = readCron('0 30 2 * * 1')
    expect(reading.problem !== undefined && reading.hint).toBe(
      'Leave the seconds out: "30 2 * * 1".',
    )
  })
})

describe('due times', () => {
  it('follow the time zone', () => {
    expect(next('0 2 * * *', 'Europe/Zurich', '2026-01-10T00:00:00Z')).toBe(
      '2026-01-10T01:00:00.000Z',
    )
    expect(next('0 2 * * *', 'UTC', '2026-01-10T00:00:00Z')).toBe('2026-01-10T02:00:00.000Z')
    expect(next('@daily', 'America/New_York', '2026-07-10T00:00:00Z')).toBe(
      '2026-07-10T04:00:00.000Z',
    )
  })

  it('move out of the hour that spring takes away, and happen once in the hour autumn repeats', () => {
    expect(next('30 2 * * *', 'Europe/Zurich', '2026-03-28T12:00:00Z')).toBe(
      '2026-03-29T01:00:00.000Z',
    )
    expect(next('30 2 * * *', 'Europe/Zurich', '2026-10-24T12:00:00Z')).toBe(
      '2026-10-25T00:30:00.000Z',
    )
    expect(next('30 2 * * *', 'Europe/Zurich', '2026-10-25T00:30:00Z')).toBe(
      '2026-10-26T01:30:00.000Z',
    )
    expect(previous('30 2 * * *', 'Europe/Zurich', '2026-10-25T23:00:00Z')).toBe(
      '2026-10-25T00:30:00.000Z',
    )
  })

  it('are after the instant for the next one, and at or before it for the previous one', () => {
    const due = '2026-01-10T02:00:00.000Z'
    expect(next('0 2 * * *', 'UTC', due)).toBe('2026-01-11T02:00:00.000Z')
    expect(previous('0 2 * * *', 'UTC', due)).toBe(due)
    expect(previous('0 2 * * *', 'UTC', '2026-01-10T01:59:59.999Z')).toBe(
      '2026-01-09T02:00:00.000Z',
    )
    expect(next('0 2 * * *', 'UTC', '2026-01-10T01:59:59.999Z')).toBe(due)
  })

  it('agree with each other', () => {
    const lines = [
      '0 2 * * *',
      '*/7 * * * *',
      '0 0 29 2 *',
      '15 3 1 * *',
      '0 */6 * * 1-5',
      '@weekly',
    ]
    const zones = [
      'UTC',
      'Europe/Zurich',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    ]
    const instants = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2032, 0, 1) })
    fc.assert(
      fc.property(
        fc.constantFrom(...lines),
        fc.constantFrom(...zones),
        instants,
        (line, zone, instantAt) => {
          const due = nextDue(line, zone, instantAt) ?? Number.NaN
          expect(due).toBeGreaterThan(instantAt)
          expect(previousDue(line, zone, due)).toBe(due)
          expect(previousDue(line, zone, instantAt)).toBeLessThanOrEqual(instantAt)
          expect(previousDue(line, zone, due - 1)).toBeLessThanOrEqual(instantAt)
        },
      ),
      { numRuns: 300 },
    )
  })
})
