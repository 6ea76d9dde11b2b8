/** The coming runs of a plan, for people and for monitoring. Pure. */
import type { Plan } from '../plan/plan.ts'
import { decide, type Moment } from './decision.ts'
import { type DueTime, dueAfter, withJitter } from './due-times.ts'
import type { ServedTimes } from './served-times.ts'
import { type Timed, timedOf } from './timed.ts'

export interface ComingRun extends DueTime {
  readonly sequence: Timed
  /** Due already, and nothing has run it. */
  readonly isDue: boolean
}

/** The next `count` runs of every schedule and drill that the clock runs, by the time they start. */
export function comingRuns(
  plan: Plan,
  past: ServedTimes,
  moment: Moment,
  count: number,
): readonly ComingRun[] {
  return timedOf(plan)
    .flatMap((sequence) => runsOf(plan.name, sequence, past, moment, count))
    .sort((a, b) => a.startAt - b.startAt)
}

function runsOf(
  plan: string,
  sequence: Timed,
  past: ServedTimes,
  moment: Moment,
  count: number,
): ComingRun[] {
  const decision = decide(plan, sequence, past, moment)
  const runs: ComingRun[] = []
  let dueAt = decision.kind === 'due' ? decision.dueAt : decision.next?.dueAt
  while (dueAt !== undefined && runs.length < count) {
    const isDue = decision.kind === 'due' && runs.length === 0
    runs.push({ sequence, isDue, ...withJitter(plan, sequence, dueAt) })
    // after a pause one run serves all that were due
    const from = isDue && sequence.rhythm.kind === 'cron' ? Math.max(dueAt, moment.now) : dueAt
    dueAt = dueAfter(sequence, from)
  }
  return runs
}
