/** What the steps of a plan are told, one shape a kind: resolved, and frozen with the plan. */
import type { Template } from './template.ts'

/** A snapshot: the newest one, or the one with this id. */
export type SnapshotChoice =
  | { readonly kind: 'latest' }
  | { readonly kind: 'id'; readonly id: Template }

export type ImportFormat = 'jsonl' | 'f32' | 'fvecs' | 'npy'

/** Creates the collection when it is not there, then upserts every point of a file. */
export interface ImportInput {
  readonly target: string
  readonly collection: string
  readonly file: Template
  readonly format: ImportFormat
  /** JSON Lines with the metadata of a file that holds vectors only. */
  readonly metadata?: Template
  /** Needed for `f32`; otherwise the file tells. */
  readonly dimension?: number
  readonly metric?: 'cosine' | 'l2' | 'ip'
  readonly index?: 'hnsw' | 'ivf' | 'flat'
  readonly m?: number
  readonly efConstruction?: number
  readonly ef?: number
  readonly lists?: number
  readonly nprobe?: number
}

export interface BackupInput {
  /** Names in {@link Plan.collections}; each is backed up from its own target. */
  readonly collections: readonly string[]
  readonly to: string
  /** Snapshot id, resolved once for each collection. */
  readonly id: Template
  readonly mode: 'incremental' | 'full'
}

export interface VerifyInput {
  readonly in: string
  /** All collections of the repository when absent. */
  readonly collection?: string
  /** All snapshots when absent. */
  readonly snapshot?: SnapshotChoice
  readonly depth: 'manifest' | 'objects' | 'content'
  /** Above 0, up to 1: a random part is read. All of it when absent. */
  readonly sample?: number
}

/** A random one of those taken in so long a time before now. */
export interface RandomSnapshot {
  readonly kind: 'random'
  readonly withinMs: number
  /** Chooses the same one again among the same snapshots. A new one for each run when absent. */
  readonly seed?: number
}

export interface RestoreInput {
  /** Destinations in the order in which they are asked. */
  readonly from: readonly string[]
  readonly collection: string
  /** `moment`: point-in-time recovery, `latest`, `lsn:N` or an instant with its offset. */
  readonly snapshot:
    | SnapshotChoice
    | RandomSnapshot
    | { readonly kind: 'moment'; readonly at: Template }
  readonly into: string
  /** The new name; the collection's own when absent. */
  readonly as?: Template
  readonly replace: boolean
  readonly reindex: boolean
}

export interface CheckInput {
  readonly target: string
  readonly collection: Template
  /** Compare with the snapshot that an earlier restore of these steps brought here. */
  readonly against?: 'snapshot'
  readonly count?: 'equal' | { readonly min?: number; readonly max?: number }
  readonly digest?: 'equal'
  readonly parity: boolean
  readonly recall?: { readonly min: number }
  /** Upper bounds of search latency, by percentile. */
  readonly latency?: { readonly p50Ms?: number; readonly p95Ms?: number; readonly p99Ms?: number }
  /** Count the canary points of this run that are missing. */
  readonly canary?: boolean
}

export interface DropInput {
  readonly target: string
  readonly collection: Template
  readonly ifExists: boolean
}

/** Retention rules: a snapshot stays when any keeps it. */
export interface KeepInput {
  readonly last?: number
  readonly hourly?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  /** Before the newest snapshot. */
  readonly withinMs?: number
  readonly tags?: readonly string[]
}

export interface PruneInput {
  readonly in: string
  /** All collections of the repository when absent. */
  readonly collection?: string
  readonly keep: KeepInput
}

export interface InjectInput {
  readonly fault: 'drop-collection'
  readonly target: string
  readonly collection: string
}

export interface ExecInput {
  /** Program and arguments; never a shell line. A first word that starts with `./` or `../` is absolute. */
  readonly command: readonly [Template, ...Template[]]
  /** The whole environment of the program beyond a minimal one. */
  readonly env: ReadonlyMap<string, Template>
  /** Absolute: the plan's directory. */
  readonly workingDirectory: string
  /** Running it once more after it was interrupted does no harm. */
  readonly repeatable: boolean
}

export interface CopyInput {
  readonly from: string
  readonly to: string
  /** All collections of the repository when absent. */
  readonly collection?: string
  /** All snapshots when absent. */
  readonly snapshot?: SnapshotChoice
}

export interface ArchiveInput {
  /** Names in the plan; each is archived from its own target. */
  readonly collections: readonly string[]
  readonly to: string
}

/** Numbered points, written until the disaster or the end of the steps. */
export interface CanaryInput {
  readonly target: string
  readonly collection: string
  /** Pause between two points. */
  readonly everyMs: number
}

export interface FenceInput {
  readonly target: string
  /** What to do when it does not answer. */
  readonly unreachable: 'stop' | 'continue'
}

export interface PromoteInput {
  readonly target: string
  readonly collections: readonly string[]
  /** A switchover: nothing may be lost. */
  readonly planned: boolean
}

export type ReplicationMode = 'sync' | 'async'

export interface ReplicateInput {
  readonly from: string
  readonly to: string
  readonly collections: readonly string[]
  readonly mode: ReplicationMode
  /** A destination: what a node without a copy begins with. Absent: a base of `from`. */
  readonly base?: string
}

export interface SwitchInput {
  readonly alias: string
  readonly to: string
  /** What the alias means there; the collection that has it in the plan when absent. */
  readonly collection?: Template
}

/** What an answer should be. Any status from 200 to 299 when absent. */
export interface HttpExpectation {
  readonly status?: number
}

export interface ProbeInput {
  readonly url: Template
  readonly expect: HttpExpectation
  /** How long to go on asking. */
  readonly withinMs: number
  readonly allowPrivate: boolean
}

export interface ReconcileInput {
  readonly collection: string
  /** The target whose state is taken for the truth. */
  readonly from: string
  readonly lost: 'report' | 'replay'
}

export interface ApproveInput {
  /** A role of the plan. */
  readonly by: string
  readonly question: Template
}

export interface ManualInput {
  readonly do: Template
  readonly role: string
}

/** When it is sent stands beside the step: its `when`. */
export interface NotifyInput {
  readonly channel: string
  readonly message: Template
}

export interface HttpInput {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: Template
  readonly headers: ReadonlyMap<string, Template>
  readonly body?: Template
  readonly expect: HttpExpectation
  readonly allowPrivate: boolean
}

export type WaitInput =
  | { readonly kind: 'lag'; readonly collection: string; readonly belowMs: number }
  | { readonly kind: 'time'; readonly forMs: number }

export interface StepInputs {
  readonly import: ImportInput
  readonly backup: BackupInput
  readonly archive: ArchiveInput
  readonly verify: VerifyInput
  readonly copy: CopyInput
  readonly prune: PruneInput
  readonly restore: RestoreInput
  readonly check: CheckInput
  readonly drop: DropInput
  readonly inject: InjectInput
  readonly canary: CanaryInput
  readonly fence: FenceInput
  readonly promote: PromoteInput
  readonly replicate: ReplicateInput
  readonly switch: SwitchInput
  readonly probe: ProbeInput
  readonly reconcile: ReconcileInput
  readonly approve: ApproveInput
  readonly manual: ManualInput
  readonly notify: NotifyInput
  readonly exec: ExecInput
  readonly http: HttpInput
  readonly wait: WaitInput
}

export type StepKind = keyof StepInputs
