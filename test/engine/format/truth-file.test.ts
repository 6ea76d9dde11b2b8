import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import { SEGMENT_HEADER_BYTES } from '../../../engine/format/segment-header.ts'
import {
  decodeTruth,
  encodeTruth,
  type QueryTruth,
  type SegmentTruth,
} from '../../../engine/format/truth-file.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { checkProperty } from './property.ts'

printSweeps()

const file = '/data/segments/00000005.0000000000000009.truth'
const segment = { number: 5, count: 100, dimension: 3, lsn: 41 }
const decode = (bytes: Buffer) => decodeTruth(bytes, segment, file)
const key = (digit: string) => digit.repeat(64)

const sample: SegmentTruth = {
  candidates: { ordinals: [7, 0, 99], complete: false },
  queries: new Map([
    [key('b'), { ordinals: [3, 1], distances: [0.25, 0.25], complete: true }],
    [key('a'), { ordinals: [], distances: [], complete: true }],
  ]),
}
const good = encodeTruth(sample, segment)

/** `good` with a change that its checksum covers. */
const resealed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(good)
  change(bytes)
  bytes.writeUInt32LE(crc32(bytes.subarray(SEGMENT_HEADER_BYTES, -4)), bytes.length - 4)
  return bytes
}

describe('a truth file', () => {
  test('has its lists as in the table, queries in the order of their keys', () => {
    const list = (...words: number[]) =>
      words.map((word) => word.toString(16).padStart(2, '0').padEnd(8, '0')).join('')
    const quarter = '000000000000d03f'
    expect(good.toString('hex', SEGMENT_HEADER_BYTES, good.length - 4)).toBe(
      [
        list(3, 0, 7, 0, 99),
        key('a') + list(0, 1),
        key('b') + list(2, 1, 3, 1) + quarter + quarter,
      ].join(''),
    )
    expect(good.readUInt32LE(40)).toBe(2)
    expect(good.toString('latin1', 0, 8)).toBe('VDRTRU\r\n')
  })

  test('comes back as it was written', () =>
    checkProperty(
      'truth files',
      200,
      fc.property(arbitraryTruth, (truth) => {
        expect(decode(encodeTruth(truth, segment))).toEqual(truth)
      }),
    ))

  test('case 13: is refused with any bit flipped', () => {
    // the LSN in the header is told, not compared; its checksum covers it
    expect(flipEveryBit('truth', file, good, decode)).toEqual([])
  })

  test('case 21: is refused when cut or grown', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => decode(good.subarray(0, length)), String(length)).toThrow(/is damaged/)
    }
    expect(() => decode(Buffer.concat([good, Buffer.alloc(1)]))).toThrow(/is damaged/)
  })

  test('case 19: of another segment is refused', () => {
    const other = encodeTruth(sample, { ...segment, number: 6 })
    expect(() => decode(other)).toThrow(/it is of segment 6/)
  })

  const at = SEGMENT_HEADER_BYTES
  const bodyOfB = at + 8 + 12 + 32 + 8 + 32 // after the candidates, query a, and b's key
  test.each([
    ['more candidates than there are', (b: Buffer) => b.writeUInt32LE(4, at)],
    ['more candidates than the segment has rows', (b: Buffer) => b.writeUInt32LE(101, at)],
    ['a flag that is neither', (b: Buffer) => b.writeUInt32LE(2, at + 4)],
    ['an ordinal out of range', (b: Buffer) => b.writeUInt32LE(100, at + 8)],
    ['an ordinal twice', (b: Buffer) => b.writeUInt32LE(0, at + 8)],
    ['falling distances', (b: Buffer) => b.writeDoubleLE(0.5, bodyOfB + 16)],
    ['a distance that is no number', (b: Buffer) => b.writeDoubleLE(Number.NaN, bodyOfB + 24)],
    ['one distance that is no number', (b: Buffer) => b.writeDoubleLE(Number.NaN, bodyOfB + 16)],
  ])('with %s is refused although its checksum holds', (_, change) => {
    expect(() => decode(resealed(change))).toThrow(/is damaged/)
  })
})

const ordinals = fc.uniqueArray(fc.nat(99), { maxLength: 30 })
const arbitraryQuery: fc.Arbitrary<QueryTruth> = fc
  .tuple(ordinals, fc.boolean(), fc.array(fc.double({ noNaN: true }), { minLength: 30 }))
  .map(([ordinals, complete, values]) => ({
    ordinals,
    complete,
    distances: values.slice(0, ordinals.length).sort((a, b) => a - b),
  }))
const arbitraryTruth: fc.Arbitrary<SegmentTruth> = fc
  .tuple(
    fc.record({ ordinals, complete: fc.boolean() }),
    fc.dictionary(fc.stringMatching(/^[0-9a-f]{64}$/), arbitraryQuery, { maxKeys: 5 }),
  )
  .map(([candidates, queries]) => ({ candidates, queries: new Map(Object.entries(queries)) }))
