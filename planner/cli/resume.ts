/** `resume PLAN RUN`: goes on with a run whose process died. */
import type { Command } from 'commander'
import { fail } from '../../engine/index.ts'
import type { ResumeVerdict } from '../ledger/ledger-line.ts'
import type { AnySequence, Plan } from '../plan/plan.ts'
import type { Answers } from '../run/examine.ts'
import type { PastRun } from '../run/past-run.ts'
import { type AnswerFlags, addAnswers, checkAnswered } from './answers.ts'
import * as choose from './choose-sequence.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { readProvenLedger } from './read-proven-ledger.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'

export function addResume(program: Command, run: Runner): void {
  addAnswers(program.command('resume'))
    .description(
      'go on with a run whose process died: what ended is not run again, what was interrupted is examined first',
    )
    .argument('<plan>', 'plan file')
    .argument('[run]', 'its id, as "ledger show" has it; needed when several runs have no end')
    .option('--done <steps>', 'interrupted steps that cannot be examined and are done, by commas')
    .option('--repeat <steps>', 'interrupted steps that cannot be examined and are run again')
    .option('--changed-plan', 'go on although the plan file is not the one of the run')
    .addHelpText(
      'after',
      examples(
        'resume plans/shop.yaml',
        'resume plans/shop.yaml 20261123-020207-7f3a',
        'resume plans/shop.yaml 20261123-020207-7f3a --repeat purge-cdn,warm-up --done reload',
      ),
    )
    .action(run(resume))
}

interface ResumeFlags extends AnswerFlags {
  readonly done?: string
  readonly repeat?: string
  readonly changedPlan?: true
}

async function resume(
  context: Context,
  file: string,
  id: string | undefined,
  flags: ResumeFlags,
): Promise<object> {
  const plan = await openPlan(context, file)
  const { answer: given = new Map<string, string>() } = flags
  const answers: Answers = { given: givenAnswers(flags), ask: askAt(context) }
  const { disk, clock, timer } = context.io
  const state = statePaths(plan, context.state)
  const [{ takeStateLock }, { moveHour }, { Ledger }] = await Promise.all([
    import('../ledger/state-lock.ts'),
    import('./seal-run.ts'),
    import('../ledger/ledger.ts'),
  ])
  // a run that still goes on holds it, and is no run to resume
  const lock = await takeStateLock(disk, clock, state.lock, `a run of plan ${plan.name}`)
  try {
    // one that is summed up wrote there first
    await moveHour(context, plan, new Ledger(state.ledger, { disk, clock, timer }))
    const reading = await readProvenLedger(context, plan.file, state.ledger)
    const { pastRuns } = await import('../run/past-run.ts')
    const runs = pastRuns(plan.name, reading.entries)
    const past = chooseRun(plan, runs, id)
    const sequence = sequenceOf(plan, past)
    refuseOtherPlan(plan, past, flags.changedPlan === true)
    const { conduct } = await import('./execute.ts')
    checkAnswered(context, plan, sequence, past, given)
    const { standingOf } = await import('../standing/standing.ts')
    const before = { ...reading, standing: standingOf(plan.name, reading.entries) }
    return await conduct(context, plan, sequence, state, before, {
      given,
      resumed: { past, answers },
    })
  } finally {
    await lock.release()
  }
}

function givenAnswers(flags: ResumeFlags): Map<string, ResumeVerdict> {
  const list = (text = '') => text.split(',').filter((each) => each !== '')
  const [done, repeat] = [list(flags.done), list(flags.repeat)]
  const both = done.find((step) => repeat.includes(step))
  if (both !== undefined) {
    fail('usage', `step ${both} is given with --done and with --repeat`, 'Give one of them.')
  }
  return new Map([
    ...done.map((step) => [step, 'done'] as const),
    ...repeat.map((step) => [step, 'repeat'] as const),
  ])
}

/** Anything but the two words is no answer, and nothing is run. */
const askAt =
  ({ io }: Context): Answers['ask'] =>
  async ({ step }, found) => {
    if (io.ask === undefined) return undefined
    const question = `Step ${step} was interrupted, and ${found}. Is it done, or shall it be run again? Type done or repeat: `
    const answer = (await io.ask(question))?.trim().toLowerCase()
    return answer === 'done' || answer === 'repeat' ? answer : undefined
  }

/** @throws `name-not-found`, `usage` */
function chooseRun(plan: Plan, runs: readonly PastRun[], id: string | undefined): PastRun {
  const unfinished = runs.filter(({ outcome }) => outcome === undefined)
  const listed = unfinished.map(({ run }) => run).join(', ')
  const known =
    listed === '' ? 'No run of the plan is without its end.' : `Without an end: ${listed}.`
  if (id === undefined) {
    const [only, second] = unfinished
    if (only === undefined) return fail('name-not-found', 'there is no run to resume', known)
    if (second !== undefined)
      return fail('usage', 'several runs have no end', `Name one: ${listed}.`)
    return refuseOvertaken(plan, runs, only)
  }
  const past = runs.find(({ run }) => run === id)
  if (past === undefined) {
    return fail('name-not-found', `the ledger has no run ${id} of plan ${plan.name}`, known)
  }
  if (past.outcome !== undefined) {
    const what = `run ${id} ended: ${past.outcome}`
    return fail('usage', what, `Run it anew: ${startCommand(plan, past)}. ${known}`)
  }
  return refuseOvertaken(plan, runs, past)
}

/** What a later run made, the rest of an older one would take for its own. */
function refuseOvertaken(plan: Plan, runs: readonly PastRun[], past: PastRun): PastRun {
  const { kind, name } = past.sequence
  const later = runs
    .slice(runs.indexOf(past) + 1)
    .find(({ sequence }) => sequence.kind === kind && sequence.name === name)
  if (later === undefined) return past
  return fail(
    'usage',
    `run ${later.run} of ${kind} ${name} was started after run ${past.run} was interrupted`,
    `What it did may be undone by the rest of the older one. Run it anew: ${startCommand(plan, past)}.`,
  )
}

function startCommand({ file }: Plan, { sequence: { kind, name } }: PastRun): string {
  const words = { schedule: 'run', drill: 'drill', procedure: 'recover' }
  return `vectra-dr ${words[kind]} ${file} ${kind === 'schedule' ? `--schedule ${name}` : name}`
}

function sequenceOf(plan: Plan, { sequence: { kind, name } }: PastRun): AnySequence {
  if (kind === 'schedule') return choose.schedule(plan, name)
  return kind === 'drill' ? choose.drill(plan, name) : choose.procedure(plan, name)
}

/** Half of one plan and half of another is what nobody has reviewed. */
function refuseOtherPlan(plan: Plan, past: PastRun, accepted: boolean): void {
  if (accepted || plan.sha256 === past.planSha256) return
  const commit = past.gitCommit === null ? '' : `, of commit ${past.gitCommit}`
  fail(
    'usage',
    `${plan.file} is not the plan that run ${past.run} was started with`,
    `Put back the file with SHA-256 ${past.planSha256}${commit}. Or look at what has changed and accept it with --changed-plan.`,
  )
}
