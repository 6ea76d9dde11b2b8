/** What a person should know about due times, besides what runs. */
import { countedMissed, type Decision } from '../schedule/decision.ts'
import { localTime } from '../schedule/local-time.ts'
import { showDuration } from '../step/quantity.ts'
import type { Context } from './context.ts'

/** One remark or warning a decision at most. */
export async function tellDecisions(
  context: Context,
  decisions: readonly Decision[],
): Promise<void> {
  for (const decision of decisions) {
    if (decision.aheadMs !== undefined) await context.warn(aheadText(decision, decision.aheadMs))
    const text = decisionText(decision)
    if (text !== undefined) await context.remark(text)
  }
}

/** The ledger has runs that the clock says are still to come. */
export const aheadText = ({ sequence: { kind, name } }: Decision, aheadMs: number): string =>
  `the ledger has a run of ${kind} ${name} that is ${showDuration(aheadMs)} ahead of the clock; it is set aside, and the clock should be looked at`

/** Undefined for one that is as it should be. */
export function decisionText(decision: Decision): string | undefined {
  const { kind, name, timezone } = decision.sequence
  const at = (instant: number) => localTime(instant, timezone)
  if (decision.kind === 'later') {
    return decision.skippedDueAt === undefined
      ? undefined
      : `${kind} ${name} missed its run of ${at(decision.skippedDueAt)}; catchUp is not set, so it waits for the next`
  }
  const { dueAt, missed, caughtUp } = decision
  const many = missed === countedMissed ? `${missed} or more` : `${missed}`
  const others =
    missed === 0 ? '' : `; it stands for ${many} earlier ${missed === 1 ? 'one' : 'ones'} too`
  if (caughtUp) return `${kind} ${name} catches up on its missed run of ${at(dueAt)}${others}`
  return missed === 0 ? undefined : `${kind} ${name} was due at ${at(dueAt)}${others}`
}
