import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exposureNumbers, quantile } from '../../../planner/audit/exposure-numbers.ts'
import type { Stretch } from '../../../planner/audit/newest-claim.ts'

const stretch = (from: number, to: number, asOfAt?: number): Stretch => ({
  ...{ from, to },
  claim:
    asOfAt === undefined
      ? undefined
      : {
          ...{ from, to, asOfAt },
          point: { destination: 'far', kind: 'snapshot', lsn: 1, run: 'r', line: 1 },
        },
})

test('the numbers of a sawtooth are those of its triangles', () => {
  // from 0 to 10 s and from 2 s to 32 s: means 5 s and 17 s, over 10 s and 30 s
  const teeth = [stretch(0, 10_000, 0), stretch(10_000, 40_000, 8_000)]
  expect(exposureNumbers(teeth)).toEqual({
    integralS2: 5 * 10 + 17 * 30,
    meanMs: 14_000,
    worstMs: 32_000,
    // 38 of 40 seconds are at or below it: the last two seconds are above 30 s
    p95Ms: 30_000,
    currentMs: 32_000,
    withoutPointMs: 0,
  })
})

test('without a recovery point nothing has a bound, but what is known stays known', () => {
  expect(exposureNumbers([stretch(0, 1_000), stretch(1_000, 101_000, 500)])).toMatchObject({
    integralS2: null,
    worstMs: null,
    withoutPointMs: 1_000,
    currentMs: 100_500,
    p95Ms: 500 + 95_950,
  })
  expect(quantile([stretch(0, 10), stretch(10, 20, 5)], 0.95)).toBeNull()
  expect(exposureNumbers([])).toMatchObject({ worstMs: null, currentMs: null, withoutPointMs: 0 })
})

test('for the share of the time the exposure is at or below its quantile, and not below less', async () => {
  const teeth = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(40)), { minLength: 1, maxLength: 12 })
    .map((all) => {
      let from = 0
      return all.map(([length, age]) => {
        const made = stretch(from, from + length, from - age)
        from += length
        return made
      })
    })
  await fc.assert(
    fc.property(teeth, fc.double({ min: 0.05, max: 0.99, noNaN: true }), (some, share) => {
      const found = quantile(some, share) ?? Number.NaN
      const total = some.reduce((sum, { from, to }) => sum + to - from, 0)
      const atOrBelow = some.reduce((sum, { from, to, claim }) => {
        const low = from - (claim?.asOfAt ?? 0)
        return sum + Math.min(Math.max(found - low, 0), to - from)
      }, 0)
      expect(atOrBelow / total).toBeCloseTo(share, 9)
    }),
  )
})
