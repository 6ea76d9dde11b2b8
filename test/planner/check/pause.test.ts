import fc from 'fast-check'
import { expect, test } from 'vitest'
import { longestPause, shortestPause } from '../../../planner/check/pause.ts'
import { nextDue } from '../../../planner/plan/cron.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const from = Date.UTC(2026, 10, 26, 12)

const cron = (line: string, timezone = 'UTC') => ({ kind: 'cron', line, timezone }) as const
const length = (...rhythms: Parameters<typeof longestPause>[0]) =>
  longestPause(rhythms, from)?.lengthMs

test.each([
  ['* * * * *', minute],
  ['*/5 * * * *', 5 * minute],
  ['0,10,20 * * * *', 40 * minute],
  ['@hourly', hour],
  ['0 2 * * *', day],
  ['*/5 8-18 * * *', 13 * hour + 5 * minute],
  ['0 2 * * 1-5', 3 * day],
  ['0 8,12 * * 1-5', 2 * day + 20 * hour],
  ['@weekly', 7 * day],
  ['0 4 1 * *', 31 * day],
  ['0 4 1 */3 *', 92 * day],
  // the next February of 29 days is in 2028
  ['*/10 * * 1 *', 335 * day + 10 * minute],
  ['@yearly', 366 * day],
])('the longest pause of %s is found', (line, expected) => {
  expect(length(cron(line))).toBe(expected)
})

// where clocks go back by an hour, by half an hour, and never
test.each([
  ['Europe/Zurich', '0 2 * * *', 25 * hour],
  ['America/New_York', '0 0 * * *', 25 * hour],
  ['Australia/Lord_Howe', '0 12 * * *', 24.5 * hour],
  ['Asia/Kolkata', '0 2 * * *', 24 * hour],
  ['Europe/Zurich', '0 * * * *', hour],
  ['Europe/Zurich', '0 4 * * 1', 7 * day + hour],
])('in %s the longest pause of %s is told in real time', (zone, line, expected) => {
  expect(length(cron(line, zone))).toBe(expected)
})

test('lines complete each other, and of steady beats the quickest counts', () => {
  expect(length(cron('0 2 * * *'), cron('0 14 * * *'))).toBe(12 * hour)
  expect(length(cron('0 2 * * *'), { kind: 'every', everyMs: hour })).toBe(hour)
  expect(length(cron('*/5 * * * *'), { kind: 'every', everyMs: hour })).toBe(5 * minute)
  expect(length()).toBeUndefined()
})

test('no pause between neighbouring due times is longer, over the days after any instant', async () => {
  const field = (most: number) =>
    fc.constantFrom('*', '*/7', '3', `1-${most}`, `${most - 2},${most}`)
  const lines = fc
    .tuple(field(50), field(20))
    .map(([minutes, hours]) => `${minutes} ${hours} * * *`)
  await fc.assert(
    fc.asyncProperty(lines, async (line) => {
      const longest = length(cron(line)) ?? 0
      let due = nextDue(line, 'UTC', from) ?? 0
      for (let count = 0; count < 25; count++) {
        const following = nextDue(line, 'UTC', due) ?? 0
        expect(following - due).toBeLessThanOrEqual(longest)
        due = following
      }
    }),
    { numRuns: 15 },
  )
})

test('the shortest pause is that of the next times', () => {
  expect(shortestPause(cron('0 2,3 * * *'), from)).toBe(hour)
})
