import { expect, test } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { manualClock } from '../../support/manual-clock.ts'

test('the wall clock in milliseconds and in microseconds agree', () => {
  const before = Date.now()
  const { nowMs, nowUs } = { nowMs: systemClock.nowMs(), nowUs: systemClock.nowUs() }
  expect(nowMs).toBeGreaterThanOrEqual(before)
  expect(Number.isSafeInteger(nowUs)).toBe(true)
  expect(Math.abs(nowUs / 1000 - nowMs)).toBeLessThan(1_000)
})

test('the monotonic clock does not go back', () => {
  let last = systemClock.monotonicMs()
  for (let step = 0; step < 10_000; step++) {
    const now = systemClock.monotonicMs()
    expect(now).toBeGreaterThanOrEqual(last)
    last = now
  }
})

test('a manual clock moves only when it is turned', () => {
  const clock = manualClock(1_000)
  clock.advance(1.5)
  expect([clock.nowMs(), clock.nowUs(), clock.monotonicMs()]).toEqual([1_001, 1_001_500, 1.5])
  clock.setWallClock(0)
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([0, 1.5])
})
