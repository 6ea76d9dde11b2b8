import fc from 'fast-check'
import { expect, it } from 'vitest'
import { NearestHeap } from '../../../engine/ann/nearest.ts'

it('the heap keeps the k smallest by distance and then ordinal, whatever the order of arrival', () => {
  const candidates = fc.uniqueArray(
    // few distances, so that most of them are ties
    fc.record({ distance: fc.integer({ min: 0, max: 5 }), ordinal: fc.nat(1_000) }),
    { selector: ({ ordinal }) => ordinal, maxLength: 60 },
  )
  fc.assert(
    fc.property(candidates, fc.integer({ min: 1, max: 20 }), (arriving, k) => {
      const heap = new NearestHeap(k)
      for (const { distance, ordinal } of arriving) {
        if (heap.wants(distance, ordinal)) heap.add(distance, ordinal)
      }
      const expected = arriving
        .toSorted((a, b) => a.distance - b.distance || a.ordinal - b.ordinal)
        .slice(0, k)
      expect(heap.toNearest()).toEqual({
        ordinals: expected.map(({ ordinal }) => ordinal),
        distances: expected.map(({ distance }) => distance),
      })
    }),
  )
})

it('the heap wants a candidate only if it would keep it', () => {
  const heap = new NearestHeap(2)
  heap.add(1, 10)
  heap.add(2, 20)
  expect(heap.wants(2, 21)).toBe(false)
  expect(heap.wants(2, 19)).toBe(true)
  expect(heap.wants(3, 0)).toBe(false)
  expect(heap.wants(0, 99)).toBe(true)
})
