/**
 * Filters on metadata: a small JSON language, parsed once and then asked about each candidate.
 *
 * `{"field": value}` equality · `{"field": {"gt" | "gte" | "lt" | "lte": number or text}}` range ·
 * `{"field": {"in": [values]}}` · `{"field": {"ne": value}}` · `{"and": […]}` · `{"or": […]}` ·
 * `{"not": filter}` · several fields in one object: all must hold. `a.b` names field b inside a.
 * A field that is absent matches nothing but `not`; a list matches equality when one element does.
 */
import {
  canonicalJson,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'in'; readonly field: string; readonly values: readonly JsonValue[] }
  | {
      readonly kind: 'range'
      readonly field: string
      readonly operator: RangeOperator
      readonly bound: number | string
    }

const rangeOperators = ['gt', 'gte', 'lt', 'lte'] as const
type RangeOperator = (typeof rangeOperators)[number]

const hint =
  'Write {"field": value}, {"field": {"gte": 1}}, {"field": {"in": [1, 2]}}, or combine with "and", "or", "not".'

const refuse = (problem: string): never => fail('invalid-filter', `the filter ${problem}`, hint)

/** @throws `invalid-filter` */
export function parseFilter(value: unknown, depth = 0): Filter {
  if (depth > limits.jsonDepth) refuse(`is nested deeper than ${limits.jsonDepth}`)
  if (!isJsonObject(value)) return refuse('is not a JSON object')
  const filters = Object.entries(value).map(([key, part]) => parseEntry(key, part, depth))
  const [first, ...rest] = filters
  if (first === undefined) return refuse('is empty')
  return rest.length === 0 ? first : { kind: 'and', filters }
}

function parseEntry(key: string, part: JsonValue, depth: number): Filter {
  if (key === 'and' || key === 'or') {
    if (!Array.isArray(part) || part.length === 0) return refuse(`has "${key}" without a list`)
    return { kind: key, filters: part.map((each) => parseFilter(each, depth + 1)) }
  }
  if (key === 'not') return { kind: 'not', filter: parseFilter(part, depth + 1) }
  if (Array.isArray(part)) return refuse(`compares "${key}" with a list; use {"in": […]}`)
  if (!isJsonObject(part)) return { kind: 'in', field: key, values: [part] }
  return parseComparison(key, part)
}

function parseComparison(field: string, comparison: JsonObject): Filter {
  const filters = Object.entries(comparison).map(([operator, operand]): Filter => {
    if (operator === 'in') {
      if (!Array.isArray(operand)) return refuse(`has "in" without a list for "${field}"`)
      return { kind: 'in', field, values: operand }
    }
    if (operator === 'eq') return { kind: 'in', field, values: [operand] }
    if (operator === 'ne') return { kind: 'not', filter: { kind: 'in', field, values: [operand] } }
    const range = rangeOperators.find((each) => each === operator)
    if (range === undefined) return refuse(`has the unknown operator "${operator}" for "${field}"`)
    if (typeof operand !== 'number' && typeof operand !== 'string') {
      return refuse(
        `compares "${field}" by ${range} with something that is neither number nor text`,
      )
    }
    return { kind: 'range', field, operator: range, bound: operand }
  })
  const [first, ...rest] = filters
  if (first === undefined) return refuse(`says nothing about "${field}"`)
  return rest.length === 0 ? first : { kind: 'and', filters }
}

/** Whether `metadata` passes. */
export function matches(filter: Filter, metadata: JsonObject): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((each) => matches(each, metadata))
    case 'or':
      return filter.filters.some((each) => matches(each, metadata))
    case 'not':
      return !matches(filter.filter, metadata)
    case 'in': {
      const found = fieldOf(metadata, filter.field)
      if (found === undefined) return false
      return filter.values.some(
        (value) =>
          sameJson(found, value) ||
          (Array.isArray(found) && found.some((each) => sameJson(each, value))),
      )
    }
    case 'range': {
      const found = fieldOf(metadata, filter.field)
      return found !== undefined && inRange(found, filter.operator, filter.bound)
    }
    default:
      return filter satisfies never
  }
}

function inRange(found: JsonValue, operator: RangeOperator, bound: number | string): boolean {
  if (typeof found !== typeof bound) return false
  if (typeof found !== 'number' && typeof found !== 'string') return false
  switch (operator) {
    case 'gt':
      return found > bound
    case 'gte':
      return found >= bound
    case 'lt':
      return found < bound
    case 'lte':
      return found <= bound
    default:
      return operator satisfies never
  }
}

/** The value at `field`: a key as written, else a path of keys separated by dots. */
function fieldOf(metadata: JsonObject, field: string): JsonValue | undefined {
  if (Object.hasOwn(metadata, field)) return metadata[field]
  let value: JsonValue | undefined = metadata
  for (const key of field.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

const sameJson = (a: JsonValue, b: JsonValue): boolean =>
  a === b ||
  (typeof a === 'object' && typeof b === 'object' && canonicalJson(a) === canonicalJson(b))
