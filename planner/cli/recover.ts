/**
 * `recover PLAN PROCEDURE`: runs a procedure in a disaster. What it has to know is asked before anything runs:
 * at the terminal, or given with `--answer`, which also answers the steps that ask people.
 */
import { type Command, Option } from 'commander'
import { fail } from '../../engine/index.ts'
import { asksFirst } from '../plan/asks-first.ts'
import { readInstant } from '../plan/instant.ts'
import { nearest } from '../plan/nearest.ts'
import type { Plan, Procedure, Question, QuestionType } from '../plan/plan.ts'
import { type AnswerFlags, addAnswers, checkAnswers } from './answers.ts'
import * as choose from './choose-sequence.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { instantOption } from './options.ts'
import { examples, type Runner } from './runner.ts'

export function addRecover(program: Command, run: Runner): void {
  addAnswers(program.command('recover'))
    .description('run a procedure in a disaster; --answer also answers what it asks beforehand')
    .argument('<plan>', 'plan file')
    .argument('[procedure]', 'which one; needed when the plan has several')
    .addOption(
      new Option('--since <instant>', 'when the disaster began; the ledger keeps it').argParser(
        instantOption,
      ),
    )
    .option('--yes', 'do not ask before steps that touch production data')
    .addHelpText(
      'after',
      examples(
        'recover plans/shop.yaml failover --since 2026-11-01T09:12:00Z',
        'recover plans/shop.yaml clean-restore --answer lastGoodAt=2026-11-01T08:00:00Z --yes',
        'explain plans/shop.yaml --procedure failover',
      ),
    )
    .action(run(recover))
}

interface RecoverFlags extends AnswerFlags {
  readonly since?: number
  readonly yes?: true
}

async function recover(
  context: Context,
  file: string,
  name: string | undefined,
  flags: RecoverFlags,
): Promise<object> {
  const plan = await openPlan(context, file)
  const all = [...plan.procedures.keys()]
  const chosen = name ?? choose.only('procedure', all, 'Add one under procedures: in the plan.')
  const procedure = choose.procedure(plan, chosen)
  const { since, answer = new Map<string, string>() } = flags
  if (since !== undefined && since > context.io.clock.nowMs()) {
    fail('usage', '--since lies in the future', 'Write when the disaster began.')
  }
  const answers = new Map([...answer].filter(([key]) => procedure.ask.has(key)))
  for (const [key, text] of answers) refuseWrong(procedure.ask.get(key)?.type, key, text)
  const said = new Map([...answer].filter(([key]) => !procedure.ask.has(key)))
  refuseStrays(procedure, said)
  checkAnswers(context, plan, [procedure], said)
  for (const question of procedure.ask.values()) {
    if (answers.has(question.name)) continue
    const text = await askFor(context, procedure, question)
    refuseWrong(question.type, question.name, text)
    answers.set(question.name, text)
  }
  if (flags.yes !== true) await confirm(context, plan, procedure)
  const { execute } = await import('./execute.ts')
  return execute(context, plan, procedure, said, {
    answers,
    ...(since !== undefined && { since }),
  })
}

/** A misspelt question would otherwise be told as a step that does not ask. */
function refuseStrays({ ask }: Procedure, said: ReadonlyMap<string, string>): void {
  for (const key of said.keys()) {
    const meant = nearest(key, ask.keys())
    if (meant === undefined) continue
    fail('usage', `the procedure does not ask "${key}"`, `Did you mean "${meant}"?`)
  }
}

async function askFor(
  { io }: Context,
  { name, ask }: Procedure,
  question: Question,
): Promise<string> {
  if (io.ask === undefined) {
    const flags = [...ask.keys()].map((each) => `--answer ${each}=…`).join(' ')
    fail(
      'usage',
      `procedure ${name} asks "${question.question}" and there is no terminal to ask at`,
      `Nothing was run. Answer beforehand: ${flags}`,
    )
  }
  return (await io.ask(`${question.question} `))?.trim() ?? ''
}

const textChars = 1_000

/** @throws `usage` for an answer that is none */
function refuseWrong(type: QuestionType = 'text', name: string, text: string): void {
  const wrong = (problem: string, hint: string): never =>
    fail('usage', `the answer to "${name}" ${problem}`, `${hint} Nothing was run.`)
  if (text === '') wrong('is empty', 'Say it.')
  if (text.length > textChars || /\p{Cc}/u.test(text)) wrong('is not one line', 'Shorten it.')
  if (type === 'instant') {
    const reading = readInstant(text)
    if (reading.problem !== undefined) wrong(reading.problem, reading.hint)
  }
  if (type === 'number' && !/^-?\d+(\.\d+)?$/.test(text)) wrong('is not a number', 'Write digits.')
}

async function confirm({ io }: Context, plan: Plan, procedure: Procedure): Promise<void> {
  if (!asksFirst(procedure)) return
  const what = `procedure ${procedure.name} touches production data`
  if (io.ask === undefined) {
    fail(
      'usage',
      `${what} and there is no terminal to ask at`,
      'Look at it with "vectra-dr explain", then add --yes.',
    )
  }
  const answer = await io.ask(`Plan ${plan.name}: ${what}. Type yes to run it: `)
  if (answer?.trim().toLowerCase() === 'yes') return
  fail('usage', `${what} and was not confirmed`, 'Nothing was run. Answer yes, or add --yes.')
}
