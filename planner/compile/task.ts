/**
 * The compiled plan: a frozen tree of tasks that several readers share. `run` executes it, `explain`
 * prints it; neither looks at the plan's steps again.
 *
 * A task knows its words, its limits and what it touches. `step` is bound to its input, so that a
 * reader needs no knowledge of step kinds.
 */
import type { Place } from '../plan/place.ts'
import type {
  AnySequence,
  ObjectiveKind,
  OnFailure,
  Plan,
  Retry,
  Takes,
  When,
} from '../plan/plan.ts'
import type { Estimate } from '../step/estimate.ts'
import type { StageName, StepRecord } from '../step/record.ts'
import type {
  Description,
  Examination,
  Interrupted,
  StepContext,
  StepResult,
  TargetNeed,
  Touch,
} from '../step/step.ts'

export interface StepTask {
  readonly kind: 'step'
  /** Unique in the tree's stage; the step's id. */
  readonly id: string
  readonly stepKind: string
  readonly description: Description
  readonly estimate: Estimate
  readonly touches: readonly Touch[]
  readonly needs: readonly TargetNeed[]
  readonly timeoutMs?: number
  readonly retry?: Retry
  readonly onFailure: OnFailure
  readonly when: When
  /** What the plan says of its time; {@link estimate} has counted it in. */
  readonly takes?: Takes
  /** Chance to succeed, 0 to 1, by the word of the plan. */
  readonly odds?: number
  /** Needs a yes before the run starts. */
  readonly confirm: boolean
  readonly place: Place
  /** The step's input with its templates, for the record. */
  readonly input: object
  run(context: StepContext): Promise<StepResult>
  /** Absent where only a person can tell whether an interrupted step of this kind is done. */
  readonly examine?: (interrupted: Interrupted, context: StepContext) => Promise<Examination>
  /** Absent where a step of this kind cannot be taken back. */
  readonly undo?: (record: StepRecord, context: StepContext) => Promise<StepResult | undefined>
}

/** Tasks that run side by side; what follows waits for all of them. */
export interface ParallelTask {
  readonly kind: 'parallel'
  readonly tasks: readonly StepTask[]
  readonly place: Place
}

export type Task = StepTask | ParallelTask

export interface Stage {
  readonly name: Exclude<StageName, 'undo'>
  readonly tasks: readonly Task[]
}

export interface TaskTree {
  readonly plan: Plan
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly description?: string
  /** In which `${date}` and `${time}` are written. */
  readonly timezone: string
  /** Of a drill: the objectives that a pass is evidence for. */
  readonly proves: readonly ObjectiveKind[]
  readonly confirm: boolean
  readonly timeoutMs?: number
  /** In the order in which they run; stages without tasks are left out. */
  readonly stages: readonly Stage[]
}

/** The tasks of a stage one by one, groups opened. */
export const stepsOf = (tasks: readonly Task[]): readonly StepTask[] =>
  tasks.flatMap((task) => (task.kind === 'step' ? [task] : task.tasks))
