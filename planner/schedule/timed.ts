/** What the clock runs: schedules and drills with a rhythm, in the order of the plan. */
import type { Drill, Plan, Rhythm, Schedule } from '../plan/plan.ts'

export type Timed = (Schedule | Drill) & { readonly rhythm: Rhythm }

const hasRhythm = (sequence: Schedule | Drill): sequence is Timed => sequence.rhythm !== undefined

/** Schedules first. Names are unique within a kind only: {@link keyOf} tells them apart. */
export const timedOf = (plan: Plan): readonly Timed[] =>
  [...plan.schedules.values(), ...plan.drills.values()].filter(hasRhythm)

/** `schedule/nightly` */
export const keyOf = (sequence: { readonly kind: string; readonly name: string }): string =>
  `${sequence.kind}/${sequence.name}`
