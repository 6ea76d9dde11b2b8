/**
 * Which ordinals of a segment no longer count. Immutable: a later state is a file of its own.
 *
 * After the segment header (`extra` = number of tombstones): the u32 ordinals in rising order, then a
 * u32 checksum of them.
 */
import { crc32 } from '../base/checksum.ts'
import {
  damagedSegment,
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentExpectation,
} from './segment-header.ts'

/** A growing set of ordinals: one bit each. */
export class Tombstones {
  #bits: Uint8Array
  #count = 0

  constructor(capacity = 0) {
    this.#bits = new Uint8Array((capacity + 7) >> 3)
  }

  get count(): number {
    return this.#count
  }

  has(ordinal: number): boolean {
    return ((this.#bits[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0
  }

  add(ordinal: number): void {
    if (this.has(ordinal)) return
    const index = ordinal >> 3
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(2 * this.#bits.length, index + 1, 64))
      grown.set(this.#bits)
      this.#bits = grown
    }
    this.#bits[index] = (this.#bits[index] ?? 0) | (1 << (ordinal & 7))
    this.#count++
  }

  copy(): Tombstones {
    const copy = new Tombstones()
    copy.#bits = this.#bits.slice()
    copy.#count = this.#count
    return copy
  }

  /** A bitmap of `count` bits in shared memory, for worker threads. Bit i of byte i >> 3. */
  toShared(count: number): Uint8Array<SharedArrayBuffer> {
    const shared = new Uint8Array(new SharedArrayBuffer((count + 7) >> 3))
    shared.set(this.#bits.subarray(0, shared.length))
    return shared
  }

  /** The ordinals below `count`, rising. */
  *ordinals(count: number): Generator<number> {
    for (let ordinal = 0; ordinal < count; ordinal++) if (this.has(ordinal)) yield ordinal
  }
}

/** The file's bytes; tombstones at or above `segment.count` are not of this state and left out. */
export function encodeTombstones(
  tombstones: Tombstones,
  segment: { number: number; count: number; dimension: number; lsn: number },
): Buffer {
  const ordinals = Uint32Array.from(tombstones.ordinals(segment.count))
  const body = Buffer.allocUnsafe(4 * ordinals.length + 4)
  ordinals.forEach((ordinal, index) => {
    body.writeUInt32LE(ordinal, 4 * index)
  })
  body.writeUInt32LE(crc32(body.subarray(0, 4 * ordinals.length)), 4 * ordinals.length)
  const header = encodeSegmentHeader('tombstones', {
    ...segment,
    bodyBytes: body.length,
    extra: ordinals.length,
  })
  return Buffer.concat([header, body])
}

/** @throws `damaged`, `newer-format` */
export function decodeTombstones(
  bytes: Buffer,
  expected: SegmentExpectation,
  file: string,
): Tombstones {
  const header = decodeSegmentHeader('tombstones', bytes, bytes.length, expected, file)
  const end = SEGMENT_HEADER_BYTES + 4 * header.extra
  if (end + 4 !== bytes.length) damagedSegment(file, 32, 'its lengths do not add up')
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(SEGMENT_HEADER_BYTES, end))) {
    damagedSegment(file, end, 'checksum')
  }
  const tombstones = new Tombstones(header.count)
  let previous = -1
  for (let offset = SEGMENT_HEADER_BYTES; offset < end; offset += 4) {
    const ordinal = bytes.readUInt32LE(offset)
    if (ordinal <= previous || ordinal >= header.count) damagedSegment(file, offset, 'ordinal')
    tombstones.add(ordinal)
    previous = ordinal
  }
  return tombstones
}
