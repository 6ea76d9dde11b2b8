import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Claim } from '../../../planner/audit/claims.ts'
import { newestClaims } from '../../../planner/audit/newest-claim.ts'

const claim = (from: number, to: number, asOfAt: number): Claim => ({
  ...{ from, to, asOfAt },
  point: { destination: 'far', kind: 'snapshot', lsn: 1, run: 'r', line: 1 },
})

const claims = fc.array(
  fc
    .tuple(fc.nat(100), fc.integer({ min: 1, max: 60 }), fc.nat(40))
    .map(([from, length, age]) => claim(from, from + length, from - age)),
  { maxLength: 30 },
)

test('at each instant the newest as-of counts, as looking at every claim finds', async () => {
  await fc.assert(
    fc.property(claims, (some) => {
      const stretches = newestClaims(some, { from: 10, to: 120 })
      expect(stretches[0]?.from).toBe(10)
      expect(stretches.at(-1)?.to).toBe(120)
      for (const [index, { from, to, claim: found }] of stretches.entries()) {
        expect(stretches[index + 1]?.from ?? 120).toBe(to)
        for (let at = from; at < to; at++) {
          const asOf = some.filter((each) => each.from <= at && each.to > at).map((e) => e.asOfAt)
          expect(found?.asOfAt).toBe(asOf.length === 0 ? undefined : Math.max(...asOf))
        }
      }
    }),
  )
})

test('pieces of one as-of are one, and an empty window has none', () => {
  expect(newestClaims([claim(0, 5, 0), claim(5, 9, 0)], { from: 0, to: 9 })).toHaveLength(1)
  expect(newestClaims([claim(0, 5, 0)], { from: 3, to: 3 })).toEqual([])
})
