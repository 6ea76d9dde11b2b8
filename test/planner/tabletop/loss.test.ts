import { expect, test } from 'vitest'
import type { Claim } from '../../../planner/audit/claims.ts'
import { flowsOf } from '../../../planner/plan/flow.ts'
import type { Plan } from '../../../planner/plan/plan.ts'
import { timedOf } from '../../../planner/schedule/timed.ts'
import { trialKey } from '../../../planner/tabletop/draw.ts'
import { pointsOfLedger, ScheduledPoints } from '../../../planner/tabletop/loss.ts'
import { planOf } from '../../support/plan-text.ts'
import { storyPlan } from '../../support/simulated-plan.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const from = Date.UTC(2026, 0, 5)
const hour = 3_600_000
const window = { from, to: from + 7 * 24 * hour }

const planWith = async (schedules: string): Promise<Plan> =>
  planOf(await temporaryDirectory(), storyPlan({ schedules, steps: '      - wait: { for: 1s }' }))

async function pointsAt(destination: string, schedules: string, takesMs = 0) {
  const plan = await planWith(schedules)
  const flows = flowsOf(plan, timedOf(plan)).get('words') ?? []
  const scheduled = new ScheduledPoints(window, () => ({ beginsMs: 0, takesMs }))
  return scheduled.at(destination, flows)
}

const daily = `schedules:
  nightly:
    cron: "0 2 * * *"
    steps:
      - backup: { collections: [words], to: near }
      - copy: { from: near, to: far, collection: words }
`

test('a nightly backup is as old as the last night, once it is done', async () => {
  const near = await pointsAt('near', daily, hour)
  const age = (at: number): number => (from + at - near(from + at, 1)) / hour
  expect(age(10 * hour)).toBe(8)
  // the one of 02:00 is done at 03:00
  expect(age(2.5 * hour)).toBe(24.5)
  expect(age(3 * hour)).toBe(1)
  // before the window
  expect(age(0)).toBe(22)
})

test('a copy is as old as what it was made from', async () => {
  const far = await pointsAt('far', daily, hour)
  // at 02:00 the newest at the near end is of the night before
  expect((from + 10 * hour - far(from + 10 * hour, 1)) / hour).toBe(32)
})

test('the age of a steady beat is uniform: mean half of it, variance a twelfth of its square', async () => {
  const near = await pointsAt(
    'near',
    'schedules: { often: { every: 1h, steps: [{ backup: { collections: [words], to: near } }] } }',
  )
  const ages = Array.from({ length: 10_000 }, (_, trial) => {
    const at = from + 50 * hour
    return (at - near(at, trialKey(7, trial))) / hour
  })
  const mean = ages.reduce((sum, age) => sum + age, 0) / ages.length
  const variance = ages.reduce((sum, age) => sum + (age - mean) ** 2, 0) / ages.length
  expect(mean).toBeCloseTo(0.5, 1)
  expect(variance).toBeCloseTo(1 / 12, 2)
  expect(Math.max(...ages)).toBeLessThanOrEqual(1)
})

test('nothing comes to a place that no schedule feeds', async () => {
  const far = await pointsAt('far', 'schedules: {}')
  expect(far(from, 1)).toBe(Number.NEGATIVE_INFINITY)
})

test('points of the ledger are the newest that was verified at that instant', () => {
  const point = { destination: 'near', kind: 'snapshot', lsn: 1, run: 'r', line: 1 } as const
  const claim = (start: number, end: number, asOf: number): Claim => ({
    ...{ from: from + start, to: from + end, asOfAt: from + asOf, point },
  })
  const points = pointsOfLedger([claim(10, 50, 5), claim(20, 30, 18)], window)
  expect([9, 10, 25, 35, 60].map((at) => points(from + at, 1) - from)).toEqual([
    ...[Number.NEGATIVE_INFINITY, 5, 18, 5, Number.NEGATIVE_INFINITY],
  ])
})
