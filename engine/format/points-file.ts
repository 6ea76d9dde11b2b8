/**
 * The points of a segment without their vectors: hashes, ids, metadata.
 *
 * After the segment header (`extra` = bytes of the blob):
 * | size | field |
 * | --- | --- |
 * | 32 × count | SHA-256 of each point's canonical bytes, by ordinal |
 * | 4 × (count + 1) | u32 offsets of the points in the blob, and its end |
 * | extra | blob: per point its id (tag, length, bytes), then its metadata as canonical JSON |
 * | 4 | u32 checksum of everything between header and here |
 */
import { crc32 } from '../base/checksum.ts'
import { decodeId, encodeId, idEnd, type PointId } from './point.ts'
import {
  damagedSegment,
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentExpectation,
} from './segment-header.ts'

export const HASH_BYTES = 32

/** Ids, metadata and hashes by ordinal; memory segments and sealed ones alike. */
export interface PointTable {
  readonly count: number
  id(ordinal: number): PointId
  /** Canonical JSON text. */
  metadata(ordinal: number): string
  /** The buffer and offset at which the 32 bytes of the point's hash stand. */
  hash(ordinal: number): { bytes: Buffer; offset: number }
}

/** The table of a points file, which also tells where a point's bytes stand. */
export interface PointsFile extends PointTable {
  /** Offsets in the file: the id (tag, length, bytes), the metadata after it, and the end of both. */
  place(ordinal: number): { readonly id: number; readonly metadata: number; readonly end: number }
}

/** @returns the file's bytes */
export function encodePoints(
  table: PointTable,
  segment: { number: number; dimension: number; lsn: number },
): Buffer {
  const { count } = table
  const hashes = Buffer.allocUnsafe(HASH_BYTES * count)
  const offsets = Buffer.allocUnsafe(4 * (count + 1))
  const blob: Buffer[] = []
  let blobBytes = 0
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const { bytes, offset } = table.hash(ordinal)
    bytes.copy(hashes, HASH_BYTES * ordinal, offset, offset + HASH_BYTES)
    offsets.writeUInt32LE(blobBytes, 4 * ordinal)
    const id = encodeId(table.id(ordinal))
    const metadata = Buffer.from(table.metadata(ordinal))
    blob.push(id, metadata)
    blobBytes += id.length + metadata.length
  }
  offsets.writeUInt32LE(blobBytes, 4 * count)
  const body = Buffer.concat([hashes, offsets, ...blob])
  const header = encodeSegmentHeader('points', {
    ...segment,
    count,
    bodyBytes: body.length + 4,
    extra: blobBytes,
  })
  const checksum = Buffer.allocUnsafe(4)
  checksum.writeUInt32LE(crc32(body))
  return Buffer.concat([header, body, checksum])
}

/**
 * A table over the file's bytes, which it keeps.
 * @throws `damaged`, `newer-format`
 */
export function decodePoints(
  bytes: Buffer,
  expected: SegmentExpectation,
  file: string,
): PointsFile {
  const header = decodeSegmentHeader('points', bytes, bytes.length, expected, file)
  const { count } = header
  const offsetsAt = SEGMENT_HEADER_BYTES + HASH_BYTES * count
  const blobAt = offsetsAt + 4 * (count + 1)
  const end = blobAt + header.extra
  if (end + 4 !== bytes.length) damagedSegment(file, 32, 'its lengths do not add up')
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(SEGMENT_HEADER_BYTES, end))) {
    damagedSegment(file, end, 'checksum')
  }
  const start = (ordinal: number) => blobAt + bytes.readUInt32LE(offsetsAt + 4 * ordinal)
  if (start(0) !== blobAt || start(count) !== end) damagedSegment(file, offsetsAt, 'offsets')
  const whole = bytes.subarray(0, end)
  for (let ordinal = 0; ordinal < count; ordinal++) {
    if (!isEntry(whole, start(ordinal), start(ordinal + 1))) {
      damagedSegment(file, offsetsAt + 4 * ordinal, `entry ${ordinal} is not a point`)
    }
  }
  return viewPoints(bytes, count)
}

/** The table over bytes that {@link decodePoints} has accepted before, in this process. */
export function viewPoints(bytes: Buffer, count: number): PointsFile {
  const offsetsAt = SEGMENT_HEADER_BYTES + HASH_BYTES * count
  const blobAt = offsetsAt + 4 * (count + 1)
  const start = (ordinal: number) => blobAt + bytes.readUInt32LE(offsetsAt + 4 * ordinal)
  return {
    count,
    id: (ordinal) => decodeId(bytes, start(ordinal)).id,
    metadata: (ordinal) => bytes.toString('utf8', idEnd(bytes, start(ordinal)), start(ordinal + 1)),
    place: (ordinal) => {
      const id = start(ordinal)
      return { id, metadata: idEnd(bytes, id), end: start(ordinal + 1) }
    },
    hash: (ordinal) => ({ bytes, offset: SEGMENT_HEADER_BYTES + HASH_BYTES * ordinal }),
  }
}

/** Whether an id and some metadata stand between `start` and `next`. */
function isEntry(bytes: Buffer, start: number, next: number): boolean {
  try {
    return idEnd(bytes, start) < next
  } catch {
    return false
  }
}
