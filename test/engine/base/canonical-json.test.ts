import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, checkJson, isJsonObject } from '../../../engine/base/canonical-json.ts'
import { limits } from '../../../engine/base/limits.ts'

const numberOf = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE()

describe('canonical text (RFC 8785)', () => {
  test('gives the example of section 3.2.2', () => {
    const value: unknown = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`)
    expect(canonicalJson(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    )
  })

  test('sorts keys by UTF-16 code units, as in section 3.2.3', () => {
    const value: unknown = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }`)
    expect(Object.values(JSON.parse(canonicalJson(value)) as object)).toEqual([
      'One', // a numeric key comes first in any object
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
    expect(canonicalJson(value).indexOf('\ufb33')).toBeGreaterThan(
      canonicalJson(value).indexOf('😀'),
    )
    expect(canonicalJson({ b: 1, a: 1, B: 1, '10': 1, '9': 1 })).toBe(
      '{"10":1,"9":1,"B":1,"a":1,"b":1}',
    )
  })

  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555555', '333333333.3333333'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the double %s as %s (appendix B)', (hex, text) => {
    expect(canonicalJson(numberOf(hex))).toBe(text)
  })

  test('does not depend on the order of keys, and reads back as the same value', async () => {
    await fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        const again: unknown = JSON.parse(text)
        expect(canonicalJson(again)).toBe(text)
        expect(canonicalJson(reversed(value))).toBe(text)
      }),
    )
  })

  test('refuses what is not JSON', () => {
    for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => canonicalJson(value)).toThrow()
    }
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  )
}

describe('checkJson', () => {
  const check = (value: unknown) => () => checkJson(value, 'metadata')
  const refusal = (message: string) =>
    expect.objectContaining({ code: 'invalid-point', message: expect.stringContaining(message) })

  test.each([
    ['NaN', { a: { b: [1, Number.NaN] } }, 'metadata.a.b[1] is NaN'],
    ['infinity', { a: Number.NEGATIVE_INFINITY }, 'metadata.a is -Infinity'],
    ['an unsafe integer', [2 ** 53], 'metadata[0] is an integer beyond'],
    ['an unsafe negative integer', [-(2 ** 53)], 'metadata[0] is an integer beyond'],
    ['a lone surrogate', { a: 'x\ud800' }, 'metadata.a is not valid Unicode'],
    ['a lone surrogate in a key', { 'x\udc00': 1 }, 'metadata has the key'],
    ['undefined', { a: undefined }, 'metadata.a is a undefined'],
    ['a function', { a: () => 1 }, 'metadata.a is a function'],
    ['a big integer', { a: 1n }, 'metadata.a is a bigint'],
    ['a symbol', [Symbol('s')], 'metadata[0] is a symbol'],
  ])('refuses %s by path', (_what, value, message) => {
    expect(check(value)).toThrow(refusal(message))
  })

  test.each(['__proto__', 'constructor', 'prototype'])(
    'case 91: the key %s is refused at any depth and changes no prototype',
    (key) => {
      const value: unknown = JSON.parse(`{"a":[{"${key}":{"polluted":true}}]}`)
      expect(check(value)).toThrow(refusal(`metadata.a[0] has the key "${key}"`))
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    },
  )

  test('accepts nesting up to the bound and refuses one more', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
    expect(check(nested(limits.jsonDepth))).not.toThrow()
    expect(check(nested(limits.jsonDepth + 1))).toThrow(refusal('nested deeper'))
  })

  test('refuses nesting of 100,000 without running out of stack', () => {
    let value: unknown = 1
    for (let depth = 0; depth < 100_000; depth++) value = [value]
    expect(check(value)).toThrow(refusal('nested deeper'))
  })

  test('what it accepts survives a round trip through canonical text', async () => {
    await fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        try {
          checkJson(value, 'metadata')
        } catch {
          return
        }
        expect(JSON.parse(canonicalJson(value))).toEqual(withoutNegativeZero(value))
      }),
    )
  })
})

function withoutNegativeZero(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNegativeZero)
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withoutNegativeZero(item)]),
    )
  }
  return value === 0 ? 0 : value
}

test('an object is an object, not an array or null', () => {
  expect(isJsonObject({})).toBe(true)
  for (const value of [null, [], 'a', 1, undefined]) expect(isJsonObject(value)).toBe(false)
})
