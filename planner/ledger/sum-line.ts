/**
 * The line of a sum: runs of one schedule that passed and are alike, in one line. `sum.ts` makes and unfolds it.
 *
 * | field | meaning |
 * | --- | --- |
 * | sequence, planFile, version | of all runs, as in `run-started` |
 * | shape | the first run: `run`, `at` (when it began), `dueAt`, `endedAt`, `durationMs`, `records` of its steps; null where runs differ |
 * | columns | what differs: `paths` from the outside of a run to each place with the same value, and `instant` |
 * | rows | one list a run: the value of each column; where `instant`, milliseconds since the run's `at` |
 *
 * The line's `run` is the last of them.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { AnySequence } from '../plan/plan.ts'

/** Keys and indexes, from the outside to a value. */
export type LeafPath = readonly (string | number)[]

export interface SumColumn {
  readonly paths: readonly LeafPath[]
  readonly instant: boolean
}

/** See the head of this file. */
export interface RunsSummed {
  readonly kind: 'runs-summed'
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly planFile: string
  readonly version: string
  readonly shape: JsonValue
  readonly columns: readonly SumColumn[]
  readonly rows: readonly (readonly JsonValue[])[]
}

/** An instant is never further from the start of its run: two years. */
export const farthestMs = 63_072_000_000

/** Whether a line's value has what unfolding it needs. */
export function isSum(value: JsonObject): boolean {
  const { shape, columns, rows, sequence } = value
  if (!isJsonObject(sequence) || !Array.isArray(columns) || !Array.isArray(rows)) return false
  if (!isJsonObject(shape) || !Array.isArray(shape['records'])) return false
  if (!shape['records'].every(isRecordShape)) return false
  if (!columns.every((column) => isColumn(column, shape))) return false
  // each column was just looked at
  const known = columns as unknown as readonly SumColumn[]
  const startsAt = known.findIndex(({ paths }) => paths.some((path) => isAt(path)))
  if (known[startsAt]?.instant) return false
  const has = (key: string): boolean =>
    typeof shape[key] === 'string' || known.some(({ paths }) => paths.some(([at]) => at === key))
  if (!['run', 'at', 'endedAt'].every(has)) return false
  return rows.every((row) => {
    if (!Array.isArray(row) || row.length !== known.length) return false
    const at = startsAt < 0 ? shape['at'] : row[startsAt]
    if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) return false
    return known.every(({ instant }, index) => !instant || isNear(row[index]))
  })
}

/** The path of the instant that others are counted from. */
export const isAt = (path: LeafPath): boolean => path.length === 1 && path[0] === 'at'

/** What readers go into; the texts beside it may differ from run to run. */
const isRecordShape = (record: JsonValue): boolean =>
  isJsonObject(record) &&
  isJsonObject(record['inputs']) &&
  isJsonObject(record['outputs']) &&
  Array.isArray(record['evidence']) &&
  Array.isArray(record['remarks'])

const isNear = (value: JsonValue | undefined): boolean =>
  Number.isSafeInteger(value) && Math.abs(Number(value)) <= farthestMs

function isColumn(column: JsonValue, shape: JsonObject): boolean {
  if (!isJsonObject(column) || typeof column['instant'] !== 'boolean') return false
  const { paths } = column
  return Array.isArray(paths) && paths.length > 0 && paths.every((path) => leadsToNull(path, shape))
}

function leadsToNull(path: JsonValue, shape: JsonObject): boolean {
  if (!Array.isArray(path) || path.length === 0) return false
  let value: JsonValue | undefined = shape
  for (const key of path) {
    if (Array.isArray(value) && typeof key === 'number') value = value[key]
    else if (isJsonObject(value) && typeof key === 'string' && Object.hasOwn(value, key)) {
      value = value[key]
    } else return false
  }
  return value === null
}
