/**
 * What is wrong with a script beyond its schema: the order of acts, how it ends, and names that the plan does not
 * have. Pure.
 */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { nearest } from '../plan/nearest.ts'
import type { Plan } from '../plan/plan.ts'
import type { ProblemRule, ValueProblem } from '../plan/problem.ts'
import { readDuration } from '../plan/units.ts'
import { mostMs, ownersOf, runsOf } from './play.ts'
import type { ProvedBy } from './play-event.ts'

/** What an act may do. */
export const verbs = [
  ...(['call', 'answer', 'decide', 'note', 'good', 'improve'] as const),
  ...(['reply', 'action', 'hint', 'pause', 'end'] as const),
]

type Verb = (typeof verbs)[number]

/** An act as the schema lets it be: one verb, and what belongs to it. */
export type RawAct = { readonly at: string; readonly question?: number } & Readonly<
  Partial<Record<Verb | 'by' | 'owner' | 'due' | 'provedBy', string | true>>
>

/** A script as the schema lets it be. */
export interface RawScript {
  readonly scenario: string
  readonly startedAt?: string
  readonly acts: readonly RawAct[]
}

/** What stands at a key, without the blanks around it. */
export const textOf = (act: RawAct, key: keyof RawAct): string => String(act[key] ?? '').trim()

/** `drill restore-test`; or what is wrong with it. */
export function readProvedBy(text: string): ProvedBy | string {
  const [, kind, name] = /^(schedule|drill|procedure)[\s:]+(\S+)$/.exec(text) ?? []
  if (name === undefined) return 'provedBy names a run: drill NAME, procedure NAME or schedule NAME'
  return { kind: kind as ProvedBy['kind'], name } // one of the three words
}

const problemAt = (
  rule: ProblemRule,
  pointer: string,
  message: string,
  hint?: string,
): ValueProblem => ({
  ...{ rule, pointer, atKey: false, message },
  ...(hint !== undefined && { hint }),
})

/** Keys of an act beside its verb. */
const belongs = new Set(['at', 'by', 'question', 'owner', 'due', 'provedBy'])

/** What a schema does not say: one thing an act, in the order of time, and how it ends. */
export function actProblems(acts: readonly JsonValue[]): ValueProblem[] {
  let beforeMs = 0
  return acts.flatMap((each, index): ValueProblem[] => {
    if (!isJsonObject(each)) return []
    const pointer = `/acts/${index}`
    const given = verbs.filter((verb) => Object.hasOwn(each, verb))
    const [verb] = given
    const atMs = typeof each['at'] === 'string' ? readDuration(each['at']).value : undefined
    const isEarly = atMs !== undefined && atMs < beforeMs
    beforeMs = Math.max(beforeMs, atMs ?? 0)
    // a key that nobody knows is told, and may be the verb
    const isUnknown = verb === undefined && Object.keys(each).some((key) => !belongs.has(key))
    return [
      ...((verb === undefined && !isUnknown) || given.length > 1
        ? [
            problemAt(
              'missing-key',
              pointer,
              `an act does one thing, not ${given.length}`,
              `It is one of: ${verbs.join(', ')}.`,
            ),
          ]
        : []),
      ...(atMs !== undefined && atMs > mostMs
        ? [problemAt('wrong-value', `${pointer}/at`, 'an exercise lasts at most 7d')]
        : []),
      ...(isEarly
        ? [
            problemAt(
              'wrong-value',
              `${pointer}/at`,
              'this is before the act above it',
              'The earliest comes first.',
            ),
          ]
        : []),
      ...(index === acts.length - 1 && verb !== undefined && verb !== 'end' && verb !== 'pause'
        ? [
            problemAt(
              'missing-key',
              pointer,
              'the script does not say how it ends',
              'Write - { at: …, end: true } as the last act, or pause: true to go on later.',
            ),
          ]
        : []),
    ]
  })
}

/** Names that are none of the plan's, with the one that was meant. */
export function nameProblems({ scenario, acts }: RawScript, plan: Plan): ValueProblem[] {
  const { people } = plan
  const unknown = (noun: string, name: string, known: Iterable<string>, pointer: string) => {
    const names = [...known]
    if (names.includes(name)) return []
    const meant = nearest(name, names)
    const list = names.length === 0 ? 'The plan has none.' : `There are: ${names.join(', ')}.`
    const hint = meant === undefined ? list : `Did you mean "${meant}"?`
    return [problemAt('unknown-name', pointer, `the plan has no ${noun} ${name}`, hint)]
  }
  return [
    ...unknown('scenario', scenario, plan.scenarios.keys(), '/scenario'),
    ...acts.flatMap((each, index) => [
      ...(['call', 'answer', 'by'] as const).flatMap((key) =>
        each[key] === undefined
          ? []
          : unknown('contact', textOf(each, key), people.contacts.keys(), `/acts/${index}/${key}`),
      ),
      ...(each.action === undefined
        ? []
        : unknown(
            'role or contact',
            textOf(each, 'owner'),
            ownersOf(plan),
            `/acts/${index}/owner`,
          )),
      ...(each.provedBy === undefined
        ? []
        : provedByProblem(textOf(each, 'provedBy'), `/acts/${index}/provedBy`)),
    ]),
  ]

  function provedByProblem(text: string, pointer: string): ValueProblem[] {
    const provedBy = readProvedBy(text)
    if (typeof provedBy === 'string') return []
    const { kind, name } = provedBy
    return unknown(kind, name, runsOf(plan)[kind].keys(), pointer)
  }
}
