/**
 * What steps name, found in their plan. The plan was checked when it was read, so what is not there is a fault
 * of ours, told as the failure of the step.
 */
import { fail } from '../../engine/index.ts'
import type { Plan, PlanCollection } from '../plan/plan.ts'
import type { Touch } from './step.ts'

/** @throws `step-failed` */
export const collectionOf = (plan: Plan, name: string): PlanCollection =>
  plan.collections.get(name) ?? fail('step-failed', `the plan has no collection ${name}`, '')

/** The URL of a destination. @throws `step-failed` */
export const urlOf = (plan: Plan, name: string): string =>
  plan.destinations.get(name)?.url ?? fail('step-failed', `the plan has no destination ${name}`, '')

/** What a step touches that brings collections from where they live to a destination. */
export const touchesOf = (
  { collections, to }: { readonly collections: readonly string[]; readonly to: string },
  plan: Plan,
): readonly Touch[] => [
  ...collections.map((name): Touch => {
    const { target } = collectionOf(plan, name)
    return { access: 'reads', what: 'target', name: `${target}/${name}` }
  }),
  { access: 'writes', what: 'destination', name: to },
]
