/**
 * What an operation on a target found right before it changed something: written down as a step's
 * note, and read back by the examination after a crash.
 */
import {
  exitCodes,
  isJsonObject,
  isOperatingError,
  type JsonObject,
  type JsonValue,
} from '../../engine/index.ts'
import type { Found, Position, Work } from '../target/target.ts'
import {
  type Observation,
  positionJson,
  readInstant,
  readObservation,
  toIso,
} from './observation.ts'
import type { StepContext } from './step.ts'

/** Work whose finding becomes the step's note; `add` changes the note before it is written. */
export const noting = (
  context: StepContext,
  add: (note: JsonObject) => JsonObject = (note) => note,
): Work => ({
  signal: context.signal,
  progress: context.progress,
  remark: context.remark,
  found: (found) => context.note(add(foundJson(found))),
})

function foundJson({ at, before, chosen, meant }: Found): JsonObject {
  return {
    at: toIso(at),
    // null: there was none; absent: it could not be opened
    ...(before !== undefined && { before: before === null ? null : positionJson(before) }),
    ...(chosen && { chosen: { ...chosen, takenAt: toIso(chosen.takenAt) } }),
    ...(meant !== undefined && { meant }),
  }
}

/** The note as it was written, its positions as they are compared. */
export interface ReadFound {
  /** ISO 8601. */
  readonly at: string
  readonly before: Observation | 'none' | 'unreadable'
  /** As it stands in the note. */
  readonly beforeJson: JsonValue
  /** Of a restore. */
  readonly chosen?: JsonObject
}

/** Undefined without a note: then nothing was changed. */
export function readFound(note: JsonObject | undefined): ReadFound | undefined {
  const { at, before, chosen } = note ?? {}
  if (typeof at !== 'string' || readInstant(at) === undefined) return undefined
  return {
    at,
    before: before === null ? 'none' : (readObservation(before) ?? 'unreadable'),
    beforeJson: before ?? null,
    ...(isJsonObject(chosen) && { chosen }),
  }
}

/** Whether both are of one history: then nobody dropped, restored or made the collection in between. */
export const isSameHistory = (found: ReadFound, now: Position): boolean =>
  typeof found.before === 'object' &&
  found.before.uuid === now.uuid &&
  found.before.history === now.epoch.history

/** How a collection stands now; `unreadable` when it is damaged. */
export async function lookAt(
  target: string,
  collection: string,
  context: StepContext,
): Promise<Position | 'none' | 'unreadable'> {
  try {
    return await context.target(target).position(collection, context)
  } catch (error) {
    // no data directory, no collection
    if (isOperatingError(error, 'collection-not-found', 'file-not-found')) return 'none'
    if (isOperatingError(error) && error.exitCode === exitCodes.damaged) return 'unreadable'
    throw error
  }
}
