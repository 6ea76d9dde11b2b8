import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import { decodeLists, encodeLists, type Lists } from '../../../engine/format/lists-file.ts'
import { SEGMENT_HEADER_BYTES } from '../../../engine/format/segment-header.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { checkProperty } from './property.ts'

printSweeps()

const file = '/data/segments/00000005.lists'
const settings = { segment: 5, count: 6, dimension: 2, metric: 'l2', lists: 4 } as const
const lists: Lists = {
  centroids: Float32Array.of(1, 2, -3, 0.5, 0, 0),
  starts: Uint32Array.of(0, 2, 2, 6),
  ordinals: Uint32Array.of(1, 4, 0, 2, 3, 5),
}
const good = Buffer.from(encodeLists(lists, settings))
const decode = (bytes: Uint8Array, expected: object = {}) =>
  decodeLists(bytes, { ...settings, ...expected }, file)

const seal = (bytes: Buffer): Buffer => {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  bytes.writeUInt32LE(crc32(bytes.subarray(SEGMENT_HEADER_BYTES, -4)), bytes.length - 4)
  return bytes
}
const resealed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(good)
  change(bytes)
  return seal(bytes)
}
const damageAt = (offset: number) =>
  expect.objectContaining({ code: 'damaged', place: { file, offset } })

describe('a lists file', () => {
  test('has the bytes of the table', () => {
    const body = [
      '01000000', // l2
      '04000000', // lists asked for
      '0000803f', // centroids
      '00000040',
      '000040c0',
      '0000003f',
      '00000000',
      '00000000',
      '02000000', // lengths
      '00000000',
      '04000000',
      ...['01', '04', '00', '02', '03', '05'].map((ordinal) => `${ordinal}000000`),
    ].join('')
    expect(good.toString('latin1', 0, 8)).toBe('VDRLST\r\n')
    expect(good.readUInt32LE(40)).toBe(3)
    expect(good.toString('hex', SEGMENT_HEADER_BYTES, good.length - 4)).toBe(body)
    expect(good.readUInt32LE(good.length - 4)).toBe(crc32(Buffer.from(body, 'hex')))
  })

  test('is read back as it was written, wherever its bytes lie', () =>
    checkProperty(
      'lists files',
      200,
      fc.property(
        fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(3),
        (places, dimension, shift) => {
          const number = Math.min(5, places.length)
          const rows = Array.from({ length: number }, (_, list) =>
            [...places.keys()].filter((ordinal) => (places[ordinal] ?? 0) % number === list),
          )
          const starts = Uint32Array.from([
            0,
            ...rows.map((_, list) => rows.slice(0, list + 1).flat().length),
          ])
          const centroids = Float32Array.from({ length: number * dimension }, (_, i) => i - 1.5)
          const written = { centroids, starts, ordinals: Uint32Array.from(rows.flat()) }
          const expected = { ...settings, count: places.length, dimension, lists: 7 }
          const bytes = encodeLists(written, expected)
          const moved = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift)
          expect(decodeLists(moved, expected, file)).toEqual(written)
        },
      ),
    ))

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('lists file', file, good, (bytes) => decode(bytes))).toEqual([])
  })

  test('case 21: is refused when it is cut anywhere or grown', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => decode(good.subarray(0, length)), `cut at ${length}`).toThrow(damageAt(0))
    }
    expect(() => decode(Buffer.concat([good, Buffer.alloc(4)]))).toThrow(damageAt(0))
  })

  test('case 23: of a newer version is refused with the advice to upgrade', () => {
    const newer = resealed((bytes) => void bytes.writeUInt16LE(2, 8))
    expect(() => decode(newer)).toThrow(
      expect.objectContaining({ code: 'newer-format', hint: expect.stringMatching(/^Upgrade/) }),
    )
  })

  test('case 19: of another segment, or of another kind of file, is refused', () => {
    const other = Buffer.from(encodeLists(lists, { ...settings, segment: 6 }))
    expect(() => decode(other)).toThrow(/segment 6, not of segment 5/)
    const points = resealed((bytes) => void bytes.write('VDRPTS\r\n', 0, 'latin1'))
    expect(() => decode(points)).toThrow(/not a lists file/)
  })

  test.each([
    ['another metric', { metric: 'cosine' }, SEGMENT_HEADER_BYTES],
    ['another number of lists', { lists: 5 }, SEGMENT_HEADER_BYTES + 4],
    ['another dimension', { dimension: 3 }, 0],
    ['another number of points', { count: 7 }, 0],
  ] as const)('made for %s is refused', (_, expected, offset) => {
    expect(() => decode(good, expected)).toThrow(damageAt(offset))
  })

  const centroidsAt = SEGMENT_HEADER_BYTES + 8
  const lengthsAt = centroidsAt + 24
  const ordinalsAt = lengthsAt + 12
  const u32 = (offset: number, value: number) => (bytes: Buffer) =>
    void bytes.writeUInt32LE(value, offset)
  test.each<[string, number, (bytes: Buffer) => void]>([
    ['no list', 40, u32(40, 0)],
    ['more lists than points', 40, u32(40, 7)],
    ['2^32 − 1 lists', 40, u32(40, 0xffffffff)],
    ['a number of lists that its length does not fit', 32, u32(40, 2)],
    ['a centroid that is NaN', centroidsAt + 4, u32(centroidsAt + 4, 0x7fc00000)],
    ['an infinite centroid', centroidsAt + 20, u32(centroidsAt + 20, 0xff800000)],
    ['too few places', lengthsAt, u32(lengthsAt, 1)],
    ['too many places', lengthsAt + 8, u32(lengthsAt + 8, 5)],
    ['a length of 2^32 − 1', lengthsAt, u32(lengthsAt, 0xffffffff)],
    ['an ordinal twice in a list', ordinalsAt + 4, u32(ordinalsAt + 4, 1)],
    ['an ordinal in two lists', ordinalsAt + 12, u32(ordinalsAt + 12, 1)],
    ['falling ordinals in a list', ordinalsAt + 12, u32(ordinalsAt + 8, 3)],
    ['an ordinal beyond the segment', ordinalsAt + 20, u32(ordinalsAt + 20, 6)],
    ['an ordinal of 2^32 − 1', ordinalsAt, u32(ordinalsAt, 0xffffffff)],
  ])('that is sealed but holds %s is damage that names the offset', (_, offset, change) => {
    expect(() => decode(resealed(change))).toThrow(damageAt(offset))
  })
})
