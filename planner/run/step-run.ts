/**
 * One step of a run: tries, pauses between them, time-outs, and the record that is left.
 *
 * A try that is told to stop is waited for, because what still runs still holds locks; one that does
 * not stop in time is given up, and its record says so.
 */
import { type JsonObject, OperatingError } from '../../engine/index.ts'
import type { StepTask } from '../compile/task.ts'
import { toIso } from '../step/observation.ts'
import { showDuration } from '../step/quantity.ts'
import type { Evidence, RecordedError, StageName, StepOutcome, StepRecord } from '../step/record.ts'
import { recordedInputs } from '../step/recorded-inputs.ts'
import type { Interrupted, StepContext, StepResult } from '../step/step.ts'
import { pause } from '../step/timer.ts'
import { recordError } from './record-error.ts'
import { redactJson } from './redact-json.ts'
import { openWorkspace, type RunScope } from './workspace.ts'

/** After it was told to stop, a step is waited for this long. */
const giveUpMs = 60_000
/** The same after the second signal. */
const giveUpForcedMs = 10_000
/** Pauses between tries double up to this. */
const longestPauseMs = 3_600_000

export interface StepRun {
  readonly record: StepRecord
  /** An error outside the catalogue: a bug. The caller lets the run end, then throws it. */
  readonly bug?: unknown
}

/** What is done: the step itself, or taking it back. */
export type StepWork = (context: StepContext) => Promise<StepResult>

/**
 * Runs `work` as the step `task` until it passes, its tries are used up, or `signal` says stop.
 * @param interrupted present when a process that died had begun it
 */
export async function runStep(
  task: StepTask,
  stage: StageName,
  work: StepWork,
  scope: RunScope,
  signal: AbortSignal,
  interrupted?: Interrupted,
): Promise<StepRun> {
  const { clock, timer, observe } = scope.tools
  const key = { stage, step: task.id }
  const startedAt = clock.nowMs()
  const startedMs = clock.monotonicMs()
  const tries = stage === 'undo' ? 1 : (task.retry?.attempts ?? 1)
  let attempt = 1
  let tried: Tried
  for (; ; attempt++) {
    observe({ kind: 'step-started', ...key, task, attempt })
    tried = await tryOnce(task, stage, work, scope, signal, interrupted)
    if (tried.outcome !== 'failed' || attempt >= tries || tried.error === undefined) break
    if (tried.error.code === 'declined') break // who said no is not asked again
    const pauseMs = Math.min((task.retry?.backoffMs ?? 0) * 2 ** (attempt - 1), longestPauseMs)
    observe({ kind: 'step-retried', ...key, attempt, pauseMs, error: tried.error })
    try {
      await pause(timer, pauseMs, signal)
    } catch {
      break // stopped while it waited: the last try is what is left
    }
  }
  const { bug, ...left } = tried
  const record: StepRecord = {
    ...key,
    kind: task.stepKind,
    startedAt: toIso(startedAt),
    endedAt: toIso(clock.nowMs()),
    durationMs: Math.round(clock.monotonicMs() - startedMs),
    attempts: attempt,
    ...left,
  }
  return { record, ...(bug !== undefined && { bug }) }
}

/** The record of a step that never started; `condition` when it was not to start. */
export function skippedRecord(
  task: StepTask,
  stage: StageName,
  at: number,
  because?: 'condition',
): StepRecord {
  return {
    step: task.id,
    kind: task.stepKind,
    stage,
    outcome: 'skipped',
    startedAt: toIso(at),
    endedAt: toIso(at),
    durationMs: 0,
    attempts: 0,
    inputs: recordedInputs(task.input, (template) => template.text),
    outputs: {},
    evidence: [],
    remarks: [],
    ...(because !== undefined && { because }),
  }
}

interface Tried {
  readonly outcome: StepOutcome
  readonly inputs: JsonObject
  readonly outputs: JsonObject
  readonly evidence: readonly Evidence[]
  readonly remarks: readonly string[]
  readonly error?: RecordedError
  readonly bug?: unknown
}

async function tryOnce(
  task: StepTask,
  stage: StageName,
  work: StepWork,
  scope: RunScope,
  outer: AbortSignal,
  interrupted: Interrupted | undefined,
): Promise<Tried> {
  const { timer } = scope.tools
  const timeout = new AbortController()
  const signal = AbortSignal.any([outer, timeout.signal])
  const workspace = openWorkspace(task, stage, scope, signal, interrupted)
  const cancelTimeout =
    task.timeoutMs === undefined
      ? () => {}
      : timer.after(task.timeoutMs, () => timeout.abort(tookTooLong(task)))
  try {
    const result = await orGivenUp(
      Promise.resolve().then(() => work(workspace.context)),
      signal,
      scope,
    )
    return {
      outcome: result.error === undefined ? 'passed' : 'failed',
      ...workspace.close(),
      outputs: redactJson(result.outputs, scope.tools.redact),
      evidence: [...workspace.evidence, ...(result.evidence ?? [])],
      ...(result.error && { error: recordError(result.error, scope.tools.redact) }),
    }
  } catch (error) {
    const known = error instanceof OperatingError
    return {
      // its own time-out is a failure; being stopped from outside is not its fault
      outcome: outer.aborted && !timeout.signal.aborted ? 'cancelled' : 'failed',
      ...workspace.close(),
      outputs: {},
      evidence: workspace.evidence,
      error: recordError(error, scope.tools.redact),
      ...(!known && { bug: error }),
    }
  } finally {
    cancelTimeout()
  }
}

const tookTooLong = ({ id, timeoutMs = 0 }: StepTask): OperatingError =>
  new OperatingError(
    'step-failed',
    `step ${id} took longer than its timeout of ${showDuration(timeoutMs)}`,
    'Find out what it waited for, or give it a longer timeout.',
  )

/** The result of `work`; after a stop it has a bounded time to come. */
async function orGivenUp<T>(work: Promise<T>, signal: AbortSignal, scope: RunScope): Promise<T> {
  const { timer, forceSignal } = scope.tools
  const cancels: (() => void)[] = []
  const givenUp = new Promise<never>((_, reject) => {
    const giveUpAfter = (milliseconds: number) => {
      cancels.push(timer.after(milliseconds, () => reject(gaveUp(signal.reason))))
    }
    const stopped = () => giveUpAfter(giveUpMs)
    const forced = () => giveUpAfter(giveUpForcedMs)
    if (signal.aborted) stopped()
    else signal.addEventListener('abort', stopped, { once: true })
    if (forceSignal.aborted) forced()
    else forceSignal.addEventListener('abort', forced, { once: true })
    cancels.push(() => {
      signal.removeEventListener('abort', stopped)
      forceSignal.removeEventListener('abort', forced)
    })
  })
  try {
    return await Promise.race([work, givenUp])
  } finally {
    for (const cancel of cancels) cancel()
    work.catch(() => {}) // when it was given up, nobody is left to hear it fail
  }
}

const gaveUp = (reason: unknown): OperatingError =>
  new OperatingError(
    'step-failed',
    `${reason instanceof Error ? reason.message : String(reason)}; it did not stop when told to and was given up`,
    'What it began may still go on until this process ends; check the target before the next run.',
  )
