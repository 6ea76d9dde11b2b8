import { describe, expect, test } from 'vitest'
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from '../../../engine/format/segment-header.ts'
import {
  decodeVectorsHeader,
  encodeVectorsHeader,
  rowOffset,
} from '../../../engine/format/vectors-file.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'

printSweeps()

const file = '/data/segments/00000005.vectors'
const expected = { number: 5, count: 10, dimension: 4 }
const sizeBytes = SEGMENT_HEADER_BYTES + 160
const good = encodeVectorsHeader({ ...expected, lsn: 41 })
const decode = (bytes: Buffer, size = sizeBytes) => decodeVectorsHeader(bytes, size, expected, file)

describe('a vectors file', () => {
  test('has its rows after the header, one after the other', () => {
    expect(decode(good)).toEqual({ ...expected, lsn: 41, bodyBytes: 160, extra: 0 })
    expect(rowOffset(0, 4)).toBe(SEGMENT_HEADER_BYTES)
    expect(rowOffset(10, 4)).toBe(sizeBytes)
    expect(rowOffset(16_777_215, 65_536)).toBe(64 + 4 * 65_536 * 16_777_215)
  })

  test('case 13: is refused with any bit of its header flipped', () => {
    expect(flipEveryBit('vectors file header', file, good, (bytes) => decode(bytes))).toEqual([])
  })

  test('case 21: is refused when it is cut or grown, also by a whole row', () => {
    for (const size of [0, 63, 64, sizeBytes - 16, sizeBytes - 1, sizeBytes + 1, sizeBytes + 16]) {
      expect(() => decode(good.subarray(0, size), size), `${size} bytes`).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file, offset: 0 } }),
      )
    }
  })

  test('whose sealed length is not that of its rows is damage', () => {
    for (const bodyBytes of [0, 159, 161, 320]) {
      const header = encodeSegmentHeader('vectors', { ...expected, lsn: 41, bodyBytes, extra: 0 })
      expect(() => decode(header, SEGMENT_HEADER_BYTES + bodyBytes)).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file, offset: 32 } }),
      )
    }
  })
})
