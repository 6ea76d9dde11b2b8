import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editDistance, nearest } from '../../../planner/plan/nearest.ts'

describe('the edit distance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['bakcup', 'backup', 1],
    ['loacl', 'local', 1],
    ['ca', 'abc', 3],
  ])('from %j to %j is %i', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance)
  })

  it('is symmetric, zero for equal words only, and never more than the longer word', () => {
    const word = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b)
        expect(distance).toBe(editDistance(b, a))
        expect(distance === 0).toBe(a === b)
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})

describe('did you mean', () => {
  const keys = ['collections', 'collection', 'to', 'mode', 'id']

  it.each([
    ['colection', 'collection'],
    ['Collections', 'collections'],
    ['di', 'id'],
    ['tot', 'to'],
    ['snapshot', undefined],
    ['x'.repeat(1_000), undefined],
  ])('%s: %s', (word, expected) => {
    expect(nearest(word, keys)).toBe(expected)
  })

  it('suggests nothing where there is nothing', () => {
    expect(nearest('a', [])).toBeUndefined()
  })
})
