/** What a facilitator types, as an act. Pure. */
import { nearest } from '../plan/nearest.ts'
import type { PlayAct } from './play-event.ts'
import { readDueOn } from './script.ts'
import { readProvedBy } from './script-problems.ts'

/** `next`: go on to what the clock brings next. */
export type Typed = PlayAct | { readonly do: 'next' | 'pause' | 'help' | 'status' }

export const typedHelp: readonly string[] = [
  'Enter                     go on to what the clock brings next',
  'call CONTACT              somebody calls them',
  'answer CONTACT            they answer the call',
  'decide CONTACT declare    they declare the disaster',
  'decide CONTACT procedure NAME',
  'decide CONTACT STEP       they do a step of the procedure; any other words are a decision too',
  'hint                      what the runbook says comes next, with the command',
  'note TEXT, good TEXT, improve TEXT',
  'reply NUMBER TEXT         an answer to a question of the story',
  'action OWNER DATE drill:NAME TEXT   a corrective action, and the run that will prove it',
  'status, help, pause (or Ctrl-D, Ctrl-C: goes on with the same command later), end',
]

/** @returns the act, or what to type instead */
export function readTyped(line: string): Typed | string {
  const [, verb = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/su.exec(line) ?? []
  const [, first = '', others = ''] = /^(\S*)\s*(.*)$/su.exec(rest) ?? []
  switch (verb) {
    case '':
      return { do: 'next' }
    case 'next':
    case 'pause':
    case 'help':
    case 'status':
    case 'hint':
    case 'end':
      return { do: verb }
    case 'call':
    case 'answer':
      return rest === '' ? `Type ${verb} and the key of a contact.` : { do: verb, contact: rest }
    case 'decide':
      return others === ''
        ? 'Type decide, the key of a contact and what they decide.'
        : { do: verb, contact: first, what: others }
    case 'note':
    case 'good':
    case 'improve':
      return rest === '' ? `Type ${verb} and a text.` : { do: verb, text: rest }
    case 'reply':
      return /^\d+$/.test(first) && others !== ''
        ? { do: verb, question: Number(first), text: others }
        : 'Type reply, the number of the question and the answer.'
    case 'action':
      return readAction(rest)
    default:
      return unknownVerb(verb)
  }
}

const words = [
  ...['call', 'answer', 'decide', 'hint', 'note', 'good', 'improve', 'reply', 'action'],
  ...['status', 'help', 'pause', 'end', 'next'],
]

function unknownVerb(verb: string): string {
  const meant = nearest(verb, words)
  const guess = meant === undefined ? '' : ` Did you mean ${meant}?`
  return `There is no ${verb}; help shows what there is.${guess}`
}

function readAction(rest: string): PlayAct | string {
  const [, owner, date = '', proof = '', text] = /^(\S+)\s+(\S+)\s+(\S+)\s+(.+)$/su.exec(rest) ?? []
  if (owner === undefined || text === undefined) {
    return 'Type action OWNER DATE drill:NAME TEXT, such as: action engineer 2026-12-31 drill:restore-test Print the runbook.'
  }
  const dueOn = readDueOn(date)
  if (dueOn.problem !== undefined) return `"${date}" ${dueOn.problem}. ${dueOn.hint}`
  const provedBy = readProvedBy(proof)
  if (typeof provedBy === 'string') return provedBy
  return { do: 'action', text, owner, dueOn: dueOn.value, provedBy }
}
