/**
 * The header that a segment's binary files share, 64 bytes, little-endian:
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic, naming the kind of file |
 * | 8 | 2 | u16 format version |
 * | 10 | 1 | checksum algorithm: 1 = CRC-32/ISO-HDLC |
 * | 11 | 1 | zero |
 * | 12 | 4 | u32 segment number |
 * | 16 | 4 | u32 points in the segment |
 * | 20 | 4 | u32 dimension |
 * | 24 | 8 | u64 LSN at which the content was fixed |
 * | 32 | 8 | u64 bytes after the header |
 * | 40 | 4 | u32 extra: what the kind of file says |
 * | 44 | 16 | zero |
 * | 60 | 4 | u32 checksum of bytes 0–59 |
 *
 * The segment number inside must match the manifest: two files that were swapped are refused.
 */
import { CRC32_ALGORITHM, crc32 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'

export const SEGMENT_HEADER_BYTES = 64
const version = 1

export type SegmentFileKind = 'vectors' | 'points' | 'lists' | 'truth' | 'tombstones'

const magics: Record<SegmentFileKind, string> = {
  vectors: 'VDRVEC\r\n',
  points: 'VDRPTS\r\n',
  lists: 'VDRLST\r\n',
  truth: 'VDRTRU\r\n',
  tombstones: 'VDRTMB\r\n',
}

export interface SegmentHeader {
  readonly number: number
  readonly count: number
  readonly dimension: number
  readonly lsn: number
  readonly bodyBytes: number
  readonly extra: number
}

/** The 64 bytes of the table above, sealed by their checksum. */
export function encodeSegmentHeader(kind: SegmentFileKind, header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  bytes.write(magics[kind], 0, 'latin1')
  bytes.writeUInt16LE(version, 8)
  bytes.writeUInt8(CRC32_ALGORITHM, 10)
  bytes.writeUInt32LE(header.number, 12)
  bytes.writeUInt32LE(header.count, 16)
  bytes.writeUInt32LE(header.dimension, 20)
  bytes.writeBigUInt64LE(BigInt(header.lsn), 24)
  bytes.writeBigUInt64LE(BigInt(header.bodyBytes), 32)
  bytes.writeUInt32LE(header.extra, 40)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/** What the manifest says of the segment. */
export interface SegmentExpectation {
  readonly number: number
  readonly count: number
  readonly dimension: number
}

/**
 * Checks the header against the manifest and the size of the file.
 * @throws `damaged`, `newer-format`
 */
export function decodeSegmentHeader(
  kind: SegmentFileKind,
  bytes: Buffer,
  sizeBytes: number,
  expected: SegmentExpectation,
  file: string,
): SegmentHeader {
  const damaged = (reason: string): never => damagedSegment(file, 0, reason)
  if (bytes.length < SEGMENT_HEADER_BYTES) damaged('shorter than its header')
  if (bytes.toString('latin1', 0, 8) !== magics[kind]) damaged(`not a ${kind} file`)
  if (bytes.readUInt32LE(60) !== crc32(bytes.subarray(0, 60))) damaged('header checksum')
  const found = bytes.readUInt16LE(8)
  if (found > version) {
    fail(
      'newer-format',
      `${file} has ${kind} format version ${found}; this build reads up to ${version}`,
      'Upgrade Vectra DR and run the command again; nothing was changed.',
      { place: { file } },
    )
  }
  const header: SegmentHeader = {
    number: bytes.readUInt32LE(12),
    count: bytes.readUInt32LE(16),
    dimension: bytes.readUInt32LE(20),
    lsn: Number(bytes.readBigUInt64LE(24)),
    bodyBytes: Number(bytes.readBigUInt64LE(32)),
    extra: bytes.readUInt32LE(40),
  }
  if (found !== version || bytes.readUInt8(10) !== CRC32_ALGORITHM) damaged('unknown layout')
  if (header.number !== expected.number) {
    damaged(`it is of segment ${header.number}, not of segment ${expected.number}`)
  }
  if (header.count !== expected.count || header.dimension !== expected.dimension) {
    damaged('its point count or dimension is not what the manifest says')
  }
  if (sizeBytes !== SEGMENT_HEADER_BYTES + header.bodyBytes) {
    damaged(`${sizeBytes} bytes instead of ${SEGMENT_HEADER_BYTES + header.bodyBytes}`)
  }
  return header
}

/** The damage of a segment's file, with its place. @throws `damaged`, always */
export function damagedSegment(file: string, offset: number, reason: string): never {
  fail(
    'damaged',
    `${file} is damaged at offset ${offset}: ${reason}`,
    'Restore the collection from a backup; nothing was changed.',
    { place: { file, offset } },
  )
}
