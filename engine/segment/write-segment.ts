/**
 * Sealing: the files of a segment, written and made durable. The manifest that names them is what
 * makes them count; until then they are orphans that the next open removes.
 */
import assert from 'node:assert/strict'
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import { type Disk, writeNewFile } from '../base/disk.ts'
import type { HashThreads } from '../base/hash-threads.ts'
import { limits } from '../base/limits.ts'
import { type FileEntry, segmentPath } from '../format/manifest.ts'
import { floatBytes } from '../format/point.ts'
import { encodePoints } from '../format/points-file.ts'
import { SEGMENT_HEADER_BYTES } from '../format/segment-header.ts'
import { encodeTombstones, type Tombstones } from '../format/tombstones-file.ts'
import { encodeVectorsHeader } from '../format/vectors-file.ts'
import type { MemorySegment } from './memory-segment.ts'
import type { LoadedRows } from './sealed-segment.ts'

export interface SegmentStamp {
  readonly number: number
  readonly count: number
  readonly dimension: number
  /** LSN at which the content is fixed. */
  readonly lsn: number
}

/** SHA-256 of each piece of bytes in hand. */
export function pieceHashes(bytes: Uint8Array): string[] {
  const pieces: string[] = []
  for (let offset = 0; offset < bytes.length; offset += limits.pieceBytes) {
    pieces.push(sha256Hex(bytes.subarray(offset, offset + limits.pieceBytes)))
  }
  return pieces
}

/** Writes any file of a collection directory durably and returns its entry. */
export async function writeEntry(
  disk: Disk,
  directory: string,
  relative: string,
  bytes: Uint8Array,
): Promise<FileEntry> {
  await writeNewFile(disk, path.join(directory, relative), bytes)
  return { path: relative, sizeBytes: bytes.length, pieces: pieceHashes(bytes) }
}

/** Writes a file that stands in shared memory, hashed by threads meanwhile, durably. */
export async function writeImage(
  disk: Disk,
  directory: string,
  relative: string,
  image: SharedArrayBuffer,
  hashes: HashThreads,
): Promise<FileEntry> {
  const sizeBytes = image.byteLength
  const [pieces] = await Promise.all([
    hashes.pieces(image, sizeBytes),
    writeNewFile(disk, path.join(directory, relative), Buffer.from(image)),
  ])
  return { path: relative, sizeBytes, pieces }
}

/**
 * Writes the vectors and points of a frozen memory segment.
 * @returns the entries, and the rows in shared memory for whoever builds the index
 */
export async function writeSegment(
  disk: Disk,
  directory: string,
  segment: MemorySegment,
  stamp: SegmentStamp,
  hashes: HashThreads,
): Promise<{ vectors: FileEntry; points: FileEntry; rows: LoadedRows }> {
  const { dimension, count } = stamp
  assert.equal(segment.count, count, 'a segment is sealed as a whole')
  const sizeBytes = SEGMENT_HEADER_BYTES + 4 * dimension * count
  const image = new SharedArrayBuffer(sizeBytes)
  const bytes = Buffer.from(image)
  encodeVectorsHeader(stamp).copy(bytes)
  floatBytes(segment.rows).copy(bytes, SEGMENT_HEADER_BYTES)
  const relative = segmentPath(stamp.number, 'vectors')
  const vectors = await writeImage(disk, directory, relative, image, hashes)
  const points = await writeEntry(
    disk,
    directory,
    segmentPath(stamp.number, 'points'),
    encodePoints(segment, stamp),
  )
  return {
    vectors,
    points,
    rows: { vectors: image, byteOffset: SEGMENT_HEADER_BYTES, count, dimension },
  }
}

/** Writes the tombstones of a segment as of `stamp.lsn`. */
export const writeTombstones = (
  disk: Disk,
  directory: string,
  tombstones: Tombstones,
  stamp: SegmentStamp,
): Promise<FileEntry> =>
  writeEntry(
    disk,
    directory,
    segmentPath(stamp.number, 'tombstones', stamp.lsn),
    encodeTombstones(tombstones, stamp),
  )
