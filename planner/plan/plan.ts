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
import type { People } from './people.ts'
import type { Place } from './place.ts'
import type { Scenario } from './scenario.ts'
import type { Secret } from './secret.ts'
import type { ReplicationMode, StepInputs, StepKind } from './step-inputs.ts'
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
  readonly procedures: ReadonlyMap<string, Procedure>
  /** By collection. */
  readonly replication: ReadonlyMap<string, Replication>
  readonly people: People
  readonly scenarios: ReadonlyMap<string, Scenario>
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

interface AnyTarget {
  readonly name: string
  readonly domains: FailureDomains
  readonly place: Place
}

/** The bundled engine, opened in this process. */
export interface EmbeddedTarget extends AnyTarget {
  readonly kind: 'vectra'
  /** The data directory, absolute. */
  readonly path: string
}

/** The bundled engine, served. */
export interface ServedTarget extends AnyTarget {
  readonly kind: 'vectra-server'
  readonly url: string
  readonly token?: Secret
}

/** Another database. */
export interface ForeignTarget extends AnyTarget {
  readonly kind: 'qdrant' | 'pgvector' | 'weaviate'
  readonly url: string
  readonly apiKey?: Secret
}

/** A system acted on. */
export type Target = EmbeddedTarget | ServedTarget | ForeignTarget

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
  /** One of {@link Plan.tiers}, or a label that brings no objectives. */
  readonly tier?: string
  /** The tier's, overridden one by one by the collection's own. */
  readonly objectives: Objectives
  readonly golden: {
    readonly sample: number
    readonly k: number
    /** Absolute path to queries of its own, instead of the sample. */
    readonly file?: string
  }
  /** The name that applications use. */
  readonly alias?: string
  /** What made the vectors; kept in every snapshot. */
  readonly embedding?: { readonly model: string; readonly version?: string }
  readonly place: Place
}

export interface Destination {
  readonly name: string
  /** Absolute `file://` or `rsync://` URL, or an `s3://` URL with its endpoint. */
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
  /** Absolute path of the Ed25519 key that lines are signed with. */
  readonly signingKeyFile?: string
  /** The destination that keeps its newest hash as well. */
  readonly anchor?: string
}

export type Framework = 'soc2' | 'iso22301' | 'iso27001' | 'nist-800-53' | 'dora'

export interface Compliance {
  readonly windowMs: number
  /** Older proof counts as unproven. */
  readonly drillEveryMs?: number
  /** Who has taken part in no exercise for longer is overdue. */
  readonly trainingEveryMs: number
  /** Who puts right what is found; the plan's owner unless it says otherwise. */
  readonly findings: {
    readonly owner: string
    readonly criticalDueMs?: number
    readonly warningDueMs?: number
  }
  readonly frameworks: readonly Framework[]
  /** Roles that sign the report. */
  readonly signers: readonly string[]
  /** Collections that are not judged, with the reason. */
  readonly exclusions: ReadonlyMap<string, string>
}

/** Which target follows which. */
export interface Replication {
  readonly collection: string
  readonly from: string
  readonly to: readonly string[]
  readonly mode: ReplicationMode
  readonly maxLagMs?: number
  readonly place: Place
}

/** `continue` goes on with the next step, `undo` also undoes the finished steps that can be undone. */
export type OnFailure = 'stop' | 'continue' | 'undo'

export interface Retry {
  /** Tries in all, the first included. */
  readonly attempts: number
  /** Pause before the second try; it doubles with each further one. */
  readonly backoffMs: number
}

/** What schedules, drills and procedures share: steps, and what happens around them. */
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

/** When something is due: at the times of a cron line, or so long after it began the last time. */
export type Rhythm =
  | { readonly kind: 'cron'; readonly line: string; readonly timezone: string }
  | { readonly kind: 'every'; readonly everyMs: number }

/** What the clock runs, and how. */
export interface Timing {
  /** In which `${date}` and `${time}` are written. */
  readonly timezone: string
  /** Run once at start when a due run was missed. */
  readonly catchUp: boolean
  /** Start up to so much later, at random. */
  readonly jitterMs?: number
  /** Called after each success. */
  readonly heartbeat?: Template
}

/** Steps run by the clock. */
export interface Schedule extends Sequence, Timing {
  readonly kind: 'schedule'
  readonly rhythm: Rhythm
}

/** Steps run as a test. */
export interface Drill extends Sequence, Timing {
  readonly kind: 'drill'
  /** Absent: when somebody runs it. */
  readonly rhythm?: Rhythm
  /** What a pass is evidence for. */
  readonly proves: readonly ObjectiveKind[]
  /** Touches production data: needs a yes. */
  readonly confirm: boolean
  /** Checked before and after the steps; a drill on a sick system is void. */
  readonly steady: readonly TaskStep[]
}

export type QuestionType = 'text' | 'instant' | 'number'

/** What has to be known before a procedure runs. */
export interface Question {
  readonly name: string
  readonly question: string
  readonly type: QuestionType
}

/** Steps that a person runs in a disaster. */
export interface Procedure extends Sequence {
  readonly kind: 'procedure'
  readonly timezone: string
  /** What it helps against, in a word each. */
  readonly for: readonly string[]
  /** By the name that `${ask.NAME}` uses. */
  readonly ask: ReadonlyMap<string, Question>
}

export type AnySequence = Schedule | Drill | Procedure

/** Whether a step runs, by how the run has gone so far. */
export type When = 'failure' | 'success' | 'always'

/** How long a step takes by the word of the plan's author. */
export interface Takes {
  readonly minMs: number
  readonly likelyMs: number
  readonly maxMs: number
}

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
  readonly when: When
  /** What the plan says of its time; measurements count more. */
  readonly takes?: Takes
  /** Chance to succeed, 0 to 1, by the word of the plan. */
  readonly odds?: number
  /** Needs a yes before the run starts. */
  readonly confirm: boolean
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

/** The steps that do something, groups opened. */
export const tasksOf = (steps: readonly Step[]): readonly TaskStep[] =>
  steps.flatMap((step) => (step.kind === 'parallel' ? step.steps : [step]))
