/** The line of a sum: its fields, and whether a value has them. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { AnySequence } from '../plan/plan.ts'

/** Keys and indexes, from the outside to a value. */
export type LeafPath = readonly (string | number)[]

/** Runs of one schedule that passed and are alike; `sum.ts` makes and unfolds it. The line's `run` is the last of them. */
export interface RunsSummed {
  readonly kind: 'runs-summed'
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly planFile: string
  readonly version: string
  /** The first run, with null where runs differ. */
  readonly shape: JsonValue
  /** Where runs differ. */
  readonly paths: readonly LeafPath[]
  /** What stands there, run by run. */
  readonly rows: readonly (readonly JsonValue[])[]
}

/** Whether a line's value has what unfolding it needs. */
export function isSum(value: JsonObject): boolean {
  const { shape, paths, rows, sequence } = value
  if (!isJsonObject(sequence) || !Array.isArray(paths) || !Array.isArray(rows)) return false
  if (!isJsonObject(shape) || !Array.isArray(shape['records'])) return false
  const isPath = (path: unknown): boolean =>
    Array.isArray(path) &&
    path.every((key) => typeof key === 'number' || typeof key === 'string') &&
    leafAt(shape, path) === null
  return (
    paths.every(isPath) &&
    rows.every((row) => Array.isArray(row) && row.length === paths.length) &&
    ['run', 'at', 'endedAt'].every(
      (key) => typeof shape[key] === 'string' || paths.some((path) => path[0] === key),
    )
  )
}

/** A copy of `value` with other leaves at `paths`. */
export function withLeaves(
  value: JsonValue,
  paths: readonly LeafPath[],
  leaves: readonly JsonValue[],
): JsonValue {
  const whole: Changing = { value: copyOf(value) }
  for (const [index, path] of paths.entries()) {
    // `isSum` has gone this way: every key but the last leads to an array or object
    let inside = whole
    let at: string | number = 'value'
    for (const key of path) {
      inside = inside[at] as Changing
      at = key
    }
    inside[at] = leaves[index] ?? null
  }
  return whole['value'] as JsonValue
}

/** An array or object of a copy that is being changed. */
interface Changing {
  [key: string | number]: JsonValue | Changing
}

function copyOf(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copyOf(each)]))
}

const leafAt = (value: JsonValue | undefined, [key, ...rest]: LeafPath): JsonValue | undefined =>
  key === undefined
    ? value
    : Array.isArray(value) && typeof key === 'number'
      ? leafAt(value[key], rest)
      : isJsonObject(value) && typeof key === 'string' && Object.hasOwn(value, key)
        ? leafAt(value[key], rest)
        : undefined
