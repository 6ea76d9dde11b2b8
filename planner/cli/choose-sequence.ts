/** Which schedule, drill, procedure or scenario of the plan is meant. */
import { fail } from '../../engine/index.ts'
import { nearest } from '../plan/nearest.ts'
import type { AnySequence, Drill, Plan, Procedure, Schedule } from '../plan/plan.ts'
import type { Scenario } from '../plan/scenario.ts'

/** @throws `name-not-found` listing those there are */
export function schedule(plan: Plan, name: string): Schedule {
  return plan.schedules.get(name) ?? notFound('schedule', name, [...plan.schedules.keys()])
}

/** @throws `name-not-found` listing those there are */
export function drill(plan: Plan, name: string): Drill {
  return plan.drills.get(name) ?? notFound('drill', name, [...plan.drills.keys()])
}

/** @throws `name-not-found` listing those there are */
export function procedure(plan: Plan, name: string): Procedure {
  return plan.procedures.get(name) ?? notFound('procedure', name, [...plan.procedures.keys()])
}

/** @throws `name-not-found` listing those there are */
export function scenario(plan: Plan, name: string): Scenario {
  return plan.scenarios.get(name) ?? notFound('scenario', name, [...plan.scenarios.keys()])
}

/** Without a name the only one is meant. @throws `name-not-found`, `usage` when there are several */
export function only(what: AnySequence['kind'], names: readonly string[], hint: string): string {
  const [first, second] = names
  if (first === undefined) return fail('name-not-found', `the plan has no ${what}s`, hint)
  if (second === undefined) return first
  return fail('usage', `the plan has several ${what}s`, `Name one: ${names.join(', ')}.`)
}

function notFound(what: string, name: string, names: readonly string[]): never {
  const meant = nearest(name, names)
  const guess = meant === undefined ? '' : `Did you mean "${meant}"? `
  const known =
    names.length === 0 ? `The plan has no ${what}s.` : `${guess}There are: ${names.join(', ')}.`
  fail('name-not-found', `the plan has no ${what} ${name}`, known)
}
