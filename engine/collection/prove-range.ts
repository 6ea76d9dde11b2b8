/**
 * Recomputing the hashes of a range of points from their stored bytes: the work behind the content
 * proof, on the thread of whoever calls it.
 */
import { sha256Latin1 } from '../base/checksum.ts'
import { ContentDigest } from '../format/content-digest.ts'
import { HASH_BYTES, viewPoints } from '../format/points-file.ts'

export interface ProofTask {
  readonly count: number
  readonly dimension: number
  readonly vectors: SharedArrayBuffer
  /** Where the first row starts. */
  readonly byteOffset: number
  /** Bytes of the points file, checked when the segment was opened. */
  readonly points: SharedArrayBuffer
  /** One bit an ordinal. */
  readonly tombstones: Uint8Array
  readonly from: number
  readonly to: number
}

export interface ProofResult {
  /** Sum of the hashes of the live points, 64 hex digits. */
  readonly digest: string
  /** First ordinal whose bytes do not hash to its stored hash, −1 when none. */
  readonly bad: number
}

/** Room for ids and metadata before the buffer has to grow. */
const scratchBytes = 64 * 1024

export function proveRange(task: ProofTask): ProofResult {
  const { dimension, from, to } = task
  const points = Buffer.from(task.points)
  const table = viewPoints(points, task.count)
  const rowBytes = 4 * dimension
  const rows = Buffer.from(task.vectors)
  const digest = new ContentDigest()
  let scratch = Buffer.allocUnsafe(rowBytes + scratchBytes)
  for (let ordinal = from; ordinal < to; ordinal++) {
    if (((task.tombstones[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0) continue
    // the canonical bytes (format/point.ts), put together from where they are stored
    const { id, metadata, end } = table.place(ordinal)
    const dimensionAt = metadata - id
    const metadataAt = dimensionAt + 4 + rowBytes
    const length = metadataAt + end - metadata
    if (length > scratch.length) scratch = Buffer.allocUnsafe(2 * length)
    const rowAt = task.byteOffset + ordinal * rowBytes
    copyShort(points, id, scratch, 0, dimensionAt)
    scratch.writeUInt32LE(dimension, dimensionAt)
    rows.copy(scratch, dimensionAt + 4, rowAt, rowAt + rowBytes)
    copyShort(points, metadata, scratch, metadataAt, end - metadata)
    const hash = sha256Latin1(scratch.subarray(0, length))
    const stored = table.hash(ordinal)
    if (!isSame(hash, stored)) return { digest: digest.toString(), bad: ordinal }
    digest.addLatin1(hash)
  }
  return { digest: digest.toString(), bad: -1 }
}

/** Ids and metadata are mostly a few bytes, for which a loop is faster than a call into native code. */
const loopBytes = 48

function copyShort(source: Buffer, from: number, target: Buffer, to: number, length: number): void {
  if (length > loopBytes) {
    source.copy(target, to, from, from + length)
    return
  }
  for (let i = 0; i < length; i++) target[to + i] = source[from + i] ?? 0
}

function isSame(hash: string, stored: { bytes: Buffer; offset: number }): boolean {
  for (let i = 0; i < HASH_BYTES; i++) {
    if (hash.charCodeAt(i) !== stored.bytes[stored.offset + i]) return false
  }
  return true
}
