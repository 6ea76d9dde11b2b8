/**
 * What steps ask of repositories: is what lies there whole, and what does a snapshot promise. The
 * backup format is ours whatever the target is, so there is one implementation beside the tests'.
 */
import type { ForgottenSnapshot, KeepRules, OperatingError } from '../../engine/index.ts'
import type { Expectation } from './expectation.ts'
import type { BackedUp, Work } from './target.ts'

export interface SnapshotVerifyRequest {
  readonly source: string
  readonly collection?: string
  readonly snapshotId?: string
  readonly depth: 'manifest' | 'objects' | 'content'
  /** Read a random part only; above 0, up to 1. */
  readonly sample?: { readonly share: number }
}

export interface VerifiedSnapshot {
  readonly collection: string
  readonly snapshotId: string
  readonly ok: boolean
  /** Position of the source that the snapshot holds, and the digest of its content. */
  readonly lsn: number
  readonly digest: string
}

export interface Verified {
  readonly snapshots: readonly VerifiedSnapshot[]
  readonly objects: number
  readonly bytes: number
  /** What was read, of a sample: the share of the bytes, and the seed that chose it. */
  readonly sample?: { readonly readShare: number; readonly seed: number }
  /** Archived log, where whole collections were verified. */
  readonly log?: VerifiedLog
  /** One sentence for each damaged or missing thing; empty when all is whole. */
  readonly damage: readonly string[]
}

/** What archived log reaches: at `firstLsn` a snapshot stands, and the log goes on from it to `lastLsn`. */
export interface VerifiedLog {
  readonly ranges: readonly {
    readonly uuid: string
    readonly history: string
    readonly firstLsn: number
    readonly lastLsn: number
  }[]
  /** Uuids of collections of which a file is damaged, or gone. */
  readonly damaged: readonly string[]
}

export interface PruneRequest {
  readonly url: string
  readonly collection?: string
  readonly keep: KeepRules
  /** IANA name. */
  readonly timezone: string
}

export interface Pruned {
  readonly snapshots: readonly ForgottenSnapshot[]
  /** Removed, and their bytes: objects, archived log, records. */
  readonly objects: number
  readonly bytes: number
  /** Not removed, because the store has locked them. */
  readonly locked: number
  /** The store refused to remove something; the rest is gone. */
  readonly error?: OperatingError
}

export interface CopyRequest {
  readonly from: string
  readonly to: string
  /** All when absent. */
  readonly collection?: string
  readonly snapshotId?: string
}

export interface CopiedSnapshot {
  readonly collection: string
  readonly snapshotId: string
  /** `present`: it was there, and lacked nothing. */
  readonly outcome: 'copied' | 'present' | 'failed'
  /** Of the snapshot's manifest, and where it stands in the destination. */
  readonly path: string
  readonly manifestSha256: string
  readonly bytes: number
  /** Share of its bytes that were read back and hashed at the far end, 0 to 1. */
  readonly readShare: number
}

export interface Copied {
  readonly snapshots: readonly CopiedSnapshot[]
  /** What was brought: objects and their bytes, and files of archived log. */
  readonly objects: number
  readonly bytes: number
  readonly archived: number
  /** Something was not copied; the rest was. */
  readonly error?: OperatingError
}

export interface SnapshotChoiceRequest {
  readonly collection: string
  /** Taken at this instant or later, epoch milliseconds. */
  readonly since: number
}

/** A snapshot that stands in a repository, as the backup that made it returned it. */
export interface StoredBackup extends BackedUp {
  /** When its manifest was written, which is when it was complete; epoch milliseconds. */
  readonly createdAt: number
}

/** A snapshot that stands in a repository. */
export interface HeldSnapshot {
  readonly collection: string
  readonly snapshotId: string
  readonly uuid: string
  readonly history: string
  readonly lsn: number
  /** Epoch milliseconds. */
  readonly asOfAt: number
}

/** What a repository holds now. */
export interface Holding {
  /** By collection, then oldest first. */
  readonly snapshots: readonly HeldSnapshot[]
  /** A restore reaches every LSN of the history up to this one. */
  readonly reaches: readonly {
    readonly uuid: string
    readonly history: string
    readonly lsn: number
  }[]
}

export interface Repositories {
  /** Reads what is stored; damage is returned, not thrown. @throws `snapshot-not-found`, … */
  verify(request: SnapshotVerifyRequest, work: Work): Promise<Verified>
  /**
   * Removes snapshots by rules, then what nobody needs. @throws `suspicious-backup`, `locked`, `damaged`, with
   * nothing removed
   */
  prune(request: PruneRequest, work: Work): Promise<Pruned>
  /** Copies what the far end lacks. @throws `snapshot-not-found`, `locked`, `key-refused` */
  copy(request: CopyRequest, work: Work): Promise<Copied>
  /** Ids of the snapshots of a collection since an instant, oldest first. */
  since(source: string, request: SnapshotChoiceRequest): Promise<readonly string[]>
  /** Everything in it; nothing where there is no repository yet. @throws `unreachable`, `key-refused`, `damaged` */
  holding(source: string): Promise<Holding>
  /** Id of the newest snapshot of the collection. @throws `snapshot-not-found` */
  latest(source: string, collection: string): Promise<string>
  /** The snapshot of that id; undefined when there is none, or no repository yet. @throws `damaged` */
  backup(source: string, collection: string, snapshotId: string): Promise<StoredBackup | undefined>
  /** @throws `snapshot-not-found`, `damaged` */
  expectation(source: string, collection: string, snapshotId: string): Promise<Expectation>
}
