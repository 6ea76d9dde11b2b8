import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  constant,
  type Distribution,
  measured,
  pert,
  uniform,
} from '../../../planner/tabletop/distribution.ts'
import { quantiles } from '../../../planner/tabletop/simulate.ts'
import { seededRandom } from '../../support/seeded-random.ts'

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

test('what was measured is taken run by run, each with what may lie around it', () => {
  const three = measured([30, 10, 20])
  const parts = [0, 1, 2].map((run) =>
    [0.001, 0.5, 0.999].map((part) => three.at((run + part) / 3)),
  )
  const middles = [30, 10, 20].map((each, run) => (parts[run]?.[1] ?? 0) / each)
  // the middle is below the mean, by as much for all
  expect(middles[0]).toBeLessThan(1)
  for (const each of middles) expect(each).toBeCloseTo(middles[0] ?? 0, 9)
  for (const [low = 0, middle = 0, high = 0] of parts) {
    expect(middle / low).toBeCloseTo(high / middle, 9)
    expect(low).toBeLessThan(middle)
  }
  expect(three.scaled(10).at(0.34)).toBeCloseTo(10 * three.at(0.34), 9)
  expect(measured([42, 42, 42]).at(0.7)).toBe(42)
  // one alone tells nothing of the spread
  expect(() => measured([42])).toThrow()
  expect(measured([0, 0]).at(0.7)).toBe(0)
  expect(constant(5).scaled(10).at(0.3)).toBe(50)
})

test('the mean of what was measured stays what it was', () => {
  const { mean } = moments(measured([30, 10, 20, 90]))
  expect(mean).toBeCloseTo(150 / 4, 2)
  const [one, many] = [
    moments(measured([30, 60])),
    moments(measured(Array(40).fill([30, 60]).flat())),
  ]
  // the more was measured, the less is added
  expect(many.variance).toBeLessThan(1.1 * 15 ** 2)
  expect(one.variance).toBeGreaterThan(2 * 15 ** 2)
})

/** Durations of runs that are one like the other, drawn from a seed. */
const kinds: Readonly<Record<string, (normal: number, uniform: number) => number>> = {
  'log-normal, close': (normal) => 1_000 * Math.exp(0.05 * normal),
  'log-normal, wide': (normal) => 1_000 * Math.exp(0.8 * normal),
  uniform: (_, uniform) => 500 + 1_000 * uniform,
  exponential: (_, uniform) => 200 - 1_000 * Math.log(1 - uniform),
  'now and then three times as long': (normal, uniform) =>
    (uniform < 0.2 ? 3_000 : 1_000) * Math.exp(0.05 * normal),
}

test.each(Object.keys(kinds))(
  'the next run lies between p5 and p95 nine times of ten: %s',
  (kind) => {
    const seeds = 600
    for (const [runs, least] of [
      [3, 0.8],
      [5, 0.86],
      [10, 0.86],
      [20, 0.86],
    ] as const) {
      let within = 0
      for (let seed = 1; seed <= seeds; seed++) {
        const random = seededRandom(seed * 1_000 + runs)
        const next = () => kinds[kind]?.(random.normal(), random.next()) ?? 0
        const known = measured(Array.from({ length: runs }, next))
        const simulated = quantiles(
          Float64Array.from({ length: 200 }, (_, at) => known.at((at + 0.5) / 200)),
        )
        const one = next()
        if (one >= (simulated.p5Ms ?? 0) && one <= (simulated.p95Ms ?? 0)) within++
      }
      expect(within / seeds, `${runs} runs`).toBeGreaterThan(least)
      // a plain bootstrap would be at (runs - 1) / (runs + 1)
      expect(within / seeds, `${runs} runs`).toBeLessThan(0.98)
    }
  },
)
