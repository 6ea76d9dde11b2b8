/**
 * One epoch of an open collection: its log, its watermark, its checkpoints.
 *
 * A collection is in one history at a time. A restore (and a promotion) lets it leave one and enter
 * the next with the same state: new epoch, new log, perhaps a new name and UUID.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import { limits } from '../base/limits.ts'
import { type CollectionConfig, encodeConfig } from '../format/config.ts'
import type { Identity } from '../format/identity.ts'
import type { FileEntry, Manifest, RestoredFrom } from '../format/manifest.ts'
import type { Operation } from '../format/operation.ts'
import { LogFollower } from '../wal/log-follower.ts'
import type { Commit } from '../wal/log-group.ts'
import type { LogWriter } from '../wal/log-writer.ts'
import type { LogPosition } from '../wal/replay.ts'
import { WalWriter } from '../wal/wal-writer.ts'
import { WatermarkFile, watermarkName } from '../wal/watermark-file.ts'
import { ArchivePositions } from './archive-positions.ts'
import { Checkpointer } from './checkpoint.ts'
import { Compactor } from './compactor.ts'
import type { CollectionContext } from './context.ts'
import type { LiveState } from './live-state.ts'
import { copyTombstones, type OpenedFiles, startHistory, walDirectoryOf } from './open-files.ts'
import { noIndex } from './segment-index.ts'

/** What all histories of an open collection share. */
export interface HistoryPlace {
  readonly context: CollectionContext
  readonly directory: string
  readonly config: CollectionConfig
  readonly state: LiveState
  readonly replication: HistoryRole
}

/** Who makes the records of a history, and who wants them. */
export interface HistoryRole {
  /** Whether records come from another node now. */
  readonly isStandby: boolean
  /** A write of this node, from its admission to its acknowledgement. */
  write<T extends { readonly lsn: number }>(append: () => Promise<T>): Promise<T>
  /** Told when records became durable. */
  wake(): void
  /** Log records after this LSN are wanted by a standby; undefined when there is none. */
  readonly followers: { readonly keepAfter: number | undefined }
}

/** What a new epoch is called and where it comes from. */
export interface EpochStart {
  readonly identity: Identity
  readonly name: string
  readonly restoredFrom: RestoredFrom | null
  /** Derived files that the manifest names and that are not there: the new one does not name them. */
  readonly withoutIndex?: readonly string[]
  /** Other index settings; the collection must be opened again to use them. */
  readonly config?: CollectionConfig
  /** Runs when the old history was left, before and after the files of the new one are written. */
  readonly around?: { before(): Promise<void>; after(): Promise<void> }
}

type HistoryFiles = Pick<
  OpenedFiles,
  'manifest' | 'watermark' | 'end' | 'walDirectory' | 'tombstonesWritten' | 'configBytes'
>

export class History {
  readonly writer: LogWriter
  /** The same log on a standby. */
  readonly follower: LogFollower | undefined
  readonly checkpointer: Checkpointer
  /** How far the log is archived, and where. */
  readonly archives: ArchivePositions
  readonly compactor: Compactor
  readonly #place: HistoryPlace
  readonly #watermark: WatermarkFile
  #freezing = false

  private constructor(
    place: HistoryPlace,
    files: HistoryFiles,
    writer: LogWriter,
    archives: ArchivePositions,
  ) {
    this.#place = place
    this.#watermark = files.watermark
    this.writer = writer
    this.follower = writer instanceof LogFollower ? writer : undefined
    this.archives = archives
    this.checkpointer = new Checkpointer({
      ...files,
      ...place,
      writer,
      archives,
      followedAfter: () => place.replication.followers.keepAfter,
      onCommit: () => this.compactor.consider(),
    })
    this.compactor = new Compactor(place, this.checkpointer)
  }

  /** Takes the log up where it ends; a torn tail is cut. */
  static async enter(place: HistoryPlace, files: HistoryFiles): Promise<History> {
    const { context, state } = place
    const { directory } = place
    const { epoch } = files.manifest
    const archives = await ArchivePositions.open(context.disk, directory, epoch, context.onWarning)
    const common = {
      disk: context.disk,
      directory: files.walDirectory,
      identity: files.manifest,
      onFailure: context.onFatal,
      onDurable: async (lsn: number) => {
        await files.watermark.advance(lsn)
        place.replication.wake()
      },
    }
    if (place.replication.isStandby) {
      const onCommit = ({ operation, lsn }: Commit) => state.apply(operation, lsn)
      const follower = await LogFollower.open({ ...common, onCommit }, files.end)
      return new History(place, files, follower, archives)
    }
    let sinceDigest = 0
    let bytesSinceDigest = 0
    const writer = await WalWriter.open(
      {
        ...common,
        clock: context.clock,
        durability: place.config.durability,
        timer: context.timer,
        onCommit: ({ operation, lsn }: Commit) => {
          const changed = state.apply(operation, lsn)
          const isDigest = operation.kind === 'digest'
          sinceDigest = isDigest ? 0 : sinceDigest + 1
          bytesSinceDigest = isDigest ? 0 : bytesSinceDigest + pointBytes(operation)
          return changed
        },
        prepare: (operations) => state.prepare(operations),
        // a digest record at intervals lets a replay say how far it is proven
        before: () =>
          sinceDigest < limits.walDigestInterval && bytesSinceDigest < limits.walDigestBytes
            ? undefined
            : { kind: 'digest', digest: state.digest, count: state.count },
      },
      files.end,
    )
    return new History(place, files, writer, archives)
  }

  get manifest(): Manifest {
    return this.checkpointer.manifest
  }

  get config(): CollectionConfig {
    return this.checkpointer.config
  }

  /** After the newest acknowledged record. */
  get position(): LogPosition {
    return this.writer.position
  }

  /**
   * Logs an operation; resolves when it is durable and applied, and confirmed where a standby has to have it.
   * `changed`: points it changed.
   */
  append(operation: Operation): Promise<{ lsn: number; changed: number }> {
    return this.#place.replication.write(async () => {
      const relief = this.checkpointer.relieve()
      if (relief !== undefined) await relief
      return this.writer.append(operation)
    })
  }

  /** Seals the segment that takes writes when it is full; a failed seal is told to the next write. */
  freezeWhenFull(): void {
    const { count, vectorBytes, payloadBytes } = this.#place.state.activeMemory
    const full =
      count >= limits.segmentPoints ||
      vectorBytes >= limits.segmentVectorBytes ||
      payloadBytes >= limits.segmentPayloadBytes
    if (!full || this.#freezing) return
    this.#freezing = true
    const frozen = this.checkpointer.start().catch((error: unknown) => {
      this.#place.context.onWarning(`a full segment could not be sealed: ${String(error)}`)
    })
    void frozen.finally(() => {
      this.#freezing = false
    })
  }

  /** Waits for what is under way and closes the files; pins are let go. */
  async leave(): Promise<void> {
    await this.compactor.stop()
    await this.checkpointer.settle()
    try {
      await this.writer.close()
    } finally {
      await this.checkpointer.close()
      await this.#watermark.close()
    }
  }

  /** Seals what is in memory, leaves this history, and enters a new one of the same state. */
  async succeed(start: EpochStart): Promise<History> {
    await this.checkpointer.run()
    await this.leave()
    const { manifest } = this // after the last merge
    const { context, directory, state } = this.#place
    const config = start.config ?? this.checkpointer.config
    const configBytes = encodeConfig(config)
    const first: Manifest = {
      ...manifest,
      ...start.identity,
      sequence: manifest.sequence + 1,
      name: start.name,
      config: sha256Hex(configBytes),
      segments: manifest.segments.map((segment) => {
        const isGone = (entry: FileEntry | null) =>
          entry !== null && start.withoutIndex?.includes(entry.path) === true
        const unindexed = start.config !== undefined || isGone(segment.graph ?? segment.lists)
        return {
          ...segment,
          ...(unindexed && noIndex),
          ...(isGone(segment.truth) && { truth: null }),
        }
      }),
      restoredFrom: start.restoredFrom,
    }
    await start.around?.before()
    const end = await startHistory(context.disk, directory, { manifest: first, config })
    await start.around?.after()
    const file = path.join(directory, watermarkName)
    return History.enter(
      { ...this.#place, config },
      {
        manifest: first,
        configBytes,
        watermark: await WatermarkFile.open(context.disk, file, context.onWarning),
        end,
        walDirectory: walDirectoryOf(directory, first),
        tombstonesWritten: copyTombstones(state.segments),
      },
    )
  }
}

/** What an operation adds to the log, roughly. */
const pointBytes = (operation: Operation): number =>
  operation.kind === 'upsert'
    ? operation.points.reduce((sum, { bytes }) => sum + bytes.length, 0)
    : 0
