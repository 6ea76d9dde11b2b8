/**
 * Canary points: numbered, and marked in id and metadata, so that everybody can tell them from data.
 *
 * The id is `vectra-canary/<mark>/<number>`; the mark is that of one canary step of one run. They are
 * written one after the other, so that so many acknowledged ones are those numbered from 0. The vector
 * comes out of the id's SHA-256.
 */
import { isJsonObject, type JsonObject, sha256Hex } from '../../engine/index.ts'
import type { NumberedPoint } from '../target/target.ts'
import { readInstant } from './observation.ts'
import type { StepRecord } from './record.ts'

/** The id of one of them. */
export const canaryId = (mark: string, number: number): string => `vectra-canary/${mark}/${number}`

/** A point that every index accepts: its vector is never zero. */
export function canaryPoint(mark: string, number: number, dimension: number): NumberedPoint {
  const id = canaryId(mark, number)
  const bytes = Buffer.from(sha256Hex(id), 'hex')
  const vector = Array.from(
    { length: dimension },
    (_, at) => (1 + (bytes[at % bytes.length] ?? 0)) / 256,
  )
  return { id, vector, metadata: { 'vectra-canary': mark, number } }
}

/** What a canary step left in its record. */
export interface CanaryTrace {
  readonly mark: string
  readonly written: number
  /** When one was acknowledged, or one shortly before it where there are many. Epoch milliseconds. */
  acknowledgedAt(number: number): number | undefined
}

/** The newest canary of the run in that collection; undefined when there was none. */
export function findCanary(
  records: readonly StepRecord[],
  collection: string,
): CanaryTrace | undefined {
  const record = records.findLast(
    (each) =>
      each.kind === 'canary' &&
      each.stage === 'steps' &&
      placeOf(each)['collection'] === collection,
  )
  if (record === undefined) return undefined
  const { mark, written, firstAt, afterMs, stride } = record.outputs
  const startedAt = readInstant(firstAt)
  if (typeof mark !== 'string' || typeof written !== 'number') return undefined
  if (startedAt === undefined || !Array.isArray(afterMs) || typeof stride !== 'number')
    return undefined
  return {
    mark,
    written,
    acknowledgedAt(number) {
      const after = afterMs[Math.floor(number / stride)]
      return typeof after === 'number' ? startedAt + after : undefined
    },
  }
}

const placeOf = ({ outputs, inputs }: StepRecord): JsonObject =>
  isJsonObject(outputs) && outputs['collection'] !== undefined ? outputs : inputs
