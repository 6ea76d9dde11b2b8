/**
 * The contract of a step kind: one file in this folder, its line in `registry.ts`, and its schema.
 *
 * A step kind answers four questions. Its schema, `schemas/steps/<kind>.schema.json`, says what may be
 * written, and in `x-outputs` what `${steps.<id>.…}` may read. `run` does it and returns what it
 * found; `describe` says what a person would do and type instead; `estimate` says how long it takes.
 * `examine` looks whether a step that was interrupted is done. With `touches`, `needs` and `undo` the readers of a compiled plan know everything without running
 * anything.
 *
 * Duties of `run`:
 * - it stops at the signal with the signal's reason and leaves nothing half-made;
 * - it never prints: it reports progress and remarks;
 * - right before it changes something that `examine` has to judge, it notes what it found there;
 * - a step that measured and did not like what it found returns its outputs together with the error,
 *   so that a failed step leaves the same record as a passed one.
 */
import type {
  Clock,
  Disk,
  JsonObject,
  OperatingError,
  Progress,
  Timer,
} from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { StepInputs, StepKind } from '../plan/step-inputs.ts'
import type { Template } from '../plan/template.ts'
import type { Repositories } from '../target/repositories.ts'
import type { Capability, TargetAdapter } from '../target/target.ts'
import type { Asking } from './asking.ts'
import type { Estimate, History } from './estimate.ts'
import type { Evidence, StepRecord } from './record.ts'

/** What a running step works with. */
export interface StepContext {
  /** The step's id, unique in its stage. */
  readonly id: string
  /** This step of this run; programs that it starts have it in their environment, so that they are found again. */
  readonly mark: string
  readonly plan: Plan
  /** Fills a template in; `collection` is what `${collection}` means there. @throws `step-failed` */
  text(template: Template, collection?: string): string
  target(name: string): TargetAdapter
  readonly repositories: Repositories
  /** The step's inputs as its record has them: filled in, and masked where a secret stood. */
  readonly inputs: JsonObject
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
  /** The environment this program was started with. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How people are asked. */
  readonly asking: Asking
  /** Given when the step shall stop; the reason is the error to end with. */
  readonly signal: AbortSignal
  /** Given when waiting for a polite end is over: kill now. */
  readonly forceSignal: AbortSignal
  readonly progress: Progress
  remark(text: string): void
  /**
   * From here on the steps that follow need not wait for this one; called once. The signal comes when
   * the disaster has happened or the steps are over: then the step ends as passed.
   */
  beside(): AbortSignal
  /**
   * Keeps `content` as an artefact of the run and adds it to the step's record.
   * @param name file name, e.g. `measurement.json`
   */
  keep(name: string, content: string | Uint8Array): Promise<Evidence>
  /**
   * Makes `note` durable for the examination that follows a crash; the last one counts. Without secrets.
   * Await it before the change that it is about: then its absence proves that nothing was changed.
   */
  note(note: JsonObject): Promise<void>
  /** Present when a process that died had begun this step, which is examined or repeated now. */
  readonly interrupted?: Interrupted
  /** Masks the values of the plan's secrets. */
  redact(text: string): string
  /** Records of the steps of this run that ended before, in the order in which they ended. */
  readonly records: readonly StepRecord[]
}

export interface StepResult {
  /** For `${steps.<id>.…}`, the ledger and the audit; plain JSON, no secrets. */
  readonly outputs: JsonObject
  /** What stands elsewhere than in the state directory; `keep` adds its own. */
  readonly evidence?: readonly Evidence[]
  /** Present when the step did its work and the result is not acceptable. */
  readonly error?: OperatingError
}

/** A step that was begun by a process that died. */
export interface Interrupted {
  /** When it began first, epoch milliseconds. */
  readonly at: number
  /** The last thing that it noted; absent when it changed nothing that it notes. */
  readonly note?: JsonObject
}

/** How an interrupted step stands; `found` is a sentence without a full stop, for people. */
export type Examination =
  /** All of it was done; the result is what it would have returned, as far as that can be told. */
  | { readonly state: 'done'; readonly found: string; readonly result: StepResult }
  /** Running it again leads to where one run of it would have led. */
  | { readonly state: 'repeat'; readonly found: string }
  /** Only a person can tell. */
  | { readonly state: 'unknown'; readonly found: string }

/** What a person would do. */
export interface Description {
  /** One sentence without a full stop, in the imperative: `Restore products from offsite`. */
  readonly sentence: string
  /** How that is seen to have worked: a clause, without a capital and a full stop. */
  readonly expected: string
  /** How a person takes it back, a clause; absent where there is nothing to take back. */
  readonly back?: string
  /** Command lines as argument lists, typed in the plan's directory. Empty when there is none. */
  readonly commands: readonly (readonly string[])[]
}

/** Something a step uses, and how. */
export interface Touch {
  readonly access: 'reads' | 'writes' | 'destroys' | 'runs' | 'asks'
  readonly what: 'target' | 'destination' | 'file' | 'command' | 'address' | 'channel' | 'role'
  /** `primary/products`, `offsite`, a path, a program, a URL as it is written. */
  readonly name: string
}

export interface TargetNeed {
  readonly target: string
  readonly capabilities: readonly Capability[]
}

export interface StepFaces<Kind extends StepKind> {
  readonly kind: Kind
  run(input: StepInputs[Kind], context: StepContext): Promise<StepResult>
  describe(input: StepInputs[Kind], plan: Plan): Description
  estimate(input: StepInputs[Kind], id: string, history: History): Estimate
  touches(input: StepInputs[Kind], plan: Plan): readonly Touch[]
  /** What the step asks of targets. */
  needs(input: StepInputs[Kind], plan: Plan): readonly TargetNeed[]
  /**
   * Whether a step that a dead process had begun is done. It looks and changes nothing; when it says
   * `repeat`, `run` follows with the same {@link StepContext.interrupted}. Absent: nobody can tell by
   * looking, so whoever resumes the run has to say.
   */
  examine?(
    input: StepInputs[Kind],
    interrupted: Interrupted,
    context: StepContext,
  ): Promise<Examination>
  /**
   * Takes back what a passed run of the step did, as its record tells. Absent where nothing can be
   * taken back; undefined when this run left nothing to take back. Taking back twice must do no harm:
   * after a crash it is repeated.
   */
  undo?(
    input: StepInputs[Kind],
    record: StepRecord,
    context: StepContext,
  ): Promise<StepResult | undefined>
}

export type StepRegistry = { readonly [Kind in StepKind]: StepFaces<Kind> }
