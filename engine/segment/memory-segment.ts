/**
 * The segment that takes writes: points in memory, in the order of their arrival.
 *
 * Ordinals are never reused and rows never change once appended, so that a reader, a pinned state or a
 * builder thread may go on using what it saw. Vectors stand in shared memory, once. Behind the last
 * point those may stand already that are about to be appended: nobody sees them before.
 */
import { limits } from '../base/limits.ts'
import type { PointId, StoredPoint } from '../format/point.ts'
import { HASH_BYTES, type PointTable } from '../format/points-file.ts'
import { RowMemory, type ScannedRows } from './row-memory.ts'

const firstCapacity = 64

export class MemorySegment implements PointTable {
  readonly dimension: number
  #ids: PointId[] = []
  #metadata: string[] = []
  #hashes = Buffer.alloc(HASH_BYTES * firstCapacity)
  readonly #vectors: RowMemory
  #payloadBytes = 0
  /** Points that are about to be appended, and how many of them were. */
  #staged: { readonly point: StoredPoint; readonly hash: Buffer }[] = []
  #stagedTaken = 0

  constructor(dimension: number) {
    this.dimension = dimension
    this.#vectors = new RowMemory(dimension, firstCapacity)
  }

  get count(): number {
    return this.#ids.length
  }

  get vectorBytes(): number {
    return 4 * this.dimension * this.count
  }

  /** Bytes of ids and metadata, in UTF-8. */
  get payloadBytes(): number {
    return this.#payloadBytes
  }

  /** All rows so far, row-major; count × dimension values. Not copied. */
  get rows(): Float32Array<SharedArrayBuffer> {
    return this.#vectors.rows.subarray(0, this.count * this.dimension)
  }

  /** The memory that {@link rows} stand in, where it is one that kernels scan. */
  get scanned(): ScannedRows | undefined {
    return this.#vectors.scanned
  }

  /** Puts the vector of a point where it will stand when it is appended, after what was staged before. */
  stage(point: StoredPoint, hash: Buffer): void {
    this.#place(point, this.count + this.#staged.length - this.#stagedTaken)
    this.#staged.push({ point, hash })
  }

  /** What was staged is not appended. */
  dropStaged(): void {
    this.#staged = []
    this.#stagedTaken = 0
  }

  /** The hash that `point` was staged with, when it is the next in turn. */
  stagedHash(point: StoredPoint): Buffer | undefined {
    const next = this.#staged[this.#stagedTaken]
    return next?.point === point ? next.hash : undefined
  }

  /** @returns the ordinal of the point */
  append(point: StoredPoint, hash: Buffer): number {
    const ordinal = this.count
    if (this.stagedHash(point) === undefined) {
      this.dropStaged()
      this.#place(point, ordinal)
    } else {
      this.#stagedTaken++
      // nothing of a large write is held until the next one comes
      if (this.#stagedTaken === this.#staged.length) this.dropStaged()
    }
    hash.copy(this.#hashes, HASH_BYTES * ordinal)
    this.#payloadBytes += point.bytes.length - point.vector.byteLength
    this.#ids.push(point.id)
    this.#metadata.push(point.metadata)
    return ordinal
  }

  #place(point: StoredPoint, ordinal: number): void {
    if ((ordinal + 1) * this.dimension > this.#vectors.rows.length) this.#grow()
    this.#vectors.rows.set(point.vector, ordinal * this.dimension)
  }

  id(ordinal: number): PointId {
    return at(this.#ids, ordinal)
  }

  metadata(ordinal: number): string {
    return at(this.#metadata, ordinal)
  }

  hash(ordinal: number): { bytes: Buffer; offset: number } {
    return { bytes: this.#hashes, offset: HASH_BYTES * ordinal }
  }

  /** Vectors of the ordinals from `from` to before `to`, row-major, a copy. */
  async vectors(from: number, to: number): Promise<Float32Array> {
    return this.#vectors.rows.slice(from * this.dimension, to * this.dimension)
  }

  /** A copy of one vector. */
  async vector(ordinal: number): Promise<Float32Array> {
    return this.#vectors.rows.slice(ordinal * this.dimension, (ordinal + 1) * this.dimension)
  }

  /**
   * Twice the room; from an eighth of a full segment on, room for all of it. The system gives memory as it is
   * written to, so that room costs nothing, and copying, of hashes at least, does.
   */
  #grow(): void {
    const { segmentPoints, segmentVectorBytes } = limits
    const full = Math.min(segmentPoints, Math.ceil(segmentVectorBytes / (4 * this.dimension)))
    const now = this.#vectors.rows.length / this.dimension
    const capacity = now >= full / 8 && now < full ? full : 2 * now
    this.#vectors.grow(capacity)
    const hashes = Buffer.alloc(HASH_BYTES * capacity)
    this.#hashes.copy(hashes)
    this.#hashes = hashes
  }
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index]
  if (value === undefined) throw new RangeError(`no ordinal ${index}`)
  return value
}
