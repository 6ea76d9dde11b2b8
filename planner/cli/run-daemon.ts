/**
 * The daemon's ties to the command: a loop for each plan, its runs, its words, its metrics.
 *
 * Stopped while nothing ran it is done (exit 0); a run that was stopped makes the exit code that of
 * the signal.
 */
import { isOperatingError, OperatingError, sha256Hex } from '../../engine/index.ts'
import { asksFirst } from '../plan/asks-first.ts'
import { planLimits } from '../plan/limits.ts'
import { loadPlan } from '../plan/load-plan.ts'
import type { Plan } from '../plan/plan.ts'
import type { Due } from '../schedule/decision.ts'
import { Metrics } from '../schedule/metrics.ts'
import { type MetricsAddress, openMetricsServer } from '../schedule/metrics-server.ts'
import { keyOf, timedOf } from '../schedule/timed.ts'
import { PlanWatch, type WatchEvent, type WatchedOutcome } from '../schedule/watch.ts'
import { readStanding } from '../standing/read-standing.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import { openQuestion } from './answers.ts'
import type { Context } from './context.ts'
import { executeDue } from './execute.ts'
import { reportFailure } from './failure.ts'
import { showPlanErrors } from './open-plan.ts'
import { closeHour } from './seal-run.ts'
import { settleUnfinished } from './settle-unfinished.ts'
import { statePaths } from './state.ts'
import { aheadText, decisionText } from './tell-decisions.ts'

export interface DaemonOptions {
  readonly metrics?: MetricsAddress
  readonly yes: boolean
}

/** @throws what stops a run: `interrupted`, `terminated`; `fsync-failed`; what metrics and ledgers throw at the start */
export async function runDaemon(
  given: Context,
  plans: readonly Plan[],
  options: DaemonOptions,
): Promise<object> {
  // nobody sits at the terminal of a daemon
  const { ask: _, ...io } = given.io
  const context: Context = { ...given, io }
  const fatal = new AbortController()
  const stopSignal = AbortSignal.any([io.stopSignal, fatal.signal])
  const metrics = new Metrics(io.clock, stopSignal)
  const server =
    options.metrics &&
    (await openMetricsServer(options.metrics, io.env['VECTRA_METRICS_TOKEN'] || undefined, metrics))
  if (server !== undefined) await context.remark(`metrics at ${server.url}/metrics`)
  let stopped: unknown
  const left = new Set<string>()
  const settle = async (plan: Plan): Promise<void> => {
    const failure = await settleUnfinished(context, plan, left)
    if (failure !== undefined) await reportFailure(failure, io, context.json)
  }
  const watches = plans.map((plan) => {
    const teller = new Teller(context)
    return new PlanWatch(plan, {
      clock: io.clock,
      timer: io.timer,
      stopSignal,
      fingerprint: () => fingerprint(context, plan.file),
      load: () => loadPlan(plan.file, { disk: io.disk, env: io.env }),
      served: async (current) => {
        const { ledger } = statePaths(current, context.state)
        return (await readStanding(io.disk, ledger, current.name)).standing.served()
      },
      run: async (current, due) => {
        // one that somebody started by hand may have died since
        await settle(current)
        const outcome = await runOne(context, current, due, options, teller)
        if (io.stopSignal.aborted && outcome === 'failed') stopped = io.stopSignal.reason
        return outcome
      },
      observe: (event) => {
        metrics.observe(event)
        teller.tell(event)
      },
    })
  })
  const forget = io.onHangUp?.(() => {
    for (const watch of watches) watch.reload()
  })
  for (const plan of plans) {
    await context.remark(
      `watching plan ${plan.name}: ${showCount(timedOf(plan).length, 'schedule or drill')}`,
    )
  }
  try {
    // one that ends ends all, and all are waited for
    const ended = await Promise.allSettled(
      watches.map(async (watch, index) => {
        const plan = plans[index]
        try {
          if (plan !== undefined) await settle(plan)
          await watch.watch()
        } catch (error) {
          fatal.abort(error)
          throw error
        }
      }),
    )
    const failed = ended.find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  } finally {
    forget?.()
    for (const plan of plans) await closeHour(context, plan)
    await server?.close()
  }
  if (stopped !== undefined) throw stopped
  await context.remark('stopped while nothing ran')
  return { plans: plans.map(({ name }) => name) }
}

/** A failure is told like that of a command, and the daemon goes on. */
async function runOne(
  context: Context,
  plan: Plan,
  due: Due,
  { yes }: DaemonOptions,
  teller: Teller,
): Promise<WatchedOutcome> {
  const { io, json } = context
  const { kind, name } = due.sequence
  if (!yes && asksFirst(due.sequence)) {
    await context.warn(
      `${kind} ${name} of plan ${plan.name} is due and touches production data; it runs only with --yes`,
    )
    return 'refused'
  }
  const question = openQuestion(due.sequence)
  if (question !== undefined) {
    await context.warn(
      `${kind} ${name} of plan ${plan.name} is due and its step ${question} asks a person; with nobody there it does not run. "vectra-dr run --due --answer …" does`,
    )
    return 'refused'
  }
  try {
    const text = decisionText(due)
    if (text !== undefined) await context.remark(text)
    return (await executeDue(context, plan, due)) === undefined ? 'served' : 'passed'
  } catch (error) {
    if (error instanceof OperatingError && error.code === 'locked') {
      await teller.once(`locked ${keyOf(due.sequence)} ${due.dueAt}`, () =>
        context.warn(`${kind} ${name} of plan ${plan.name} waits: ${error.message}`),
      )
      return 'busy'
    }
    // told once, by the command itself
    if (!io.stopSignal.aborted) await reportFailure(error, io, json)
    if (error instanceof OperatingError && error.code === 'fsync-failed') throw error
    return 'failed'
  }
}

async function fingerprint({ io }: Context, file: string): Promise<string | undefined> {
  try {
    return sha256Hex(await io.disk.readFile(file, planLimits.fileBytes))
  } catch {
    return undefined // loading it says why
  }
}

/** Says each thing once, though a loop sees it every few seconds. */
class Teller {
  readonly #context: Context
  readonly #told = new Set<string>()

  constructor(context: Context) {
    this.#context = context
  }

  async once(key: string, say: () => Promise<void>): Promise<void> {
    if (this.#told.has(key)) return
    if (this.#told.size >= mostTold) this.#told.clear()
    this.#told.add(key)
    await say()
  }

  /** Words are not waited for: a screen that cannot be written is no reason to stop. */
  tell(event: WatchEvent): void {
    this.#say(event).catch(() => {})
  }

  async #say(event: WatchEvent): Promise<void> {
    const context = this.#context
    const plan = event.plan.name
    switch (event.kind) {
      case 'looked':
        for (const decision of event.decisions) {
          const key = keyOf(decision.sequence)
          const { aheadMs } = decision
          if (aheadMs !== undefined) {
            await this.once(`ahead ${key}`, () => context.warn(aheadText(decision, aheadMs)))
          }
          const text = decision.kind === 'later' ? decisionText(decision) : undefined
          if (text !== undefined) await this.once(text, () => context.remark(text))
        }
        return
      case 'coalesced': {
        const { sequence, meanwhile } = event
        return context.remark(
          `${sequence.kind} ${sequence.name} of plan ${plan} was due while ${meanwhile.kind} ${meanwhile.name} ran; it runs once now`,
        )
      }
      case 'clock-jumped': {
        const way = event.byMs > 0 ? 'forward' : 'back'
        const by = showDuration(Math.abs(event.byMs))
        return context.warn(`the clock went ${way} by ${by}, or this machine slept`)
      }
      case 'plan-reloaded': {
        const { length } = timedOf(event.plan)
        await context.emit({ event: 'plan-reloaded', plan, sequences: length })
        return context.remark(`plan ${plan} is reloaded: ${showCount(length, 'schedule or drill')}`)
      }
      case 'plan-refused': {
        const { error } = event
        const why = error instanceof Error ? error.message : String(error)
        await showPlanErrors(context, error)
        await context.emit({
          ...{ event: 'plan-refused', plan },
          error: isOperatingError(error) ? error.toJSON() : { message: why },
        })
        return context.warn(`the plan ${plan} as it was stays in force: ${why}`)
      }
      case 'run-started':
      case 'run-ended':
        return
      default:
        return event satisfies never
    }
  }
}

const mostTold = 1_000
