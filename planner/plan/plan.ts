/**
 * The resolved plan: what a plan file means once it has been read, validated and frozen.
 *
 * Invariants, kept by `loadPlan`:
 * - every name that refers to something refers to something that exists;
 * - durations are milliseconds, paths and URLs absolute, defaults filled in, tiers applied;
 * - no value of an environment variable stands in a step: {@link Template}s keep their text as
 *   written, and `resolveTemplate` fills them in when the step runs. Settings outside steps (paths,
 *   URLs) are resolved when the plan is loaded; the values they took are in {@link Plan.secrets};
 * - objects, arrays and maps are frozen, and maps keep the order of the file.
 */
import type { LockPolicy } from '../../engine/index.ts'
import type { Place } from './place.ts'

import type { Secret } from './secret.ts'
import type { Template } from './template.ts'

export interface Plan {
  /** As the user wrote it; {@link directory} is absolute. */
  readonly file: string
  readonly directory: string
  /** SHA-256 of the file's bytes, lower-case hex. */
  readonly sha256: string
  readonly version: 1
  readonly name: string
  readonly description?: string
  readonly owner: string
  /** A plain date counts from 00:00 UTC. */
  readonly reviewedAt?: number
  /** IANA name. */
  readonly timezone: string
  readonly targets: ReadonlyMap<string, Target>
  readonly tiers: ReadonlyMap<string, Tier>
  readonly collections: ReadonlyMap<string, PlanCollection>
  readonly destinations: ReadonlyMap<string, Destination>
  readonly schedules: ReadonlyMap<string, Schedule>
  readonly drills: ReadonlyMap<string, Drill>
  readonly ledger: Ledger
  readonly compliance: Compliance
  /** Values of every `${env.NAME}` in the file, for a redactor; they print as `***`. */
  readonly secrets: readonly Secret[]
}

/** What fails together. What is not said counts as shared with everything else. */
export interface FailureDomains {
  readonly node?: string
  readonly disk?: string
  readonly region?: string
  readonly account?: string
  readonly vendor?: string
}

/** A system acted on. */
export interface Target {
  readonly kind: 'vectra'
  readonly name: string
  /** The data directory, absolute. */
  readonly path: string
  readonly domains: FailureDomains
  readonly place: Place
}

export type ObjectiveKind = 'rpo' | 'rto' | 'recall'

export interface Objectives {
  readonly rpoMs?: number
  readonly rtoMs?: number
  /** recall@10 against exact neighbours, above 0 and at most 1. */
  readonly recall?: number
}

export interface Tier {
  readonly name: string
  readonly objectives: Objectives
  readonly place: Place
}

export interface PlanCollection {
  readonly name: string
  /** Name of the target it lives on. */
  readonly target: string
  readonly tier?: string
  /** The tier's, overridden one by one by the collection's own. */
  readonly objectives: Objectives
  readonly golden: { readonly sample: number; readonly k: number }
  /** What made the vectors; kept in every snapshot. */
  readonly embedding?: { readonly model: string; readonly version?: string }
  readonly place: Place
}

export interface Destination {
  readonly name: string
  /** Absolute `file://` URL, or an `s3://` URL with its endpoint. */
  readonly url: string
  /** Absent: as the repository was made. */
  readonly objectLock?: LockPolicy
  /** Bytes that may pass to and from it in a second. Absent: as many as do. */
  readonly bandwidthBytes?: number
  /** Absent: it is not encrypted. */
  readonly encryption?: DestinationKey
  readonly signing?: {
    /** Absolute path: what is written is signed with the key in it. */
    readonly keyFile?: string
    /** Only what one of these public keys has signed counts. */
    readonly trust?: readonly string[]
  }
  readonly domains: FailureDomains
  readonly place: Place
}

/** Where the key of an encrypted destination is. Paths are absolute. */
export type DestinationKey =
  | { readonly kind: 'env'; readonly key: Secret }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: readonly string[] }

export interface Ledger {
  /** Absolute path; `.vectra-dr/ledger.jsonl` beside the plan unless it says otherwise. */
  readonly path: string
}

export interface Compliance {
  readonly windowMs: number
  /** Older proof counts as unproven. */
  readonly drillEveryMs?: number
}

/** `continue` goes on with the next step, `undo` also undoes the finished steps that can be undone. */
export type OnFailure = 'stop' | 'continue' | 'undo'

export interface Retry {
  /** Tries in all, the first included. */
  readonly attempts: number
  /** Pause before the second try; it doubles with each further one. */
  readonly backoffMs: number
}

/** What schedules and drills share: steps, and what happens around them. */
export interface Sequence {
  readonly name: string
  readonly description?: string
  /** Of the whole run. */
  readonly timeoutMs?: number
  readonly steps: readonly Step[]
  /** Clean-up: runs after the steps, also after a failure. */
  readonly always: readonly Step[]
  readonly place: Place
}

/** Steps run by the clock. */
export interface Schedule extends Sequence {
  readonly kind: 'schedule'
  readonly cron: string
  readonly timezone: string
}

/** Steps run as a test. */
export interface Drill extends Sequence {
  readonly kind: 'drill'
  readonly cron?: string
  readonly timezone: string
  /** What a pass is evidence for. */
  readonly proves: readonly ObjectiveKind[]
  /** Touches production data: needs a yes. */
  readonly confirm: boolean
  /** Checked before and after the steps; a drill on a sick system is void. */
  readonly steady: readonly TaskStep[]
}

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

export interface RestoreInput {
  /** Destinations in the order in which they are asked. */
  readonly from: readonly string[]
  readonly collection: string
  readonly snapshot: SnapshotChoice
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
}

export interface StepInputs {
  readonly import: ImportInput
  readonly backup: BackupInput
  readonly verify: VerifyInput
  readonly restore: RestoreInput
  readonly check: CheckInput
  readonly drop: DropInput
  readonly prune: PruneInput
  readonly inject: InjectInput
  readonly exec: ExecInput
}

export type StepKind = keyof StepInputs

interface StepOf<Kind extends StepKind> {
  readonly kind: Kind
  /** As written; else the kind where it is the only one of its kind; else the kind and a number. */
  readonly id: string
  readonly input: StepInputs[Kind]
  readonly timeoutMs?: number
  /** Its own, else that of the schedule or drill. */
  readonly retry?: Retry
  /** Its own, else that of the schedule or drill, else `stop`; under `always` its own or `continue`. */
  readonly onFailure: OnFailure
  readonly place: Place
}

/** One step that does something. Discriminated by `kind`. */
export type TaskStep = { readonly [Kind in StepKind]: StepOf<Kind> }[StepKind]

/** Steps that run side by side; the next step waits for all of them. */
export interface ParallelStep {
  readonly kind: 'parallel'
  readonly steps: readonly TaskStep[]
  readonly place: Place
}

export type Step = TaskStep | ParallelStep
