import { expect, test } from 'vitest'
import { countOfHalf, type Half, halfOf, indexOf, ordinalOf } from '../../../engine/ann/halves.ts'

test('every point has one place in one half, and halves are even', () => {
  for (const count of [1, 2, 3, 4, 5, 100, 1_001, 1_002, 1_003, 1_005]) {
    const ordinals: number[] = []
    for (const half of [0, 1] satisfies Half[]) {
      const size = countOfHalf(half, count)
      expect(Math.abs(2 * size - count)).toBeLessThanOrEqual(1)
      const those = Array.from({ length: size }, (_, index) => ordinalOf(half, index))
      expect(those).toEqual([...those].sort((a, b) => a - b))
      for (const [index, ordinal] of those.entries()) {
        expect([halfOf(ordinal), indexOf(ordinal)]).toEqual([half, index])
      }
      ordinals.push(...those)
    }
    expect(ordinals.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
  }
})

test('no period of the points makes the halves differ', () => {
  const count = 60_000
  for (const period of [2, 3, 4, 6, 8, 16, 100]) {
    const inFirst = new Array<number>(period).fill(0)
    for (let ordinal = 0; ordinal < count; ordinal++) {
      const kind = ordinal % period
      if (halfOf(ordinal) === 0) inFirst[kind] = (inFirst[kind] ?? 0) + 1
    }
    for (const share of inFirst) {
      const expected = count / period / 2
      // five deviations of a fair coin
      expect(Math.abs(share - expected)).toBeLessThan(5 * Math.sqrt(expected / 2))
    }
  }
})
