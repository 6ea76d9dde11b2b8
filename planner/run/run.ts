/**
 * The executor: runs a task tree and writes the ledger.
 *
 * Order, timing, stopping and taking back are decided here; whoever draws only watches. Invariants:
 * - the run stands in the ledger before its first step starts, and each step when it ends;
 * - a task that started is always waited for, also when a sibling failed;
 * - the clean-up runs whatever happened before, and not even one of its own failures keeps the rest
 *   of it from running; only a second signal does;
 * - what was done is taken back in the reverse of the order in which it was done;
 * - a run whose process died goes on from its ledger: the tree is walked again with the records that are
 *   there, so that what was decided stays decided, and only what has no record is run.
 */
import {
  type ParallelTask,
  type StepTask,
  stepsOf,
  type Task,
  type TaskTree,
} from '../compile/task.ts'
import type { LedgerBody, RunOutcome } from '../ledger/ledger-line.ts'
import { toIso } from '../step/observation.ts'
import { isBad, type RecordedError, type StageName, type StepRecord } from '../step/record.ts'
import { Companions } from './companions.ts'
import { type Answers, examineInterrupted } from './examine.ts'
import { checkNeeds } from './needs.ts'
import { isStop, type PastRun } from './past-run.ts'
import { recordError } from './record-error.ts'
import { recordRecovery } from './recovery.ts'
import { begunText, nothingPast, type Resumption, takeOver } from './resumption.ts'
import { limitRun } from './run-limit.ts'
import type { RunResult } from './run-result.ts'
import type { RunRequest, RunTools } from './run-tools.ts'
import { runStep, type StepWork, skippedRecord } from './step-run.ts'
import { siblingFailed, type Verdict, verdictOf } from './verdict.ts'
import { inputsOf, openWorkspace, type RunScope } from './workspace.ts'

/** Runs the tree to its end. Failures of steps are in the result, not thrown. @throws `disk-…`, `locked` */
export async function runTree(
  tree: TaskTree,
  request: RunRequest,
  tools: RunTools,
): Promise<RunResult> {
  checkNeeds(tree, tools)
  return new Execution(tree, request, tools).run()
}

/**
 * Goes on with a run whose process died, to its end. Its header is that of the first start.
 * @throws as {@link runTree}; `usage` when nobody can tell how an interrupted step stands, with nothing
 *   run and nothing written
 */
export async function resumeTree(
  tree: TaskTree,
  request: RunRequest,
  tools: RunTools,
  past: PastRun,
  answers: Answers,
): Promise<RunResult> {
  checkNeeds(tree, tools)
  const look = new Execution(tree, request, tools, takeOver(past, new Map()))
  const decisions = await look.examine(past, answers)
  return new Execution(tree, request, tools, takeOver(past, decisions)).run()
}

class Execution {
  readonly #tree: TaskTree
  readonly #request: RunRequest
  readonly #tools: RunTools
  readonly #scope: RunScope
  readonly #past: Resumption
  /** In the order in which they ended, those of before a resumption first. */
  readonly #records: StepRecord[]
  #stopping: RecordedError | undefined
  #error: RecordedError | undefined
  #ledgerError: RecordedError | undefined
  #undoFailed = false
  #bug: unknown
  readonly #companions = new Companions()

  constructor(tree: TaskTree, request: RunRequest, tools: RunTools, past = nothingPast) {
    this.#tree = tree
    this.#request = request
    this.#tools = tools
    this.#past = past
    this.#records = [...past.records]
    this.#stopping = past.stopping
    this.#error = this.#records.find(isBad)?.error ?? past.stopping
    this.#undoFailed = this.#records.some((each) => each.stage === 'undo' && isBad(each))
    this.#scope = {
      run: request.header.run,
      tree,
      tools,
      dueAt: request.dueAt,
      answers: request.recovery?.answers ?? new Map(),
      records: this.#records,
      error: () => this.#error,
      note: ({ stage, step }, note) => this.#append({ kind: 'step-noted', stage, step, note }),
    }
  }

  /** How the interrupted steps stand; changes nothing. */
  examine(past: PastRun, answers: Answers): ReturnType<typeof examineInterrupted> {
    const { stopSignal } = this.#tools
    const silent = { ...this.#scope, tools: { ...this.#tools, observe: () => {} } }
    return examineInterrupted(
      this.#tree,
      past,
      (task, { stage }, interrupted) =>
        openWorkspace(task, stage, silent, stopSignal, interrupted).context,
      answers,
    )
  }

  async run(): Promise<RunResult> {
    const { clock, observe, stopSignal } = this.#tools
    const { run } = this.#request.header
    const at = clock.nowMs()
    const startedMs = clock.monotonicMs()
    await this.#begin()
    const { startedAt = at } = this.#past
    observe({
      kind: 'run-started',
      run,
      at,
      tree: this.#tree,
      ...(startedAt < at && { startedAt }),
    })
    for (const record of this.#records) {
      const { stage, step } = record
      observe({ kind: 'step-ended', stage, step, record, earlier: true })
    }

    const limit = limitRun(this.#tree, this.#tools.timer)
    const signal = AbortSignal.any([stopSignal, limit.signal])
    const steady = await this.#stage('steady-before', signal)
    if (steady === 'passed') {
      const verdict = await this.#stage('steps', signal)
      await this.#endCompanions()
      if (verdict === 'undo') await this.#undo()
      if (verdict === 'passed') await this.#stage('steady-after', signal)
    } else {
      await this.#skip(this.#tasksOf('steps'), 'steps')
    }
    limit.cancel()
    await this.#stage('always', this.#tools.forceSignal)

    if (stopSignal.aborted) await this.#noteStop(stopSignal)
    const outcome = this.#outcome(steady)
    const error = this.#error ?? this.#ledgerError
    const endedAt = clock.nowMs()
    const isResumed = this.#past.startedAt !== undefined
    const durationMs = isResumed ? endedAt - startedAt : clock.monotonicMs() - startedMs
    const ended = {
      outcome,
      durationMs: Math.max(0, Math.round(durationMs)),
      ...(error && { error }),
    }
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
    const { header, version, dueAt, recovery } = this.#request
    const common = { planFile: plan.file, version }
    const { startedAt, decisions } = this.#past
    await this.#tools.ledger.append(
      header,
      startedAt === undefined
        ? {
            ...{ kind: 'run-started', sequence, proves, ...common, dueAt: toIso(dueAt) },
            ...recordRecovery(recovery, this.#tools.redact),
          }
        : {
            kind: 'run-resumed',
            ...common,
            interrupted: decisions.map(({ stage, step, verdict, by, found }) => ({
              ...{ stage, step, verdict, by },
              found: this.#tools.redact(found),
            })),
          },
    )
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

  /** What has a record keeps it; what a dead process had begun did not just stay away. */
  async #skip(tasks: readonly Task[], stage: StageName): Promise<void> {
    for (const task of stepsOf(tasks)) {
      const key = { stage, step: task.id }
      if (this.#past.record(key) !== undefined) continue
      const decision = this.#past.decision(key)
      if (decision?.verdict === 'done') {
        await this.#step(task, stage, this.#tools.forceSignal)
        continue
      }
      const record = skippedRecord(task, stage, this.#tools.clock.nowMs())
      await this.#end(
        decision === undefined
          ? record
          : { ...record, outcome: 'cancelled', remarks: [begunText(decision)] },
      )
    }
  }

  /** One after the other. After a failure that stops, the rest is recorded as skipped. */
  async #sequence(tasks: readonly Task[], stage: StageName, signal: AbortSignal): Promise<Verdict> {
    let worst: Verdict = 'passed'
    for (const [index, task] of tasks.entries()) {
      if (signal.aborted) await this.#noteStop(signal)
      const told = signal.aborted || (this.#stopping !== undefined && stage !== 'always')
      const stopped = told || (worst !== 'passed' && stage !== 'always')
      if (stopped && !this.#wasBegun(task, stage)) {
        await this.#skip(tasks.slice(index), stage)
        return told && worst === 'passed' ? this.#stopVerdict(tasks, index) : worst
      }
      const verdict =
        task.kind === 'step'
          ? await this.#step(task, stage, signal)
          : await this.#parallel(task, stage, signal)
      if (worst !== 'undo' && verdict !== 'passed') worst = verdict
    }
    return worst
  }

  /** Whether all of it began and ended before the run was resumed. */
  #wasBegun(task: Task, stage: StageName): boolean {
    const records = stepsOf([task]).map(({ id }) => this.#past.record({ stage, step: id }))
    return records.every(
      (each) => each !== undefined && (each.outcome !== 'skipped' || !isBad(each)),
    )
  }

  /** A run that was stopped between two steps is taken back when the step before asked for that. */
  #stopVerdict(tasks: readonly Task[], index: number): Verdict {
    const around = stepsOf(tasks.slice(Math.max(0, index - 1), index + 1))
    return around.some((task) => task.onFailure === 'undo') ? 'undo' : 'failed'
  }

  /** Once; written down, so that a resumed run stays stopped. */
  async #noteStop(signal: AbortSignal): Promise<void> {
    if (this.#stopping !== undefined) return
    this.#stopping = recordError(signal.reason, this.#tools.redact)
    this.#error ??= this.#stopping
    await this.#append({ kind: 'run-stopping', error: this.#stopping })
  }

  /** Side by side. A failure that stops tells the siblings to stop, and waits for them. */
  async #parallel(task: ParallelTask, stage: StageName, outer: AbortSignal): Promise<Verdict> {
    const group = new AbortController()
    const signal = AbortSignal.any([outer, group.signal])
    for (const each of task.tasks) {
      const record = this.#past.record({ stage, step: each.id })
      const verdict = record === undefined ? 'passed' : verdictOf(each, record)
      if (verdict !== 'passed' && stage !== 'always') group.abort(siblingFailed(each))
    }
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
    const key = { stage, step: task.id }
    const known = this.#past.record(key)
    if (known === undefined && !this.#isWanted(task, stage)) {
      await this.#end(skippedRecord(task, stage, this.#tools.clock.nowMs(), 'condition'))
      return 'passed'
    }
    const record =
      known ??
      (await this.#companions.start((beside) =>
        this.#perform(task, stage, (context) => task.run({ ...context, beside }), signal),
      ))
    if (record === undefined) return 'passed' // it goes on beside what follows
    if (task.stepKind === 'inject') await this.#endCompanions()
    if (isBad(record)) this.#error ??= record.error
    return verdictOf(task, record)
  }

  async #endCompanions(): Promise<void> {
    for (const record of await this.#companions.end()) {
      if (isBad(record)) this.#error ??= record.error
    }
  }

  /** Whether the run has gone so far as the step's `when` wants; what had begun was wanted. */
  #isWanted({ id, when }: StepTask, stage: StageName): boolean {
    if (this.#past.decision({ stage, step: id }) !== undefined) return true
    return when === 'always' || (when === 'failure') === (this.#error !== undefined)
  }

  /** Runs it, or takes over what an examination found; the record is written. */
  async #perform(
    task: StepTask,
    stage: StageName,
    run: StepWork,
    signal: AbortSignal,
  ): Promise<StepRecord> {
    const decision = this.#past.decision({ stage, step: task.id })
    const isDone = decision?.verdict === 'done'
    if (!isDone) await this.#append({ kind: 'step-started', ...this.#about(task, stage) })
    const work: StepWork = (context) => {
      if (decision !== undefined) context.remark(begunText(decision))
      return isDone ? Promise.resolve(decision.result) : run(context)
    }
    const { interrupted } = decision ?? {}
    const { record, bug } = await runStep(task, stage, work, this.#scope, signal, interrupted)
    this.#bug ??= bug
    const { verdict, by } = decision ?? {}
    const whole =
      interrupted === undefined || verdict === undefined || by === undefined
        ? record
        : { ...record, interrupted: { at: toIso(interrupted.at), verdict, by } }
    await this.#end(whole)
    return whole
  }

  #about(task: StepTask, stage: StageName) {
    return { stage, step: task.id, stepKind: task.stepKind, inputs: inputsOf(task, this.#scope) }
  }

  /** Passed steps that can be taken back, the last one first. */
  async #undo(): Promise<void> {
    const tasks = new Map(stepsOf(this.#tasksOf('steps')).map((task) => [task.id, task]))
    const done = this.#records
      .filter((each) => each.stage === 'steps' && each.outcome === 'passed')
      .reverse()
    const undoable = done.flatMap((record) => {
      const task = tasks.get(record.step)
      return task?.undo === undefined ? [] : [{ record, task, undo: task.undo }]
    })
    if (undoable.length === 0) return
    this.#tools.observe({ kind: 'stage-started', stage: 'undo' })
    for (const { record, task, undo } of undoable) {
      if (this.#past.record({ stage: 'undo', step: task.id }) !== undefined) continue
      const work: StepWork = async (context) => (await undo(record, context)) ?? { outputs: {} }
      const undone = await this.#perform(task, 'undo', work, this.#tools.forceSignal)
      if (isBad(undone)) this.#undoFailed = true
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
    if (this.#tools.stopSignal.aborted || isStop(this.#past.stopping)) return 'interrupted'
    if (steady !== 'passed') return 'void'
    return this.#records.some(isBad) || this.#ledgerError !== undefined ? 'failed' : 'passed'
  }
}
