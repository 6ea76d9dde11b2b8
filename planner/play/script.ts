/**
 * A script that plays an exercise unattended: YAML, read and bounded like a plan, held against
 * `schemas/script.schema.json`, each mistake with its line.
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
import assert from 'node:assert'
import { isJsonObject } from '../../engine/index.ts'
import { readDate, readInstant } from '../plan/instant.ts'
import { parsePlan } from '../plan/parse-plan.ts'
import { onePerPlace, toTextProblems } from '../plan/placed-problems.ts'
import type { Plan } from '../plan/plan.ts'
import { scriptSchema } from '../plan/plan-schema.ts'
import { Positions } from '../plan/positions.ts'
import type { PlanError, ValueProblem } from '../plan/problem.ts'
import { decodePlan } from '../plan/read-plan.ts'
import type { Reading } from '../plan/reading.ts'
import { schemaProblems } from '../plan/schema-problems.ts'
import { readDuration } from '../plan/units.ts'
import { act, advance, type Play } from './play.ts'
import type { PlayAct } from './play-event.ts'
import {
  actProblems,
  nameProblems,
  type RawAct,
  type RawScript,
  readProvedBy,
  textOf,
  verbs,
} from './script-problems.ts'

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
}

/**
 * @param file for messages
 * @param plan whose names it has to know
 * @returns the script, or everything that is wrong with it
 */
export async function readScript(
  file: string,
  bytes: Uint8Array,
  plan?: Plan,
): Promise<PlayScript | PlanError[]> {
  const text = decodePlan(file, bytes)
  if (Array.isArray(text)) return text
  const [{ value, offsets, problems }, schema] = await Promise.all([
    parsePlan(text.text),
    scriptSchema(),
  ])
  if (value === undefined) return problems.map((each) => text.error(each))
  const positions = new Positions(value, offsets)
  const placed = (found: readonly ValueProblem[]): PlanError[] =>
    onePerPlace([...problems, ...toTextProblems(found, positions)])
      .sort((a, b) => a.offset - b.offset)
      .map((each) => text.error(each))
  const { errors } = schema.validate(value)
  const wrong = placed([
    ...schemaProblems(errors),
    ...(isJsonObject(value) && Array.isArray(value['acts']) ? actProblems(value['acts']) : []),
  ])
  if (wrong.length > 0) return wrong
  const script = value as unknown as RawScript // what the schema lets through
  const unknown = placed(plan === undefined ? [] : nameProblems(script, plan))
  if (unknown.length > 0) return unknown
  const { scenario, startedAt, acts } = script
  const at = startedAt === undefined ? undefined : readInstant(startedAt).value
  return {
    scenario,
    ...(at !== undefined && { startedAt: at }),
    acts: acts.map((each, index) => ({
      atMs: readDuration(each.at).value ?? 0,
      act: actOf(each),
      wrong: (message) => {
        const found = {
          rule: 'wrong-value',
          pointer: `/acts/${index}`,
          atKey: false,
          message,
        } as const
        const [first] = toTextProblems([found], positions).map((problem) => text.error(problem))
        assert(first !== undefined, 'a problem has a place')
        return first
      },
    })),
  }
}

function actOf(act: RawAct): PlayAct | 'pause' {
  const verb = verbs.find((each) => act[each] !== undefined)
  const text = verb === undefined ? '' : textOf(act, verb)
  switch (verb) {
    case 'call':
    case 'answer':
      return { do: verb, contact: text }
    case 'decide':
      return { do: verb, what: text, contact: textOf(act, 'by') }
    case 'note':
    case 'good':
    case 'improve':
      return { do: verb, text }
    case 'reply':
      return { do: verb, question: act.question ?? 0, text }
    case 'action': {
      const provedBy = readProvedBy(textOf(act, 'provedBy'))
      const dueOn = readDueOn(textOf(act, 'due')).value
      assert(
        typeof provedBy !== 'string' && dueOn !== undefined,
        'the schema lets no other through',
      )
      return { do: verb, text, owner: textOf(act, 'owner'), dueOn, provedBy }
    }
    case 'hint':
    case 'pause':
    case 'end':
      return verb === 'pause' ? verb : { do: verb }
    case undefined:
      throw new Error('an act does one thing')
  }
}

/** A day. */
export function readDueOn(text: string): Reading<string> {
  const date = readDate(text)
  return date.problem === undefined
    ? { value: new Date(date.value).toISOString().slice(0, 10) }
    : date
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
