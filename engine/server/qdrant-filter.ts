/**
 * Filters as Qdrant writes them, into the engine's tree. What cannot be kept to is refused, never passed over:
 * a filter that says less than was asked for gives wrong answers.
 *
 * `must` all, `should` at least one, `min_should` so many, `must_not` none; each a condition or a list.
 * Conditions: `match` (value, any, except, text), `range` of numbers, `values_count`, `is_empty`, `is_null`,
 * `has_id`, and filters in filters. Lists of a payload match when one of their elements does.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Bounds, Filter } from '../collection/filter.ts'
import { acceptId } from '../format/point.ts'

const hint =
  'Supported are must, should, must_not, min_should with match, range, values_count, is_empty, is_null and has_id.'

const refuse = (problem: string): never => fail('invalid-filter', `the filter ${problem}`, hint)

const clauses = ['must', 'should', 'must_not', 'min_should']

/** @throws `invalid-filter` */
export function parseQdrantFilter(value: unknown, depth = 0): Filter {
  if (depth > limits.jsonDepth) refuse(`is nested deeper than ${limits.jsonDepth}`)
  if (!isJsonObject(value)) return refuse('is not a JSON object')
  const given = presentOf(value)
  refuseOthers(given, clauses, 'a clause')
  const listOf = (clause: string): readonly Filter[] => {
    const part = given[clause]
    if (part === undefined) return []
    return (Array.isArray(part) ? part : [part]).map((each) => parseCondition(each, depth + 1))
  }
  const should = listOf('should')
  const filters: Filter[] = [
    ...listOf('must'),
    ...(should.length > 0 ? [{ kind: 'or', filters: should } as const] : []),
    ...listOf('must_not').map((filter) => ({ kind: 'not', filter }) as const),
    ...(given['min_should'] === undefined ? [] : [parseAtLeast(given['min_should'], depth)]),
  ]
  const [first, ...rest] = filters
  return first !== undefined && rest.length === 0 ? first : { kind: 'and', filters }
}

function parseAtLeast(part: JsonValue, depth: number): Filter {
  if (!isJsonObject(part)) return refuse('has a min_should that is not an object')
  const given = presentOf(part)
  refuseOthers(given, ['conditions', 'min_count'], 'min_should with')
  const { conditions, min_count: count } = given
  if (!Array.isArray(conditions)) return refuse('has a min_should without a list of conditions')
  if (count === undefined) return refuse('has a min_should without min_count')
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
    return refuse(`has a min_count of ${JSON.stringify(count)}, which is no whole number from 0 on`)
  }
  const filters = conditions.map((each) => parseCondition(each, depth + 1))
  return { kind: 'at-least', count, filters }
}

function parseCondition(value: JsonValue, depth: number): Filter {
  if (!isJsonObject(value)) return refuse('has a condition that is not an object')
  const given = presentOf(value)
  if (clauses.some((clause) => clause in given) || Object.keys(given).length === 0) {
    return parseQdrantFilter(given, depth)
  }
  if ('has_id' in given) return parseHasId(given)
  if ('key' in given) return parseField(given)
  if ('is_empty' in given) {
    return { kind: 'size', field: onlyKeyOf(given, 'is_empty'), bounds: { lte: 0 } }
  }
  if ('is_null' in given) return { kind: 'null', field: onlyKeyOf(given, 'is_null') }
  return refuse(`has a condition ${nameOf(given)}, which is not supported`)
}

function parseHasId(given: JsonObject): Filter {
  refuseOthers(given, ['has_id'], 'has_id beside')
  const ids = given['has_id']
  if (!Array.isArray(ids)) return refuse('has a has_id without a list')
  return { kind: 'ids', ids: new Set(ids.map((id) => acceptId(id))) }
}

function parseField(given: JsonObject): Filter {
  refuseOthers(
    given,
    ['key', 'match', 'range', 'values_count', 'is_empty', 'is_null'],
    'a condition',
  )
  const field = keyOf(given)
  const filters: Filter[] = []
  for (const [name, part] of Object.entries(given)) {
    if (name === 'match') filters.push(parseMatch(field, part))
    if (name === 'range') filters.push({ kind: 'within', field, bounds: boundsOf(field, part) })
    if (name === 'values_count') {
      filters.push({ kind: 'size', field, bounds: boundsOf(field, part) })
    }
    if (name === 'is_empty') {
      filters.push(whether(field, name, part, { kind: 'size', field, bounds: { lte: 0 } }))
    }
    if (name === 'is_null') filters.push(whether(field, name, part, { kind: 'null', field }))
  }
  const [first, ...rest] = filters
  if (first === undefined) return refuse(`says nothing about "${field}"`)
  return rest.length === 0 ? first : { kind: 'and', filters }
}

function whether(field: string, name: string, part: JsonValue, filter: Filter): Filter {
  if (typeof part === 'boolean') return part ? filter : { kind: 'not', filter }
  return refuse(`has an ${name} for "${field}" that is neither true nor false`)
}

function parseMatch(field: string, part: JsonValue): Filter {
  if (!isJsonObject(part)) return refuse(`has a match for "${field}" that is not an object`)
  const [[kind, operand] = ['', null], ...rest] = Object.entries(presentOf(part))
  if (rest.length > 0) return refuse(`has a match for "${field}" of several kinds`)
  switch (kind) {
    case 'value':
      return { kind: 'in', field, values: [scalar(field, operand)] }
    case 'any':
    case 'except': {
      if (!Array.isArray(operand)) return refuse(`has ${kind} without a list for "${field}"`)
      const values = operand.map((each) => scalar(field, each))
      return kind === 'any' ? { kind: 'in', field, values } : { kind: 'other', field, values }
    }
    case 'text':
      if (typeof operand !== 'string') return refuse(`has a match for "${field}" that is not text`)
      return { kind: 'contains', field, text: operand }
    default:
      return refuse(`has a match by "${kind}" for "${field}", which is not supported`)
  }
}

function scalar(field: string, value: JsonValue): JsonValue {
  if (['string', 'number', 'boolean'].includes(typeof value)) return value
  return refuse(`compares "${field}" with what is no text, number, true or false`)
}

const boundNames = ['gt', 'gte', 'lt', 'lte'] as const

function boundsOf(field: string, part: JsonValue): Bounds {
  if (!isJsonObject(part)) return refuse(`has a range of "${field}" that is not an object`)
  const given = presentOf(part)
  refuseOthers(given, boundNames, `the range of "${field}"`)
  const bounds: Record<string, number> = {}
  for (const name of boundNames) {
    const bound = given[name]
    if (bound === undefined) continue
    if (typeof bound !== 'number') {
      return refuse(`has a range of "${field}" whose ${name} is no number; dates are not supported`)
    }
    bounds[name] = bound
  }
  return bounds
}

function keyOf(part: JsonValue | undefined): string {
  const key = isJsonObject(part) ? part['key'] : undefined
  return typeof key === 'string' && key !== '' ? key : refuse('has a condition without a key')
}

/** Of `{"is_empty": {"key": …}}`, which says nothing else. */
function onlyKeyOf(given: JsonObject, name: string): string {
  refuseOthers(given, [name], `${name} beside`)
  const part = given[name]
  if (isJsonObject(part)) refuseOthers(presentOf(part), ['key'], `${name} with`)
  return keyOf(part)
}

/** Clients write null for what they leave out. */
const presentOf = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null))

function refuseOthers(given: JsonObject, known: readonly string[], where: string): void {
  const other = Object.keys(given).find((name) => !known.includes(name))
  if (other !== undefined) refuse(`has ${where} "${other}", which is not supported`)
}

const nameOf = (given: JsonObject): string => JSON.stringify(Object.keys(given)[0] ?? '')
