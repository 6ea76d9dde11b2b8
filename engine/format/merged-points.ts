/**
 * A points file made of points of other ones: hashes, ids and metadata are taken over byte by byte and
 * never decoded. The format is the one of points-file.ts.
 */
import assert from 'node:assert/strict'
import { crc32 } from '../base/checksum.ts'
import { HASH_BYTES, type PointsFile } from './points-file.ts'
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment-header.ts'

/** The blob's offsets are u32: the most bytes of ids and metadata that one file holds. */
export const maxBlobBytes = 0xffffffff

export class MergedPoints {
  /** The whole file, in shared memory so that threads can hash it. Valid once {@link finish}ed. */
  readonly image: SharedArrayBuffer
  readonly #bytes: Buffer
  readonly #count: number
  readonly #offsetsAt: number
  readonly #blobAt: number
  #taken = 0
  #blobBytes = 0

  /** Room for `count` points whose ids and metadata have `blobBytes` together, exactly. */
  constructor(count: number, blobBytes: number) {
    assert(blobBytes <= maxBlobBytes, 'a points file holds less than 4 GiB of ids and metadata')
    this.#count = count
    this.#offsetsAt = SEGMENT_HEADER_BYTES + HASH_BYTES * count
    this.#blobAt = this.#offsetsAt + 4 * (count + 1)
    this.image = new SharedArrayBuffer(this.#blobAt + blobBytes + 4)
    this.#bytes = Buffer.from(this.image)
  }

  /** Appends a point of another file, whose bytes are `from`. */
  take(from: Buffer, table: PointsFile, ordinal: number): void {
    const { bytes, offset } = table.hash(ordinal)
    bytes.copy(
      this.#bytes,
      SEGMENT_HEADER_BYTES + HASH_BYTES * this.#taken,
      offset,
      offset + HASH_BYTES,
    )
    const { id, end } = table.place(ordinal)
    this.#bytes.writeUInt32LE(this.#blobBytes, this.#offsetsAt + 4 * this.#taken)
    from.copy(this.#bytes, this.#blobAt + this.#blobBytes, id, end)
    this.#blobBytes += end - id
    this.#taken++
  }

  /** Header, last offset and checksum: the image is then a whole file. */
  finish(segment: { number: number; dimension: number; lsn: number }): void {
    const bytes = this.#bytes
    const end = this.#blobAt + this.#blobBytes
    assert.equal(this.#taken, this.#count, 'all points were taken over')
    assert.equal(end + 4, bytes.length, 'they have the size that was said')
    bytes.writeUInt32LE(this.#blobBytes, this.#offsetsAt + 4 * this.#count)
    const header = encodeSegmentHeader('points', {
      ...segment,
      count: this.#count,
      bodyBytes: bytes.length - SEGMENT_HEADER_BYTES,
      extra: this.#blobBytes,
    })
    header.copy(bytes)
    bytes.writeUInt32LE(crc32(bytes.subarray(SEGMENT_HEADER_BYTES, end)), end)
  }
}
