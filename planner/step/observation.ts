/**
 * Positions in the outputs of steps: how they are written, and read back by the audit.
 *
 * An observation says that at one instant the durable LSN of one history of one collection was read
 * from its target. RPO arithmetic rests on these and on nothing else.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { Position } from '../target/target.ts'

export interface Observation {
  readonly uuid: string
  readonly history: string
  readonly lsn: number
  /** Epoch milliseconds. */
  readonly observedAt: number
}

export const toIso = (epochMs: number): string => new Date(epochMs).toISOString()

/** A position as it stands in outputs; {@link readObservation} reads it back. */
export const positionJson = (position: Position): JsonObject => ({
  uuid: position.uuid,
  epoch: position.epoch.number,
  history: position.epoch.history,
  lsn: position.lsn,
  committedAt: position.committedAt === undefined ? null : toIso(position.committedAt),
  count: position.count,
  observedAt: toIso(position.observedAt),
})

/** The observation in a value that {@link positionJson} wrote; undefined for anything else. */
export function readObservation(value: JsonValue | undefined): Observation | undefined {
  if (!isJsonObject(value)) return undefined
  const { uuid, history, lsn, observedAt } = value
  if (typeof uuid !== 'string' || typeof history !== 'string' || typeof lsn !== 'number') {
    return undefined
  }
  const instant = readInstant(observedAt)
  return instant === undefined ? undefined : { uuid, history, lsn, observedAt: instant }
}

/** Epoch milliseconds of an ISO 8601 text; undefined for anything else. */
export function readInstant(value: JsonValue | undefined): number | undefined {
  if (typeof value !== 'string') return undefined
  const instant = Date.parse(value)
  return Number.isNaN(instant) ? undefined : instant
}

/** Every observation anywhere in a step's outputs. */
export function observationsIn(outputs: JsonValue): Observation[] {
  const found: Observation[] = []
  collect(outputs, found)
  return found
}

function collect(value: JsonValue, found: Observation[]): void {
  if (Array.isArray(value)) for (const each of value) collect(each, found)
  if (!isJsonObject(value)) return
  const own = readObservation(value)
  if (own !== undefined) found.push(own)
  for (const each of Object.values(value)) collect(each, found)
}
