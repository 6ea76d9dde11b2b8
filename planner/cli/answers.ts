/**
 * `--answer STEP=ANSWER[@CONTACT]`: what people say to the steps that ask them, said beforehand.
 *
 * Everything is looked at before anything runs: an answer to a step that does not ask, one that is no
 * answer, and a question that nobody is there for.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { fail } from '../../engine/index.ts'
import { type AnySequence, type Plan, type TaskStep, tasksOf } from '../plan/plan.ts'
import type { PastRun } from '../run/past-run.ts'
import type { Renderer } from '../run/renderer.ts'
import {
  approvalWords,
  flagText,
  holdersOf,
  nobodyTexts,
  readReply,
  type Words,
  workWords,
} from '../step/ask-person.ts'
import type { Asking } from '../step/asking.ts'
import { isBad } from '../step/record.ts'
import type { Context } from './context.ts'

export type GivenAnswers = ReadonlyMap<string, string>

export interface AnswerFlags {
  readonly answer?: GivenAnswers
}

/** Adds the option; it may be given several times. */
export const addAnswers = (command: Command): Command =>
  command.addOption(
    new Option(
      '--answer <step=answer>',
      'what a person says to an approve (yes or no) or manual (done or failed) step, @ and whose answer it is; may be repeated',
    ).argParser(collect),
  )

function collect(text: string, before: GivenAnswers = new Map()): GivenAnswers {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('Write STEP=ANSWER, such as approve=yes@on-call-1.')
  const step = text.slice(0, at)
  if (before.has(step)) throw new InvalidArgumentError(`Step ${step} is answered twice.`)
  return new Map([...before, [step, text.slice(at + 1)]])
}

interface Question {
  readonly step: TaskStep
  readonly role: string
  readonly words: Words
}

function questionsOf(sequence: AnySequence): Question[] {
  return tasksOf([...sequence.steps, ...sequence.always]).flatMap((step): Question[] => {
    if (step.kind === 'approve') return [{ step, role: step.input.by, words: approvalWords }]
    return step.kind === 'manual' ? [{ step, role: step.input.role, words: workWords }] : []
  })
}

/**
 * @param sequences what is going to run, all of it
 * @throws `usage`
 */
export function checkAnswers(
  { io }: Context,
  plan: Plan,
  sequences: readonly AnySequence[],
  given: GivenAnswers,
): void {
  const questions = sequences.flatMap(questionsOf)
  checkGiven(plan, questions, given)
  refuseUnasked(io, plan, questions, given)
}

/**
 * For sequences that run when they are due, with nobody there: answers may belong to one that is not due now.
 * @throws `usage` for an answer that is none, or belongs to no step of any of them
 */
export const checkStanding = (
  plan: Plan,
  sequences: readonly AnySequence[],
  given: GivenAnswers,
): void => checkGiven(plan, sequences.flatMap(questionsOf), given)

/** Of answers for several sequences those that this one asks for. @throws `usage` when others are missing */
export function answersFor(
  { io }: Context,
  plan: Plan,
  sequence: AnySequence,
  given: GivenAnswers,
): GivenAnswers {
  const questions = questionsOf(sequence)
  refuseUnasked(io, plan, questions, given)
  const asked = new Set(questions.map(({ step }) => step.id))
  return new Map([...given].filter(([step]) => asked.has(step)))
}

/** The step that will surely ask a person. */
export const openQuestion = (sequence: AnySequence): string | undefined =>
  questionsOf(sequence).find(({ step }) => step.when !== 'failure')?.step.id

/** @throws `usage` for a question that nobody has answered and nobody is there for */
function refuseUnasked(
  io: Context['io'],
  plan: Plan,
  questions: readonly Question[],
  given: GivenAnswers,
): void {
  // one that waits for a failure may never be asked
  const open = questions.filter(({ step }) => step.when !== 'failure' && !given.has(step.id))
  const [first] = open
  if (first === undefined || io.ask !== undefined) return
  const { step, role, words } = first
  const [message] = nobodyTexts(step.id, role, words, [])
  const flags = open.map((each) => flagText(each.step.id, each.words, holdersOf(plan, each.role)))
  fail('usage', message, `Nothing was run. Give answers beforehand: ${flags.join(' ')}`)
}

/** The same of a run that goes on, whose steps that have a record ask no more. @throws `usage` */
export function checkAnswered(
  { io }: Context,
  plan: Plan,
  sequence: AnySequence,
  { records, stopping }: PastRun,
  given: GivenAnswers,
): void {
  const questions = questionsOf(sequence)
  checkGiven(plan, questions, given)
  // one that was stopped or has failed asks what its clean-up asks, if that
  if (stopping !== undefined || records.some(isBad)) return
  const ended = new Set(records.map(({ step }) => step))
  const open = questions.filter(({ step }) => !ended.has(step.id))
  refuseUnasked(io, plan, open, given)
}

/** That every answer is one, and belongs to a step that asks. */
function checkGiven(plan: Plan, questions: readonly Question[], given: GivenAnswers): void {
  for (const [id, text] of given) {
    const asked = questions.filter(({ step }) => step.id === id)
    if (asked.length === 0) {
      const known = [...new Set(questions.map(({ step }) => step.id))].join(', ')
      const hint = known === '' ? 'None does. Leave --answer out.' : `These do: ${known}.`
      fail('usage', `no step ${id} asks a person`, `${hint} Nothing was run.`)
    }
    for (const { role, words } of asked) {
      const holders = holdersOf(plan, role)
      const read = readReply(text, words, holders)
      if (typeof read !== 'string') continue
      const hint = `Write ${flagText(id, words, holders)}; ${role} is held by ${holders.join(', ')}. Nothing was run.`
      fail('usage', `${read}: the answer given to step ${id}`, hint)
    }
  }
}

/** How the steps of a run ask: one question at a time, on a screen that nobody draws on meanwhile. */
export function askingAt({ io }: Context, renderer: Renderer, given: GivenAnswers): Asking {
  const { ask } = io
  if (ask === undefined) return { given }
  let before: Promise<unknown> = Promise.resolve()
  return {
    given,
    ask(question, signal) {
      const answer = before.then(() => {
        signal.throwIfAborted()
        return renderer.aside(async () => (await ask(question, signal)) ?? '')
      })
      before = answer.catch(() => {})
      return answer
    },
  }
}
