/** The targets of a plan, each by the adapter of its kind. A new kind is a file and a line here. */
import { type Clock, type Disk, fail } from '../../engine/index.ts'
import type { Plan, Target } from '../plan/plan.ts'
import { declaredTarget } from './declared.ts'
import { type Locate, type LocateThere, planLocations, planLocationsThere } from './locations.ts'
import { servedTarget } from './served.ts'
import type { TargetAdapter } from './target.ts'
import { vectraTarget } from './vectra.ts'

function openTarget(
  target: Target,
  disk: Disk,
  clock: Clock,
  open: OpenDestinations,
): TargetAdapter {
  switch (target.kind) {
    case 'vectra':
      return vectraTarget(target, disk, clock, open.here)
    case 'vectra-server':
      return servedTarget(target, disk, clock, open.there)
    default:
      return declaredTarget(target)
  }
}

interface OpenDestinations {
  readonly here: Locate
  readonly there: LocateThere
}

/** A function from name to adapter. Nothing is opened before an operation needs it. */
export function openTargets(
  plan: Plan,
  disk: Disk,
  clock: Clock,
  locate: Locate = planLocations(plan, disk),
): (name: string) => TargetAdapter {
  const open = { here: locate, there: planLocationsThere(plan, disk) }
  const opened = new Map(
    [...plan.targets.values()].map((target) => [
      target.name,
      openTarget(target, disk, clock, open),
    ]),
  )
  return (name) => opened.get(name) ?? fail('name-not-found', `the plan has no target ${name}`, '')
}
