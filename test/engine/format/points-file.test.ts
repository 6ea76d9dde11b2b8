import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import { acceptPoint, hashPoint, type StoredPoint } from '../../../engine/format/point.ts'
import {
  decodePoints,
  encodePoints,
  HASH_BYTES,
  type PointTable,
} from '../../../engine/format/points-file.ts'
import { SEGMENT_HEADER_BYTES } from '../../../engine/format/segment-header.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { checkProperty } from './property.ts'
import { anyPointInput, plainConfig, pointOf } from './samples.ts'

printSweeps()

const file = '/data/segments/00000005.points'
const segment = { number: 5, dimension: plainConfig.dimension, lsn: 41 }

const tableOf = (points: readonly StoredPoint[]): PointTable => {
  const at = (ordinal: number): StoredPoint => {
    const point = points[ordinal]
    if (point === undefined) throw new RangeError(`no ordinal ${ordinal}`)
    return point
  }
  return {
    count: points.length,
    id: (ordinal) => at(ordinal).id,
    metadata: (ordinal) => at(ordinal).metadata,
    hash: (ordinal) => ({
      bytes: Buffer.concat([Buffer.alloc(3), hashPoint(at(ordinal))]),
      offset: 3,
    }),
  }
}

const rowsOf = (table: PointTable) =>
  Array.from({ length: table.count }, (_, ordinal) => {
    const { bytes, offset } = table.hash(ordinal)
    return {
      id: table.id(ordinal),
      metadata: table.metadata(ordinal),
      hash: bytes.toString('hex', offset, offset + HASH_BYTES),
    }
  })

const points = [pointOf('a', { b: 1 }), pointOf(7), pointOf('é', { c: 'd' })]
const good = encodePoints(tableOf(points), segment)
const expected = { number: 5, count: 3, dimension: 3 }
const decode = (bytes: Buffer) => decodePoints(bytes, expected, file)
const offsetsAt = SEGMENT_HEADER_BYTES + HASH_BYTES * points.length
const blobAt = offsetsAt + 4 * (points.length + 1)

/** The file with its body changed and sealed again: wrong, with valid checksums. */
const resealed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(good)
  change(bytes)
  bytes.writeUInt32LE(crc32(bytes.subarray(SEGMENT_HEADER_BYTES, -4)), bytes.length - 4)
  return bytes
}

describe('a points file', () => {
  test('has hashes, offsets and blob as in the table', () => {
    points.forEach((point, ordinal) => {
      const at = SEGMENT_HEADER_BYTES + HASH_BYTES * ordinal
      expect(good.subarray(at, at + HASH_BYTES)).toEqual(hashPoint(point))
    })
    const blob = [
      '01010000006100'.slice(0, 12), // "a"
      Buffer.from('{"b":1}').toString('hex'),
      '00080000000700000000000000', // 7
      '7b7d',
      '0102000000c3a9', // "é"
      Buffer.from('{"c":"d"}').toString('hex'),
    ].join('')
    expect(good.toString('hex', blobAt, good.length - 4)).toBe(blob)
    expect([0, 4, 8, 12].map((at) => good.readUInt32LE(offsetsAt + at))).toEqual([0, 13, 28, 44])
    expect(good.readUInt32LE(good.length - 4)).toBe(crc32(good.subarray(SEGMENT_HEADER_BYTES, -4)))
  })

  test('is read back as it was written, in shared memory too', () =>
    checkProperty(
      'points files',
      100,
      fc.property(fc.array(anyPointInput, { maxLength: 12 }), (inputs) => {
        const table = tableOf(inputs.map((each) => acceptPoint(each, plainConfig)))
        const bytes = encodePoints(table, segment)
        const shared = Buffer.from(new SharedArrayBuffer(bytes.length))
        bytes.copy(shared)
        for (const each of [bytes, shared]) {
          const decoded = decodePoints(each, { ...expected, count: table.count }, file)
          expect(rowsOf(decoded)).toEqual(rowsOf(table))
        }
      }),
    ))

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('points file', file, good, (bytes) => rowsOf(decode(bytes)))).toEqual([])
  })

  test('case 21: is refused when it is cut anywhere or grown', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => decode(good.subarray(0, length)), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'damaged' }),
      )
    }
    for (const tail of [Buffer.alloc(1), Buffer.alloc(4096), good]) {
      expect(() => decode(Buffer.concat([good, tail]))).toThrow(/damaged/)
    }
  })

  test('case 19: of another segment is refused', () => {
    const other = encodePoints(tableOf(points), { ...segment, number: 6 })
    expect(() => decode(other)).toThrow(/segment 6, not of segment 5/)
  })

  const blobByte = (at: number, value: number) => (bytes: Buffer) => {
    bytes[blobAt + at] = value
  }
  const offset = (ordinal: number, value: number) => (bytes: Buffer) => {
    bytes.writeUInt32LE(value, offsetsAt + 4 * ordinal)
  }
  test.each<[string, (bytes: Buffer) => void]>([
    ['a first offset that is not 0', offset(0, 1)],
    ['a last offset before the end', offset(3, 43)],
    ['a last offset beyond the end', offset(3, 0xffffffff)],
    ['offsets that fall', offset(1, 29)],
    ['an entry without bytes', offset(1, 0)],
    ['an entry that ends in its id', offset(1, 5)],
    ['an entry that begins in metadata', offset(1, 8)],
    ['an unknown kind of id', blobByte(0, 2)],
    ['an id longer than its entry', blobByte(1, 13)],
    ['an id far beyond the file', blobByte(4, 0xff)],
    ['an empty id', blobByte(1, 0)],
    ['an id that is no UTF-8', blobByte(5, 0xff)],
    ['an integer id of 2^56', blobByte(25, 1)],
  ])('that is sealed but has %s is damage that names file and offset', (_, change) => {
    expect(() => decode(resealed(change))).toThrow(
      expect.objectContaining({
        code: 'damaged',
        place: { file, offset: expect.any(Number) },
      }),
    )
  })
})
