import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject, JsonValue } from '../../../engine/base/canonical-json.ts'
import { matches } from '../../../engine/collection/filter.ts'
import type { PointId } from '../../../engine/format/point.ts'
import { parseQdrantFilter } from '../../../engine/server/qdrant-filter.ts'

/** Qdrant's words on filters, evaluated as they read: no tree, no shortcuts. */
// biome-ignore lint/suspicious/noExplicitAny: filters as a client writes them
type Written = any

function naive(filter: Written, id: PointId, payload: JsonObject): boolean {
  const list = (part: Written): Written[] =>
    part === undefined ? [] : Array.isArray(part) ? part : [part]
  const holds = (condition: Written) => naiveCondition(condition, id, payload)
  const { must, should, must_not: mustNot, min_should: minShould } = filter
  if (!list(must).every(holds)) return false
  if (list(should).length > 0 && !list(should).some(holds)) return false
  if (list(mustNot).some(holds)) return false
  if (minShould === undefined) return true
  return minShould.conditions.filter(holds).length >= minShould.min_count
}

function naiveCondition(condition: Written, id: PointId, payload: JsonObject): boolean {
  if (condition.has_id !== undefined) return condition.has_id.includes(id)
  const key: string | undefined = (condition.is_empty ?? condition.is_null ?? condition).key
  if (key === undefined) return naive(condition, id, payload)
  const value = payload[key]
  const values: JsonValue[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  const count = value === undefined || value === null ? 0 : values.length
  const within = (n: JsonValue, b: Written) =>
    typeof n === 'number' &&
    !(n <= (b.gt ?? -1e9)) &&
    !(n < (b.gte ?? -1e9)) &&
    !(n >= (b.lt ?? 1e9)) &&
    !(n > (b.lte ?? 1e9))
  if (condition.is_empty !== undefined) return count === 0
  if (condition.is_null !== undefined) return value === null
  if (condition.values_count !== undefined) return within(count, condition.values_count)
  if (condition.range !== undefined) return values.some((each) => within(each, condition.range))
  const { value: one, any, except, text } = condition.match
  if (one !== undefined) return values.includes(one)
  if (any !== undefined) return values.some((each) => any.includes(each))
  if (except !== undefined) return values.some((each) => !except.includes(each))
  return values.some((each) => typeof each === 'string' && each.includes(text))
}

const scalar = fc.constantFrom<JsonValue>(0, 1, 2, 'a', 'ab', 'b', true, false)
const key = fc.constantFrom('x', 'y', 'z')
const ids = fc.constantFrom<PointId>(1, 2, 'one')
const bounds = fc.record(
  { gt: fc.integer({ min: -1, max: 3 }), lte: fc.integer({ min: -1, max: 3 }) },
  { requiredKeys: [] },
)
const field = (part: string, operand: fc.Arbitrary<unknown>) =>
  fc.tuple(key, operand).map(([name, value]) => ({ key: name, [part]: value }))
const match = fc.oneof(
  scalar.map((value) => ({ value })),
  fc.array(scalar, { maxLength: 3 }).map((any) => ({ any })),
  fc.array(scalar, { maxLength: 3 }).map((except) => ({ except })),
  fc.constantFrom('a', 'b', 'ab').map((text) => ({ text })),
)
const { filter } = fc.letrec<{ filter: object; condition: object }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small' },
    field('match', match),
    field('range', bounds),
    field('values_count', bounds),
    key.map((name) => ({ is_empty: { key: name } })),
    key.map((name) => ({ is_null: { key: name } })),
    fc.array(ids, { maxLength: 2 }).map((has) => ({ has_id: has })),
    tie('filter'),
  ),
  filter: fc.record(
    {
      must: fc.array(tie('condition'), { maxLength: 2 }),
      should: fc.oneof(fc.array(tie('condition'), { maxLength: 3 }), tie('condition')),
      must_not: fc.array(tie('condition'), { maxLength: 2 }),
      min_should: fc.record({
        conditions: fc.array(tie('condition'), { maxLength: 3 }),
        min_count: fc.integer({ min: 0, max: 3 }),
      }),
    },
    { requiredKeys: [] },
  ),
}))
const payload = fc.dictionary(
  key,
  fc.oneof(scalar, fc.constant(null), fc.array(scalar, { maxLength: 3 })),
)

describe('a filter of Qdrant', () => {
  it('passes the points that its words say', async () => {
    let passed = 0
    let runs = 0
    await fc.assert(
      fc.asyncProperty(filter, ids, payload, async (written, id, metadata) => {
        const expected = naive(written, id, metadata)
        expect(matches(parseQdrantFilter(written), { id, metadata })).toBe(expected)
        runs++
        if (expected) passed++
      }),
      { numRuns: 3_000 },
    )
    // a property over filters that all pass, or none, would show nothing
    expect(passed / runs).toBeGreaterThan(0.03)
    expect(passed / runs).toBeLessThan(0.97)
  })

  it('goes along paths and into lists', () => {
    const metadata = { a: { b: 1 }, 'c.d': 2, list: [{ n: 1 }, { n: 5 }, {}] }
    const holds = (condition: object) =>
      matches(parseQdrantFilter({ must: condition }), { id: 1, metadata })
    expect(holds({ key: 'a.b', match: { value: 1 } })).toBe(true)
    expect(holds({ key: 'c.d', match: { value: 2 } })).toBe(true)
    expect(holds({ key: 'list[].n', range: { gte: 5 } })).toBe(true)
    expect(holds({ key: 'list[].n', range: { gt: 1, lt: 5 } })).toBe(false)
    expect(holds({ key: 'list', values_count: { gte: 3 } })).toBe(true)
    expect(holds({ key: 'toString', is_empty: true })).toBe(true)
  })

  it.each([
    [{ must: [{ key: 'a', geo_radius: {} }] }, 'geo_radius'],
    [{ must: [{ nested: { key: 'a', filter: {} } }] }, 'nested'],
    [{ must: [{ key: 'a', range: { gte: '2024-01-01T00:00:00Z' } }] }, 'dates'],
    [{ must: [{ key: 'a', match: { phrase: 'x' } }] }, 'phrase'],
    [{ musst: [] }, 'musst'],
    [{ must: [{ key: 'a' }] }, 'says nothing'],
    [{ must: [{ match: { value: 1 } }] }, 'match'],
    [{ must: [{ has_id: [-1] }] }, '-1'],
    [{ must: [{ key: 'a', is_empty: 'false' }] }, 'neither true nor false'],
    [{ must: [{ key: 'a', is_null: 0 }] }, 'neither true nor false'],
    [{ must: [{ is_empty: { key: 'a' }, match: { value: 1 } }] }, 'is_empty beside "match"'],
    [{ must: [{ is_null: { key: 'a', is: false } }] }, 'is_null with "is"'],
    [{ min_should: { conditions: [{ has_id: [1] }], min_count: -1 } }, 'min_count of -1'],
    [{ min_should: { conditions: [{ has_id: [1] }], min_count: 0.5 } }, 'min_count of 0.5'],
    [{ min_should: { conditions: [], min_count: 1, max_count: 2 } }, 'min_should with "max_count"'],
    ['x', 'not a JSON object'],
  ])('that cannot be kept to is refused: %j', (written, named) => {
    expect(() => parseQdrantFilter(written)).toThrow(named)
  })

  it('is bounded in its depth', () => {
    let deep: object = {}
    for (let i = 0; i < 100; i++) deep = { must: [deep] }
    expect(() => parseQdrantFilter(deep)).toThrow('nested deeper')
  })
})
