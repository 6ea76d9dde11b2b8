/**
 * A segment of an open collection: a body (memory or sealed), its tombstones, and what answers
 * searches for it.
 *
 * Invariants: ordinals survive sealing, so tombstones stay valid when the body is exchanged (where they
 * change, when a frozen segment is divided or sealed ones are merged, new objects of this class take
 * over, and the old ones stay open for whoever holds them); at most one of
 * `index` and `rows` is set for a sealed body, both are absent until the segment is warmed; `lists` are
 * over the rows.
 */
import type { HnswIndex } from '../ann/hnsw-index.ts'
import type { IvfIndex } from '../ann/ivf-index.ts'
import { norm } from '../ann/metric.ts'
import { type ScanKernel, scanKernel } from '../ann/scan-kernel.ts'
import type { JsonObject } from '../base/canonical-json.ts'
import type { Metric } from '../format/config.ts'
import { type PointId, readMetadata } from '../format/point.ts'
import type { PointTable } from '../format/points-file.ts'
import { Tombstones } from '../format/tombstones-file.ts'
import { MemorySegment } from '../segment/memory-segment.ts'
import type { ScannedRows } from '../segment/row-memory.ts'
import type { LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'

export class LiveSegment {
  readonly number: number
  readonly tombstones: Tombstones
  #body: MemorySegment | SealedSegment
  #index: HnswIndex | undefined
  #rows: LoadedRows | undefined
  #lists: IvfIndex | undefined
  #norms = new Float64Array()
  #normed = 0
  /** Over the rows of a memory body. */
  #kernel:
    | { readonly rows: ScannedRows; readonly metric: Metric; readonly scan: ScanKernel }
    | undefined
  #holds = 0
  #closing: Promise<void> | undefined
  /** Set when another segment took over: closes this one. */
  #retire: (() => void) | undefined

  constructor(number: number, body: MemorySegment | SealedSegment, tombstones = new Tombstones()) {
    this.number = number
    this.#body = body
    this.tombstones = tombstones
  }

  get table(): PointTable {
    return this.#body
  }

  get memory(): MemorySegment | undefined {
    return this.#body instanceof MemorySegment ? this.#body : undefined
  }

  get sealed(): SealedSegment | undefined {
    return this.#body instanceof MemorySegment ? undefined : this.#body
  }

  get index(): HnswIndex | undefined {
    return this.#index
  }

  /** Rows in memory: of the memory body, or of a sealed one that is searched exactly. */
  get rows(): Float32Array | undefined {
    if (this.#body instanceof MemorySegment) return this.#body.rows
    return this.#rows && viewRows(this.#rows)
  }

  /** The lengths of {@link rows}, each found once: for cosine they are half of a scan. */
  norms(rows: Float32Array): Float64Array {
    const { count } = this.table
    const { dimension } = this
    if (this.#norms.length < count) {
      const norms = new Float64Array(Math.max(count, 2 * this.#norms.length))
      norms.set(this.#norms.subarray(0, this.#normed))
      this.#norms = norms
    }
    for (let row = this.#normed; row < count; row++) {
      this.#norms[row] = norm(rows, row * dimension, dimension)
    }
    this.#normed = count
    return this.#norms
  }

  /** What scans {@link rows} faster, where they stand in memory of that kind. */
  kernel(metric: Metric): ScanKernel | undefined {
    const rows = this.memory?.scanned
    if (rows === undefined) return undefined
    if (this.#kernel?.rows !== rows || this.#kernel.metric !== metric) {
      this.#kernel = { rows, metric, scan: scanKernel(rows, metric) }
    }
    return this.#kernel.scan
  }

  /** Lists over the rows, where the index is of that kind. */
  get lists(): IvfIndex | undefined {
    return this.#lists
  }

  /** Whether a search can be answered without loading anything. */
  get warm(): boolean {
    return this.memory !== undefined || this.#index !== undefined || this.#rows !== undefined
  }

  get dimension(): number {
    return this.#body.dimension
  }

  get live(): number {
    return this.table.count - this.tombstones.count
  }

  /** Marks a point as gone, in the index too. */
  bury(ordinal: number): void {
    this.tombstones.add(ordinal)
    this.#index?.remove(ordinal)
  }

  /** The sealed files take the place of the memory body. */
  become(sealed: SealedSegment): void {
    this.#body = sealed
    this.#kernel = undefined
  }

  /** From now on `index` answers; what was buried before is taken out of it. */
  answerWith(index: HnswIndex): void {
    for (const ordinal of this.tombstones.ordinals(this.table.count)) index.remove(ordinal)
    this.#replaceIndex(index)
    this.#norms = new Float64Array()
    this.#normed = 0
    this.#rows = undefined
    this.#lists = undefined
  }

  /** From now on the rows are scanned: those that `lists` point to, or all. */
  scanWith(rows: LoadedRows, lists?: IvfIndex): void {
    this.#rows = rows
    this.#lists = lists
    this.#replaceIndex(undefined)
  }

  /** Searches do not give up the thread, so none is in the index that goes. */
  #replaceIndex(index: HnswIndex | undefined): void {
    const before = this.#index
    this.#index = index
    if (before !== index) before?.close()
  }

  async vector(ordinal: number): Promise<Float32Array> {
    const release = this.hold()
    try {
      return await this.#body.vector(ordinal)
    } finally {
      release()
    }
  }

  /**
   * Vectors of the ordinals from `from` to before `to`, row-major, a copy; those of live points are
   * proven by their hashes. @throws `damaged`
   */
  async vectors(
    from: number,
    to: number,
    isLive: (ordinal: number) => boolean,
  ): Promise<Float32Array> {
    const release = this.hold()
    try {
      return await this.#body.vectors(from, to, isLive)
    } finally {
      release()
    }
  }

  id(ordinal: number): PointId {
    return this.#body.id(ordinal)
  }

  metadata(ordinal: number): JsonObject {
    return readMetadata(this.#body.metadata(ordinal), this.id(ordinal), this.number)
  }

  /** Keeps files and index open until the function is called, also when another segment takes over. */
  hold(): () => void {
    let held = true
    this.#holds++
    return () => {
      if (!held) return
      held = false
      this.#holds--
      if (this.#holds === 0) this.#retire?.()
    }
  }

  /** Whether somebody looks at it. */
  get held(): boolean {
    return this.#holds > 0
  }

  /** Whether another segment has taken over: nothing new begins with this one. */
  get retired(): boolean {
    return this.#retire !== undefined
  }

  /** Another segment has taken over. Resolves when nobody held this one any more and it is closed. */
  retire(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#retire = () => {
        this.close().then(resolve, reject)
      }
      if (this.#holds === 0) this.#retire()
    })
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#index?.close()
    await this.sealed?.close()
  }
}

/** Holds all of them; the function that is returned lets go. */
export function holdAll(segments: readonly LiveSegment[]): () => void {
  const releases = segments.map((segment) => segment.hold())
  return () => {
    for (const release of releases) release()
  }
}

/** The rows of a loaded block as one array: count × dimension. */
export const viewRows = (rows: LoadedRows): Float32Array<SharedArrayBuffer> =>
  new Float32Array(rows.vectors, rows.byteOffset, rows.count * rows.dimension)
