/**
 * What steps ask of a target that is a node of a cluster: who writes a collection, who follows, who takes over.
 * Nothing here decides; a plan or a person does.
 */
import { fromSerialised, type OperatingError, type SerialisedError } from '../../engine/index.ts'

/** Whoever asks, until it stops. */
export interface Asking {
  readonly signal: AbortSignal
}

/** How other nodes find one. */
export interface NodeAddress {
  readonly name: string
  readonly url: string
}

/** How far a standby is behind, as it knows. */
export interface Lag {
  /** Records of the primary that it lacks. */
  readonly records: number
  readonly bytes: number
  /** Since the moment at which it had everything; null: there was none yet. */
  readonly seconds: number | null
}

/** How one collection stands on a node. */
export interface Copy {
  readonly name: string
  readonly uuid: string
  readonly role: 'primary' | 'standby'
  readonly fenced: boolean
  readonly epoch: { readonly number: number; readonly history: string }
  readonly lsn: number
  readonly count: number
  readonly primary: NodeAddress | null
  /** Of a standby. */
  readonly following: (Lag & { readonly state: string; readonly problem: string | null }) | null
}

export interface NodeReading {
  readonly node: NodeAddress
  /** Replicated collections, and those that are fenced. */
  readonly copies: readonly Copy[]
  /** Those that cannot be looked at, and why; `locked`: not now. Nodes of earlier versions tell none. */
  readonly broken?: readonly { readonly name: string; readonly problem: SerialisedError }[]
}

/** What keeps from looking at a collection on a node; undefined when nothing does. */
export function brokenOn({ broken = [] }: NodeReading, name: string): OperatingError | undefined {
  const found = broken.find((each) => each.name === name)
  return found && fromSerialised(found.problem)
}

/** What a promotion may lose. */
export interface LossWindow {
  /** Records that the primary has and the standby lacks; null: the primary cannot be asked. */
  readonly records: number | null
  /** What is known of them although the primary cannot be asked. */
  readonly knownRecords: number
  /** Nothing that was acknowledged before is lost; ISO 8601, null: it is not known. */
  readonly asOfAt: string | null
  readonly seconds: number | null
  /** Standbys that have more than this one, and those that do not answer. */
  readonly ahead: readonly string[]
  readonly unreachable: readonly string[]
}

export interface Promoted {
  readonly epoch: { readonly number: number; readonly history: string }
  /** Where the new epoch begins: records after it that others have are lost. */
  readonly lsn: number
  readonly window: LossWindow
  /** Records that the old primary has beyond it; null: it did not answer. */
  readonly lostRecords: number | null
}

export interface Following {
  readonly mode: 'async' | 'sync'
  /** URL of the destination to begin with instead of a base of the target. */
  readonly base?: string | undefined
}

export interface Joined {
  /** `kept`: it had a copy. `base`: of the target. `snapshot`: of the destination. */
  readonly how: 'kept' | 'base' | 'snapshot'
  readonly from?: { readonly snapshotId: string; readonly lsn: number }
  /** Why it was not a snapshot. */
  readonly instead?: string
}

export interface Rejoined {
  /** `kept`: nothing but the epoch changed. `seeded`: it took a new base. */
  readonly how: 'kept' | 'seeded'
  /** What the new history lacks, in a file on the node's machine; null when it has everything. */
  readonly lost: { readonly file: string; readonly records: number } | null
}

/** A file of lost records on a node. */
export interface LostFile {
  readonly file: string
  /** Where it is on the node's machine. */
  readonly path: string
  /** Whether the last promotion left these records behind. */
  readonly isOfLastPromotion: boolean
  readonly isReplayed: boolean
}

export interface Replayed {
  /** Records in the file. */
  readonly records: number
  /** Ids that were written there and are absent, and those that are otherwise now: left as they are. */
  readonly absent: number
  readonly different: number
  readonly written: number
}

/** A target as a node. `unreachable` when it does not answer, always. */
export interface StandbyAdapter {
  read(work: Asking): Promise<NodeReading>
  /**
   * Lets `node` follow a collection that this target writes; it takes a base first.
   * @throws `not-primary`, `collection-exists`; `divergence` when no snapshot of `base` is of this history
   */
  replicate(collection: string, node: NodeAddress, how: Following, work: Asking): Promise<Joined>
  /** The copy here becomes a standby of `primary`. What only it has is written to a file first. */
  rejoin(
    collection: string,
    primary: NodeAddress,
    mode: 'async' | 'sync',
    work: Asking,
  ): Promise<Rejoined>
  /** Nothing is written to it here any more until one is promoted. @returns where it ends */
  fence(collection: string, work: Asking): Promise<{ readonly lsn: number }>
  /** What {@link promote} would lose now. */
  lossOf(collection: string, planned: boolean, work: Asking): Promise<LossWindow>
  /**
   * The copy here takes writes, in a new epoch.
   * @param accept no more may be lost than this
   * @throws `possible-loss` when more would be; `unreachable` with `planned`, when the primary does not answer
   */
  promote(collection: string, planned: boolean, accept: LossWindow, work: Asking): Promise<Promoted>
  /** Files with records of the collection that only this node had. @throws `name-not-found` by an earlier version */
  lost(collection: string, work: Asking): Promise<readonly LostFile[]>
  readLost(collection: string, file: LostFile, work: Asking): Promise<Buffer>
  /** Says of one that it was replayed. */
  markReplayed(collection: string, file: LostFile, work: Asking): Promise<void>
  /** Writes what `bytes`, such a file, has and this one lacks. */
  replay(collection: string, bytes: Buffer, place: string, work: Asking): Promise<Replayed>
}
