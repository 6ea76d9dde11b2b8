/**
 * Asking a person: an answer given beforehand, else a question at the terminal. Nothing else is an
 * answer, and no silence is a yes.
 *
 * What is kept says in which role, under which contact key, what, when and how; never a name or a number.
 */
import { fail, OperatingError } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { toIso } from './observation.ts'
import type { StepContext } from './step.ts'

/** The two words of an answer. */
export interface Words {
  readonly yes: string
  readonly no: string
}

export const approvalWords: Words = { yes: 'yes', no: 'no' }
export const workWords: Words = { yes: 'done', no: 'failed' }

export interface Reply {
  readonly isYes: boolean
  /** A contact's key. */
  readonly contact: string
  readonly how: 'terminal' | 'flag'
  readonly at: string
}

/** Questions at the terminal that are answered with something else, before it is given up. */
const tries = 3

/** The keys of the contacts who hold a role, the first one first. */
export function holdersOf({ people }: Plan, role: string): readonly string[] {
  const found = people.roles.get(role)
  return found === undefined ? [] : [found.primary, ...found.deputies]
}

/**
 * Reads `yes@on-call-1`; where one contact holds the role, `yes` says as much.
 * @returns the reply, or the sentence that says what is wrong
 */
export function readReply(
  text: string,
  words: Words,
  holders: readonly string[],
): Pick<Reply, 'isYes' | 'contact'> | string {
  const [word = '', contact] = text.trim().split('@', 2)
  const said = word.trim().toLowerCase()
  if (said !== words.yes && said !== words.no)
    return `"${text}" is neither ${words.yes} nor ${words.no}`
  const [only, second] = holders
  const by = contact?.trim() ?? (second === undefined ? only : undefined)
  if (by === undefined) return `"${text}" does not say whose answer it is`
  if (!holders.includes(by)) return `"${by}" does not hold the role`
  return { isYes: said === words.yes, contact: by }
}

/** How an answer is given beforehand, for hints. */
export const flagText = (step: string, { yes }: Words, [first = 'CONTACT']: readonly string[]) =>
  `--answer ${step}=${yes}@${first}`

/** @throws `usage` when nobody can be asked or what is said is no answer; the signal's reason */
export async function askPerson(
  question: string,
  role: string,
  words: Words,
  context: StepContext,
): Promise<Reply> {
  const { id, asking, plan, signal, clock } = context
  const holders = holdersOf(plan, role)
  const reply = (found: Pick<Reply, 'isYes' | 'contact'>, how: Reply['how']): Reply => {
    const at = toIso(clock.nowMs())
    context.remark(`${found.isYes ? words.yes : words.no}, says ${found.contact} as ${role}`)
    return { ...found, how, at }
  }
  const given = asking.given.get(id)
  if (given !== undefined) {
    const read = readReply(given, words, holders)
    if (typeof read !== 'string') return reply(read, 'flag')
    return fail('usage', `${read}: the answer given to step ${id}`, hintOf(id, words, holders))
  }
  const { ask } = asking
  if (ask === undefined) return fail('usage', ...nobodyTexts(id, role, words, holders))
  signal.throwIfAborted()
  const which = holders.length === 1 ? '' : `, with @ and whose answer it is: ${holders.join(', ')}`
  const example = holders.length === 1 ? words.yes : `${words.yes}@${holders[0] ?? ''}`
  const prompt = `${question}\n  ${role}, answer ${words.yes} or ${words.no}${which}, such as ${example}: `
  for (let left = tries; left > 0; left--) {
    const read = readReply(await ask(prompt, signal), words, holders)
    if (typeof read !== 'string') return reply(read, 'terminal')
    context.remark(read)
  }
  return fail(
    'usage',
    `step ${id} was given no answer that says ${words.yes} or ${words.no}`,
    hintOf(id, words, holders),
  )
}

/** What is said where nobody can be asked: message and hint. */
export const nobodyTexts = (
  id: string,
  role: string,
  words: Words,
  holders: readonly string[],
): readonly [string, string] => [
  `step ${id} needs an answer of ${role}, and there is no terminal to ask at`,
  hintOf(id, words, holders),
]

const hintOf = (id: string, words: Words, holders: readonly string[]): string =>
  `Give it beforehand: ${flagText(id, words, holders)}${holders.length > 1 ? ` (or ${holders.slice(1).join(', ')})` : ''}.`

/** What a no ends with. */
export const declined = (message: string): OperatingError =>
  new OperatingError(
    'declined',
    message,
    'Nothing that comes after it was done. Decide anew and run it again.',
  )
