/**
 * The vectors of a segment as accepted: the truth from which every index can be rebuilt.
 *
 * After the segment header: count × dimension float32, row-major, little-endian. What vouches for them
 * is the SHA-256 of the file's pieces in the manifest, and each point's hash in the points file.
 */
import {
  damagedSegment,
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentExpectation,
  type SegmentHeader,
} from './segment-header.ts'

/** Offset of the row of `ordinal`. */
export const rowOffset = (ordinal: number, dimension: number): number =>
  SEGMENT_HEADER_BYTES + 4 * dimension * ordinal

/** The header of a file of `count` rows; the rows follow it. */
export const encodeVectorsHeader = (header: Omit<SegmentHeader, 'bodyBytes' | 'extra'>): Buffer =>
  encodeSegmentHeader('vectors', {
    ...header,
    bodyBytes: 4 * header.count * header.dimension,
    extra: 0,
  })

/**
 * Checks the header against the manifest and the size of the file.
 * @throws `damaged`, `newer-format`
 */
export function decodeVectorsHeader(
  bytes: Buffer,
  sizeBytes: number,
  expected: SegmentExpectation,
  file: string,
): SegmentHeader {
  const header = decodeSegmentHeader('vectors', bytes, sizeBytes, expected, file)
  if (header.bodyBytes !== 4 * header.count * header.dimension) {
    damagedSegment(file, 32, 'its lengths do not add up')
  }
  return header
}
