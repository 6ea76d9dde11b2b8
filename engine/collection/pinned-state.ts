/**
 * A pinned state: the collection exactly at one LSN, while writes go on.
 *
 * It is made of the current manifest with the files it names, and the log from there to the pinned
 * LSN. Nothing is copied: the files stay until the pin is released, log files are read only up to the
 * byte that was durable, and the views below hold copies of the tombstones.
 */
import * as path from 'node:path'
import { scanExact } from '../ann/scan-exact.ts'
import { sha256 } from '../base/checksum.ts'
import type { DiskFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import type { CollectionConfig } from '../format/config.ts'
import { type Epoch, epochName } from '../format/identity.ts'
import { encodeManifest, filesOf, type Manifest, manifestName } from '../format/manifest.ts'
import { encodeId, type PointId } from '../format/point.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import { pieceHashes } from '../segment/write-segment.ts'
import { listWal } from '../wal/wal-files.ts'
import type { WalWriter } from '../wal/wal-writer.ts'
import type { Checkpointer } from './checkpoint.ts'
import type { CollectionContext } from './context.ts'
import type { LiveSegment } from './live-segment.ts'
import type { LiveState } from './live-state.ts'
import { configName } from './open-files.ts'
import { compareIds } from './search.ts'

/** One file of the state. */
export interface PinnedFile {
  /** Relative inside the collection's directory, `/` separated. */
  readonly path: string
  readonly sizeBytes: number
  /** SHA-256, hex, of each 16 MiB piece where it has been known since sealing; else undefined. */
  readonly pieces: readonly string[] | undefined
  /** Reads until `target` is full or the pinned size is reached; returns the bytes read. */
  read(target: Uint8Array, position: number): Promise<number>
}

/** A point drawn from the state, for golden queries. */
export interface SampledPoint {
  readonly id: PointId
  readonly vector: Float32Array
}

export interface ExactNeighbour {
  readonly id: PointId
  readonly distance: number
}

export interface PinnedState {
  readonly collection: { readonly uuid: string; readonly name: string }
  /** Further names that meant the collection, sorted. */
  readonly aliases: readonly string[]
  readonly epoch: Epoch
  readonly lsn: number
  readonly committedAtUs: number
  /** When the state was pinned, epoch ms: the source's durable LSN was this one then. */
  readonly pinnedAt: number
  readonly count: number
  readonly digest: string
  readonly config: CollectionConfig
  readonly files: readonly PinnedFile[]
  /** The n live points whose ids (tag, length, bytes) have the smallest SHA-256, in that order. */
  sample(n: number): Promise<SampledPoint[]>
  /**
   * The exact k nearest live points to each query in this state, nearest first; equal distances by id.
   * Computed in worker threads. `exclude` leaves one id out of the answer to its query.
   */
  exactSearch(
    queries: readonly { readonly vector: Float32Array; readonly exclude?: PointId }[],
    k: number,
  ): Promise<ExactNeighbour[][]>
  /** Lets go of the files. Idempotent; closing the collection does it too. */
  release(): Promise<void>
}

export interface PinSource {
  readonly context: CollectionContext
  readonly directory: string
  readonly config: CollectionConfig
  /** The config document whose hash is in the manifest. */
  readonly configBytes: Buffer
  readonly state: LiveState
  readonly writer: WalWriter
  readonly checkpointer: Checkpointer
}

/** A segment as it was: `count` rows, minus `tombstones`. */
interface View {
  readonly segment: LiveSegment
  readonly count: number
  readonly tombstones: Tombstones
}

/** Pins between two log groups: everything before is applied, nothing is half done. */
export function pinState(source: PinSource): Promise<PinnedState> {
  const { state, writer, checkpointer, context } = source
  return writer.between(async () => {
    const opened = new Map<string, Promise<DiskFile>>()
    const { manifest, release } = checkpointer.pin(() => closeAll(opened))
    const { lsn, committedAtUs } = writer.position
    const pinnedAt = context.clock.nowMs()
    const { count, digest } = state
    const views = state.segments
      .filter((segment) => segment.table.count > 0)
      .map((segment) => ({
        segment,
        count: segment.table.count,
        tombstones: segment.tombstones.copy(),
      }))
    const files = await pinnedFiles(source, manifest, writer.tail, opened)
    return {
      collection: { uuid: manifest.uuid, name: manifest.name },
      aliases: context.aliasesOf(manifest.name),
      epoch: manifest.epoch,
      lsn,
      committedAtUs,
      pinnedAt,
      count,
      digest,
      config: source.config,
      files,
      sample: (n) => sampleViews(views, n),
      exactSearch: (queries, k) => searchViews(source, views, queries, k),
      release,
    }
  })
}

async function closeAll(opened: Map<string, Promise<DiskFile>>): Promise<void> {
  const files = [...opened.values()]
  opened.clear()
  for (const file of files) await (await file).close()
}

async function pinnedFiles(
  { context, directory, configBytes }: PinSource,
  manifest: Manifest,
  tail: { readonly file: string; readonly offset: number },
  opened: Map<string, Promise<DiskFile>>,
): Promise<PinnedFile[]> {
  const { disk } = context
  const onDisk = (relative: string, sizeBytes: number, pieces?: readonly string[]): PinnedFile => ({
    path: relative,
    sizeBytes,
    pieces,
    read: async (target, position) => {
      const file = opened.get(relative) ?? disk.open(path.join(directory, relative), 'read')
      opened.set(relative, file)
      const length = Math.max(0, Math.min(target.length, sizeBytes - position))
      return (await file).read(target.subarray(0, length), position)
    },
  })
  const inMemory = (relative: string, bytes: Buffer): PinnedFile => ({
    path: relative,
    sizeBytes: bytes.length,
    pieces: pieceHashes(bytes),
    read: async (target, position) => bytes.copy(target, 0, position),
  })
  const walPath = `wal/${epochName(manifest.epoch)}`
  const walDirectory = path.join(directory, walPath)
  const logs = await listWal(disk, walDirectory)
  const first = logs.findLastIndex((log) => log.firstLsn <= manifest.lsn + 1)
  const logFiles: PinnedFile[] = []
  for (const log of logs.slice(Math.max(first, 0))) {
    const file = path.join(walDirectory, log.name)
    const sizeBytes = file === tail.file ? tail.offset : ((await disk.stat(file))?.sizeBytes ?? 0)
    logFiles.push(onDisk(`${walPath}/${log.name}`, sizeBytes))
  }
  return [
    inMemory(configName, configBytes),
    ...filesOf(manifest).map((file) => onDisk(file.path, file.sizeBytes, file.pieces)),
    ...logFiles,
    inMemory(manifestName(manifest.sequence), encodeManifest(manifest)),
  ]
}

/** Ids hashed before other work gets a turn. */
const sampleStride = 20_000

async function sampleViews(views: readonly View[], n: number): Promise<SampledPoint[]> {
  let best: { rank: Buffer; view: View; ordinal: number }[] = []
  let bar: Buffer | undefined
  let seen = 0
  const cut = () => {
    best.sort((a, b) => a.rank.compare(b.rank))
    best = best.slice(0, n)
    bar = best.length === n ? best.at(-1)?.rank : undefined
  }
  for (const view of views) {
    for (let ordinal = 0; ordinal < view.count; ordinal++) {
      if (view.tombstones.has(ordinal)) continue
      const rank = sha256(encodeId(view.segment.id(ordinal)))
      if (bar === undefined || rank.compare(bar) < 0) best.push({ rank, view, ordinal })
      if (best.length >= 2 * n + 64) cut()
      if (++seen % sampleStride === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  cut()
  return Promise.all(
    best.map(async ({ view, ordinal }) => ({
      id: view.segment.id(ordinal),
      vector: await view.segment.vector(ordinal),
    })),
  )
}

async function searchViews(
  { context, config }: PinSource,
  views: readonly View[],
  queries: readonly { readonly vector: Float32Array; readonly exclude?: PointId }[],
  k: number,
): Promise<ExactNeighbour[][]> {
  const answers: ExactNeighbour[][] = queries.map(() => [])
  for (const view of views) {
    const { segment, count, tombstones } = view
    const { memory, sealed } = segment
    const rows = memory
      ? { vectors: memory.rows.buffer, byteOffset: memory.rows.byteOffset }
      : await sealed?.loadRows(context.hashes)
    if (rows === undefined)
      return fail('damaged', 'a segment has no rows', 'Restore from a backup.')
    const found = await scanExact(
      context.ann,
      { vectors: rows.vectors, byteOffset: rows.byteOffset, count, dimension: config.dimension },
      queries.map((query) => query.vector),
      k + 1, // one may be the excluded point itself
      config.metric,
      { deleted: tombstones.toShared(count) },
    )
    found.forEach(({ ordinals, distances }, query) => {
      ordinals.forEach((ordinal, index) => {
        const id = segment.id(ordinal)
        if (id !== queries[query]?.exclude) {
          answers[query]?.push({ id, distance: distances[index] ?? Number.NaN })
        }
      })
    })
  }
  return answers.map((answer) =>
    answer.sort((a, b) => a.distance - b.distance || compareIds(a.id, b.id)).slice(0, k),
  )
}
