/**
 * An exercise that is under way, as it lies in the state directory: one JSON file, replaced at every event. It
 * holds what was said, masked, and keys of contacts; the plan is named by its hash, because an exercise is
 * played to its end with the plan that it began with. The last member is the SHA-256 of all others as JSON without blanks.
 */
import * as path from 'node:path'
import { fail, isJsonObject, type JsonValue, MiB, sha256Hex } from '../../engine/index.ts'
import type { Sitting } from './after-action.ts'
import type { Play } from './play.ts'
import type { PlayEvent } from './play-event.ts'
import type { PlaySetup } from './play-setup.ts'

export const keptVersion = 1

/** More than the events of one exercise take. */
export const keptBytes = 8 * MiB

export interface KeptPlay {
  readonly exercise: string
  readonly play: Play
  readonly sittings: readonly [Sitting, ...Sitting[]]
}

/**
 * The bytes of the file as text; the same exercise gives the same ones.
 * @param redact takes out what may not be kept
 */
export function encodeKept(
  { exercise, play, sittings }: KeptPlay,
  redact: (text: string) => string = (text) => text,
): string {
  const { setup, events, nowMs } = play
  const { plan, scenario } = setup
  const head = { play: keptVersion, exercise, plan: plan.name, planSha256: plan.sha256 }
  const value = { ...head, scenario: scenario.name, nowMs, sittings, events }
  const text = redact(JSON.stringify(value))
  return `${JSON.stringify({ ...JSON.parse(text), sha256: sha256Hex(text) }, null, 1)}\n`
}

/** @throws `damaged`, `newer-format`; `usage` when the plan has changed since it began, or it is of another story */
export function decodeKept(file: string, text: string, setup: PlaySetup): KeptPlay {
  const place = { place: { file } }
  const aside = `Move ${file} aside to begin the exercise anew.`
  let value: JsonValue
  try {
    value = JSON.parse(text)
  } catch {
    return fail('damaged', `${file} holds no exercise`, aside, place)
  }
  if (!isJsonObject(value)) return fail('damaged', `${file} holds no exercise`, aside, place)
  const { sha256, ...members } = value
  const { play: version, exercise, nowMs, sittings, events, planSha256, scenario } = members
  if (typeof version === 'number' && version > keptVersion) {
    return fail(
      'newer-format',
      `${file} has version ${version}; this build reads ${keptVersion}`,
      'Upgrade Vectra DR and run the command again.',
      place,
    )
  }
  const isWhole =
    version === keptVersion &&
    sha256 === sha256Hex(JSON.stringify(members)) &&
    typeof exercise === 'string' &&
    path.basename(exercise) === exercise &&
    typeof nowMs === 'number' &&
    isListWith(sittings, 'startedAt', 'number') &&
    sittings.length > 0 &&
    isListWith(events, 'kind', 'string') &&
    isInOrder(events, nowMs)
  if (!isWhole) return fail('damaged', `${file} holds no whole exercise`, aside, place)
  if (planSha256 !== setup.plan.sha256) {
    return fail(
      'usage',
      'the plan has changed since the exercise began',
      `Put the plan back to end the exercise with it. ${aside}`,
      place,
    )
  }
  if (scenario !== setup.scenario.name) {
    return fail('usage', `${file} is an exercise of scenario ${scenario}`, aside, place)
  }
  return {
    exercise,
    // what encodeKept wrote has these members; their lists, kinds and times were looked at
    play: { setup, nowMs, events: events as unknown as PlayEvent[] },
    sittings: sittings as unknown as [Sitting, ...Sitting[]],
  }
}

const isListWith = (
  value: JsonValue | undefined,
  key: string,
  type: 'string' | 'number',
): value is JsonValue[] =>
  Array.isArray(value) && value.every((each) => isJsonObject(each) && typeof each[key] === type)

/** Times never run backwards, and none lies beyond the clock. */
const isInOrder = (events: readonly JsonValue[], nowMs: number): boolean => {
  let before = 0
  return events.every((each) => {
    const at = isJsonObject(each) ? each['atMs'] : undefined
    if (typeof at !== 'number' || at < before || at > nowMs) return false
    before = at
    return true
  })
}

/** With the clock of the exercise at the end of the last sitting. */
export function closeSitting(kept: KeptPlay): KeptPlay {
  const [first, ...rest] = kept.sittings
  const untilMs = kept.play.nowMs
  const last = rest.pop()
  return {
    ...kept,
    sittings: last === undefined ? [{ ...first, untilMs }] : [first, ...rest, { ...last, untilMs }],
  }
}
