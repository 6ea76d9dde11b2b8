/**
 * A script that plays an exercise unattended: YAML, read and bounded like a plan, each mistake with its line.
 *
 *     version: 1
 *     scenario: region-loss
 *     startedAt: 2026-11-27T09:00:00Z        # optional: when the exercise began; else now
 *     acts:                                  # by time since the disaster, the earliest first
 *       - { at: 2m, answer: on-call-1 }
 *       - { at: 3m, decide: declare, by: on-call-1 }
 *       - { at: 4m, decide: procedure failover, by: on-call-1 }
 *       - { at: 40m, action: "Print the runbook.", owner: engineer, due: 2026-12-31, provedBy: drill restore-test }
 *       - { at: 45m, end: true }             # or pause: true, and another script or a person goes on
 */
import type { JsonObject, JsonValue } from '../../engine/index.ts'
import { isJsonObject } from '../../engine/index.ts'
import { readDate, readInstant } from '../plan/instant.ts'
import { parsePlan } from '../plan/parse-plan.ts'
import { Positions } from '../plan/positions.ts'
import type { PlanError, ProblemRule } from '../plan/problem.ts'
import { decodePlan } from '../plan/read-plan.ts'
import type { Reading } from '../plan/reading.ts'
import { readDuration } from '../plan/units.ts'
import { act, advance, mostMs, type Play } from './play.ts'
import type { PlayAct, ProvedBy } from './play-event.ts'

export interface ScriptAct {
  readonly atMs: number
  /** `pause` keeps the exercise as it is. */
  readonly act: PlayAct | 'pause'
  /** Tells what is wrong with it, where it stands. */
  readonly wrong: (message: string) => PlanError
}

export interface PlayScript {
  readonly scenario: string
  readonly startedAt?: number
  readonly acts: readonly ScriptAct[]
  readonly wrong: (message: string) => PlanError
}

/** Acts that have one text, and what else stands beside them. */
const verbs: Readonly<Record<string, readonly string[]>> = {
  ...{ call: [], answer: [], decide: ['by'], note: [], good: [], improve: [], reply: ['question'] },
  ...{ action: ['owner', 'due', 'provedBy'], hint: [], pause: [], end: [] },
}

type Problem = (rule: ProblemRule, pointer: string, message: string, hint?: string) => void

/** @param file for messages @returns the script, or everything that is wrong with it */
export async function readScript(
  file: string,
  bytes: Uint8Array,
): Promise<PlayScript | PlanError[]> {
  const text = decodePlan(file, bytes)
  if (Array.isArray(text)) return text
  const { value, offsets, problems } = await parsePlan(text.text)
  const errors = problems.map((each) => text.error(each))
  if (value === undefined || errors.length > 0) return errors
  const positions = new Positions(value, offsets)
  const errorAt = (rule: ProblemRule, pointer: string, message: string, hint?: string) => {
    const position = positions.get(pointer) ?? positions.get('')
    return text.error({
      ...{ rule, offset: position?.valueOffset ?? 0, path: position?.path ?? '', message },
      ...(hint !== undefined && { hint }),
    })
  }
  const problem: Problem = (...each) => void errors.push(errorAt(...each))
  const script = readValue(
    value,
    problem,
    (pointer) => (message) => errorAt('wrong-value', pointer, message),
  )
  return script === undefined || errors.length > 0
    ? errors.sort((a, b) => a.line - b.line || a.column - b.column)
    : script
}

function readValue(
  value: JsonValue,
  problem: Problem,
  wrongAt: (pointer: string) => (message: string) => PlanError,
): PlayScript | undefined {
  if (!isJsonObject(value)) {
    problem('wrong-type', '', 'a script has version, scenario and acts')
    return undefined
  }
  const known = ['version', 'scenario', 'startedAt', 'acts']
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      problem(
        'unknown-key',
        `/${key}`,
        `there is no ${key} in a script`,
        `There are: ${known.join(', ')}.`,
      )
    }
  }
  const { version, scenario, startedAt, acts } = value
  if (version !== 1) problem('wrong-value', '/version', 'the version of a script is 1')
  if (typeof scenario !== 'string') problem('missing-key', '/scenario', 'scenario names the story')
  const at =
    startedAt === undefined
      ? undefined
      : read(readInstant(typeof startedAt === 'string' ? startedAt : ''), '/startedAt', problem)
  if (!Array.isArray(acts) || acts.length === 0) {
    problem('missing-key', '/acts', 'acts lists what is done, each with its time')
    return undefined
  }
  const readActs = acts.flatMap((each, index): ScriptAct[] => {
    const pointer = `/acts/${index}`
    const found = readAct(each, pointer, problem)
    return found === undefined ? [] : [{ ...found, wrong: wrongAt(pointer) }]
  })
  for (const [index, { atMs }] of readActs.entries()) {
    if (atMs < (readActs[index - 1]?.atMs ?? 0)) {
      problem(
        'wrong-value',
        `/acts/${index}/at`,
        'this is before the act above it',
        'The earliest comes first.',
      )
    }
  }
  const last = readActs.at(-1)
  if (last !== undefined && last.act !== 'pause' && last.act.do !== 'end') {
    problem(
      ...([
        'missing-key',
        `/acts/${acts.length - 1}`,
        'the script does not say how it ends',
      ] as const),
      'Write - { at: …, end: true } as the last act, or pause: true to go on later.',
    )
  }
  return {
    scenario: String(scenario),
    ...(at !== undefined && { startedAt: at }),
    acts: readActs,
    wrong: wrongAt(''),
  }
}

function readAct(
  value: JsonValue,
  pointer: string,
  problem: Problem,
): Omit<ScriptAct, 'wrong'> | undefined {
  if (!isJsonObject(value)) {
    problem('wrong-type', pointer, 'an act is written { at: 2m, answer: CONTACT }')
    return undefined
  }
  const given = Object.keys(verbs).filter((verb) => verb in value)
  const [verb] = given
  if (verb === undefined || given.length > 1) {
    problem(
      'missing-key',
      pointer,
      `an act does one thing, not ${given.length}`,
      `It is one of: ${Object.keys(verbs).join(', ')}.`,
    )
    return undefined
  }
  const keys = ['at', verb, ...(verbs[verb] ?? [])]
  for (const key of Object.keys(value)) {
    if (!keys.includes(key))
      problem(
        'unknown-key',
        `${pointer}/${key}`,
        `${verb} has no ${key}`,
        `It has: ${keys.join(', ')}.`,
      )
  }
  const text = (key: string): string => {
    const found = value[key]
    if (typeof found === 'string' && found.trim() !== '') return found.trim()
    const isThere = found !== undefined
    problem(
      isThere ? 'wrong-type' : 'missing-key',
      isThere ? `${pointer}/${key}` : pointer,
      `${verb} needs ${key} as text`,
    )
    return ''
  }
  const atMs = read(readDuration(text('at')), `${pointer}/at`, problem) ?? 0
  if (atMs > mostMs) problem('wrong-value', `${pointer}/at`, 'an exercise lasts at most 7d')
  const found = actOf(verb, value, text, pointer, problem)
  return found && { atMs, act: found }
}

function actOf(
  verb: string,
  value: JsonObject,
  text: (key: string) => string,
  pointer: string,
  problem: Problem,
): PlayAct | 'pause' | undefined {
  switch (verb) {
    case 'call':
    case 'answer':
      return { do: verb, contact: text(verb) }
    case 'decide':
      return { do: verb, what: text(verb), contact: text('by') }
    case 'note':
    case 'good':
    case 'improve':
      return { do: verb, text: text(verb) }
    case 'reply': {
      const { question } = value
      if (typeof question === 'number') return { do: verb, question, text: text(verb) }
      problem('wrong-type', pointer, 'reply needs the number of its question')
      return undefined
    }
    case 'action': {
      const provedBy = readProvedBy(text('provedBy'))
      if (typeof provedBy === 'string') problem('wrong-value', `${pointer}/provedBy`, provedBy)
      const dueOn = read(readDueOn(text('due')), `${pointer}/due`, problem)
      if (typeof provedBy === 'string' || dueOn === undefined) return undefined
      return { do: verb, text: text(verb), owner: text('owner'), dueOn, provedBy }
    }
    default:
      if (value[verb] !== true) problem('wrong-value', `${pointer}/${verb}`, `write ${verb}: true`)
      if (verb === 'pause') return verb
      return verb === 'hint' ? { do: 'hint' } : { do: 'end' }
  }
}

/** `drill restore-test`; or what is wrong with it. */
export function readProvedBy(text: string): ProvedBy | string {
  const [, kind, name] = /^(schedule|drill|procedure)[\s:]+(\S+)$/.exec(text) ?? []
  if (name === undefined) return 'provedBy names a run: drill NAME, procedure NAME or schedule NAME'
  return { kind: kind as ProvedBy['kind'], name } // one of the three words
}

/** A day. */
export function readDueOn(text: string): Reading<string> {
  const date = readDate(text)
  return date.problem === undefined
    ? { value: new Date(date.value).toISOString().slice(0, 10) }
    : date
}

function read<Value>(
  reading: Reading<Value>,
  pointer: string,
  problem: Problem,
): Value | undefined {
  if (reading.problem === undefined) return reading.value
  problem('wrong-value', pointer, `this ${reading.problem}`, reading.hint)
  return undefined
}

/** @returns the exercise after all acts, and whether it is only paused; or the first act that does not fit */
export function playScript(
  play: Play,
  { acts }: PlayScript,
): { readonly play: Play; readonly isPaused: boolean } | PlanError {
  let at = play
  for (const { atMs, act: what, wrong } of acts) {
    if (atMs < at.nowMs)
      return wrong('this act lies before the point that the exercise has reached')
    at = advance(at, atMs)
    if (what === 'pause') return { play: at, isPaused: true }
    const next = act(at, what)
    if (typeof next === 'string') return wrong(`this act does not fit: ${next}`)
    at = next
    if (what.do === 'end') return { play: at, isPaused: false }
  }
  return { play: at, isPaused: true }
}
