/**
 * The contract of a target: the system that steps act on. One file implements it for each database.
 *
 * Duties of every implementation:
 * - each operation opens what it needs and closes it before it returns, so that between two steps
 *   anybody else may use the target, and each operation sees what is really stored;
 * - what an operation returns was read back from the target, not remembered;
 * - it stops at the signal with the signal's reason, and leaves nothing half-made behind;
 * - errors are operating errors; a missing collection is `collection-not-found`.
 *
 * A target says what it can do in `capabilities`. A step that needs more is refused before the run
 * starts, with the target's name.
 */
import type { OperatingError, Progress } from '../../engine/index.ts'
import type { Expectation } from './expectation.ts'
import type { Shape } from './shape.ts'
import type { StandbyAdapter } from './standby.ts'

export type Capability =
  | 'import'
  | 'backup'
  | 'restore'
  | 'drop'
  /** States the position of its last durable write. */
  | 'position'
  /** Recomputes the content digest from stored bytes. */
  | 'digest'
  /** Searches by the vector of a stored point. */
  | 'search'
  /** Ships its log to a repository. */
  | 'archive'
  /** Goes to a moment between two snapshots. */
  | 'restore to a moment'
  /** Writes single points, looks for them and deletes them. */
  | 'write'
  /** Records queries of the plan's own in a snapshot. */
  | 'record golden queries of a file'
  /** Refuses all writes from then on. */
  | 'fence'
  | 'promote'
  | 'replicate'
  /** States how far it is behind. */
  | 'lag'
  | 'reconcile'
  /** Lets an alias mean another collection. */
  | 'switch'
  /** Lets a name lead to another target. */
  | 'switch to another target'

/** How whoever waits for an operation follows it, and ends it. */
export interface Work {
  readonly signal: AbortSignal
  readonly progress: Progress
  /** Something a person should know, in one line. */
  remark(text: string): void
  /**
   * Awaited under the operation's own lock, right before it changes something: an import, a restore, a
   * drop, a switch. What it was told stands in no doubt after a crash.
   */
  readonly found?: (found: Found) => Promise<void>
}

/** What an operation found right before it changed something. */
export interface Found {
  /** Epoch milliseconds. */
  readonly at: number
  /** Of the collection that it changes; null when there is none, absent when it cannot be opened. */
  readonly before?: Position | null
  /** Of a restore: what it brings. */
  readonly chosen?: ChosenSnapshot
  /** Of a switch: the collection that the alias meant; null when there was no such alias. */
  readonly meant?: string | null
}

export interface ChosenSnapshot {
  readonly snapshotId: string
  readonly source: string
  readonly recoveryPoint: { readonly uuid: string; readonly history: string; readonly lsn: number }
  /** Epoch milliseconds. */
  readonly takenAt: number
  readonly count: number
  /** Absent when the log goes on from the snapshot: then it is not known before it is replayed. */
  readonly digest?: string
  readonly bytes: number
}

/** Where a collection's history stands. Instants in epoch milliseconds. */
export interface Position {
  readonly uuid: string
  readonly epoch: { readonly number: number; readonly history: string }
  /** LSN of the last durable write; everything up to it was acknowledged. */
  readonly lsn: number
  /** When that write was committed; absent before the first one. */
  readonly committedAt?: number
  readonly count: number
  /** When this was read. */
  readonly observedAt: number
}

export interface ImportRequest {
  readonly collection: string
  /** Absolute path. */
  readonly file: string
  readonly format: 'jsonl' | 'f32' | 'fvecs' | 'npy'
  /** JSON Lines with ids and metadata, absolute path. */
  readonly metadata?: string
  readonly dimension?: number
  readonly metric?: string
  readonly index?: string
  readonly m?: number
  readonly efConstruction?: number
  readonly ef?: number
  readonly lists?: number
  readonly nprobe?: number
}

export interface Imported {
  /** Whether the import created the collection. */
  readonly created: boolean
  /** Points of the file. */
  readonly points: number
  readonly bytes: number
  /** Of the collection afterwards. */
  readonly count: number
  readonly digest: string
  readonly position: Position
}

/** What is asked of a collection: a sample of its points, or the questions of a file. */
export interface GoldenChoice {
  readonly sample: number
  readonly k: number
  /** Absolute path, instead of the sample: JSON Lines with `id` and `vector`. */
  readonly file?: string
}

export interface BackupRequest {
  readonly collection: string
  readonly destination: string
  readonly snapshotId: string
  readonly mode: 'incremental' | 'full'
  readonly golden: GoldenChoice
  readonly embedding?: { readonly model: string; readonly version?: string }
}

export interface BackedUp {
  readonly snapshotId: string
  readonly lsn: number
  readonly count: number
  readonly digest: string
  /** The source's position at the moment the snapshot's state was pinned. */
  readonly position: Position
  /** SHA-256 of the snapshot's manifest, and where it stands in the destination. */
  readonly manifest: { readonly path: string; readonly sha256: string }
  readonly storedBytes: number
  readonly totalBytes: number
}

export interface ArchiveRequest {
  readonly collection: string
  readonly destination: string
}

export interface Archived {
  /** What this run shipped. */
  readonly files: number
  readonly records: number
  readonly bytes: number
  /** The archive is durable up to here. */
  readonly lsn: number
  /** Whether a restore can reach it from a snapshot there. */
  readonly restorable: boolean
  /** LSNs of what this run shipped without a gap, each file read back; absent when there was nothing. */
  readonly readBack?: { readonly firstLsn: number; readonly lastLsn: number }
  /** The source's position that the archive has reached. */
  readonly position: Position
  /** Log was lost before it was archived; the rest is shipped. */
  readonly gap?: OperatingError
}

export interface RestoreRequest {
  readonly collection: string
  /** In the order in which they are asked. */
  readonly sources: readonly string[]
  /** The newest when absent, or the one from which `at` is reached. */
  readonly snapshotId?: string
  /** Point-in-time recovery: `latest`, `lsn:N` or an instant with its offset. Not with `snapshotId`. */
  readonly at?: string
  readonly as: string
  readonly replace: boolean
  readonly reindex: boolean
}

export interface Restored {
  readonly name: string
  readonly snapshotId: string
  /** The destination whose snapshot manifest was used. */
  readonly source: string
  /** The recovery point: position of the source that the snapshot holds. */
  readonly recoveryPoint: { readonly uuid: string; readonly history: string; readonly lsn: number }
  /** When the source was at that position, as the snapshot states it, epoch milliseconds. */
  readonly takenAt: number
  readonly count: number
  readonly digest: string
  readonly bytes: number
  /** Whether index graphs were taken over or rebuilt. */
  readonly graphs: 'kept' | 'rebuilt' | 'none'
  /** How the moment of `at` was reached. */
  readonly moment?: {
    readonly at: string
    readonly snapshotLsn: number
    readonly replayedRecords: number
    readonly lastProvenLsn: number
    /** Records that the sources have beyond it. */
    readonly beyondRecords: number
  }
}

export interface Dropped {
  readonly dropped: boolean
  /** The collection's position under the same lock, right before it was dropped. */
  readonly before?: Position
  /** The instant at which the drop began, epoch milliseconds. */
  readonly at: number
}

export interface MeasureRequest {
  readonly collection: string
  /** Recompute the content digest from stored bytes. */
  readonly digest: boolean
  /** Search and measure recall and latency. */
  readonly search: boolean
  /** What the golden queries and the truth are taken from; otherwise exact search on the collection. */
  readonly expectation?: Expectation
  /** Sample for a truth that is computed here. */
  readonly golden: GoldenChoice
}

export interface Measurement {
  readonly position: Position
  readonly shape: Shape
  readonly digest?: string
  /** When count, digest and shape were known. */
  readonly contentKnownAt: number
  readonly search?: SearchMeasurement
}

export interface SearchMeasurement {
  readonly truth: 'snapshot' | 'exact search'
  readonly k: number
  readonly queries: number
  /** Found true neighbours over all true neighbours, 0 to 1. Ties at the k-th distance count. */
  readonly recall: number
  /** Queries with the lowest recall, worst first; at most ten. */
  readonly worst: readonly { readonly id: string | number; readonly recall: number }[]
  /** Of single searches at the collection's own settings, after one warm-up pass. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number }
  readonly searches: number
  /** When the first search was answered: from here on the collection serves. */
  readonly servingAt: number
}

export interface NumberedPoint {
  readonly id: string
  readonly vector: readonly number[]
  readonly metadata: Readonly<Record<string, string | number>>
}

/** Points that are written one by one while others use the target too. */
export interface WriteAlongRequest {
  readonly collection: string
  point(number: number, dimension: number): NumberedPoint
  /** The point was acknowledged; resolves when it is time for the next, or for the end. */
  acknowledged(number: number, position: Position): Promise<'next' | 'end'>
  /** Whether the target may be held between two points; else it is given back in between. */
  readonly keepOpen: boolean
}

export interface SwitchRequest {
  readonly alias: string
  /** The collection that it means from then on; null removes the alias. */
  readonly collection: string | null
  /** Only while it means this; null: only while there is none. Absent: whatever it means. */
  readonly while?: string | null
}

export interface Switched {
  readonly switched: boolean
  /** The collection that the alias meant; null when there was no such alias. */
  readonly before: string | null
}

export interface TargetAdapter {
  readonly kind: string
  readonly name: string
  readonly capabilities: ReadonlySet<Capability>
  /** The target as a node of a cluster; absent where it is none. */
  readonly standby?: StandbyAdapter
  position(collection: string, work: Work): Promise<Position>
  importFile(request: ImportRequest, work: Work): Promise<Imported>
  backup(request: BackupRequest, work: Work): Promise<BackedUp>
  /** @throws `divergence`, `damaged` */
  archive(request: ArchiveRequest, work: Work): Promise<Archived>
  restore(request: RestoreRequest, work: Work): Promise<Restored>
  drop(collection: string, ifExists: boolean, work: Work): Promise<Dropped>
  measure(request: MeasureRequest, work: Work): Promise<Measurement>
  /**
   * Writes points from number 0 on until it is told to end or the collection is gone, or is another
   * one of that name. Operations that come meanwhile have their turn between two points.
   */
  writeAlong(request: WriteAlongRequest, work: Work): Promise<void>
  /** Those of `ids` that are not there, in their order. */
  missing(collection: string, ids: readonly string[], work: Work): Promise<readonly string[]>
  /** Deletes points; those that are not there are passed over. */
  deletePoints(collection: string, ids: readonly string[], work: Work): Promise<void>
  /** From one moment to the next, also for who opens the target after a crash. @throws `collection-not-found`, `collection-exists` */
  switchAlias(request: SwitchRequest, work: Work): Promise<Switched>
  /** The collection that an alias means; null when there is no such alias. */
  meaning(alias: string, work: Work): Promise<string | null>
}
