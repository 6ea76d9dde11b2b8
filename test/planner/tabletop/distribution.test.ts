import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  constant,
  type Distribution,
  measured,
  pert,
  uniform,
} from '../../../planner/tabletop/distribution.ts'

/** Mean and variance by the midpoints of even steps. */
function moments(distribution: Distribution) {
  const count = 100_000
  let sum = 0
  let squares = 0
  for (let step = 0; step < count; step++) {
    const value = distribution.at((step + 0.5) / count)
    sum += value
    squares += value * value
  }
  const mean = sum / count
  return { mean, variance: squares / count - mean * mean }
}

test.each([
  [5, 10, 30],
  [0, 0, 10],
  [0, 10, 10],
  [150, 300, 900],
])(
  'PERT of %i, %i, %i has the mean and the variance of its beta distribution',
  (min, likely, max) => {
    const { mean, variance } = moments(pert(min, likely, max))
    const expected = (min + 4 * likely + max) / 6
    expect(Math.abs(mean / expected - 1)).toBeLessThan(0.001)
    const spread = ((expected - min) * (max - expected)) / 7
    expect(Math.abs(variance / spread - 1)).toBeLessThan(0.01)
  },
)

test('a uniform one has its closed form too', () => {
  const { mean, variance } = moments(uniform(10, 70))
  expect(mean).toBeCloseTo(40, 3)
  expect(variance).toBeCloseTo(60 ** 2 / 12, 1)
})

test('a larger number never gives less, and nothing leaves the ends', () => {
  const ms = fc.integer({ min: 0, max: 1e7 })
  const u = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(ms, ms, ms, u, u, (a, b, c, one, other) => {
      const [min = 0, likely = 0, max = 0] = [a, b, c].sort((x, y) => x - y)
      const all = pert(min, likely, max)
      const [low, high] = [all.at(Math.min(one, other)), all.at(Math.max(one, other))]
      expect(low).toBeLessThanOrEqual(high)
      expect(low).toBeGreaterThanOrEqual(min)
      expect(high).toBeLessThanOrEqual(max)
    }),
    { numRuns: 50 },
  )
})

test('what was measured is taken run by run, and nothing is made up', () => {
  const three = measured([30, 10, 20])
  expect([0, 0.33, 0.34, 0.67, 0.999_999].map((u) => three.at(u))).toEqual([30, 30, 10, 20, 20])
  expect(three.scaled(10).at(0.34)).toBe(100)
  expect(measured([42]).at(0.7)).toBe(42)
  expect(constant(5).scaled(10).at(0.3)).toBe(50)
})
