/** The targets of a plan, each by the adapter of its kind. A new kind is a file and a line here. */
import { type Clock, type Disk, fail } from '../../engine/index.ts'
import type { Plan, Target } from '../plan/plan.ts'
import { declaredTarget } from './declared.ts'
import { type Locate, planLocations } from './locations.ts'
import type { TargetAdapter } from './target.ts'
import { vectraTarget } from './vectra.ts'

function openTarget(target: Target, disk: Disk, clock: Clock, locate: Locate): TargetAdapter {
  return target.kind === 'vectra'
    ? vectraTarget(target, disk, clock, locate)
    : declaredTarget(target)
}

/** A function from name to adapter. Nothing is opened before an operation needs it. */
export function openTargets(
  plan: Plan,
  disk: Disk,
  clock: Clock,
  locate: Locate = planLocations(plan, disk),
): (name: string) => TargetAdapter {
  const opened = new Map(
    [...plan.targets.values()].map((target) => [
      target.name,
      openTarget(target, disk, clock, locate),
    ]),
  )
  return (name) => opened.get(name) ?? fail('name-not-found', `the plan has no target ${name}`, '')
}
