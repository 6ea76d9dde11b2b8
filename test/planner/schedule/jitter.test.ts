import { expect, test } from 'vitest'
import { jitterOf } from '../../../planner/schedule/jitter.ts'
import { buildSchedule, cron } from '../../support/schedule-builder.ts'

const spread = buildSchedule(cron('0 2 * * *'), { jitterMs: 300_000 })
const day = 86_400_000

test('jitter is the same whenever it is asked for, and spreads plans, names and days', () => {
  const values = Array.from({ length: 400 }, (_, i) => jitterOf('p', spread, i * day, day))
  expect(values).toEqual(values.map((_, i) => jitterOf('p', spread, i * day, day)))
  expect(Math.max(...values)).toBeLessThan(300_000)
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  expect(mean).toBeGreaterThan(130_000)
  expect(mean).toBeLessThan(170_000)
  expect(jitterOf('q', spread, 0, day)).not.toBe(jitterOf('p', spread, 0, day))
  expect(jitterOf('p', { ...spread, name: 'other' }, 0, day)).not.toBe(
    jitterOf('p', spread, 0, day),
  )
})

test('jitter stays within the period, and without it a run starts when it is due', () => {
  for (let i = 0; i < 50; i++) expect(jitterOf('p', spread, i, 1_000)).toBeLessThan(1_000)
  expect(jitterOf('p', buildSchedule(cron('0 2 * * *')), 0, day)).toBe(0)
})
