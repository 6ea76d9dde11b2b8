/**
 * Recomputing the hashes of a range of points from their stored bytes: the work behind the content
 * proof, on the thread of whoever calls it.
 */
import { chunkRows, type RowSource, readRows, type readRowsBlocking } from '../ann/row-source.ts'
import { sha256Latin1 } from '../base/checksum.ts'
import { KiB } from '../base/limits.ts'
import { ContentDigest } from '../format/content-digest.ts'
import { HASH_BYTES, viewPoints } from '../format/points-file.ts'

export interface ProofTask {
  readonly rows: RowSource
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

/**
 * @param read `readRowsBlocking` on a worker thread
 * @throws `damaged` when the file of the rows ends before them
 */
export async function proveRange(
  task: ProofTask,
  read: typeof readRows | typeof readRowsBlocking = readRows,
): Promise<ProofResult> {
  const { rows, from, to, tombstones } = task
  const points = Buffer.from(task.points)
  const table = viewPoints(points, rows.count)
  const digest = new ContentDigest()
  const canonical = new CanonicalBytes(rows.dimension, points)
  const stride = chunkRows(4 * rows.dimension)
  for await (const chunk of read(rows, from, to, stride)) {
    const words = new Uint32Array(chunk.values.buffer, chunk.values.byteOffset, chunk.values.length)
    for (let ordinal = chunk.from; ordinal < chunk.to; ordinal++) {
      if (((tombstones[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0) continue
      const hash = sha256Latin1(
        canonical.of(table.place(ordinal), words, (ordinal - chunk.from) * rows.dimension),
      )
      if (!isSame(hash, table.hash(ordinal))) return { digest: digest.toString(), bad: ordinal }
      digest.addLatin1(hash)
    }
  }
  return { digest: digest.toString(), bad: -1 }
}

/** Room for an id before the vector, and for ids and metadata of usual size before the buffer must grow. */
const scratchBytes = 64 * KiB

/**
 * The canonical bytes of points (format/point.ts), put together from where they are stored. The vector
 * starts at a multiple of 4, so that it is copied by words; the id stands right before it.
 */
class CanonicalBytes {
  readonly #dimension: number
  readonly #points: Buffer
  #bytes: Buffer
  #words: Uint32Array
  /** The part that was last given out: neighbours are often of one size. */
  #view: Buffer

  constructor(dimension: number, points: Buffer) {
    this.#dimension = dimension
    this.#points = points
    ;[this.#bytes, this.#words] = allocate(4 * dimension + scratchBytes)
    this.#view = this.#bytes
  }

  /** Valid until the next call. `row`: index of the first word of the point's vector. */
  of(
    place: { readonly id: number; readonly metadata: number; readonly end: number },
    words: Uint32Array,
    row: number,
  ): Buffer {
    const dimension = this.#dimension
    const idBytes = place.metadata - place.id
    const metadataBytes = place.end - place.metadata
    const vectorAt = (idBytes + 4 + 3) & ~3
    const metadataAt = vectorAt + 4 * dimension
    const end = metadataAt + metadataBytes
    if (end > this.#bytes.length) {
      ;[this.#bytes, this.#words] = allocate(2 * end)
      this.#view = this.#bytes
    }
    const [bytes, target] = [this.#bytes, this.#words]
    const start = vectorAt - 4 - idBytes
    copyShort(this.#points, place.id, bytes, start, idBytes)
    target[(vectorAt >> 2) - 1] = dimension
    const first = vectorAt >> 2
    target.set(words.subarray(row, row + dimension), first)
    copyShort(this.#points, place.metadata, bytes, metadataAt, metadataBytes)
    if (this.#view.byteOffset !== start || this.#view.length !== end - start) {
      this.#view = bytes.subarray(start, end)
    }
    return this.#view
  }
}

/** Memory of its own, seen as bytes and as words. */
function allocate(sizeBytes: number): [Buffer, Uint32Array] {
  const memory = new ArrayBuffer((sizeBytes + 3) & ~3)
  return [Buffer.from(memory), new Uint32Array(memory)]
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
