import { expect, it } from 'vitest'
import { withoutNulls } from '../../../engine/server/without-nulls.ts'

it('leaves out keys that are null, at any depth', () => {
  expect(withoutNulls({ a: null, b: { c: null, d: 1 }, e: [{ f: null, g: false }] })).toEqual({
    b: { d: 1 },
    e: [{ g: false }],
  })
  expect(withoutNulls(null)).toBeUndefined()
  expect(withoutNulls([0, 1])).toEqual([0, 1])
})

it('leaves payloads, and lists of values, as they are', () => {
  const body = {
    points: [{ id: 1, vector: [1, null], payload: { a: null, b: { c: null } } }],
    batch: { ids: [null], payloads: [null, { a: null }] },
    filter: { must: null },
  }
  expect(withoutNulls(body)).toEqual(body)
})

it('keeps keys that are names of the language', () => {
  const body = JSON.parse('{"__proto__": {"a": null, "b": 1}}')
  expect(JSON.stringify(withoutNulls(body))).toBe('{"__proto__":{"b":1}}')
})
