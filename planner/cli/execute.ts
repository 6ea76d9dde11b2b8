/**
 * One run from a command: lock, compile, run, judge, report. What `run`, `drill` and `resume` share.
 */
import { OperatingError, type Signer, version } from '../../engine/index.ts'
import type { Audit } from '../audit/audit.ts'
import { compile } from '../compile/compile.ts'
import type { TaskTree } from '../compile/task.ts'
import { Ledger } from '../ledger/ledger.ts'
import { takeStateLock } from '../ledger/state-lock.ts'
import type { AnySequence, Plan } from '../plan/plan.ts'
import { ambientSecrets, createRedactor } from '../plan/secret.ts'
import type { Answers } from '../run/examine.ts'
import { gitCommit } from '../run/git-commit.ts'
import type { PastRun } from '../run/past-run.ts'
import type { Recovery } from '../run/recovery.ts'
import { resumeTree, runTree } from '../run/run.ts'
import { newRunId } from '../run/run-id.ts'
import type { RunResult } from '../run/run-result.ts'
import type { RunRequest, RunTools } from '../run/run-tools.ts'
import { isServed } from '../schedule/served-times.ts'
import { readStanding, type StandingReading } from '../standing/read-standing.ts'
import type { Standing } from '../standing/standing.ts'
import type { RecordedError } from '../step/record.ts'
import { stepRegistry } from '../step/registry.ts'
import { engineRepositories } from '../target/engine-repositories.ts'
import { planLocations } from '../target/locations.ts'
import { openTargets } from '../target/open-targets.ts'
import { askingAt, type GivenAnswers } from './answers.ts'
import { beat } from './beat.ts'
import { chooseRenderer } from './choose-renderer.ts'
import type { Context } from './context.ts'
import { judgeRun } from './judge-run.ts'
import { openRecord } from './run-record.ts'
import { ledgerSigner, sealRun } from './seal-run.ts'
import { type StatePaths, statePaths } from './state.ts'

/** A run that passed. */
export interface Ran {
  readonly run: string
  readonly plan: string
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly durationMs: number
}

/**
 * Runs the schedule or drill and says how it went.
 * @throws what the run ended with: `step-failed`, `undo-failed`, `interrupted`, `terminated`;
 *   `objective-missed` when a drill passed and an objective it proves is missed or unproven; `locked`
 */
export const execute = (
  context: Context,
  plan: Plan,
  sequence: AnySequence,
  given: GivenAnswers = new Map(),
  recovery?: Recovery,
): Promise<Ran> =>
  underLock(context, plan, (state, before) =>
    conduct(context, plan, sequence, state, before, { given, ...(recovery && { recovery }) }),
  )

/**
 * The run of a due time, which `${date}` then means; nothing when one that begun meanwhile has served it.
 * @throws as {@link execute}
 */
export const executeDue = (
  context: Context,
  plan: Plan,
  { sequence, dueAt }: { readonly sequence: AnySequence; readonly dueAt: number },
  given: GivenAnswers = new Map(),
): Promise<Ran | undefined> =>
  underLock(context, plan, async (state, before) =>
    isServed(before.standing.served(), sequence, dueAt, context.io.clock.nowMs())
      ? undefined
      : conduct(context, plan, sequence, state, before, { given, dueAt }),
  )

async function underLock<T>(
  context: Context,
  plan: Plan,
  work: (state: StatePaths, before: StandingReading) => Promise<T>,
): Promise<T> {
  const { disk, clock } = context.io
  const state = statePaths(plan, context.state)
  const lock = await takeStateLock(disk, clock, state.lock, `a run of plan ${plan.name}`)
  try {
    const before = await readStanding(disk, state.ledger, plan.name)
    const { problem } = before
    if (problem !== undefined) {
      const text = `line ${problem.line} of the ledger does not fit: ${problem.reason}`
      await context.warn(`${text}; see "vectra-dr ledger verify ${plan.file}"`)
    }
    await remarkUnfinished(context, plan, before)
    return await work(state, before)
  } finally {
    await lock.release()
  }
}

/** The lock is ours, so a run without an end has no process any more. */
async function remarkUnfinished(
  context: Context,
  plan: Plan,
  { standing }: StandingReading,
): Promise<void> {
  const newest = standing.newest()
  if (newest === undefined || newest.outcome !== undefined) return
  const { run, sequence } = newest
  await context.remark(
    `remark: run ${run} of ${sequence.kind} ${sequence.name} has no end; its clean-up was not run. Another run of it begins anew; to go on with it: vectra-dr resume ${plan.file} ${run}`,
  )
}

/** A run whose process died, and who is asked about its interrupted steps. */
export interface Resumed {
  readonly past: PastRun
  readonly answers: Answers
}

/** What a run is told, beyond what its plan says. */
export interface Told {
  /** What people said beforehand to the steps that ask them. */
  readonly given: GivenAnswers
  /** Present when a run goes on whose process died. */
  readonly resumed?: Resumed
  /** When it was due, epoch milliseconds; absent: when the resumed one was, or now. */
  readonly dueAt?: number
  /** Of a procedure; absent: what the resumed one was told. */
  readonly recovery?: Recovery
}

/**
 * The part of {@link execute} that is under the lock.
 * @param before the ledger as it is now; the standing is brought up to date
 */
export async function conduct(
  context: Context,
  plan: Plan,
  sequence: AnySequence,
  state: StatePaths,
  before: StandingReading,
  told: Told,
): Promise<Ran> {
  const { resumed } = told
  const dueAt = told.dueAt ?? resumed?.past.dueAt ?? context.io.clock.nowMs()
  const { standing } = before
  const signer = await ledgerSigner(context, plan, standing)
  const history = standing.history(sequence)
  const tree = compile(plan, sequence, { registry: stepRegistry, history })
  const result = await runWatched(
    context,
    plan,
    sequence,
    tree,
    state,
    standing,
    signer,
    dueAt,
    told,
  )
  if (result.bug !== undefined) throw result.bug
  const judged =
    sequence.kind === 'drill' ? await judgeRun(context, plan, sequence, before, state) : {}
  const failure = failureOf(result, tree, context) ?? missed(judged)
  if (failure !== undefined) throw failure
  if (sequence.kind !== 'procedure') await beat(context, plan, sequence, result.run, dueAt)
  return {
    run: result.run,
    plan: plan.name,
    sequence: { kind: sequence.kind, name: sequence.name },
    durationMs: result.durationMs,
    ...(resumed && { resumed: true }),
    ...judged,
  }
}

async function runWatched(
  context: Context,
  plan: Plan,
  sequence: AnySequence,
  tree: TaskTree,
  state: StatePaths,
  standing: Standing,
  signer: Signer | undefined,
  dueAt: number,
  told: Told,
): Promise<RunResult> {
  const { io } = context
  const { given, resumed, recovery = resumed?.past.recovery } = told
  const { disk, clock, timer } = io
  const renderer = await chooseRenderer(context)
  const ledger = new Ledger(state.ledger, { disk, clock, timer })
  const locate = planLocations(plan, disk)
  const request: RunRequest = {
    header: {
      plan: plan.name,
      planSha256: plan.sha256,
      gitCommit: await gitCommit(disk, plan.directory),
      run: resumed?.past.run ?? newRunId(clock.nowMs()),
    },
    dueAt,
    ...(recovery && { recovery }),
    version,
  }
  const { header } = request
  const isResumed = resumed !== undefined
  const record = await openRecord(
    context,
    plan,
    sequence,
    header,
    ledger,
    standing,
    isResumed,
    signer,
  )
  const tools: RunTools = {
    disk,
    clock,
    timer,
    environment: io.env,
    asking: askingAt(context, renderer, given),
    stateDirectory: state.directory,
    target: openTargets(plan, disk, clock, locate),
    repositories: engineRepositories(disk, clock, locate),
    ledger: record,
    redact: createRedactor([...plan.secrets, ...ambientSecrets(io.env)]),
    observe: renderer.observe,
    stopSignal: io.stopSignal,
    forceSignal: io.forceSignal,
  }
  try {
    const result =
      resumed === undefined
        ? await runTree(tree, request, tools)
        : await resumeTree(tree, request, tools, resumed.past, resumed.answers)
    await record.close(result.outcome)
    await sealRun(context, plan, ledger, header, standing, signer)
    return result
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
  if (outcome === 'interrupted')
    return io.stopSignal.aborted ? io.stopSignal.reason : stopped(error)
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
    : new OperatingError(
        error?.code === 'declined' ? 'declined' : 'step-failed',
        what,
        error?.hint ?? '',
      )
}

/** A resumed run that had been stopped before it died. */
const stopped = (error: RecordedError | undefined): OperatingError =>
  new OperatingError(
    error?.code === 'terminated' ? 'terminated' : 'interrupted',
    `${error?.message ?? 'stopped'}; the clean-up is done now`,
    'Run it anew.',
  )

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
