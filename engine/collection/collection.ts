/**
 * An open collection: the writes, reads and searches of one set of points.
 *
 * The life of a write: checked whole → one log record → fdatasync shared with others → applied to the
 * live state → acknowledged. When the active segment is full it is frozen and sealed beside the
 * traffic (checkpoint.ts); what a search needs is loaded when the first one comes (warm.ts).
 */
import assert from 'node:assert/strict'
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import { type CollectionConfig, encodeConfig } from '../format/config.ts'
import type { Epoch, Identity } from '../format/identity.ts'
import type { Manifest, RestoredFrom } from '../format/manifest.ts'
import {
  acceptId,
  acceptPoint,
  acceptVector,
  type Point,
  type PointId,
  type PointInput,
  toPoint,
} from '../format/point.ts'
import type { Operation } from '../format/wal-record.ts'
import { type Commit, WalWriter } from '../wal/wal-writer.ts'
import { WatermarkFile, watermarkName } from '../wal/watermark-file.ts'
import { Checkpointer } from './checkpoint.ts'
import { proveContent } from './content-proof.ts'
import type { CollectionContext } from './context.ts'
import { type LiveSegment, viewRows } from './live-segment.ts'
import type { LiveState } from './live-state.ts'
import { type OpenedFiles, openFiles, startHistory, walDirectoryOf } from './open-files.ts'
import { type PinnedState, pinState } from './pinned-state.ts'
import { checkSearchBounds, type Neighbour, type SearchOptions, searchSegments } from './search.ts'
import { type WarmOptions, warmSegment } from './warm.ts'

/** What an operator asks about a collection. */
export interface CollectionDescription {
  readonly name: string
  readonly uuid: string
  readonly epoch: Epoch
  readonly config: CollectionConfig
  readonly count: number
  readonly lsn: number
  /** Commit time of the newest record, ISO 8601, or null when nothing was written. */
  readonly committedAt: string | null
  readonly digest: string
  readonly restoredFrom: RestoredFrom | null
}

export interface SegmentStats {
  readonly number: number
  readonly kind: 'memory' | 'sealed'
  readonly points: number
  readonly deleted: number
  /** How it is searched: by its graph, by scanning, or not loaded yet. */
  readonly index: 'graph' | 'scan' | 'not loaded'
  readonly sizeBytes: number
}

export interface CollectionStats {
  readonly points: number
  readonly deleted: number
  readonly segments: readonly SegmentStats[]
  readonly sizeBytes: number
  /** The state that opening starts from; records after it are replayed. */
  readonly checkpointLsn: number
  readonly lsn: number
}

/** What belongs to one epoch: its log, its watermark, its checkpoints. */
interface History {
  readonly writer: WalWriter
  readonly watermark: WatermarkFile
  readonly checkpointer: Checkpointer
}

/** What a new epoch is called and where it comes from. */
export interface EpochStart {
  readonly identity: Identity
  readonly name: string
  readonly restoredFrom: RestoredFrom | null
  /** Other index settings; the collection must be opened again to use them. */
  readonly config?: CollectionConfig
}

export class Collection {
  readonly #context: CollectionContext
  readonly #directory: string
  readonly #config: CollectionConfig
  readonly #state: LiveState
  readonly #warming = new Map<LiveSegment, Promise<void>>()
  /** Points that each delete under way took out, for its caller. */
  readonly #deleted = new WeakMap<Operation, number>()
  #current: History | undefined
  #sinceDigest = 0
  #freezing = false

  private constructor(
    context: CollectionContext,
    directory: string,
    config: CollectionConfig,
    state: LiveState,
  ) {
    this.#context = context
    this.#directory = directory
    this.#config = config
    this.#state = state
  }

  /**
   * Opens the collection in `directory`, replaying its log; a torn tail is cut.
   * @throws `missing-file`, `damaged`, `rollback`, `possible-loss`, `digest-mismatch`, `newer-format`
   */
  static async open(
    context: CollectionContext,
    directory: string,
    uuid: string,
  ): Promise<Collection> {
    const files = await openFiles(context, directory, uuid)
    const collection = new Collection(context, directory, files.config, files.state)
    try {
      await collection.#enter(files)
      return collection
    } catch (error) {
      await files.watermark.close()
      for (const segment of files.state.segments) await segment.close()
      throw error
    }
  }

  get #history(): History {
    assert(this.#current, 'the collection has entered its history')
    return this.#current
  }

  get name(): string {
    return this.#history.checkpointer.manifest.name
  }

  get uuid(): string {
    return this.#history.checkpointer.manifest.uuid
  }

  get epoch(): Epoch {
    return this.#history.checkpointer.manifest.epoch
  }

  /** The manifest as last committed. */
  get manifest(): Manifest {
    return this.#history.checkpointer.manifest
  }

  get config(): CollectionConfig {
    return this.#config
  }

  /** Live points. */
  get count(): number {
    return this.#state.count
  }

  /** LSN of the newest durable record; 0 when nothing was written. */
  get lsn(): number {
    return this.#history.writer.position.lsn
  }

  /** Commit time of that record, epoch µs. */
  get committedAtUs(): number {
    return this.#history.writer.position.committedAtUs
  }

  /** Content digest of the live points, 64 hex digits. */
  get digest(): string {
    return this.#state.digest
  }

  /**
   * Inserts or overwrites points, all or none. Resolves when they are durable and searchable.
   * @throws `invalid-point`, `invalid-vector`, `limit-exceeded`, `disk-full`, `disk-error`
   */
  async upsert(points: readonly PointInput[]): Promise<{ lsn: number; count: number }> {
    if (points.length > limits.batchPoints) {
      fail(
        'limit-exceeded',
        `${points.length} points in one write`,
        `Write at most ${limits.batchPoints} at once.`,
      )
    }
    const accepted = points.map((point) => acceptPoint(point, this.#config))
    if (accepted.length === 0) return { lsn: this.lsn, count: 0 }
    await this.#history.checkpointer.relieve()
    const { lsn } = await this.#history.writer.append({ kind: 'upsert', points: accepted })
    this.#freezeWhenFull()
    return { lsn, count: accepted.length }
  }

  /**
   * Deletes points; ids that are not there are passed over.
   * @returns how many were there
   */
  async delete(ids: readonly unknown[]): Promise<{ lsn: number; deleted: number }> {
    const accepted = ids.map(acceptId)
    const present = accepted.filter((id) => this.#state.locate(id) !== undefined)
    if (present.length === 0) return { lsn: this.lsn, deleted: 0 }
    await this.#history.checkpointer.relieve()
    const operation: Operation = { kind: 'delete', ids: [...new Set(present)] }
    const { lsn } = await this.#history.writer.append(operation)
    return { lsn, deleted: this.#deleted.get(operation) ?? 0 }
  }

  /** The point, or undefined. */
  async get(id: PointId): Promise<Point | undefined> {
    const location = this.#state.locate(id)
    if (location === undefined) return undefined
    const { segment, ordinal } = location
    const metadata = segment.table.metadata(ordinal)
    return toPoint({ id, vector: await segment.vector(ordinal), metadata })
  }

  /** All live points as they were when the iteration began, in no particular order. */
  async *points(): AsyncGenerator<Point> {
    for (const id of [...this.#state.ids()]) {
      const point = await this.get(id)
      if (point !== undefined) yield point
    }
  }

  /**
   * The nearest live points to `vector`, nearest first; equal distances by id.
   * @throws `invalid-vector`, `limit-exceeded`
   */
  async search(vector: unknown, options: SearchOptions = {}): Promise<Neighbour[]> {
    checkSearchBounds(options.k ?? defaults.k, options.ef)
    const query = acceptVector(vector, this.#config, 'the query')
    await this.warm()
    return searchSegments(
      {
        segments: () => this.#state.segments,
        loadRows: async (segment) => {
          const sealed = segment.sealed
          if (sealed === undefined) throw new Error('memory rows are at hand')
          return viewRows(await sealed.loadRows(this.#context.hashes))
        },
      },
      this.#config,
      query,
      options,
    )
  }

  /** Loads all that searches need. Later seals are loaded as they come. */
  async warm(): Promise<void> {
    this.#keepWarm()
    await Promise.all(
      this.#state.segments.map((segment) => {
        const { sealed } = segment
        if (segment.warm || sealed === undefined) return undefined
        const running =
          this.#warming.get(segment) ?? warmSegment(this.#warmOptions, segment, sealed)
        this.#warming.set(segment, running)
        return running.finally(() => this.#warming.delete(segment))
      }),
    )
  }

  /** Seals what is in memory and commits a manifest; opening then replays nothing before it. */
  async checkpoint(): Promise<void> {
    await this.#history.checkpointer.run()
  }

  /**
   * Starts a new history of the same state: a new epoch, a new log, perhaps a new name and UUID. What
   * is in memory is sealed first. Nothing may be written meanwhile; pins are let go.
   */
  async beginEpoch(start: EpochStart): Promise<void> {
    await this.checkpoint()
    const { manifest } = this
    await this.#leave()
    const { disk, onWarning } = this.#context
    const config = start.config ?? this.#config
    const first = {
      ...manifest,
      ...start.identity,
      sequence: manifest.sequence + 1,
      name: start.name,
      config: sha256Hex(encodeConfig(config)),
      segments: manifest.segments.map((segment) =>
        start.config === undefined ? segment : { ...segment, graph: null },
      ),
      restoredFrom: start.restoredFrom,
    }
    const end = await startHistory(disk, this.#directory, { manifest: first, config })
    const watermark = await WatermarkFile.open(
      disk,
      path.join(this.#directory, watermarkName),
      onWarning,
    )
    await this.#enter({
      manifest: first,
      watermark,
      end,
      walDirectory: walDirectoryOf(this.#directory, first),
      tombstonesWritten: new Map(
        this.#state.segments.map((segment) => [segment.number, segment.tombstones.count]),
      ),
    })
  }

  /**
   * Pins the state at the newest LSN: its files stay, writes go on. What is being sealed, and a large
   * memory segment, is sealed first, so that the state carries its graphs. Release it when done.
   */
  async pin(): Promise<PinnedState> {
    const { checkpointer } = this.#history
    const { count } = this.#state.activeMemory
    if (count >= limits.sealTailPoints || checkpointer.pending > 0) await checkpointer.run()
    return pinState({
      context: this.#context,
      directory: this.#directory,
      config: this.#config,
      state: this.#state,
      writer: this.#history.writer,
      checkpointer: this.#history.checkpointer,
    })
  }

  /**
   * The content digest computed again from every stored byte.
   * @throws `damaged`, `digest-mismatch` naming the point that is not what was accepted
   */
  proveDigest(): Promise<string> {
    return proveContent(this.#state.segments, this.#context.threads)
  }

  /** {@link proveDigest} and {@link warm} in one, reading each vector once. */
  async proveAndWarm(): Promise<string> {
    this.#keepWarm()
    return proveContent(
      this.#state.segments,
      this.#context.threads,
      async (segment, sealed, rows) => {
        if (!segment.warm) await warmSegment(this.#warmOptions, segment, sealed, rows)
      },
    )
  }

  describe(): CollectionDescription {
    const { committedAtUs } = this
    return {
      name: this.name,
      uuid: this.uuid,
      epoch: this.epoch,
      config: this.#config,
      count: this.count,
      lsn: this.lsn,
      committedAt: committedAtUs === 0 ? null : new Date(committedAtUs / 1000).toISOString(),
      digest: this.digest,
      restoredFrom: this.#history.checkpointer.manifest.restoredFrom,
    }
  }

  stats(): CollectionStats {
    const segments = this.#state.segments
      .filter((segment) => segment.table.count > 0)
      .map((segment) => segmentStats(segment, this.#config.dimension))
    return {
      points: this.count,
      deleted: segments.reduce((sum, each) => sum + each.deleted, 0),
      segments,
      sizeBytes: segments.reduce((sum, each) => sum + each.sizeBytes, 0),
      checkpointLsn: this.#history.checkpointer.manifest.lsn,
      lsn: this.lsn,
    }
  }

  /** Waits for writes and checkpoints under way and closes the files. */
  async close(): Promise<void> {
    await this.#leave()
    await Promise.allSettled(this.#warming.values())
    for (const segment of this.#state.segments) await segment.close()
  }

  /** Takes the log of a history up, where it ends. */
  async #enter(
    files: Pick<
      OpenedFiles,
      'manifest' | 'watermark' | 'end' | 'walDirectory' | 'tombstonesWritten'
    >,
  ): Promise<void> {
    const { watermark } = files
    const writer = await WalWriter.open(
      {
        disk: this.#context.disk,
        clock: this.#context.clock,
        directory: files.walDirectory,
        identity: files.manifest,
        onCommit: (commit) => this.#apply(commit),
        onDurable: (lsn) => watermark.advance(lsn),
        before: () => this.#digestDue(),
      },
      files.end,
    )
    const checkpointer = new Checkpointer({
      ...files,
      context: this.#context,
      directory: this.#directory,
      config: this.#config,
      state: this.#state,
      writer,
    })
    this.#current = { writer, watermark, checkpointer }
  }

  async #leave(): Promise<void> {
    const { writer, watermark, checkpointer } = this.#history
    await checkpointer.settle()
    await writer.close()
    await checkpointer.close()
    await watermark.close()
  }

  get #warmOptions(): WarmOptions {
    return {
      context: this.#context,
      config: this.#config,
      keepGraph: (segment, graph) => this.#history.checkpointer.replaceGraph(segment, graph),
    }
  }

  /** From now on a new segment is loaded when it is sealed. */
  #keepWarm(): void {
    const options = { ...this.#warmOptions, keepGraph: async () => {} }
    this.#history.checkpointer.keepWarm ??= (segment, sealed, rows) =>
      warmSegment(options, segment, sealed, rows)
  }

  #apply(commit: Commit): void {
    const changed = this.#state.apply(commit.operation, commit.lsn)
    if (commit.operation.kind === 'delete') this.#deleted.set(commit.operation, changed)
    this.#sinceDigest = commit.operation.kind === 'digest' ? 0 : this.#sinceDigest + 1
  }

  /** A digest record is logged at intervals, so that a replay can say how far it is proven. */
  #digestDue(): Operation | undefined {
    if (this.#sinceDigest < limits.walDigestInterval) return undefined
    return { kind: 'digest', digest: this.#state.digest, count: this.#state.count }
  }

  /** The write is acknowledged whatever comes of this: a failed seal is told to the next write. */
  #freezeWhenFull(): void {
    const { count, vectorBytes } = this.#state.activeMemory
    const full = count >= limits.segmentPoints || vectorBytes >= limits.segmentVectorBytes
    if (!full || this.#freezing) return
    this.#freezing = true
    const frozen = this.#history.checkpointer.start().catch((error: unknown) => {
      this.#context.onWarning(`a full segment could not be sealed: ${String(error)}`)
    })
    void frozen.finally(() => {
      this.#freezing = false
    })
  }
}

function segmentStats(segment: LiveSegment, dimension: number): SegmentStats {
  const { sealed } = segment
  const entries = sealed
    ? [sealed.entry.vectors, sealed.entry.points, sealed.entry.graph, sealed.entry.tombstones]
    : []
  return {
    number: segment.number,
    kind: sealed ? 'sealed' : 'memory',
    points: segment.table.count,
    deleted: segment.tombstones.count,
    index: segment.index ? 'graph' : segment.warm ? 'scan' : 'not loaded',
    sizeBytes: sealed
      ? entries.reduce((sum, entry) => sum + (entry?.sizeBytes ?? 0), 0)
      : 4 * dimension * segment.table.count,
  }
}
