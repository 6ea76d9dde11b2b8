/**
 * What becomes of a run whose process died where nobody is there to type `resume`: under a daemon, and in a
 * `run --due` without a terminal.
 *
 * - It goes on with the newest run of the plan when everything can be told by looking: the same plan file,
 *   nobody to be asked, every interrupted step examined, and its next due time not come yet.
 * - Otherwise it closes it: nothing more of its steps is begun, its clean-up runs, and it ends in the ledger
 *   as interrupted, its failure told as any other.
 * - A procedure, another plan file, and a clean-up step that nobody can judge are left to a person, loudly.
 */
import { isOperatingError, OperatingError } from '../../engine/index.ts'
import { Ledger } from '../ledger/ledger.ts'
import { readLedger } from '../ledger/ledger-reader.ts'
import { takeStateLock } from '../ledger/state-lock.ts'
import type { AnySequence, Plan } from '../plan/plan.ts'
import type { Answers } from '../run/examine.ts'
import { type PastRun, pastRuns } from '../run/past-run.ts'
import { decide } from '../schedule/decision.ts'
import { watchedSince } from '../schedule/limits.ts'
import { type Timed, timedOf } from '../schedule/timed.ts'
import { readStanding } from '../standing/read-standing.ts'
import { standingOf } from '../standing/standing.ts'
import { checkAnswered } from './answers.ts'
import type { Context } from './context.ts'
import { conduct } from './execute.ts'
import { moveHour } from './seal-run.ts'
import { statePaths } from './state.ts'

/**
 * @param left runs that were left to a person and told; they are not told again
 * @returns how the run ended that was gone on with or closed, where it did not pass
 * @throws what stops it: `interrupted`, `terminated`; `fsync-failed`; a bug
 */
export async function settleUnfinished(
  context: Context,
  plan: Plan,
  left = new Set<string>(),
): Promise<OperatingError | undefined> {
  const { disk, clock, timer, stopSignal } = context.io
  const state = statePaths(plan, context.state)
  const newest = (await readStanding(disk, state.ledger, plan.name)).standing.newest()
  if (newest === undefined || newest.outcome !== undefined) return undefined
  if (stopSignal.aborted || left.has(newest.run)) return undefined
  const { kind, name } = newest.sequence
  const what = `run ${newest.run} of ${kind} ${name} of plan ${plan.name}`
  try {
    const lock = await takeStateLock(disk, clock, state.lock, `a run of plan ${plan.name}`)
    try {
      // one that is summed up wrote there first
      await moveHour(context, plan, new Ledger(state.ledger, { disk, clock, timer }))
      const reading = await readLedger(disk, state.ledger)
      const past = pastRuns(plan.name, reading.entries).at(-1)
      if (past === undefined || past.outcome !== undefined) return undefined
      const sequence = timedOf(plan).find((each) => each.kind === kind && each.name === name)
      const before = { ...reading, standing: standingOf(plan.name, reading.entries) }
      const why =
        reading.problem !== undefined
          ? `line ${reading.problem.line} of the ledger does not fit: ${reading.problem.reason}`
          : whyLeft(plan, past, sequence)
      if (why !== undefined || sequence === undefined) {
        left.add(newest.run)
        await leave(context, plan, what, newest.run, why ?? 'nothing runs it by the clock')
        return undefined
      }
      const conducted = (resumed: { readonly past: PastRun; readonly answers: Answers }) =>
        conduct(context, plan, sequence, state, before, { given: new Map(), resumed })
      const overtaken = whyOvertaken(context, plan, past, sequence, before.standing.served())
      let reason = overtaken
      if (reason === undefined) {
        try {
          await context.remark(`${what} has no end, its process died: going on with it`)
          await conducted({ past, answers: nobody })
          return undefined
        } catch (error) {
          // nothing was run or written when nobody can tell how a step stands
          if (!isOperatingError(error, 'usage')) throw error
          reason = error.message
        }
      }
      await context.warn(`${what} has no end, its process died; it is closed now: ${reason}`)
      await conducted({ past: { ...past, stopping: died }, answers: closing })
      return undefined
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (isOperatingError(error, 'locked')) return undefined // it has a process
    if (isOperatingError(error, 'usage')) {
      left.add(newest.run)
      await leave(context, plan, what, newest.run, error.message)
      return undefined
    }
    if (!(error instanceof OperatingError) || error.code === 'fsync-failed') throw error
    if (stopSignal.aborted) throw error
    return error
  }
}

const nobody: Answers = { given: new Map(), ask: async () => undefined }
const closing: Answers = { ...nobody, closing: true }

const died = {
  code: 'interrupted',
  message: 'the process of the run died',
  hint: 'Run it anew, or wait for its next time.',
}

/** Why a person has to look at it; undefined when nobody has. */
function whyLeft(plan: Plan, past: PastRun, sequence: Timed | undefined): string | undefined {
  if (past.sequence.kind === 'procedure') return 'procedures are gone on with by people'
  if (past.planSha256 !== plan.sha256)
    return 'the plan file is not the one that it was started with'
  return sequence === undefined ? 'the plan does not run it by the clock' : undefined
}

/** Why there is no sense in going on with it, or no way. */
function whyOvertaken(
  context: Context,
  plan: Plan,
  past: PastRun,
  sequence: Timed & AnySequence,
  served: Parameters<typeof decide>[2],
): string | undefined {
  const now = context.io.clock.nowMs()
  const moment = { now, watchedSinceAt: watchedSince(now) }
  const decision = decide(plan.name, sequence, served, moment)
  const isOver = decision.kind === 'due' || decision.skippedDueAt !== undefined
  if (isOver) return `${sequence.kind} ${sequence.name} has been due again since`
  try {
    checkAnswered(context, plan, sequence, past, new Map())
    return undefined
  } catch (error) {
    if (!isOperatingError(error, 'usage')) throw error
    return error.message
  }
}

const leave = (context: Context, plan: Plan, what: string, run: string, why: string) =>
  context.warn(
    `${what} has no end, its process died, and its clean-up was not run: ${why}. Go on with it: vectra-dr resume ${plan.file} ${run}`,
  )
