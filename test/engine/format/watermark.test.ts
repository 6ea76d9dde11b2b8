import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import {
  decodeWatermark,
  encodeWatermark,
  WATERMARK_SLOT_BYTES,
  type Watermark,
} from '../../../engine/format/watermark.ts'

const file = '/data/watermark'
const mark: Watermark = { turn: 9, lsn: 2 ** 40, sequence: 3, history: '0123456789abcdef' }
const good = encodeWatermark(mark)

const resealed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(good)
  change(bytes)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

describe('a slot of the watermark', () => {
  test('has the bytes of the table', () => {
    const body = [
      '5644524d524b0d0a', // VDRMRK\r\n
      '0200', // version
      '000000000000',
      '0900000000000000', // turn
      '0000000000010000', // durable LSN
      '0300000000000000', // manifest sequence
      '0123456789abcdef', // history
      '00'.repeat(12),
    ].join('')
    expect(good.toString('hex', 0, 60)).toBe(body)
    expect(good.readUInt32LE(60)).toBe(crc32(Buffer.from(body, 'hex')))
    expect(good).toHaveLength(WATERMARK_SLOT_BYTES)
    expect(decodeWatermark(good, file)).toEqual(mark)
  })

  test('case 13: is not whole with any bit flipped', () => {
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bytes = Buffer.from(good)
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(decodeWatermark(bytes, file), `bit ${bit}`).toBeUndefined()
    }
    console.log(`case 13, watermark slot: ${8 * good.length} flipped bits, none read as a slot`)
  })

  test('case 21: is not whole when it is cut or grown', () => {
    for (let length = 0; length < good.length; length++) {
      expect(decodeWatermark(good.subarray(0, length), file)).toBeUndefined()
    }
    expect(decodeWatermark(Buffer.concat([good, Buffer.alloc(1)]), file)).toBeUndefined()
    expect(decodeWatermark(Buffer.alloc(WATERMARK_SLOT_BYTES), file)).toBeUndefined()
  })

  test('case 23: of a newer version is refused with the advice to upgrade', () => {
    for (const version of [3, 0xffff]) {
      expect(() =>
        decodeWatermark(
          resealed((bytes) => bytes.writeUInt16LE(version, 8)),
          file,
        ),
      ).toThrow(
        expect.objectContaining({
          code: 'newer-format',
          place: { file },
          hint: expect.stringMatching(/upgrade/i),
        }),
      )
    }
  })

  test('of another format or an older version is not whole, however well it is sealed', () => {
    expect(
      decodeWatermark(
        resealed((bytes) => bytes.write('VDRWAL\r\n', 'latin1')),
        file,
      ),
    ).toBeUndefined()
    expect(
      decodeWatermark(
        resealed((bytes) => bytes.writeUInt16LE(0, 8)),
        file,
      ),
    ).toBeUndefined()
    expect(decodeWatermark(good, file, 1)).toBeUndefined()
    expect(decodeWatermark(encodeWatermark(mark, 1), file)).toBeUndefined()
    expect(decodeWatermark(encodeWatermark(mark, 1), file, 1)).toEqual(mark)
  })
})
