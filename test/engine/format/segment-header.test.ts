import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentFileKind,
} from '../../../engine/format/segment-header.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'

printSweeps()

const file = '/data/segments/00000005.vectors'
const expected = { number: 5, count: 2, dimension: 3 }
const header = { ...expected, lsn: 2 ** 40, bodyBytes: 24, extra: 9 }
const sizeBytes = SEGMENT_HEADER_BYTES + header.bodyBytes
const kinds: readonly SegmentFileKind[] = ['vectors', 'points', 'lists', 'tombstones']

const good = encodeSegmentHeader('vectors', header)
const decode = (bytes: Buffer, changed: object = {}, size = sizeBytes, kind = kinds[0]) =>
  decodeSegmentHeader(kind ?? 'vectors', bytes, size, { ...expected, ...changed }, file)
const damage = (reason: RegExp) =>
  expect.objectContaining({
    code: 'damaged',
    place: { file, offset: 0 },
    message: expect.stringMatching(reason),
  })
const resealed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(good)
  change(bytes)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

describe('the header of a segment file', () => {
  test('has the bytes of the table', () => {
    const body = [
      '5644525645430d0a', // VDRVEC\r\n
      '0100', // version
      '01', // CRC-32
      '00',
      '05000000', // segment
      '02000000', // points
      '03000000', // dimension
      '0000000000010000', // LSN
      '1800000000000000', // body
      '09000000', // extra
      '00'.repeat(16),
    ].join('')
    expect(good.toString('hex', 0, 60)).toBe(body)
    expect(good.readUInt32LE(60)).toBe(crc32(Buffer.from(body, 'hex')))
    expect(good).toHaveLength(SEGMENT_HEADER_BYTES)
    for (const kind of kinds) {
      expect(decode(encodeSegmentHeader(kind, header), {}, sizeBytes, kind)).toEqual(header)
    }
  })

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('segment file header', file, good, (bytes) => decode(bytes))).toEqual([])
  })

  test('case 19: of another kind of file, or another segment, is refused', () => {
    for (const kind of kinds) {
      const other = encodeSegmentHeader(kind, header)
      for (const wanted of kinds) {
        if (kind === wanted) continue
        expect(() => decode(other, {}, sizeBytes, wanted)).toThrow(damage(/not a/))
      }
    }
    expect(() => decode(good, { number: 6 })).toThrow(damage(/segment 5, not of segment 6/))
    expect(() => decode(good, { count: 3 })).toThrow(damage(/manifest/))
    expect(() => decode(good, { dimension: 4 })).toThrow(damage(/manifest/))
  })

  test('case 21: is refused when the file is cut or grown', () => {
    for (let length = 0; length < SEGMENT_HEADER_BYTES; length++) {
      expect(() => decode(good.subarray(0, length), {}, length)).toThrow(damage(/shorter/))
    }
    for (const size of [SEGMENT_HEADER_BYTES, sizeBytes - 1, sizeBytes + 1, 2 ** 40]) {
      expect(() => decode(good, {}, size)).toThrow(damage(/bytes instead of/))
    }
  })

  test('case 23: of a newer version is refused with the advice to upgrade', () => {
    for (const version of [2, 0xffff]) {
      expect(() => decode(resealed((bytes) => bytes.writeUInt16LE(version, 8)))).toThrow(
        expect.objectContaining({
          code: 'newer-format',
          place: { file },
          hint: expect.stringMatching(/upgrade/i),
        }),
      )
    }
  })

  test('of an older version or another checksum is damage', () => {
    expect(() => decode(resealed((bytes) => bytes.writeUInt16LE(0, 8)))).toThrow(damage(/layout/))
    expect(() => decode(resealed((bytes) => bytes.writeUInt8(2, 10)))).toThrow(damage(/layout/))
  })
})
