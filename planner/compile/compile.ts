/** Steps → task tree. Pure: nothing is opened, read or asked. */
import type { AnySequence, Plan, Step, TaskStep } from '../plan/plan.ts'
import type { StepKind } from '../plan/step-inputs.ts'
import { estimateOr, type History } from '../step/estimate.ts'
import type { Description, StepFaces, StepRegistry } from '../step/step.ts'
import { withoutStrayKey } from '../target/command-line.ts'
import type { Stage, StepTask, Task, TaskTree } from './task.ts'

export interface CompileOptions {
  readonly registry: StepRegistry
  /** What runs of it measured before. */
  readonly history: History
}

/** Compiles one schedule, drill or procedure of the plan. The tree is frozen. */
export function compile(
  plan: Plan,
  sequence: AnySequence,
  { registry, history }: CompileOptions,
): TaskTree {
  const bind = (step: TaskStep): StepTask => bindStep(step, plan, registry, history)
  const tasks = (steps: readonly Step[]): readonly Task[] =>
    Object.freeze(
      steps.map((step) =>
        step.kind === 'parallel'
          ? Object.freeze({
              kind: 'parallel' as const,
              tasks: Object.freeze(step.steps.map(bind)),
              place: step.place,
            })
          : bind(step),
      ),
    )
  const steady = sequence.kind === 'drill' ? sequence.steady : []
  const stages: readonly Stage[] = [
    { name: 'steady-before', tasks: tasks(steady) },
    { name: 'steps', tasks: tasks(sequence.steps) },
    { name: 'steady-after', tasks: tasks(steady) },
    { name: 'always', tasks: tasks(sequence.always) },
  ]
  return Object.freeze({
    plan,
    sequence: Object.freeze({ kind: sequence.kind, name: sequence.name }),
    ...(sequence.description !== undefined && { description: sequence.description }),
    timezone: sequence.timezone,
    proves: sequence.kind === 'drill' ? sequence.proves : [],
    confirm: sequence.kind === 'drill' && sequence.confirm,
    ...(sequence.timeoutMs !== undefined && { timeoutMs: sequence.timeoutMs }),
    stages: Object.freeze(
      stages.filter((stage) => stage.tasks.length > 0).map((stage) => Object.freeze(stage)),
    ),
  })
}

/**
 * One step with its faces. The registry pairs each kind with its own input, which TypeScript cannot
 * follow through a union: hence `Kind` here and the cast below.
 */
function bindStep(step: TaskStep, plan: Plan, registry: StepRegistry, history: History): StepTask {
  return bindFaces(step as StepWithInput, registry[step.kind] as AnyFaces, plan, history)
}

/** A step and the faces of its own kind, the kind forgotten by both at once. */
type StepWithInput = Omit<TaskStep, 'input'> & { readonly input: never }
type AnyFaces = StepFaces<StepKind> & { readonly kind: string }

function bindFaces(step: StepWithInput, faces: AnyFaces, plan: Plan, history: History): StepTask {
  const { id, kind, input, timeoutMs, retry, onFailure, when, takes, odds, confirm, place } = step
  const { examine, undo } = faces
  return Object.freeze({
    kind: 'step' as const,
    id,
    stepKind: kind,
    description: typed(faces.describe(input, plan), plan),
    estimate: Object.freeze(estimateOr(faces.estimate(input, id, history), takes)),
    touches: Object.freeze(faces.touches(input, plan)),
    needs: Object.freeze(faces.needs(input, plan)),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    onFailure,
    when,
    ...(takes !== undefined && { takes }),
    ...(odds !== undefined && { odds }),
    confirm,
    place,
    input,
    run: (context) => faces.run(input, context),
    ...(examine && {
      examine: (interrupted, context) => examine(input, interrupted, context),
    }),
    ...(undo && { undo: (record, context) => undo(input, record, context) }),
  } satisfies StepTask)
}

/** Its commands as they are typed where the environment holds what the plan asks for. */
const typed = (description: Description, plan: Plan): Description =>
  Object.freeze({
    ...description,
    commands: description.commands.map((words) => withoutStrayKey(plan, words)),
  })
