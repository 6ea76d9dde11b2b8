/** `run PLAN --due`: what is due by the ledger and the clock, one after the other, each once. */
import { OperatingError } from '../../engine/index.ts'
import { asksFirst } from '../plan/asks-first.ts'
import type { Plan } from '../plan/plan.ts'
import { type Due, decide, type Later } from '../schedule/decision.ts'
import { watchedSince } from '../schedule/limits.ts'
import { localTime } from '../schedule/local-time.ts'
import { timedOf } from '../schedule/timed.ts'
import { readStanding } from '../standing/read-standing.ts'
import { showDuration } from '../step/quantity.ts'
import { answersFor, checkStanding, type GivenAnswers } from './answers.ts'
import type { Context } from './context.ts'
import { executeDue, type Ran } from './execute.ts'
import { settleUnfinished } from './settle-unfinished.ts'
import { statePaths } from './state.ts'
import { tellDecisions } from './tell-decisions.ts'
import { worstFailure } from './worst-failure.ts'

export interface DueOptions {
  /** Also what touches production data. */
  readonly yes: boolean
  /** What people said beforehand, to whatever is due. */
  readonly given: GivenAnswers
}

/** @throws as `execute`; `usage` when something is due that needs a yes or an answer, after the others ran */
export async function runDue(context: Context, plan: Plan, options: DueOptions): Promise<object> {
  const { yes, given } = options
  checkStanding(plan, timedOf(plan), given)
  const { disk, clock, stopSignal, ask } = context.io
  const { ledger } = statePaths(plan, context.state)
  // who sits at a terminal can type resume
  const died = ask === undefined ? await settleUnfinished(context, plan) : undefined
  const { standing } = await readStanding(disk, ledger, plan.name)
  const now = clock.nowMs()
  const moment = { now, watchedSinceAt: watchedSince(now) }
  const served = standing.served()
  const decisions = timedOf(plan).map((each) => decide(plan.name, each, served, moment))
  await tellDecisions(context, decisions)
  const due = decisions
    .filter((each): each is Due => each.kind === 'due')
    .sort((a, b) => a.dueAt - b.dueAt)
  const next = nextOf(decisions)
  if (due.length === 0) await context.confirm(nothingDue(next, now))
  const runs: Ran[] = []
  const failures: OperatingError[] = died === undefined ? [] : [died]
  for (const each of due) {
    try {
      if (!yes && asksFirst(each.sequence)) throw unanswered(plan, each)
      const answers = answersFor(context, plan, each.sequence, given)
      const ran = await executeDue(context, plan, each, answers)
      if (ran !== undefined) runs.push(ran)
    } catch (error) {
      // one that fails says nothing about the next; a wish to stop and a lock are for all of them
      const isForAll =
        stopSignal.aborted || (error instanceof OperatingError && error.code === 'locked')
      if (!(error instanceof OperatingError) || isForAll) throw error
      failures.push(error)
    }
  }
  if (failures.length > 0) throw worstFailure(failures)
  const nextDueAt =
    next?.next === undefined ? {} : { nextDueAt: new Date(next.next.dueAt).toISOString() }
  return { plan: plan.name, due: due.length, runs, ...nextDueAt }
}

const unanswered = (plan: Plan, { sequence: { kind, name } }: Due): OperatingError =>
  new OperatingError(
    'usage',
    `${kind} ${name} is due and touches production data`,
    `Look at it with "vectra-dr explain ${plan.file} --${kind} ${name}", then add --yes.`,
  )

/** Of what is not due now, the first to come. */
function nextOf(decisions: readonly (Due | Later)[]): Later | undefined {
  const later = decisions.filter((each): each is Later => each.kind === 'later' && !!each.next)
  return later.sort((a, b) => (a.next?.startAt ?? 0) - (b.next?.startAt ?? 0))[0]
}

function nothingDue(later: Later | undefined, now: number): string {
  if (later?.next === undefined) return 'nothing is due, and the clock runs nothing'
  const { sequence, next } = later
  const when = `${localTime(next.startAt, sequence.timezone)}, in ${showDuration(Math.max(0, Math.ceil((next.startAt - now) / 1_000) * 1_000))}`
  return `nothing is due; next is ${sequence.kind} ${sequence.name} at ${when}`
}
