/**
 * Canonical JSON (RFC 8785) and the JSON values the product keeps.
 *
 * Canonical bytes are what is hashed, chained and signed. {@link checkJson} refuses what JSON cannot
 * carry without loss: unsafe integers, NaN and infinities, lone surrogates, prototype keys.
 */
import serialise from 'canonicalize'
import { fail } from './errors.ts'
import { limits } from './limits.ts'

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

export type JsonObject = { readonly [key: string]: JsonValue }

const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

/** Canonical text of a value that is known to be JSON. */
export function canonicalJson(value: unknown): string {
  const text = serialise(value)
  if (text === undefined) throw new TypeError('not a JSON value')
  return text
}

/** {@link canonicalJson} of a value that {@link checkJson} passed: several times as fast where keys stand in order. */
export const canonicalText = (value: JsonValue): string =>
  keyOrder(value, deepestJson) === 'sorted' ? JSON.stringify(value) : canonicalJson(value)

/** Levels of arrays and objects in each other: far more than a record has, far fewer than a stack holds. */
export const deepestJson = 1_000

type KeyOrder = 'sorted' | 'unsorted' | 'too deep'

/** Whether the keys of all objects stand in order, where arrays and objects stand at most `depth` deep in each other. */
function keyOrder(value: unknown, depth: number): KeyOrder {
  if (typeof value !== 'object' || value === null) return 'sorted'
  if (depth === 0) return 'too deep'
  let order: KeyOrder = 'sorted'
  if (Array.isArray(value)) {
    for (const each of value) {
      if (typeof each !== 'object') continue
      const inside = keyOrder(each, depth - 1)
      if (inside === 'too deep') return inside
      if (inside === 'unsorted') order = inside
    }
    return order
  }
  const members = value as Readonly<Record<string, unknown>> // neither null nor an array
  let before: string | undefined
  for (const key of Object.keys(members)) {
    if (before !== undefined && key < before) order = 'unsorted'
    before = key
    const member = members[key]
    if (typeof member !== 'object') continue
    const inside = keyOrder(member, depth - 1)
    if (inside === 'too deep') return inside
    if (inside === 'unsorted') order = inside
  }
  return order
}

/** Whether a value is an object with members: neither an array nor null. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Checks that `value` survives JSON unchanged. `where` names it in the message.
 * @throws `invalid-point` with the path of the first offending value.
 */
export function checkJson(value: unknown, where: string, depth = 0): asserts value is JsonValue {
  if (depth > limits.jsonDepth) {
    fail(
      'invalid-point',
      `${where} is nested deeper than ${limits.jsonDepth}`,
      'Flatten the metadata.',
    )
  }
  switch (typeof value) {
    case 'boolean':
      return
    case 'string':
      if (!value.isWellFormed()) {
        fail('invalid-point', `${where} is not valid Unicode (lone surrogate)`, 'Fix the text.')
      }
      return
    case 'number':
      if (!Number.isFinite(value)) {
        fail(
          'invalid-point',
          `${where} is ${value}, which JSON cannot hold`,
          'Use null or a string.',
        )
      }
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        fail(
          'invalid-point',
          `${where} is an integer beyond ±(2^53 - 1) and would lose digits`,
          'Store it as a string.',
        )
      }
      return
    case 'object': {
      if (value === null) return
      if (Array.isArray(value)) {
        // by index: a hole is not a JSON value, and forEach passes over it
        for (let index = 0; index < value.length; index++) {
          checkJson(value[index], `${where}[${index}]`, depth + 1)
        }
        return
      }
      if (!isPlain(value)) {
        fail('invalid-point', `${where} is not a plain object`, 'Use JSON values only.')
      }
      for (const [key, item] of Object.entries(value)) {
        if (forbiddenKeys.has(key) || !key.isWellFormed()) {
          fail('invalid-point', `${where} has the key ${JSON.stringify(key)}`, 'Rename the key.')
        }
        checkJson(item, `${where}.${key}`, depth + 1)
      }
      return
    }
    default:
      fail('invalid-point', `${where} is a ${typeof value}, not JSON`, 'Use JSON values only.')
  }
}

/** An object literal, or what JSON.parse makes; not a Date, a Map or an instance of a class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
