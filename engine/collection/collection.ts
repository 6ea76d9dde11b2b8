/**
 * An open collection: the writes, reads and searches of one set of points.
 *
 * The life of a write: checked whole → one log record → fdatasync shared with others (unless the
 * durability is `interval`) → applied to the live state → acknowledged. When the active segment is full it is frozen and sealed beside the
 * traffic (checkpoint.ts); what a search needs is loaded when the first one comes (warm.ts).
 */
import assert from 'node:assert/strict'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig, IndexSettings } from '../format/config.ts'
import type { Epoch } from '../format/identity.ts'
import type { Manifest } from '../format/manifest.ts'
import {
  acceptId,
  acceptPoints,
  acceptVector,
  type Point,
  type PointId,
  type PointInput,
  toPoint,
} from '../format/point.ts'
import type { LogPosition } from '../wal/replay.ts'
import { type CollectionDescription, type CollectionStats, statsOf } from './collection-stats.ts'
import type { CompactionResult } from './compactor.ts'
import { proveContent } from './content-proof.ts'
import type { CollectionContext } from './context.ts'
import type { Filter } from './filter.ts'
import { type EpochStart, History } from './history.ts'
import { viewRows } from './live-segment.ts'
import type { LiveState } from './live-state.ts'
import { Matching } from './matching.ts'
import { type OpenFilesOptions, openFiles } from './open-files.ts'
import { type PinnedLog, pinLog } from './pinned-log.ts'
import { type PinnedState, pinState } from './pinned-state.ts'
import type { ReindexResult } from './reindex.ts'
import { ReplicaFile } from './replica-file.ts'
import { Replication } from './replication.ts'
import { scanPoints } from './scan-points.ts'
import { checkSearchBounds, type Neighbour, type SearchOptions, searchSegments } from './search.ts'
import { type ChangeOptions, Settings } from './settings.ts'
import { settleSwitch } from './switch-epoch.ts'
import { WarmProof } from './warm-proof.ts'
import { Warmer } from './warmer.ts'

/** See the head of this file. Made by a data directory. */
export class Collection {
  /** What it is to copies of it on other nodes. */
  readonly replication: Replication
  readonly #context: CollectionContext
  readonly #directory: string
  readonly #state: LiveState
  readonly #warmer: Warmer
  readonly #settings: Settings
  #current: History | undefined

  private constructor(
    context: CollectionContext,
    directory: string,
    state: LiveState,
    replica: ReplicaFile,
  ) {
    this.#context = context
    this.#directory = directory
    this.#state = state
    const ways = {
      history: () => this.#history,
      enter: (start: EpochStart) => this.beginEpoch(start),
    }
    this.replication = new Replication({ context, directory, replica, ...ways })
    this.#warmer = new Warmer({
      context,
      checkpointer: () => this.#history.checkpointer,
      segments: () => state.segments,
    })
    const { replication } = this
    const parts = { context, directory, state, warmer: this.#warmer, replication }
    this.#settings = new Settings({ ...parts, history: () => this.#history })
  }

  /**
   * Opens the collection in `directory`, replaying its log; a torn tail is cut. With `proveAhead` the
   * proof and the loading of its segments begin at once, for {@link proveAndWarm} to finish. What is
   * `staged` is made durable by {@link beginEpoch}.
   * @throws `missing-file`, `damaged`, `rollback`, `possible-loss`, `digest-mismatch`, `newer-format`
   */
  static async open(
    context: CollectionContext,
    directory: string,
    uuid: string,
    options: Omit<OpenFilesOptions, 'ahead'> & { readonly proveAhead?: boolean } = {},
  ): Promise<Collection> {
    const proof = options.proveAhead === true ? new WarmProof(context) : undefined
    const replica = await ReplicaFile.open(context.disk, directory)
    await settleSwitch(context.disk, directory, replica)
    const files = await openFiles(context, directory, uuid, { ...options, ahead: proof })
    const collection = new Collection(context, directory, files.state, replica)
    try {
      const { replication } = collection
      const place = { context, directory, replication, config: files.config, state: files.state }
      collection.#current = await History.enter(place, files)
      collection.#warmer.goOn(proof)
      return collection
    } catch (error) {
      await proof?.settle()
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
    return this.#history.manifest.name
  }

  /** Further names that mean it now, sorted. */
  get aliases(): readonly string[] {
    return this.#context.aliasesOf(this.name)
  }

  get uuid(): string {
    return this.#history.manifest.uuid
  }

  get epoch(): Epoch {
    return this.#history.manifest.epoch
  }

  /** The manifest as last committed. */
  get manifest(): Manifest {
    return this.#history.manifest
  }

  get config(): CollectionConfig {
    return this.#history.checkpointer.config
  }

  /** Live points. */
  get count(): number {
    return this.#state.count
  }

  /** LSN of the newest acknowledged record; 0 when nothing was written. */
  get lsn(): number {
    return this.#history.position.lsn
  }

  /** Commit time of that record, epoch µs. */
  get committedAtUs(): number {
    return this.#history.position.committedAtUs
  }

  /** Where the log stands: after the newest durable record. */
  get position(): LogPosition {
    return this.#history.position
  }

  /** Content digest of the live points, 64 hex digits. */
  get digest(): string {
    return this.#state.digest
  }

  /**
   * Inserts or overwrites points, all or none. Resolves when they are searchable, and durable as the
   * config's durability says.
   * @throws `invalid-point`, `invalid-vector`, `limit-exceeded`, `disk-full`, `disk-error`; of a copy: see replication.ts
   */
  async upsert(points: readonly PointInput[]): Promise<{ lsn: number; count: number }> {
    if (points.length > limits.batchPoints) {
      fail(
        'limit-exceeded',
        `${points.length} points in one write`,
        `Write at most ${limits.batchPoints} at once.`,
      )
    }
    const accepted = acceptPoints(points, this.config)
    if (accepted.length === 0) return { lsn: this.lsn, count: 0 }
    const { lsn } = await this.#history.append({ kind: 'upsert', points: accepted })
    this.#history.freezeWhenFull()
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
    const { lsn, changed } = await this.#history.append({
      kind: 'delete',
      ids: [...new Set(present)],
    })
    return { lsn, deleted: changed }
  }

  /** The point, or undefined. */
  async get(id: PointId): Promise<Point | undefined> {
    const location = this.#state.locate(id)
    if (location === undefined) return undefined
    const { segment, ordinal } = location
    const metadata = segment.table.metadata(ordinal)
    const vector = await this.replication.damage.watch(segment.vector(ordinal))
    return toPoint({ id, vector, metadata })
  }

  /** The live points that pass `filter`; all of them without one. */
  matching(filter?: Filter): Matching {
    return new Matching(() => this.#state.segments, filter)
  }

  /** All live points as they are when the iteration begins, oldest first. @throws `damaged` */
  points(): AsyncGenerator<Point> {
    return scanPoints(this.#state.segments)
  }

  /**
   * The nearest live points to `vector`, nearest first; equal distances by id.
   * @throws `invalid-vector`, `limit-exceeded`
   */
  async search(vector: unknown, options: SearchOptions = {}): Promise<Neighbour[]> {
    checkSearchBounds(options)
    const query = acceptVector(vector, this.config, 'the query')
    if (!this.#warmer.isWarm()) await this.warm()
    const found = searchSegments(
      {
        segments: () => this.#state.segments,
        loadRows: async (segment) => {
          assert(segment.sealed, 'memory rows are at hand')
          return viewRows(await segment.sealed.loadRows(this.#context.hashes))
        },
      },
      this.config,
      query,
      options,
    )
    return this.replication.damage.watch(found)
  }

  /** Whether a search loads nothing any more. */
  get isWarm(): boolean {
    return this.#state.segments.every((segment) => segment.warm)
  }

  /** Loads all that searches need. Later seals are loaded as they come. */
  warm(): Promise<void> {
    return this.replication.damage.watch(this.#warmer.warm())
  }

  /**
   * Changes how the points are indexed: {@link configure} with other index settings.
   * @throws see {@link configure}
   */
  reindex(index: IndexSettings, options: { signal?: AbortSignal } = {}): Promise<ReindexResult> {
    return this.configure((now) => ({ ...now, index }), options)
  }

  /**
   * Changes index settings or durability in place. Where graphs or lists differ with it they are built
   * beside the traffic, and one manifest commits them with the config; `ef` and `nprobe` change at once.
   * Points, count and digest stay as they are. One change after the other.
   * @param change the config wanted, from the one at its turn; dimension and metric stay
   * @param options of a standby: `ofPrimary`
   * @throws `invalid-config`, `index-unavailable`, `not-primary`, `fenced` before any work; `damaged`, `disk-full`
   */
  configure(
    change: (now: CollectionConfig) => CollectionConfig,
    options: ChangeOptions = {},
  ): Promise<ReindexResult> {
    return this.#settings.change(change, options)
  }

  /**
   * Merges all segments into one (as few as the bounds of one allow), without what is dead in them; searches
   * and writes go on meanwhile. Nothing of the content changes.
   * @throws `damaged`, `disk-full`, `disk-error`; the signal's reason when it is given up
   */
  compact(signal?: AbortSignal): Promise<CompactionResult> {
    return this.#history.compactor.compact(signal)
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
    await this.#settings.settled()
    this.#current = await this.#history.succeed(start)
  }

  /**
   * Pins the state at the newest LSN: its files stay, writes go on. What is being sealed, and a large
   * memory segment, is sealed first, so that the state carries its graphs. Release it when done.
   */
  async pin(): Promise<PinnedState> {
    const { checkpointer, writer } = this.#history
    const { count } = this.#state.activeMemory
    if (count >= limits.sealTailPoints || checkpointer.pending > 0) await checkpointer.run()
    const source = { context: this.#context, directory: this.#directory, state: this.#state }
    return pinState({ ...source, writer, checkpointer })
  }

  /** Pins the log up to the newest durable record, for an archive. Release it when done. */
  pinLog(): Promise<PinnedLog> {
    const { writer, checkpointer, archives } = this.#history
    const source = { context: this.#context, directory: this.#directory, state: this.#state }
    return pinLog({ ...source, writer, checkpointer, archives })
  }

  /**
   * The content digest computed again from every stored byte.
   * @throws `damaged`, `digest-mismatch` naming the point that is not what was accepted; the signal's reason
   */
  proveDigest(signal?: AbortSignal): Promise<string> {
    const proof = proveContent(this.#state.segments, this.#context.threads, signal)
    return this.replication.damage.watch(proof)
  }

  /** {@link proveDigest}, and the indexes loaded and proven, reading each vector once. */
  async proveAndWarm(): Promise<string> {
    return this.#warmer.prove()
  }

  describe(): CollectionDescription {
    const { committedAtUs } = this
    return {
      ...{ name: this.name, aliases: this.aliases, uuid: this.uuid, epoch: this.epoch },
      ...{ config: this.config, count: this.count, lsn: this.lsn },
      committedAt: committedAtUs === 0 ? null : new Date(committedAtUs / 1000).toISOString(),
      digest: this.digest,
      restoredFrom: this.#history.manifest.restoredFrom,
    }
  }

  stats(): CollectionStats {
    return statsOf(this.#state, {
      lsn: this.lsn,
      checkpointLsn: this.manifest.lsn,
      writeStalls: this.#history.checkpointer.stalls,
      compaction: this.#history.compactor.stats(),
    })
  }

  /** Waits for writes and checkpoints under way and closes the files. */
  async close(): Promise<void> {
    const settled = this.#settings.close()
    this.replication.close()
    await settled
    try {
      await this.#history.leave()
    } finally {
      await this.#warmer.settle()
      for (const segment of this.#state.segments) await segment.close()
    }
  }
}
