import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isJsonObject } from '../../../engine/base/canonical-json.ts'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { limits } from '../../../engine/base/limits.ts'
import { type Metric, makeConfig } from '../../../engine/format/config.ts'
import {
  acceptId,
  acceptPoint,
  acceptVector,
  decodeId,
  decodePoint,
  encodeId,
  encodePoint,
  hashPoint,
  idEnd,
  type PointInput,
  showId,
  toPoint,
} from '../../../engine/format/point.ts'
import { checkProperty } from './property.ts'
import { anyId, anyPointInput, plainConfig, pointOf } from './samples.ts'

const configOf = (dimension: number, metric: Metric = 'l2') =>
  makeConfig({ dimension, metric, index: 'flat' })

/** The operating error that `work` throws. Anything else is thrown on: it is a bug. */
function refusal(work: () => unknown): { code: string; message: string; exitCode: number } {
  try {
    work()
  } catch (error) {
    if (!isOperatingError(error)) throw error
    expect(error.hint).not.toBe('')
    return error
  }
  throw new Error('it was accepted')
}

const vectorRefusal = (vector: unknown, dimension: number, metric: Metric = 'l2') =>
  refusal(() => acceptVector(vector, configOf(dimension, metric), 'point 1'))

const pointRefusal = (input: unknown) =>
  // what a caller without types may hand in
  refusal(() => acceptPoint(input as PointInput, plainConfig))

describe('the canonical bytes', () => {
  test('are those of the table, for an integer id', () => {
    const point = acceptPoint(
      { id: 0x0102030405, vector: [1, -2.5, -0], metadata: { b: 'é', a: [1, null] } },
      plainConfig,
    )
    expect(point.bytes.toString('hex')).toBe(
      [
        '00', // integer id
        '08000000',
        '0504030201000000',
        '03000000', // dimension
        '0000803f', // 1
        '000020c0', // −2.5
        '00000000', // −0 is stored as 0
        Buffer.from('{"a":[1,null],"b":"é"}').toString('hex'),
      ].join(''),
    )
  })

  test('are those of the table, for a text id without metadata', () => {
    const point = acceptPoint({ id: 'é5', vector: [1.5, 0, 1e-45] }, plainConfig)
    expect(point.bytes.toString('hex')).toBe(
      [
        '01', // text id
        '03000000', // bytes, not characters
        'c3a935',
        '03000000',
        '0000c03f',
        '00000000',
        '01000000', // the smallest subnormal
        '7b7d', // {}
      ].join(''),
    )
    expect(hashPoint(point).toString('hex')).toBe(sha256Hex(point.bytes))
  })

  test('differ between the integer 5 and the text 5, and do not depend on the order of keys', () => {
    expect(pointOf(5).bytes).not.toEqual(pointOf('5').bytes)
    expect(pointOf(5, { a: 1, b: 2 }).bytes).toEqual(pointOf(5, { b: 2, a: 1 }).bytes)
  })

  test('decode to the point that was encoded', () =>
    checkProperty(
      'point round trips',
      300,
      fc.property(anyPointInput, (input) => {
        const point = acceptPoint(input, plainConfig)
        const decoded = decodePoint(Buffer.from(point.bytes), plainConfig.dimension)
        expect(decoded).toEqual(point)
        expect(encodePoint(decoded.id, decoded.vector, decoded.metadata)).toEqual(point.bytes)
        expect(decoded.id).toBe(input.id)
        const seen = toPoint(decoded)
        expect(seen.metadata).toEqual(JSON.parse(JSON.stringify(input.metadata)))
        expect([...seen.vector]).toEqual(input.vector.map((value) => Math.fround(value) + 0))
        expect(seen.vector.some((value) => Object.is(value, -0))).toBe(false)
      }),
    ))

  test('are refused when they are cut anywhere before the metadata, or of another dimension', () => {
    const { bytes } = pointOf('abc', { a: 1 })
    const metadataAt = bytes.length - '{"a":1}'.length
    for (let length = 0; length < metadataAt; length++) {
      expect(() => decodePoint(bytes.subarray(0, length), 3), `cut at ${length}`).toThrow(
        RangeError,
      )
    }
    for (const dimension of [0, 1, 2, 4, 65_536]) {
      expect(() => decodePoint(bytes, dimension)).toThrow(RangeError)
    }
  })

  test('are refused when they are no UTF-8: they would not encode to themselves again', () => {
    const { bytes } = pointOf('abc', { a: 'b' })
    for (const at of [5, bytes.length - 3]) {
      const bad = Buffer.from(bytes)
      bad[at] = 0xff
      expect(() => decodePoint(bad, 3)).toThrow(RangeError)
    }
  })
})

describe('an id', () => {
  test('is read back where it ends, among other bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 9 })
    return checkProperty(
      'id round trips',
      300,
      fc.property(anyId, bytes, bytes, (id, before, after) => {
        const all = Buffer.concat([before, encodeId(id), after])
        const end = all.length - after.length
        expect(decodeId(all, before.length)).toEqual({ id, end })
        expect(idEnd(all, before.length)).toBe(end)
      }),
    )
  })

  test('case 97: is accepted at its bounds', () => {
    for (const id of [
      0,
      1,
      2 ** 32,
      2 ** 32 + 5,
      Number.MAX_SAFE_INTEGER,
      'x',
      '5',
      ' ',
      '\0',
      '😀',
    ]) {
      expect(acceptId(id)).toBe(id)
      expect(decodeId(encodeId(id), 0).id).toBe(id)
    }
    expect(Object.is(acceptId(-0), 0)).toBe(true)
    for (const id of ['a'.repeat(1024), 'é'.repeat(512), '😀'.repeat(256)]) {
      expect(decodeId(encodeId(acceptId(id)), 0).id).toBe(id)
    }
  })

  test.each([
    ['−1', -1],
    ['a fraction', 1.5],
    ['2^53', 2 ** 53],
    ['a number that is far too large', 1e300],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['empty text', ''],
    ['a lone surrogate', 'a\ud800'],
    ['a lone low surrogate', '\udfffb'],
    ['1,025 bytes', 'a'.repeat(1025)],
    ['1,025 bytes in 513 characters', `${'é'.repeat(512)}a`],
    ['2 MiB of text', 'a'.repeat(2 ** 21)],
    ['nothing', undefined],
    ['null', null],
    ['a truth value', true],
    ['a BigInt', 5n],
    ['a symbol', Symbol('5')],
    ['a function', () => 5],
    ['a list', [5]],
    ['an object', { id: 5 }],
    ['an object without a prototype', Object.create(null)],
    [
      'an object that will not be shown',
      {
        toJSON: () => {
          throw new Error('no')
        },
      },
    ],
    ['a boxed text', new String('a')],
  ])('case 97: is refused when it is %s', (_, id) => {
    const { code, exitCode, message } = refusal(() => acceptId(id))
    expect({ code, exitCode }).toEqual({ code: 'invalid-point', exitCode: 2 })
    expect(message.length).toBeLessThan(200)
    expect(pointRefusal({ id, vector: [1, 2, 3] }).code).toBe('invalid-point')
  })

  test('is refused when its bytes are not those of an id', () => {
    const bytes = encodeId('abc')
    const number = encodeId(7)
    const changed = (from: Buffer, at: number, value: number): Buffer => {
      const copy = Buffer.from(from)
      copy[at] = value
      return copy
    }
    const bad = [
      changed(bytes, 0, 2), // unknown tag
      changed(bytes, 0, 0), // an integer of 3 bytes
      changed(bytes, 1, 0), // empty text
      changed(bytes, 1, 4), // beyond the buffer
      changed(bytes, 3, 1), // far beyond the buffer
      changed(bytes, 5, 0x80), // no UTF-8
      changed(number, 11, 0x20), // 2^53 + 7
      changed(number, 12, 0x01),
      changed(number, 1, 7),
      Buffer.concat([Buffer.from([1, 1, 4, 0, 0]), Buffer.alloc(1025, 'a')]),
      Buffer.concat([Buffer.from([1, 3, 0, 0, 0]), Buffer.from('eda080', 'hex')]), // a surrogate
    ]
    for (const each of bad) {
      expect(() => decodeId(each, 0), each.toString('hex', 0, 16)).toThrow(RangeError)
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeId(bytes.subarray(0, length), 0)).toThrow(RangeError)
    }
    expect(() => decodeId(bytes, bytes.length + 5)).toThrow(RangeError)
  })

  test('is shown in messages whatever it is', () => {
    expect(showId('a"b')).toBe('"a\\"b"')
    expect(showId(5)).toBe('5')
    expect(showId('x'.repeat(1000)).length).toBeLessThan(90)
    for (const odd of [5n, null, undefined, Symbol('s'), [], {}, () => {}, Object.create(null)]) {
      expect(showId(odd)).not.toBe('')
    }
  })
})

describe('a vector', () => {
  test('case 97: is accepted as float32, rounded, −0 as 0, subnormals kept', () => {
    const tiny = 2 ** -149
    const values = [0.1, -0, tiny, -tiny, 3.4028234663852886e38, 1e-60]
    const rounded = [Math.fround(0.1), 0, tiny, -tiny, 3.4028234663852886e38, 0]
    for (const input of [values, Float64Array.from(values), Float32Array.from(values)]) {
      const vector = acceptVector(input, configOf(6, 'cosine'), 'point 1')
      expect(vector).toBeInstanceOf(Float32Array)
      expect(vector).not.toBe(input)
      expect([...vector]).toEqual(rounded)
      expect(Object.is(vector[1], 0)).toBe(true)
    }
  })

  test('is a copy: what the caller does to its array later changes nothing', () => {
    const input = Float32Array.of(1, 2, 3)
    const point = acceptPoint({ id: 1, vector: input }, plainConfig)
    input.fill(9)
    expect([...point.vector]).toEqual([1, 2, 3])
    expect(decodePoint(point.bytes, 3).vector).toEqual(point.vector)
  })

  const good = [1, 2, 3]
  const holes = [1, 2, 3]
  delete holes[1]
  test.each<[string, unknown]>([
    ['NaN', [1, Number.NaN, 3]],
    ['infinity', [1, 2, Number.POSITIVE_INFINITY]],
    ['−infinity', Float64Array.of(Number.NEGATIVE_INFINITY, 2, 3)],
    ['NaN in a Float32Array', Float32Array.of(1, 2, Number.NaN)],
    ['1e39, beyond float32', [1e39, 2, 3]],
    ['−1e39 in a Float64Array', Float64Array.of(1, -1e39, 3)],
    ['the first double that rounds beyond float32', [3.4028235677973366e38, 2, 3]],
    ['too few values', [1, 2]],
    ['too many values', [1, 2, 3, 4]],
    ['no values', []],
    ['text components', ['1', '2', '3']],
    ['one text component', [1, '2', 3]],
    ['a hole', holes],
    ['only holes', new Array(3)],
    ['null components', [1, null, 3]],
    ['undefined components', [1, undefined, 3]],
    ['BigInt components', [1n, 2n, 3n]],
    ['truth values', [true, false, true]],
    ['nested lists', [[1], [2], [3]]],
    ['a list in a list', [good]],
    ['objects', [{}, {}, {}]],
    ['symbols', [Symbol('1'), 2, 3]],
    ['an object that pretends to be a number', [{ valueOf: () => 1 }, 2, 3]],
    ['text instead of a list', '123'],
    ['an array-like object', { length: 3, 0: 1, 1: 2, 2: 3 }],
    ['integers of 64 bits', BigInt64Array.of(1n, 2n, 3n)],
    ['bytes', Uint8Array.of(1, 2, 3)],
    ['a number', 3],
    ['null', null],
    ['nothing', undefined],
    ['a function', () => good],
    ['a set', new Set(good)],
  ])('case 97: is refused with %s', (_, vector) => {
    for (const metric of ['l2', 'ip', 'cosine'] as const) {
      const { code, exitCode, message } = vectorRefusal(vector, 3, metric)
      expect({ code, exitCode }).toEqual({ code: 'invalid-vector', exitCode: 2 })
      expect(message).toContain('point 1')
    }
    expect(pointRefusal({ id: 'p', vector }).message).toContain('point "p"')
  })

  test('case 97: of zeros is refused with cosine and accepted with the others', () => {
    for (const zero of [
      [0, 0, 0],
      [-0, 0, -0],
      [1e-60, 0, 0],
    ]) {
      expect(vectorRefusal(zero, 3, 'cosine').message).toContain('zero')
      for (const metric of ['l2', 'ip'] as const) {
        expect([...acceptVector(zero, configOf(3, metric), 'x')]).toEqual([0, 0, 0])
      }
    }
    const smallest = acceptVector([2 ** -149, 0, 0], configOf(3, 'cosine'), 'x')
    expect(smallest[0]).toBe(2 ** -149)
  })

  test('case 97: so long that float32 distances would overflow is refused but with cosine', () => {
    for (const metric of ['l2', 'ip'] as const) {
      expect(vectorRefusal([9.1e18, 0, 0], 3, metric).message).toContain('norm')
      expect(vectorRefusal([6e18, 6e18, 6e18], 3, metric).message).toContain('norm')
      const longest = acceptVector([8.99e18, 0, 0], configOf(3, metric), 'x')
      const opposite = -(longest[0] ?? 0)
      expect(Number.isFinite(Math.fround(((longest[0] ?? 0) - opposite) ** 2))).toBe(true)
    }
    expect([...acceptVector([3.4e38, 3.4e38, 3.4e38], configOf(3, 'cosine'), 'x')]).toHaveLength(3)
  })
})

describe('a point', () => {
  const accept = (metadata: unknown) =>
    acceptPoint({ id: 1, vector: [1, 2, 3], metadata }, plainConfig)
  const nested = (depth: number): object => {
    let value: object = {}
    for (let level = 1; level < depth; level++) value = { a: value }
    return value
  }

  test('without metadata has the empty object', () => {
    for (const metadata of [undefined, null, {}]) expect(accept(metadata).metadata).toBe('{}')
    expect(isJsonObject(toPoint(accept(undefined)).metadata)).toBe(true)
  })

  const self: Record<string, unknown> = {}
  self['self'] = self
  test.each<[string, unknown]>([
    ['an unsafe integer', { a: 2 ** 53 }],
    ['a negative unsafe integer', { a: [-(2 ** 53)] }],
    ['NaN', { a: Number.NaN }],
    ['infinity', { a: { b: Number.NEGATIVE_INFINITY } }],
    ['an undefined value', { a: undefined }],
    ['a BigInt', { a: 1n }],
    ['a symbol', { a: Symbol('a') }],
    ['a function', { a: () => 1 }],
    ['a lone surrogate', { a: '\ud800' }],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['__proto__', JSON.parse('{"__proto__": {"admin": true}}')],
    ['__proto__ further down', { a: [JSON.parse('{"__proto__": 1}')] }],
    ['constructor', { constructor: 1 }],
    ['prototype', { a: { prototype: 1 } }],
    ['nesting beyond the bound', nested(limits.jsonDepth + 2)],
    ['itself', self],
    ['a list instead of an object', [1]],
    ['text instead of an object', 'a'],
    ['a number instead of an object', 5],
    ['more than 1 MiB', { a: 'x'.repeat(limits.metadataBytes) }],
    ['more than 1 MiB once encoded', { a: 'é'.repeat(limits.metadataBytes / 2) }],
  ])('case 97: is refused with metadata that holds %s', (_, metadata) => {
    const { code, message } = refusal(() => accept(metadata))
    expect(code).toBe('invalid-point')
    expect(message).toContain('point 1')
  })

  test('case 97: is accepted with metadata at its bounds', () => {
    expect(JSON.parse(accept(nested(limits.jsonDepth)).metadata)).toEqual(nested(limits.jsonDepth))
    const text = 'x'.repeat(limits.metadataBytes - '{"a":""}'.length)
    expect(accept({ a: text }).metadata.length).toBe(limits.metadataBytes)
    expect(accept({ a: Number.MAX_SAFE_INTEGER, b: -Number.MAX_SAFE_INTEGER }).metadata).toBe(
      '{"a":9007199254740991,"b":-9007199254740991}',
    )
    expect(accept({ a: -0 }).metadata).toBe('{"a":0}')
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['nothing', undefined],
    ['a number', 5],
    ['text', 'p'],
    ['a function', () => ({})],
  ])('case 97: is refused when it is %s', (_, input) => {
    expect(pointRefusal(input).code).toBe('invalid-point')
  })

  test('is read once: a getter cannot pass the check with one value and be stored with another', () => {
    let reads = 0
    const vector = new Proxy([1, 2, 3], {
      get: (target, key) => {
        if (key === '1') reads++
        return key === '1' && reads > 1 ? Number.NaN : Reflect.get(target, key)
      },
    })
    const point = acceptPoint({ id: 1, vector }, plainConfig)
    expect(reads).toBe(1)
    expect([...point.vector]).toEqual([1, 2, 3])
  })
})
