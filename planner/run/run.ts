/**
 * The executor: runs a task tree and writes the ledger.
 *
 * Order, timing, stopping and taking back are decided here; whoever draws only watches. Invariants:
 * - the run stands in the ledger before its first step starts, and each step when it ends;
 * - a task that started is always waited for, also when a sibling failed;
 * - the clean-up runs whatever happened before, and not even one of its own failures keeps the rest
 *   of it from running; only a second signal does;
 * - what was done is taken back in the reverse of the order in which it was done.
 */
import { OperatingError } from '../../engine/index.ts'
import {
  type ParallelTask,
  type StepTask,
  stepsOf,
  type Task,
  type TaskTree,
} from '../compile/task.ts'
import { toIso } from '../step/observation.ts'
import { showDuration } from '../step/quantity.ts'
import type { RecordedError, StageName, StepRecord } from '../step/record.ts'
import type { LedgerBody, RunHeader, RunOutcome } from './ledger-line.ts'
import { checkNeeds } from './needs.ts'
import { recordError } from './record-error.ts'
import type { RunTools } from './run-tools.ts'
import { runStep, skippedRecord } from './step-run.ts'
import type { RunScope } from './workspace.ts'

export interface RunResult {
  readonly run: string
  readonly outcome: RunOutcome
  readonly startedAt: number
  readonly endedAt: number
  readonly durationMs: number
  readonly records: readonly StepRecord[]
  readonly error?: RecordedError
  /** Something that should have been taken back was not. */
  readonly undoFailed: boolean
  /** An error outside the catalogue. The ledger has it; whoever called should let it out. */
  readonly bug?: unknown
}

export interface RunRequest {
  readonly header: RunHeader
  /** When the run was due: what `${date}` and `${time}` mean. */
  readonly dueAt: number
  /** Version of this program, for the ledger. */
  readonly version: string
}

/** Runs the tree to its end. Failures of steps are in the result, not thrown. @throws `disk-…`, `locked` */
export async function runTree(
  tree: TaskTree,
  request: RunRequest,
  tools: RunTools,
): Promise<RunResult> {
  checkNeeds(tree, tools)
  return new Execution(tree, request, tools).run()
}

/** How a list of tasks ended. */
type Verdict = 'passed' | 'failed' | 'undo'

class Execution {
  readonly #tree: TaskTree
  readonly #request: RunRequest
  readonly #tools: RunTools
  readonly #scope: RunScope
  readonly #records: StepRecord[] = []
  /** Passed steps that could be taken back, in the order in which they ended. */
  readonly #done: { readonly task: StepTask; readonly record: StepRecord }[] = []
  #error: RecordedError | undefined
  #ledgerError: RecordedError | undefined
  #undoFailed = false
  #bug: unknown

  constructor(tree: TaskTree, request: RunRequest, tools: RunTools) {
    this.#tree = tree
    this.#request = request
    this.#tools = tools
    this.#scope = {
      run: request.header.run,
      tree,
      tools,
      dueAt: request.dueAt,
      records: this.#records,
      error: () => this.#error,
    }
  }

  async run(): Promise<RunResult> {
    const { clock, observe, stopSignal } = this.#tools
    const { run } = this.#request.header
    const startedAt = clock.nowMs()
    const startedMs = clock.monotonicMs()
    await this.#begin()
    observe({ kind: 'run-started', run, at: startedAt, tree: this.#tree })

    const limit = this.#limitRun()
    const signal = AbortSignal.any([stopSignal, limit.signal])
    const steady = await this.#stage('steady-before', signal)
    if (steady === 'passed') {
      const verdict = await this.#stage('steps', signal)
      if (verdict === 'undo') await this.#undo()
      if (verdict === 'passed') await this.#stage('steady-after', signal)
    } else {
      await this.#skip(this.#tasksOf('steps'), 'steps')
    }
    limit.cancel()
    await this.#stage('always', this.#tools.forceSignal)

    if (stopSignal.aborted) this.#noteStop(stopSignal)
    const outcome = this.#outcome(steady)
    const error = this.#error ?? this.#ledgerError
    const ended = {
      outcome,
      durationMs: Math.round(clock.monotonicMs() - startedMs),
      ...(error && { error }),
    }
    const endedAt = clock.nowMs()
    await this.#append({
      kind: 'run-ended',
      ...ended,
      startedAt: toIso(startedAt),
      endedAt: toIso(endedAt),
    })
    observe({ kind: 'run-ended', run, ...ended })
    return {
      run,
      startedAt,
      endedAt,
      ...ended,
      records: this.#records,
      undoFailed: this.#undoFailed,
      ...(this.#bug !== undefined && { bug: this.#bug }),
    }
  }

  /** Nothing runs that the ledger does not know of. */
  async #begin(): Promise<void> {
    const { sequence, proves, plan } = this.#tree
    await this.#tools.ledger.append(this.#request.header, {
      kind: 'run-started',
      sequence,
      proves,
      planFile: plan.file,
      version: this.#request.version,
    })
  }

  #limitRun(): { readonly signal: AbortSignal; readonly cancel: () => void } {
    const { timeoutMs } = this.#tree
    const controller = new AbortController()
    if (timeoutMs === undefined) return { signal: controller.signal, cancel: () => {} }
    const cancel = this.#tools.timer.after(timeoutMs, () =>
      controller.abort(
        new OperatingError(
          'step-failed',
          `the run took longer than its timeout of ${showDuration(timeoutMs)}`,
          'Find out which step took the time, or give the run a longer timeout.',
        ),
      ),
    )
    return { signal: controller.signal, cancel }
  }

  async #stage(name: Exclude<StageName, 'undo'>, signal: AbortSignal): Promise<Verdict> {
    const tasks = this.#tasksOf(name)
    if (tasks.length === 0) return 'passed'
    this.#tools.observe({ kind: 'stage-started', stage: name })
    const verdict = await this.#sequence(tasks, name, signal)
    const sick = this.#records.some((each) => each.stage === name && isBad(each))
    // a system that is not steady is not steady, whatever its check says of going on
    return name.startsWith('steady') && sick ? 'failed' : verdict
  }

  #tasksOf(name: Exclude<StageName, 'undo'>): readonly Task[] {
    return this.#tree.stages.find((each) => each.name === name)?.tasks ?? []
  }

  async #skip(tasks: readonly Task[], stage: StageName): Promise<void> {
    for (const task of stepsOf(tasks)) {
      await this.#end(skippedRecord(task, stage, this.#tools.clock.nowMs()))
    }
  }

  /** One after the other. After a failure that stops, the rest is recorded as skipped. */
  async #sequence(tasks: readonly Task[], stage: StageName, signal: AbortSignal): Promise<Verdict> {
    let worst: Verdict = 'passed'
    for (const [index, task] of tasks.entries()) {
      if (signal.aborted) this.#noteStop(signal)
      const stopped = signal.aborted || (worst !== 'passed' && stage !== 'always')
      if (stopped) {
        await this.#skip(tasks.slice(index), stage)
        return signal.aborted && worst === 'passed' ? this.#stopVerdict(tasks, index) : worst
      }
      const verdict =
        task.kind === 'step'
          ? await this.#step(task, stage, signal)
          : await this.#parallel(task, stage, signal)
      if (worst !== 'undo' && verdict !== 'passed') worst = verdict
    }
    return worst
  }

  /** A run that was stopped between two steps is taken back when the step before asked for that. */
  #stopVerdict(tasks: readonly Task[], index: number): Verdict {
    const around = stepsOf(tasks.slice(Math.max(0, index - 1), index + 1))
    return around.some((task) => task.onFailure === 'undo') ? 'undo' : 'failed'
  }

  #noteStop(signal: AbortSignal): void {
    this.#error ??= recordError(signal.reason, this.#tools.redact)
  }

  /** Side by side. A failure that stops tells the siblings to stop, and waits for them. */
  async #parallel(task: ParallelTask, stage: StageName, outer: AbortSignal): Promise<Verdict> {
    const group = new AbortController()
    const signal = AbortSignal.any([outer, group.signal])
    const verdicts = await Promise.all(
      task.tasks.map(async (each) => {
        const verdict = await this.#step(each, stage, signal)
        if (verdict !== 'passed' && stage !== 'always') group.abort(siblingFailed(each))
        return verdict
      }),
    )
    if (verdicts.includes('undo')) return 'undo'
    return verdicts.includes('failed') ? 'failed' : 'passed'
  }

  async #step(task: StepTask, stage: StageName, signal: AbortSignal): Promise<Verdict> {
    if (!this.#isWanted(task)) {
      await this.#end(skippedRecord(task, stage, this.#tools.clock.nowMs(), 'condition'))
      return 'passed'
    }
    const { record, bug } = await runStep(task, stage, task.run, this.#scope, signal)
    this.#bug ??= bug
    await this.#end(record)
    if (record.outcome === 'passed') {
      if (task.undo !== undefined && stage === 'steps') this.#done.push({ task, record })
      return 'passed'
    }
    this.#error ??= record.error
    if (record.outcome === 'failed' && task.onFailure === 'continue') return 'passed'
    return task.onFailure === 'undo' ? 'undo' : 'failed'
  }

  /** Whether the run has gone so far as the step's `when` wants. */
  #isWanted({ when }: StepTask): boolean {
    return when === 'always' || (when === 'failure') === (this.#error !== undefined)
  }

  async #undo(): Promise<void> {
    if (this.#done.length === 0) return
    this.#tools.observe({ kind: 'stage-started', stage: 'undo' })
    for (const { task, record } of this.#done.toReversed()) {
      const { undo } = task
      if (undo === undefined) continue
      const work = async (context: Parameters<StepTask['run']>[0]) =>
        (await undo(record, context)) ?? { outputs: {} }
      const undone = await runStep(task, 'undo', work, this.#scope, this.#tools.forceSignal)
      this.#bug ??= undone.bug
      if (undone.record.outcome !== 'passed') this.#undoFailed = true
      await this.#end(undone.record)
    }
  }

  /** The record counts from here on: for later steps, in the ledger, for whoever watches. */
  async #end(record: StepRecord): Promise<void> {
    this.#records.push(record)
    await this.#append({ kind: 'step', record })
    const { stage, step } = record
    this.#tools.observe({ kind: 'step-ended', stage, step, record })
  }

  /** A recovery goes on without its paperwork, but it does not count as passed. */
  async #append(body: LedgerBody): Promise<void> {
    try {
      await this.#tools.ledger.append(this.#request.header, body)
    } catch (error) {
      if (this.#ledgerError !== undefined) return
      this.#ledgerError = recordError(error, this.#tools.redact)
      const text = `the ledger could not be written: ${this.#ledgerError.message}`
      this.#tools.observe({ kind: 'run-remark', text })
    }
  }

  #outcome(steady: Verdict): RunOutcome {
    if (this.#tools.stopSignal.aborted) return 'interrupted'
    if (steady !== 'passed') return 'void'
    return this.#records.some(isBad) || this.#ledgerError !== undefined ? 'failed' : 'passed'
  }
}

const isBad = ({ outcome, because }: StepRecord): boolean =>
  outcome !== 'passed' && because === undefined

const siblingFailed = ({ id }: StepTask): OperatingError =>
  new OperatingError(
    'step-failed',
    `stopped because step ${id} beside it failed`,
    `See what step ${id} says.`,
  )
