import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdIndex, ordinalSpace } from '../../../engine/collection/id-index.ts'
import type { PointId } from '../../../engine/format/point.ts'

/** An index over a table of ids that only grows, as segments do: 16 ids a segment. */
function indexed(seed?: number) {
  const table: PointId[] = []
  const index = new IdIndex((segment, ordinal) => {
    const id = table[16 * segment + ordinal]
    if (id === undefined) throw new Error(`asked for ${segment}/${ordinal}`)
    return id
  }, seed)
  const place = (id: PointId): number => {
    const at = table.push(id) - 1
    return Math.floor(at / 16) * ordinalSpace + (at % 16)
  }
  return { index, place }
}

const someId = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 120 }), weight: 4 },
  { arbitrary: fc.integer({ min: 0, max: 120 }).map(String), weight: 4 },
  fc.maxSafeNat(),
  fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme' }),
)
const change = fc.record({
  kind: fc.constantFrom('set' as const, 'set' as const, 'delete' as const),
  id: someId,
})

describe('IdIndex', () => {
  it('answers as a Map does after any sets and deletes', async () => {
    await fc.assert(
      fc.property(
        fc.array(change, { maxLength: 400, size: 'max' }),
        fc.nat({ max: 0xffffffff }),
        fc.nat({ max: 300 }),
        (changes, seed, room) => {
          const { index, place } = indexed(seed)
          index.reserve(room)
          const model = new Map<PointId, number>()
          for (const { kind, id } of changes) {
            if (kind === 'delete') {
              expect(index.delete(id)).toBe(model.delete(id))
            } else {
              const location = place(id)
              index.set(id, location)
              model.set(id, location)
            }
            expect(index.size).toBe(model.size)
          }
          for (const { id } of changes) expect(index.get(id)).toBe(model.get(id))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('finds every id after each single deletion from a full run', () => {
    for (let gone = 0; gone < 48; gone++) {
      const { index, place } = indexed(7)
      const locations = Array.from({ length: 48 }, (_, id) => place(id)) // three quarters of 64 slots
      locations.forEach((location, id) => {
        index.set(id, location)
      })
      index.delete(gone)
      locations.forEach((location, id) => {
        expect(index.get(id)).toBe(id === gone ? undefined : location)
      })
    }
  })

  it('tells ids apart whose hashes are the same', () => {
    // among so many ids some pairs share all 32 bits: 20 are expected
    const count = 400_000
    const index = new IdIndex((segment, ordinal) => `id-${1_000 * segment + ordinal}`, 1)
    for (let i = 0; i < count; i++) {
      index.set(`id-${i}`, Math.floor(i / 1_000) * ordinalSpace + (i % 1_000))
    }
    expect(index.size).toBe(count)
    let wrong = 0
    for (let i = 0; i < count; i++) {
      if (index.get(`id-${i}`) !== Math.floor(i / 1_000) * ordinalSpace + (i % 1_000)) wrong++
    }
    expect(wrong).toBe(0)
  })

  it('keeps a number and its text apart, and the largest ids and locations whole', () => {
    const ids: PointId[] = [5, '5', 0, '0', Number.MAX_SAFE_INTEGER, 2 ** 32, 2 ** 32 + 5]
    const index = new IdIndex((_, ordinal) => ids[ordinal - 0x3fffff0] ?? -1)
    const locationOf = (place: number) => 99_999_999 * ordinalSpace + 0x3fffff0 + place
    ids.forEach((id, place) => {
      index.set(id, locationOf(place))
    })
    expect(ids.map((id) => index.get(id))).toEqual(ids.map((_, place) => locationOf(place)))
    expect(index.get('2')).toBeUndefined()
  })
})
