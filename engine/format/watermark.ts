/**
 * The durable-LSN watermark: how far this history was acknowledged, and which manifest was current.
 *
 * Two slots of 64 bytes, 4096 bytes apart, so that no sector and no page holds both; zeros between them.
 * (In version 1 they follow each other; such a file is read, and replaced when it is opened.) The one that was not fsynced last is written, without fsync after each group
 * commit and with fsync at each checkpoint. It is a lower bound: it is written after the records it speaks of are durable. A log that
 * ends below it has lost acknowledged records; a manifest older than it was rolled back.
 *
 * Slot, little-endian:
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic `VDRMRK\r\n` |
 * | 8 | 2 | u16 version |
 * | 10 | 6 | zero |
 * | 16 | 8 | u64 turn: the higher one is newer; slot = turn mod 2 |
 * | 24 | 8 | u64 durable LSN |
 * | 32 | 8 | u64 manifest sequence |
 * | 40 | 8 | history id |
 * | 48 | 12 | zero |
 * | 60 | 4 | u32 CRC-32 of bytes 0–59 |
 */
import { crc32 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'

export const WATERMARK_SLOT_BYTES = 64
/** From one slot to the next, by the version of the file. */
export const WATERMARK_STRIDE_BYTES = { 1: 64, 2: 4096 } as const
export type WatermarkVersion = keyof typeof WATERMARK_STRIDE_BYTES
/** Bytes of the whole file. */
export const watermarkFileBytes = (of: WatermarkVersion): number =>
  WATERMARK_STRIDE_BYTES[of] + WATERMARK_SLOT_BYTES
const magic = 'VDRMRK\r\n'
const version = 2

export interface Watermark {
  readonly turn: number
  readonly lsn: number
  readonly sequence: number
  readonly history: string
}

/** One slot; `turn` modulo 2 says which. */
export function encodeWatermark(mark: Watermark, of: WatermarkVersion = version): Buffer {
  const bytes = Buffer.alloc(WATERMARK_SLOT_BYTES)
  bytes.write(magic, 0, 'latin1')
  bytes.writeUInt16LE(of, 8)
  bytes.writeBigUInt64LE(BigInt(mark.turn), 16)
  bytes.writeBigUInt64LE(BigInt(mark.lsn), 24)
  bytes.writeBigUInt64LE(BigInt(mark.sequence), 32)
  bytes.write(mark.history, 40, 'hex')
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/**
 * The slot's content, or undefined when it is not whole.
 * @throws `newer-format`
 */
export function decodeWatermark(
  slot: Buffer,
  file: string,
  of: WatermarkVersion = version,
): Watermark | undefined {
  if (slot.length !== WATERMARK_SLOT_BYTES) return undefined
  if (slot.readUInt32LE(60) !== crc32(slot.subarray(0, 60))) return undefined
  if (slot.toString('latin1', 0, 8) !== magic) return undefined
  const found = slot.readUInt16LE(8)
  if (found > version) {
    fail(
      'newer-format',
      `${file} has watermark version ${found}; this build reads up to ${version}`,
      'Upgrade Vectra DR and run the command again; nothing was changed.',
      { place: { file } },
    )
  }
  if (found !== of) return undefined
  return {
    turn: Number(slot.readBigUInt64LE(16)),
    lsn: Number(slot.readBigUInt64LE(24)),
    sequence: Number(slot.readBigUInt64LE(32)),
    history: slot.toString('hex', 40, 48),
  }
}
