import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  distanceBetween,
  fromNativeDistance,
  norm,
  normalise,
  normsOf,
  prepareQuery,
} from '../../../engine/ann/metric.ts'

const values = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), {
  minLength: 1,
  maxLength: 40,
})
const pairs = values.chain((a) =>
  fc.tuple(
    fc.constant(Float32Array.from(a)),
    fc
      .array(fc.float({ min: -100, max: 100, noNaN: true }), {
        minLength: a.length,
        maxLength: a.length,
      })
      .map((b) => Float32Array.from(b)),
  ),
)

const distance = (metric: 'cosine' | 'l2' | 'ip', a: Float32Array, b: Float32Array): number =>
  distanceBetween(metric, prepareQuery(a), b, 0, b.length, norm(b, 0, b.length))

const sum = (a: Float32Array, term: (value: number, index: number) => number): number =>
  [...a].reduce((total, value, index) => total + term(value, index), 0)

describe('a distance', () => {
  it('is the one of the definition, at every dimension', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const product = sum(a, (value, index) => value * (b[index] ?? 0))
        const l2 = Math.sqrt(sum(a, (value, index) => (value - (b[index] ?? 0)) ** 2))
        expect(distance('ip', a, b)).toBeCloseTo(1 - product, 6)
        expect(distance('l2', a, b)).toBeCloseTo(l2, 8)
        const lengths = Math.hypot(...a) * Math.hypot(...b)
        if (lengths > 1e-3) expect(distance('cosine', a, b)).toBeCloseTo(1 - product / lengths, 8)
      }),
    )
  })

  it('does not depend on where the row stands', () => {
    fc.assert(
      fc.property(pairs, fc.nat(9), ([a, b], before) => {
        const rows = new Float32Array(before + b.length)
        rows.set(b, before)
        for (const metric of ['cosine', 'l2', 'ip'] as const) {
          const rowNorm = norm(rows, before, b.length)
          const moved = distanceBetween(metric, prepareQuery(a), rows, before, b.length, rowNorm)
          expect(moved).toBe(distance(metric, a, b))
        }
      }),
    )
  })

  it('is 0 from a vector to itself, never below', () => {
    fc.assert(
      fc.property(values, (list) => {
        const a = Float32Array.from(list)
        expect(distance('l2', a, a)).toBe(0)
        if (norm(a, 0, a.length) === 0) return
        const cosine = distance('cosine', a, a)
        expect(cosine).toBeGreaterThanOrEqual(0)
        expect(cosine).toBeLessThan(1e-14)
      }),
    )
  })

  it('of cosine is 2 at most, and 1 to a vector without direction', () => {
    const a = Float32Array.of(0.1, 0.7, -0.3)
    expect(
      distance(
        'cosine',
        a,
        a.map((value) => -3 * value),
      ),
    ).toBeCloseTo(2, 6)
    expect(
      distance(
        'cosine',
        a,
        a.map((value) => -value),
      ),
    ).toBeLessThanOrEqual(2)
    expect(distance('cosine', a, new Float32Array(3))).toBe(1)
  })
})

describe('normalise', () => {
  it('gives float32 values of length 1 in the same direction', () => {
    fc.assert(
      fc.property(values, (list) => {
        const source = Float32Array.from(list)
        const length = norm(source, 0, source.length)
        if (length < 1e-6) return
        const plain = new Array<number>(source.length).fill(0)
        normalise(source, 0, plain, 0, source.length)
        expect(Math.hypot(...plain)).toBeCloseTo(1, 6)
        expect(plain).toEqual(plain.map(Math.fround))
        plain.forEach((value, index) => {
          expect(value * length).toBeCloseTo(source[index] ?? Number.NaN, 4)
        })
      }),
    )
  })

  it('gives the same values to a typed array, at any place', () => {
    const source = Float32Array.of(9, 9, 3, -4, 12)
    const plain = [0, 0, 0]
    const typed = new Float32Array(5)
    normalise(source, 2, plain, 0, 3)
    normalise(source, 2, typed, 1, 3)
    expect([...typed]).toEqual([0, ...plain, 0])
  })

  it('keeps huge and tiny vectors, where float32 sums would overflow or vanish', () => {
    for (const scale of [1e30, 1e-30]) {
      const plain = [0, 0]
      normalise(Float32Array.of(3 * scale, 4 * scale), 0, plain, 0, 2)
      expect(plain[0]).toBeCloseTo(0.6, 6)
      expect(plain[1]).toBeCloseTo(0.8, 6)
    }
  })

  it('leaves a vector without direction at zero', () => {
    const plain = [7, 7]
    normalise(new Float32Array(2), 0, plain, 0, 2)
    expect(plain).toEqual([0, 0])
  })
})

it('norms of rows are the norms of each row', () => {
  const rows = Float32Array.from({ length: 7 * 5 }, (_, index) => Math.sin(index))
  const norms = normsOf(rows, 7, 5)
  expect([...norms]).toEqual(Array.from({ length: 7 }, (_, row) => norm(rows, row * 5, 5)))
})

it('what hnswlib measures becomes the distance we return', () => {
  expect(fromNativeDistance('l2', 9)).toBe(3)
  expect(fromNativeDistance('ip', -4)).toBe(-4)
  expect(fromNativeDistance('cosine', -1e-7)).toBe(0)
  expect(fromNativeDistance('cosine', 0.25)).toBe(0.25)
})
