/**
 * `init [DIR]`: a first plan, written from the answers to five questions.
 *
 * At a terminal they are asked, each with an answer that Enter takes; a flag answers one beforehand. Where there is
 * no terminal every answer has to be given: what may be lost is a decision, and nobody makes it silently.
 * Nothing is written over, and nothing is written that would not validate.
 */
import * as path from 'node:path'
import type { Command } from 'commander'
import { fail, writeNewFile } from '../../engine/index.ts'
import type { StarterAnswers } from '../plan/starter-plan.ts'
import type { Context } from './context.ts'
import { examples, type Runner } from './runner.ts'

interface Question {
  readonly name: keyof StarterAnswers
  readonly value: string
  readonly about: string
  readonly question: string
  /** What Enter takes. */
  readonly usual: string
  /** Which text is an answer: a format of the schemas. */
  readonly format: string
}

const questions: readonly Question[] = [
  {
    name: 'collection',
    value: '<name>',
    about: 'collection that must be recoverable',
    question: 'Which collection must be recoverable? Its name',
    usual: 'items',
    format: 'collection-name',
  },
  {
    name: 'data',
    value: '<path>',
    about: 'data directory of the engine that holds it; a relative path starts at the plan',
    question:
      'Where is the data directory of the engine that holds it? A relative path starts at the plan',
    usual: './vectra-data',
    format: 'path',
  },
  {
    name: 'to',
    value: '<place>',
    about: 'where backups go: a directory, s3://bucket/prefix or rsync://host/path',
    question: 'Where do backups go? A directory, s3://bucket/prefix or rsync://host/path',
    usual: './backups',
    format: 'location',
  },
  {
    name: 'rpo',
    value: '<duration>',
    about: 'how much of what was written may be lost, such as 26h or 15m',
    question: 'How much of what was written may be lost? A duration; 26h is a backup every night',
    usual: '26h',
    format: 'duration',
  },
  {
    name: 'rto',
    value: '<duration>',
    about: 'how soon it must be back, such as 1h',
    question: 'How soon must it be back? A duration',
    usual: '1h',
    format: 'duration',
  },
]

/** Times a question is asked before it is given up. */
const tries = 3
const fileName = 'plan.yaml'

type InitFlags = Partial<Record<keyof StarterAnswers, string>>

export function addInit(program: Command, run: Runner): void {
  const command = program
    .command('init')
    .description(`write a commented first plan, ${fileName}; asks five questions, or takes flags`)
    .argument('[dir]', 'directory for it, made when it is missing (default: here)')
  for (const { name, value, about } of questions) command.option(`--${name} ${value}`, about)
  command
    .addHelpText(
      'after',
      examples(
        'init',
        'init plans/shop --collection products --data ./data --to s3://backups/shop --rpo 26h --rto 1h',
      ),
    )
    .action(run(init))
}

async function init(context: Context, directory: string | undefined, flags: InitFlags) {
  const { disk, env } = context.io
  const folder = directory ?? '.'
  const file = path.join(folder, fileName)
  if ((await disk.stat(file)) !== undefined) {
    const hint = 'Nothing was written. Name another directory.'
    fail('file-exists', `${file} is there already`, hint, { place: { file } })
  }
  const answers = await answersFor(context, flags)
  const [{ starterPlan }, { checkPlanBytes }] = await Promise.all([
    import('../plan/starter-plan.ts'),
    import('../plan/load-plan.ts'),
  ])
  const bytes = Buffer.from(starterPlan(answers))
  const check = await checkPlanBytes(file, bytes, env)
  if (check.kind === 'invalid') {
    const [first] = check.errors
    fail(
      'usage',
      `with these answers the plan would not be valid: ${first?.message}`,
      'Nothing was written. Give another answer.',
    )
  }
  await disk.makeDirectory(folder)
  await writeNewFile(disk, file, bytes) // refused where somebody wrote one meanwhile
  await disk.syncDirectory(folder)
  await context.confirm(`wrote ${file}; "vectra-dr check ${file}" says what it cannot keep yet`)
  return { file, plan: check.plan.name, sha256: check.plan.sha256, answers }
}

/** @throws `usage` for an answer that is none, and for those that are missing where nobody can be asked */
async function answersFor(context: Context, flags: InitFlags): Promise<StarterAnswers> {
  const [{ formats }, { leastStarterRpoMs }] = await Promise.all([
    import('../plan/formats.ts'),
    import('../plan/starter-plan.ts'),
  ])
  const problemOf = ({ format, name }: Question, text: string): string | undefined => {
    const reading = formats[format]?.(text)
    if (reading?.problem !== undefined) return `"${text}" ${reading.problem}. ${reading.hint}`
    if (name !== 'rpo' || Number(reading?.value) >= leastStarterRpoMs) return undefined
    return `"${text}" is too short for snapshots. Write 2m or more; "archive" steps keep less.`
  }
  for (const question of questions) {
    const given = flags[question.name]
    const problem = given === undefined ? undefined : problemOf(question, given)
    if (problem !== undefined)
      fail('usage', `--${question.name}: ${problem}`, 'Nothing was written.')
  }
  const { ask } = context.io
  const open = questions.filter(({ name }) => flags[name] === undefined)
  if (ask === undefined && open.length > 0) {
    const missing = open.map(({ name, usual }) => `--${name} ${usual}`).join(' ')
    fail(
      'usage',
      'init has questions, and there is no terminal to ask at',
      `Nothing was written. Give the answers, such as ${missing}`,
    )
  }
  const answers: InitFlags = { ...flags }
  for (const question of open) {
    answers[question.name] = await askFor(context, question, (text) => problemOf(question, text))
  }
  const answerTo = (name: keyof StarterAnswers): string => answers[name] ?? ''
  return {
    collection: answerTo('collection'),
    data: answerTo('data'),
    to: answerTo('to'),
    rpo: answerTo('rpo'),
    rto: answerTo('rto'),
  }
}

async function askFor(
  { io, warn }: Context,
  { name, question, usual }: Question,
  problemOf: (text: string) => string | undefined,
): Promise<string> {
  for (let left = tries; left > 0; left--) {
    const said = (await io.ask?.(`${question} [${usual}]: `))?.trim() ?? ''
    const text = said === '' ? usual : said
    const problem = problemOf(text)
    if (problem === undefined) return text
    await warn(problem)
  }
  return fail('usage', `no answer for --${name}`, 'Nothing was written. Run init again.')
}
