/** What a played exercise is made from: a story of the plan, its people, and the steps of its procedures as the runbook has them. */
import { compile } from '../compile/compile.ts'
import { stepsOf, type Task, type TaskTree } from '../compile/task.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { createPersonMask } from '../plan/personal.ts'
import { type Plan, type Procedure, tasksOf } from '../plan/plan.ts'
import type { Scenario } from '../plan/scenario.ts'
import { historyIn } from '../runbook/measured-history.ts'
import { shellLineOf, spoken } from '../runbook/shell-text.ts'
import { isOffered } from '../runbook/step-story.ts'
import type { StepRegistry, Touch } from '../step/step.ts'
import { type Place, placesIn } from '../tabletop/places.ts'
import { comesAfterwards } from '../tabletop/step-needs.ts'

export interface PlayStep {
  readonly id: string
  /** Steps of one group run side by side; a group begins when the one before it is done. */
  readonly group: number
  /** As in the runbook. */
  readonly sentence: string
  readonly commands: readonly string[]
  readonly expected: string
  /** Who is asked. */
  readonly role?: string
  readonly takesMs: number
  readonly touches: readonly Touch[]
  /** Nobody waits for the service until it is done: as in a simulation, messages and clean-up come afterwards. */
  readonly comesAfterwards: boolean
  /** It goes on where its target does not answer: the fence of a place that is lost. */
  readonly passesWithout: boolean
}

export interface PlaySetup {
  readonly plan: Plan
  readonly scenario: Scenario
  /** The one that the story calls for. */
  readonly procedure: Procedure
  /** Of each procedure, those that run when nothing fails, in order. */
  readonly steps: ReadonlyMap<string, readonly PlayStep[]>
  readonly places: readonly Place[]
  /** The shortest one wanted of what the procedure brings back. */
  readonly rtoMs?: number
  /** Takes names and numbers of people out of what is written down. */
  readonly mask: (text: string) => string
}

/** Reads nothing but what it is given; the ledger tells how long steps take. */
export function setupPlay(
  plan: Plan,
  scenario: Scenario,
  procedure: Procedure,
  registry: StepRegistry,
  entries: readonly LedgerEntry[],
): PlaySetup {
  const trees = [...plan.procedures.values()].map((each) =>
    compile(plan, each, { registry, history: historyIn(plan, each, entries) }),
  )
  const steps = new Map(trees.map((tree) => [tree.sequence.name, stepsOfTree(tree)]))
  const touched = new Set(
    (steps.get(procedure.name) ?? []).flatMap(({ touches }) =>
      touches
        .filter(({ what, access }) => what === 'target' && access !== 'reads')
        .map(({ name }) => name.slice(name.indexOf('/') + 1)),
    ),
  )
  const wanted = [...plan.collections.values()]
    .filter(({ name }) => touched.has(name))
    .flatMap(({ objectives }) => objectives.rtoMs ?? [])
  return {
    ...{ plan, scenario, procedure, steps },
    places: placesIn(plan, scenario, []),
    ...(wanted.length > 0 && { rtoMs: Math.min(...wanted) }),
    mask: createPersonMask(plan.people),
  }
}

function stepsOfTree({ plan, sequence, stages }: TaskTree): PlayStep[] {
  const written = tasksOf(plan.procedures.get(sequence.name)?.steps ?? [])
  const patient = new Set(
    written.flatMap((step) =>
      step.kind === 'fence' && step.input.unreachable === 'continue' ? step.id : [],
    ),
  )
  return stages
    .flatMap(({ name, tasks }) =>
      tasks.map((task: Task) => ({ task, isCleanUp: name === 'always' })),
    )
    .flatMap(({ task, isCleanUp }, group) =>
      stepsOf([task])
        .filter(({ when }) => when !== 'failure')
        .map((step): PlayStep => {
          const { id, description, estimate, touches } = step
          const role = touches.find(({ what }) => what === 'role')?.name
          return {
            ...{
              id,
              group,
              touches,
              passesWithout: patient.has(id),
              comesAfterwards: isCleanUp || comesAfterwards.has(step.stepKind),
              takesMs: step.stepKind === 'approve' ? 0 : estimate.durationMs,
            },
            sentence: spoken(description.sentence, plan),
            expected: spoken(description.expected, plan),
            commands: isOffered(step, plan)
              ? description.commands.map((words) => shellLineOf(words, plan))
              : [],
            ...(role !== undefined && { role }),
          }
        }),
    )
}

/** The roles that a contact holds, in the order of the plan. */
export const rolesOf = ({ people }: Plan, contact: string): string[] =>
  [...people.roles.values()]
    .filter(({ primary, deputies }) => primary === contact || deputies.includes(contact))
    .map(({ name }) => name)
