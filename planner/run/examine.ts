/**
 * Before a run goes on: how do the steps stand that its dead process had begun?
 *
 * Each is examined in its own way, all before anything is run or written, so that a run that cannot go
 * on yet stays as it was. What nobody can tell by looking is asked of whoever resumes it.
 */
import { fail } from '../../engine/index.ts'
import { type StepTask, stepsOf, type TaskTree } from '../compile/task.ts'
import type { ResumeVerdict } from '../ledger/ledger-line.ts'
import type { Examination, Interrupted, StepContext, StepResult } from '../step/step.ts'
import { keyOf, type OpenStep, type PastRun } from './past-run.ts'
import type { StepKey } from './run-event.ts'

/** What becomes of an interrupted step. */
export interface Decision extends StepKey {
  readonly verdict: ResumeVerdict
  readonly by: 'examination' | 'person'
  readonly found: string
  readonly interrupted: Interrupted
  /** Of one that is done. */
  readonly result: StepResult
}

/** Who is asked where looking does not tell. */
export interface Answers {
  /** Said beforehand, by step id. */
  readonly given: ReadonlyMap<string, ResumeVerdict>
  /** The run is not gone on with: of a step that nobody can judge no more is known, and none is begun. */
  readonly closing?: true
  /** Undefined when nobody says. */
  ask(step: StepKey, found: string): Promise<ResumeVerdict | undefined>
}

/** Where a task is looked at: a context that leaves nothing behind. */
export type OpenContext = (task: StepTask, open: OpenStep, interrupted: Interrupted) => StepContext

/**
 * By {@link keyOf}.
 * @throws `usage` for a step that nobody can judge, and for an answer that nobody asked for; what an
 *   examination throws. Nothing was changed then.
 */
export async function examineInterrupted(
  tree: TaskTree,
  past: PastRun,
  openContext: OpenContext,
  answers: Answers,
): Promise<Map<string, Decision>> {
  refuseOtherSteps(tree, past)
  refuseStrays(past, answers)
  const decisions = new Map<string, Decision>()
  for (const open of past.open) {
    const { stage, step, at, note } = open
    const interrupted: Interrupted = { at, ...(note && { note }) }
    const task = taskOf(tree, open)
    const examined = await examine(task, open, openContext(task, open, interrupted))
    const decided = { stage, step, interrupted }
    const given = answers.given.get(step)
    if (examined.state === 'unknown' && answers.closing && stage !== 'always') {
      const found = `${examined.found}; the run is closed, so nobody will know`
      const verdict = 'repeat' // which a closed run does not do
      decisions.set(keyOf(open), { ...decided, verdict, by: 'examination', found, result: nothing })
      continue
    }
    if (examined.state === 'unknown') {
      const verdict =
        given ?? (await answers.ask(open, examined.found)) ?? undecided(open, examined)
      const word = verdict === 'done' ? 'done' : 'to be repeated'
      const found = `whoever resumed the run said that it is ${word}`
      decisions.set(keyOf(open), { ...decided, verdict, by: 'person', found, result: nothing })
      continue
    }
    const { state, found } = examined
    if (given !== undefined && given !== state) contradicted(open, given, examined)
    const result = examined.state === 'done' ? examined.result : nothing
    decisions.set(keyOf(open), { ...decided, verdict: state, by: 'examination', found, result })
  }
  return decisions
}

const nothing: StepResult = { outputs: {} }

async function examine(
  task: StepTask,
  { stage }: OpenStep,
  context: StepContext,
): Promise<Examination> {
  // a plan that has them run before and after says itself that running them twice does no harm
  if (stage.startsWith('steady'))
    return { state: 'repeat', found: 'it is part of what is looked at' }
  // undoing twice does no harm: that is the contract of undo
  if (stage === 'undo') return { state: 'repeat', found: 'taking back twice does no harm' }
  const { interrupted } = context
  if (task.examine === undefined || interrupted === undefined) {
    return { state: 'unknown', found: `what a step of kind ${task.stepKind} did cannot be seen` }
  }
  return task.examine(interrupted, context)
}

function findTask(tree: TaskTree, { stage, step }: StepKey): StepTask | undefined {
  const stages = tree.stages.filter(({ name }) => name === (stage === 'undo' ? 'steps' : stage))
  return stages.flatMap(({ tasks }) => stepsOf(tasks)).find(({ id }) => id === step)
}

const noStep = ({ stage, step }: StepKey): never =>
  fail(
    'usage',
    `the plan no longer has step ${step} of ${stage} as it was when the run began it`,
    'Resume the run with the plan that it was started with.',
  )

const taskOf = (tree: TaskTree, key: StepKey): StepTask => findTask(tree, key) ?? noStep(key)

/** Records of a changed plan's steps are taken for those of the same id and kind only. */
function refuseOtherSteps(tree: TaskTree, { records, open }: PastRun): void {
  const begun = [
    ...records.map(({ stage, step, kind }) => ({ stage, step, kind })),
    ...open.map(({ stage, step, stepKind }) => ({ stage, step, kind: stepKind })),
  ]
  for (const each of begun) {
    if (findTask(tree, each)?.stepKind !== each.kind) noStep(each)
  }
}

function refuseStrays({ run, open }: PastRun, { given }: Answers): void {
  const interrupted = open.map(({ step }) => step)
  const stray = [...given.keys()].find((step) => !interrupted.includes(step))
  if (stray === undefined) return
  fail(
    'usage',
    `step ${stray} of run ${run} was not interrupted`,
    interrupted.length === 0
      ? 'No step was. Leave --done and --repeat out.'
      : `These were: ${interrupted.join(', ')}.`,
  )
}

function contradicted({ step }: OpenStep, given: ResumeVerdict, { state, found }: Examination) {
  fail(
    'usage',
    `--${given} ${step} does not agree with what is found: ${found}`,
    `Leave it out: without it the step is taken as ${state === 'done' ? 'done' : 'to be repeated'}. Nothing was run.`,
  )
}

function undecided({ stage, step, at }: OpenStep, { found }: Examination): never {
  const when = new Date(at).toISOString()
  return fail(
    'usage',
    `step ${step} of ${stage} was begun at ${when} and interrupted, and nobody can tell whether it is done: ${found}`,
    `Find out. Then add --done ${step} when all of it is done, or --repeat ${step} when it is not, or does no harm twice. Nothing was run.`,
  )
}
