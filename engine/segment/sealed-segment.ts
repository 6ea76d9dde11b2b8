/**
 * A segment on disk: immutable files, opened.
 *
 * The points file is held in memory (ids, metadata, hashes), the vectors stay on disk and are read when
 * asked for; the whole block is proven against the SHA-256 of its pieces whenever it is loaded.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import type { HashThreads } from '../base/hash-threads.ts'
import { limits } from '../base/limits.ts'
import type { FileEntry, SegmentEntry } from '../format/manifest.ts'
import { encodePoint, floatBytes, hashPoint, type PointId } from '../format/point.ts'
import { decodePoints, HASH_BYTES, type PointTable } from '../format/points-file.ts'
import { SEGMENT_HEADER_BYTES } from '../format/segment-header.ts'
import { decodeTombstones, Tombstones } from '../format/tombstones-file.ts'
import { decodeTruth, type SegmentTruth } from '../format/truth-file.ts'
import { decodeVectorsHeader, rowOffset } from '../format/vectors-file.ts'

const hint =
  'Fetch it from another copy: vectra-cli collections repair NAME --segments --source URL. Or restore a backup; nothing was changed.'

/** Rows of a segment in shared memory; `byteOffset` is where the first one starts. */
export interface LoadedRows {
  readonly vectors: SharedArrayBuffer
  readonly byteOffset: number
  readonly count: number
  readonly dimension: number
}

/** Rows of a segment in its file, for threads that open it themselves. */
export interface RowsFile {
  readonly path: string
  readonly byteOffset: number
  readonly count: number
  readonly dimension: number
}

export interface SegmentPlace {
  readonly disk: Disk
  /** The collection's directory. */
  readonly directory: string
  readonly dimension: number
}

export class SealedSegment implements PointTable {
  #entry: SegmentEntry
  /** The points file, in shared memory so that threads can read it. */
  readonly pointsBytes: Buffer<SharedArrayBuffer>
  readonly #place: SegmentPlace
  readonly #table: PointTable
  readonly #vectors: DiskFile

  private constructor(
    entry: SegmentEntry,
    place: SegmentPlace,
    pointsBytes: Buffer<SharedArrayBuffer>,
    vectors: DiskFile,
  ) {
    const file = path.join(place.directory, entry.points.path)
    this.#table = decodePoints(pointsBytes, { ...entry, dimension: place.dimension }, file)
    this.#entry = entry
    this.pointsBytes = pointsBytes
    this.#place = place
    this.#vectors = vectors
  }

  /**
   * Opens the files of `entry`; hashes the points file, checks headers and sizes.
   * @throws `missing-file`, `damaged`, `newer-format`
   */
  static async open(place: SegmentPlace, entry: SegmentEntry): Promise<SealedSegment> {
    const expected = { ...entry, dimension: place.dimension }
    const points = await readProven(place, entry.points)
    const file = path.join(place.directory, entry.vectors.path)
    await requireFile(place.disk, file)
    const vectors = await place.disk.open(file, 'read')
    try {
      const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
      const read = await vectors.read(header, 0)
      const sizeBytes = await vectors.sizeBytes()
      refuseSize(file, sizeBytes, entry.vectors)
      decodeVectorsHeader(header.subarray(0, read), sizeBytes, expected, file)
      return new SealedSegment(entry, place, points, vectors)
    } catch (error) {
      await vectors.close()
      throw error
    }
  }

  get entry(): SegmentEntry {
    return this.#entry
  }

  /** A manifest names other index files for the segment; its other files never change. */
  reindexed(index: Pick<SegmentEntry, 'graph' | 'lists'>): void {
    const { graph, lists } = index
    this.#entry = { ...this.#entry, graph, lists }
  }

  get count(): number {
    return this.entry.count
  }

  get dimension(): number {
    return this.#place.dimension
  }

  id(ordinal: number): PointId {
    return this.#table.id(ordinal)
  }

  metadata(ordinal: number): string {
    return this.#table.metadata(ordinal)
  }

  hash(ordinal: number): { bytes: Buffer; offset: number } {
    return this.#table.hash(ordinal)
  }

  /**
   * One vector, read from disk and proven by the point's hash.
   * @throws `damaged`
   */
  async vector(ordinal: number): Promise<Float32Array> {
    return this.vectors(ordinal, ordinal + 1)
  }

  /**
   * Vectors of the ordinals from `from` to before `to`, row-major, read from disk; those of live points
   * are proven by the points' hashes.
   * @throws `damaged`
   */
  async vectors(
    from: number,
    to: number,
    isLive: (ordinal: number) => boolean = () => true,
  ): Promise<Float32Array> {
    const { dimension } = this.#place
    const vectors = new Float32Array((to - from) * dimension)
    await this.readRowsAt(from, vectors)
    for (let ordinal = from; ordinal < to; ordinal++) {
      if (!isLive(ordinal)) continue
      const row = (ordinal - from) * dimension
      const vector = vectors.subarray(row, row + dimension)
      const found = encodePoint(this.id(ordinal), vector, this.metadata(ordinal))
      const { bytes, offset } = this.hash(ordinal)
      if (hashPoint({ bytes: found }).compare(bytes, offset, offset + HASH_BYTES) !== 0) {
        this.#damaged(
          this.entry.vectors,
          rowOffset(ordinal, dimension),
          'the vector there is not what was accepted',
        )
      }
    }
    return vectors
  }

  /** Where threads find the vectors, unproven; undefined where only this disk can read them. */
  get rowsFile(): RowsFile | undefined {
    const { disk, directory, dimension } = this.#place
    const file = disk.threadPath(path.join(directory, this.entry.vectors.path))
    if (file === undefined) return undefined
    return { path: file, byteOffset: SEGMENT_HEADER_BYTES, count: this.count, dimension }
  }

  /**
   * Holds the vectors file against the SHA-256 of its pieces, without keeping it in memory.
   * @throws `damaged` naming the first bad piece
   */
  async proveRows(hashes: HashThreads): Promise<void> {
    const { vectors: entry } = this.entry
    const file = this.rowsFile
    if (file === undefined) await this.loadRows(hashes)
    else this.#expectPieces(await hashes.filePieces(file.path, entry.sizeBytes))
  }

  /** All vectors as they stand on disk, unproven: for who proves them point by point. */
  async readRows(): Promise<LoadedRows> {
    const { vectors: entry, count } = this.entry
    const vectors = new SharedArrayBuffer(entry.sizeBytes)
    const read = await this.#vectors.read(new Uint8Array(vectors), 0)
    if (read !== entry.sizeBytes) this.#damaged(entry, read, 'it is shorter than the manifest says')
    const { dimension } = this.#place
    return { vectors, byteOffset: SEGMENT_HEADER_BYTES, count, dimension }
  }

  /** Rows from `ordinal` on, as they stand on disk, unproven, until `target` is full. @throws `damaged` */
  async readRowsAt(ordinal: number, target: Float32Array): Promise<void> {
    const offset = rowOffset(ordinal, this.#place.dimension)
    const bytes = floatBytes(target)
    if ((await this.#vectors.read(bytes, offset)) !== bytes.length) {
      this.#damaged(this.entry.vectors, offset, 'it ends before its last vector')
    }
  }

  /**
   * All vectors, proven: every piece's SHA-256 is the manifest's.
   * @throws `damaged` naming the first bad piece
   */
  async loadRows(hashes: HashThreads): Promise<LoadedRows> {
    const rows = await this.readRows()
    const { vectors: entry } = this.entry
    this.#expectPieces(await hashes.pieces(rows.vectors, entry.sizeBytes))
    return rows
  }

  #expectPieces(pieces: readonly string[]): void {
    const { vectors: entry } = this.entry
    const bad = pieces.findIndex((piece, index) => piece !== entry.pieces[index])
    if (bad >= 0) this.#damaged(entry, bad * limits.pieceBytes, 'its SHA-256 does not match')
  }

  /** The graph file's bytes, proven by hash. @throws `missing-file`, `damaged` */
  async loadGraph(entry: FileEntry): Promise<Buffer> {
    return readProven(this.#place, entry)
  }

  /** The bytes of any file of the segment, proven by hash. @throws `missing-file`, `damaged` */
  loadFile(entry: FileEntry): Promise<Buffer<SharedArrayBuffer>> {
    return readProven(this.#place, entry)
  }

  /** @throws `missing-file`, `damaged`, `newer-format` */
  async loadTombstones(): Promise<Tombstones> {
    const { entry } = this
    if (entry.tombstones === null) return new Tombstones(entry.count)
    const bytes = await readProven(this.#place, entry.tombstones)
    const file = path.join(this.#place.directory, entry.tombstones.path)
    return decodeTombstones(bytes, { ...entry, dimension: this.#place.dimension }, file)
  }

  /** @throws `missing-file`, `damaged`, `newer-format` */
  async loadTruth(entry: FileEntry): Promise<SegmentTruth> {
    const bytes = await readProven(this.#place, entry)
    const file = path.join(this.#place.directory, entry.path)
    return decodeTruth(bytes, { ...this.entry, dimension: this.#place.dimension }, file)
  }

  async close(): Promise<void> {
    await this.#vectors.close()
  }

  #damaged(entry: FileEntry, offset: number, reason: string): never {
    const file = path.join(this.#place.directory, entry.path)
    fail('damaged', `${file} is damaged at offset ${offset}: ${reason}`, hint, {
      place: { file, offset },
    })
  }
}

/** A whole file, in shared memory, whose pieces hash to what the manifest says. */
async function readProven(
  place: SegmentPlace,
  entry: FileEntry,
): Promise<Buffer<SharedArrayBuffer>> {
  const file = path.join(place.directory, entry.path)
  await requireFile(place.disk, file)
  const handle = await place.disk.open(file, 'read')
  let bytes: Buffer<SharedArrayBuffer>
  try {
    refuseSize(file, await handle.sizeBytes(), entry)
    bytes = Buffer.from(new SharedArrayBuffer(entry.sizeBytes))
    refuseSize(file, await handle.read(bytes, 0), entry)
  } finally {
    await handle.close()
  }
  for (const [index, piece] of entry.pieces.entries()) {
    const offset = index * limits.pieceBytes
    if (sha256Hex(bytes.subarray(offset, offset + limits.pieceBytes)) !== piece) {
      fail('damaged', `${file} is damaged at offset ${offset}: its SHA-256 does not match`, hint, {
        place: { file, offset },
      })
    }
  }
  return bytes
}

function refuseSize(file: string, sizeBytes: number, entry: FileEntry): void {
  if (sizeBytes === entry.sizeBytes) return
  fail('damaged', `${file} is ${sizeBytes} bytes instead of ${entry.sizeBytes}`, hint, {
    place: { file },
  })
}

async function requireFile(disk: Disk, file: string): Promise<void> {
  if ((await disk.stat(file)) === undefined) {
    fail('missing-file', `${file} is missing`, hint, { place: { file } })
  }
}
