/** How copies of collections get to destinations by the clock: backups, archives, copies of copies. Pure. */
import type { Drill, Plan, Rhythm, Schedule, TaskStep } from './plan.ts'
import { tasksOf } from './plan.ts'

/** Something that runs by the clock. */
export type Timed = (Schedule | Drill) & { readonly rhythm: Rhythm }

export interface Flow {
  readonly kind: 'backup' | 'archive' | 'copy'
  readonly collection: string
  readonly destination: string
  readonly sequence: Timed
  readonly step: TaskStep
}

/** By collection, in the order of the plan. */
export function flowsOf(plan: Plan, timed: readonly Timed[]): ReadonlyMap<string, readonly Flow[]> {
  const flows = new Map<string, Flow[]>()
  const add = (flow: Flow): void => {
    const known = flows.get(flow.collection)
    if (known === undefined) flows.set(flow.collection, [flow])
    else known.push(flow)
  }
  const steps = timed.flatMap((sequence) =>
    tasksOf(sequence.steps).map((step) => ({ sequence, step })),
  )
  for (const { sequence, step } of steps) {
    if (step.kind !== 'backup' && step.kind !== 'archive') continue
    for (const collection of step.input.collections) {
      add({ kind: step.kind, collection, destination: step.input.to, sequence, step })
    }
  }
  const copies = steps.filter(({ step }) => step.kind === 'copy')
  for (const { sequence, step } of copies) {
    if (step.kind !== 'copy') continue
    const { collection: only, from, to } = step.input
    const collections = only === undefined ? heldIn(plan, flows, from, copies) : [only]
    for (const collection of collections) {
      add({ kind: 'copy', collection, destination: to, sequence, step })
    }
  }
  return flows
}

/** Collections that get to `destination`, by backup or by a chain of copies. */
function heldIn(
  plan: Plan,
  flows: ReadonlyMap<string, readonly Flow[]>,
  destination: string,
  copies: readonly { readonly step: TaskStep }[],
): string[] {
  const places = new Set([destination])
  for (let size = 0; size < places.size; ) {
    size = places.size
    for (const { step } of copies) {
      if (step.kind === 'copy' && places.has(step.input.to)) places.add(step.input.from)
    }
  }
  return [...plan.collections.keys()].filter((name) =>
    flows.get(name)?.some((flow) => places.has(flow.destination)),
  )
}

/** Destinations that hold whole snapshots of it: an archive alone restores nothing. */
export const placesOf = (flows: readonly Flow[]): string[] => [
  ...new Set(flows.filter(({ kind }) => kind !== 'archive').map(({ destination }) => destination)),
]
