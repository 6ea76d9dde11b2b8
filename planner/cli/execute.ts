/**
 * One run from a command: lock, compile, run, judge, report. What `run` and `drill` share.
 */
import { fail, OperatingError, version } from '../../engine/index.ts'
import type { Audit } from '../audit/audit.ts'
import { compile } from '../compile/compile.ts'
import type { TaskTree } from '../compile/task.ts'
import type { AnySequence, Plan } from '../plan/plan.ts'
import { createRedactor } from '../plan/secret.ts'
import { gitCommit } from '../run/git-commit.ts'
import { historyOf } from '../run/history.ts'
import { Ledger } from '../run/ledger.ts'
import type { LedgerEntry } from '../run/ledger-line.ts'
import { readLedger } from '../run/ledger-reader.ts'
import { type RunResult, runTree } from '../run/run.ts'
import { newRunId } from '../run/run-id.ts'
import { takeStateLock } from '../run/state-lock.ts'
import { stepRegistry } from '../step/registry.ts'
import { engineRepositories } from '../target/engine-repositories.ts'
import { planLocations } from '../target/locations.ts'
import { openTargets } from '../target/open-targets.ts'
import { chooseRenderer } from './choose-renderer.ts'
import type { Context } from './context.ts'
import { judgeRun } from './judge-run.ts'
import { type StatePaths, statePaths } from './state.ts'

/**
 * Runs the schedule or drill and says how it went.
 * @throws what the run ended with: `step-failed`, `undo-failed`, `interrupted`, `terminated`;
 *   `objective-missed` when a drill passed and an objective it proves is missed or unproven; `locked`
 */
export async function execute(
  context: Context,
  plan: Plan,
  sequence: AnySequence,
): Promise<object> {
  refuseUnoffered(plan)
  const { disk, clock } = context.io
  const state = statePaths(plan, context.state)
  const lock = await takeStateLock(disk, clock, state.lock, `a run of plan ${plan.name}`)
  try {
    const before = await readLedger(disk, state.ledger)
    const { entries, problem } = before
    if (problem !== undefined) {
      const text = `line ${problem.line} of the ledger does not fit: ${problem.reason}`
      await context.warn(`${text}; see "vectra-dr ledger verify ${plan.file}"`)
    }
    const history = historyOf(entries, plan.name, sequence)
    const tree = compile(plan, sequence, { registry: stepRegistry, history })
    const { result, written } = await runWatched(context, plan, tree, state)
    if (result.bug !== undefined) throw result.bug
    const judged =
      sequence.kind === 'drill'
        ? await judgeRun(context, plan, result.run, before, written, state)
        : {}
    const failure = failureOf(result, tree, context) ?? missed(judged)
    if (failure !== undefined) throw failure
    return {
      run: result.run,
      plan: plan.name,
      sequence: { kind: sequence.kind, name: sequence.name },
      durationMs: result.durationMs,
      ...judged,
    }
  } finally {
    await lock.release()
  }
}

/** What would look like protection and is not done yet. @throws `not-offered` */
function refuseUnoffered({ ledger }: Plan): void {
  const what = ledger.signingKeyFile !== undefined ? 'signing' : ledger.anchor && 'anchor'
  if (what === undefined) return
  fail('not-offered', `ledger.${what} is not done by this version`, 'Take it out of the plan.')
}

async function runWatched(
  context: Context,
  plan: Plan,
  tree: TaskTree,
  state: StatePaths,
): Promise<{ readonly result: RunResult; readonly written: readonly LedgerEntry[] }> {
  const { io } = context
  const { disk, clock, timer } = io
  const renderer = await chooseRenderer(context)
  const ledger = new Ledger(state.ledger, { disk, clock, timer })
  const written: LedgerEntry[] = []
  const startedAt = clock.nowMs()
  const locate = planLocations(plan, disk)
  try {
    const result = await runTree(
      tree,
      {
        header: {
          plan: plan.name,
          planSha256: plan.sha256,
          gitCommit: await gitCommit(disk, plan.directory),
          run: newRunId(startedAt),
        },
        dueAt: startedAt,
        version,
      },
      {
        disk,
        clock,
        timer,
        environment: io.env,
        stateDirectory: state.directory,
        target: openTargets(plan, disk, clock, locate),
        repositories: engineRepositories(disk, clock, locate),
        ledger: {
          append: async (header, body) => {
            written.push(await ledger.append(header, body))
          },
        },
        redact: createRedactor(plan.secrets),
        observe: renderer.observe,
        stopSignal: io.stopSignal,
        forceSignal: io.forceSignal,
      },
    )
    return { result, written }
  } finally {
    await renderer.close()
  }
}

/** What a run that did not pass means to the caller. */
function failureOf(
  { outcome, undoFailed, records, error }: RunResult,
  { sequence }: TaskTree,
  { io }: Context,
): unknown {
  if (outcome === 'passed') return undefined
  if (outcome === 'interrupted') return io.stopSignal.reason
  const failed = records.find((record) => record.outcome === 'failed')
  const step = failed === undefined ? '' : ` at step ${failed.step}`
  const why = error === undefined ? '' : `: ${error.message}`
  const what =
    outcome === 'void'
      ? `${sequence.kind} ${sequence.name} is void: the system was not steady${step}${why}`
      : `${sequence.kind} ${sequence.name} failed${step}${why}`
  return undoFailed
    ? new OperatingError(
        'undo-failed',
        `${what}; and not everything could be undone`,
        'Look at the undo steps in the output and put right by hand what they name.',
      )
    : new OperatingError('step-failed', what, error?.hint ?? '')
}

function missed({ audit }: { readonly audit?: Pick<Audit, 'verdicts' | 'totals'> }): unknown {
  if (audit === undefined || audit.totals.missed + audit.totals.unproven === 0) return undefined
  const named = audit.verdicts
    .filter(({ verdict }) => verdict !== 'met')
    .map(({ collection, objective, verdict }) => `${objective} of ${collection} is ${verdict}`)
  return new OperatingError(
    'objective-missed',
    named.join(', '),
    'The report says why; it names the evidence and the phase that took the time.',
  )
}
