import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { acceptPoint, hashPoint, type StoredPoint } from '../../../engine/format/point.ts'
import { HASH_BYTES } from '../../../engine/format/points-file.ts'
import { MemorySegment } from '../../../engine/segment/memory-segment.ts'
import { checkProperty } from '../format/property.ts'
import { anyPointInput, plainConfig, pointOf } from '../format/samples.ts'

const hashOf = (segment: MemorySegment, ordinal: number): string => {
  const { bytes, offset } = segment.hash(ordinal)
  return bytes.toString('hex', offset, offset + HASH_BYTES)
}

describe('a memory segment', () => {
  test('holds what was appended, in the order of arrival, whatever it had to grow', () =>
    checkProperty(
      'memory segments',
      60,
      fc.asyncProperty(fc.array(anyPointInput, { maxLength: 200, size: 'max' }), async (inputs) => {
        const segment = new MemorySegment(plainConfig.dimension)
        const points = inputs.map((each) => acceptPoint(each, plainConfig))
        points.forEach((point, ordinal) => {
          expect(segment.append(point, hashPoint(point))).toBe(ordinal)
        })
        expect(segment.count).toBe(points.length)
        expect(segment.vectorBytes).toBe(12 * points.length)
        expect([...segment.rows]).toEqual(points.flatMap(({ vector }) => [...vector]))
        for (const [ordinal, point] of points.entries()) {
          expect(segment.id(ordinal)).toBe(point.id)
          expect(segment.metadata(ordinal)).toBe(point.metadata)
          expect(hashOf(segment, ordinal)).toBe(hashPoint(point).toString('hex'))
          expect(await segment.vector(ordinal)).toEqual(point.vector)
        }
      }),
    ))

  test('holds the same whether points were staged, staged in vain, or not at all', () =>
    checkProperty(
      'staged points',
      60,
      fc.property(
        fc.array(
          fc.record({
            points: fc.array(anyPointInput, { maxLength: 40, size: 'max' }),
            staged: fc.nat(40),
            inVain: fc.array(anyPointInput, { maxLength: 3 }),
            stranger: fc.boolean(),
          }),
          { maxLength: 6 },
        ),
        (groups) => {
          const segment = new MemorySegment(plainConfig.dimension)
          const plain = new MemorySegment(plainConfig.dimension)
          const both = (point: StoredPoint): void => {
            plain.append(point, hashPoint(point))
            segment.append(point, segment.stagedHash(point) ?? hashPoint(point))
          }
          for (const { points, staged, inVain, stranger } of groups) {
            for (const each of inVain) {
              const lost = acceptPoint(each, plainConfig)
              segment.stage(lost, hashPoint(lost))
            }
            segment.dropStaged()
            const accepted = points.map((each) => acceptPoint(each, plainConfig))
            for (const point of accepted.slice(0, staged)) segment.stage(point, hashPoint(point))
            expect(segment.count).toBe(plain.count)
            accepted.forEach((point, index) => {
              if (stranger && index === 1) both(pointOf(99, {}, [9, 9, 9]))
              both(point)
            })
          }
          expect(segment.count).toBe(plain.count)
          expect(segment.rows).toEqual(plain.rows)
          for (let ordinal = 0; ordinal < plain.count; ordinal++) {
            expect(hashOf(segment, ordinal)).toBe(hashOf(plain, ordinal))
            expect(segment.id(ordinal)).toBe(plain.id(ordinal))
          }
        },
      ),
    ))

  test('leaves what a reader saw as it was while it grows', async () => {
    const segment = new MemorySegment(3)
    const append = (id: number): void => {
      const point = pointOf(id, {}, [id, id, id])
      segment.append(point, hashPoint(point))
    }
    for (let id = 0; id < 64; id++) append(id)
    const seen = segment.rows
    const copy = [...seen]
    for (let id = 64; id < 1000; id++) append(id)
    expect([...seen]).toEqual(copy)
    expect(seen.buffer).toBeInstanceOf(SharedArrayBuffer)
    const vector = await segment.vector(5)
    vector.fill(0)
    expect([...(await segment.vector(5))]).toEqual([5, 5, 5])
  })

  test('has no ordinal that was not given', () => {
    const segment = new MemorySegment(3)
    expect(() => segment.id(0)).toThrow(RangeError)
    segment.append(pointOf(1), hashPoint(pointOf(1)))
    expect(() => segment.metadata(1)).toThrow(RangeError)
    expect(() => segment.id(-1)).toThrow(RangeError)
  })
})
