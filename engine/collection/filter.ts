/**
 * Filters on metadata: a small JSON language, parsed once and then asked about each candidate.
 *
 * `{"field": value}` equality · `{"field": {"gt" | "gte" | "lt" | "lte": number or text}}` range ·
 * `{"field": {"in": [values]}}` · `{"field": {"ne": value}}` · `{"and": […]}` · `{"or": […]}` ·
 * `{"not": filter}` · several fields in one object: all must hold. `a.b` names field b inside a.
 * A field that is absent matches nothing but `not`; a list matches equality when one element does. `a[].b`
 * names field b of each element of a.
 *
 * The tree of a filter knows more than this language: what the REST interface of Qdrant asks for
 * (server/qdrant-filter.ts) comes to the same tree.
 */
import {
  canonicalJson,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { PointId } from '../format/point.ts'

/** What a number must lie between. */
export interface Bounds {
  readonly gt?: number
  readonly gte?: number
  readonly lt?: number
  readonly lte?: number
}

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
  /** One of these points. */
  | { readonly kind: 'ids'; readonly ids: ReadonlySet<PointId> }
  /** A number, or one element of a list, within all the bounds. */
  | { readonly kind: 'within'; readonly field: string; readonly bounds: Bounds }
  /** A value, or one element of a list, that is none of these. */
  | { readonly kind: 'other'; readonly field: string; readonly values: readonly JsonValue[] }
  /** A text, or one of a list, that has this one in it. */
  | { readonly kind: 'contains'; readonly field: string; readonly text: string }
  /** How many values there are: none where it is absent or null, the elements of a list, else one. */
  | { readonly kind: 'size'; readonly field: string; readonly bounds: Bounds }
  /** It is there, and null. */
  | { readonly kind: 'null'; readonly field: string }
  /** So many of these hold. */
  | { readonly kind: 'at-least'; readonly count: number; readonly filters: readonly Filter[] }

/** What a filter is asked about. */
export interface FilterSubject {
  readonly id: PointId
  readonly metadata: JsonObject
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

/** Whether `subject` passes. */
export function matches(filter: Filter, subject: FilterSubject): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((each) => matches(each, subject))
    case 'or':
      return filter.filters.some((each) => matches(each, subject))
    case 'not':
      return !matches(filter.filter, subject)
    case 'at-least':
      return filter.filters.filter((each) => matches(each, subject)).length >= filter.count
    case 'ids':
      return filter.ids.has(subject.id)
    default:
      return matchesField(filter, valuesAt(subject.metadata, filter.field))
  }
}

type FieldFilter = Extract<Filter, { readonly field: string }>

/** @param found what stands at the field: nothing, one value, or several behind `[]` */
function matchesField(filter: FieldFilter, found: readonly JsonValue[]): boolean {
  switch (filter.kind) {
    case 'in':
      return [...found, ...elementsOf(found)].some((each) => isOneOf(each, filter.values))
    case 'other':
      return elementsOf(found).some((each) => !isOneOf(each, filter.values))
    case 'range':
      return found.some((each) => inRange(each, filter.operator, filter.bound))
    case 'within':
      return elementsOf(found).some((each) => typeof each === 'number' && isIn(each, filter.bounds))
    case 'contains':
      return elementsOf(found).some(
        (each) => typeof each === 'string' && each.includes(filter.text),
      )
    case 'size':
      return (found.length === 0 ? [null] : found).some((each) => isIn(sizeOf(each), filter.bounds))
    case 'null':
      return found.includes(null)
    default:
      return filter satisfies never
  }
}

/** Values as they are, lists by their elements. */
const elementsOf = (values: readonly JsonValue[]): readonly JsonValue[] => values.flat()

const isOneOf = (value: JsonValue, values: readonly JsonValue[]): boolean =>
  values.some((each) => sameJson(value, each))

const isIn = (value: number, { gt, gte, lt, lte }: Bounds): boolean =>
  (gt === undefined || value > gt) &&
  (gte === undefined || value >= gte) &&
  (lt === undefined || value < lt) &&
  (lte === undefined || value <= lte)

const sizeOf = (value: JsonValue): number =>
  value === null ? 0 : Array.isArray(value) ? value.length : 1

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

/** The values at `field`: a key as written, else a path of keys separated by dots; `[]` goes into a list. */
function valuesAt(metadata: JsonObject, field: string): readonly JsonValue[] {
  const own = metadata[field]
  if (own !== undefined && Object.hasOwn(metadata, field)) return [own]
  let values: readonly JsonValue[] = [metadata]
  for (const part of field.split('.')) {
    const isList = part.endsWith('[]')
    const key = isList ? part.slice(0, -2) : part
    values = values.flatMap((value) => {
      if (!isJsonObject(value) || !Object.hasOwn(value, key)) return []
      const found = value[key]
      if (found === undefined) return []
      return isList ? (Array.isArray(found) ? found : []) : [found]
    })
  }
  return values
}

const sameJson = (a: JsonValue, b: JsonValue): boolean =>
  a === b ||
  (typeof a === 'object' && typeof b === 'object' && canonicalJson(a) === canonicalJson(b))
