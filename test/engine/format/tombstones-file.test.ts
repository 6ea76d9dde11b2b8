import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import { SEGMENT_HEADER_BYTES } from '../../../engine/format/segment-header.ts'
import {
  decodeTombstones,
  encodeTombstones,
  Tombstones,
} from '../../../engine/format/tombstones-file.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { checkProperty } from './property.ts'

printSweeps()

const file = '/data/segments/00000005.0000000000000041.tombstones'
const segment = { number: 5, count: 100, dimension: 3, lsn: 41 }
const decode = (bytes: Buffer) => decodeTombstones(bytes, segment, file)

const tombstonesOf = (ordinals: Iterable<number>, capacity?: number): Tombstones => {
  const tombstones = new Tombstones(capacity)
  for (const ordinal of ordinals) tombstones.add(ordinal)
  return tombstones
}
const listOf = (tombstones: Tombstones, count = 100): number[] => [...tombstones.ordinals(count)]

const good = encodeTombstones(tombstonesOf([7, 0, 99, 64]), segment)
const resealed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(good)
  change(bytes)
  bytes.writeUInt32LE(crc32(bytes.subarray(SEGMENT_HEADER_BYTES, -4)), bytes.length - 4)
  return bytes
}

describe('a set of tombstones', () => {
  test('equals a set of numbers, whatever its capacity was', () =>
    checkProperty(
      'tombstones against a set',
      200,
      fc.property(fc.array(fc.nat(2000)), fc.nat(500), (ordinals, capacity) => {
        const tombstones = tombstonesOf(ordinals, capacity)
        const model = new Set(ordinals)
        const sorted = [...model].sort((a, b) => a - b)
        expect(tombstones.count).toBe(model.size)
        expect(listOf(tombstones, 2001)).toEqual(sorted)
        const all = Array.from({ length: 2100 }, (_, ordinal) => ordinal)
        expect(all.filter((ordinal) => tombstones.has(ordinal))).toEqual(sorted)
        const shared = tombstones.toShared(1000)
        expect(shared).toHaveLength(125)
        for (let ordinal = 0; ordinal < 1000; ordinal++) {
          const bit = ((shared[ordinal >> 3] ?? 0) >> (ordinal & 7)) & 1
          if ((bit === 1) !== model.has(ordinal)) expect.fail(`bit ${ordinal}`)
        }
      }),
    ))

  test('is copied: what is added to one is not in the other', () => {
    const tombstones = tombstonesOf([1, 2])
    const copy = tombstones.copy()
    copy.add(3)
    tombstones.add(4)
    expect(listOf(tombstones)).toEqual([1, 2, 4])
    expect(listOf(copy)).toEqual([1, 2, 3])
    expect([tombstones.count, copy.count]).toEqual([3, 3])
  })
})

describe('a tombstones file', () => {
  test('has the rising ordinals and their checksum as in the table', () => {
    const body = '00000000' + '07000000' + '40000000' + '63000000'
    expect(good.toString('hex', SEGMENT_HEADER_BYTES, good.length - 4)).toBe(body)
    expect(good.readUInt32LE(good.length - 4)).toBe(crc32(Buffer.from(body, 'hex')))
  })

  test('is read back as it was written', () =>
    checkProperty(
      'tombstones files',
      200,
      fc.property(fc.array(fc.nat(99)), (ordinals) => {
        const tombstones = tombstonesOf(ordinals)
        const decoded = decode(encodeTombstones(tombstones, segment))
        expect(listOf(decoded)).toEqual(listOf(tombstones))
        expect(decoded.count).toBe(tombstones.count)
      }),
    ))

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('tombstones file', file, good, (bytes) => listOf(decode(bytes)))).toEqual(
      [],
    )
  })

  test('case 21: is refused when it is cut anywhere or grown', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => decode(good.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file, offset: 0 } }),
      )
    }
    expect(() => decode(Buffer.concat([good, Buffer.alloc(4)]))).toThrow(/damaged/)
  })

  test('case 19: of another segment is refused', () => {
    const other = encodeTombstones(tombstonesOf([1]), { ...segment, number: 6 })
    expect(() => decode(other)).toThrow(/segment 6, not of segment 5/)
  })

  const ordinal = (index: number, value: number) => (bytes: Buffer) => {
    bytes.writeUInt32LE(value, SEGMENT_HEADER_BYTES + 4 * index)
  }
  test.each<[string, number, (bytes: Buffer) => void]>([
    ['an ordinal twice', 1, ordinal(1, 0)],
    ['falling ordinals', 2, ordinal(2, 3)],
    ['an ordinal beyond the segment', 3, ordinal(3, 100)],
    ['an ordinal of 2^32 − 1', 3, ordinal(3, 0xffffffff)],
  ])('that is sealed but holds %s is damage that names the offset', (_, index, change) => {
    expect(() => decode(resealed(change))).toThrow(
      expect.objectContaining({
        code: 'damaged',
        place: { file, offset: SEGMENT_HEADER_BYTES + 4 * index },
      }),
    )
  })
})
