import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../engine/base/canonical-json.ts'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { decodeDocument, encodeDocument } from '../../../engine/format/document.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { checkProperty } from './property.ts'

printSweeps()

const kind = { format: 'vectra-example', version: 2 }
const file = '/data/example.json'
const decode = (bytes: Uint8Array) => decodeDocument(kind, bytes, file)

/** Seals any object, whatever it says of itself. */
const seal = (plain: object): Buffer =>
  Buffer.from(`${canonicalJson({ ...plain, sha256: sha256Hex(canonicalJson(plain)) })}\n`)

const damage = (reason: RegExp) =>
  expect.objectContaining({
    code: 'damaged',
    place: { file },
    message: expect.stringMatching(reason),
  })
const refuses = (bytes: Uint8Array, reason = /./) => {
  expect(() => decode(bytes)).toThrow(damage(reason))
}

const body = { b: [1, 2.5, 'é\u0000'], a: { c: null, d: true }, name: 'laptop' }
const good = encodeDocument(kind, body)

describe('a document', () => {
  test('is one line of canonical JSON with format, version and its own hash', () => {
    const plain = { ...body, format: 'vectra-example', version: 2 }
    const hash = sha256Hex(canonicalJson(plain))
    expect(good.toString()).toBe(
      `{"a":{"c":null,"d":true},"b":[1,2.5,"é\\u0000"],"format":"vectra-example","name":"laptop","sha256":"${hash}","version":2}\n`,
    )
  })

  test('is read back as it was written', () =>
    checkProperty(
      'document round trips',
      200,
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (any) => {
        const { format: _, version: __, sha256: ___, ...rest } = any
        const decoded = decode(encodeDocument(kind, rest))
        expect(decoded).toMatchObject({ format: 'vectra-example', version: 2 })
        expect(encodeDocument(kind, decodedBody(decoded))).toEqual(encodeDocument(kind, rest))
      }),
    ))

  test('case 13: is refused with any bit flipped', () => {
    const small = encodeDocument(kind, { a: [1, { b: 'é' }], name: 'laptop', count: 1 })
    expect(flipEveryBit('document', file, small, decode)).toEqual([])
  })

  test('case 21: is refused when it is cut anywhere, or empty', () => {
    for (let length = 0; length < good.length; length++) refuses(good.subarray(0, length))
  })

  test('case 22: is refused with anything after or before it', () => {
    for (const tail of ['\n', ' ', '\0', '{}', '\r\n', good.toString()]) {
      refuses(Buffer.concat([good, Buffer.from(tail)]))
      refuses(Buffer.concat([Buffer.from(tail), good]))
    }
    refuses(Buffer.concat([good, Buffer.alloc(4096)]))
    refuses(Buffer.concat([Buffer.from('\ufeff'), good]))
    refuses(good.subarray(0, -1), /bytes beyond/)
  })

  test('case 23: is refused, with the advice to upgrade, when its version is higher than known', () => {
    for (const version of [3, 4, Number.MAX_SAFE_INTEGER]) {
      expect(() => decode(seal({ ...body, format: kind.format, version }))).toThrow(
        expect.objectContaining({
          code: 'newer-format',
          exitCode: 13,
          place: { file },
          hint: expect.stringMatching(/upgrade/i),
          message: expect.stringContaining(String(version)),
        }),
      )
    }
    for (const version of [0, -1, 2.5, 1e300, '3', null, [3]]) {
      refuses(seal({ ...body, format: kind.format, version }), /version/)
    }
    refuses(seal({ ...body, format: kind.format }), /version/)
  })

  test('case 82: of an older version is read', () => {
    expect(decode(encodeDocument(kind, body, 1))).toMatchObject({ ...body, version: 1 })
  })

  test('case 19: of another kind is refused, however whole it is', () => {
    refuses(encodeDocument({ format: 'vectra-other', version: 2 }, body), /not a vectra-example/)
    refuses(seal({ ...body, version: 2 }))
  })

  test('is refused when the same value is written in any other form', () => {
    const text = good.toString()
    const forms = {
      'a key twice': text.replace('{', '{"name":"laptop",'),
      'keys in another order': text.replace(/("a":\{[^}]*\}),("b":\[[^\]]*\])/, '$2,$1'),
      'a space': text.replace(':', ': '),
      'an escaped letter': text.replace('laptop', '\\u006captop'),
      'a number as 2.50': text.replace('2.5', '2.50'),
      'a number as 1e0': text.replace('[1,', '[1e0,'),
      'the hash in capitals': text.replace(/[0-9a-f]{64}/, (hash) => hash.toUpperCase()),
      'no hash': text.replace(/"sha256":"[0-9a-f]{64}",/, ''),
    }
    for (const [form, changed] of Object.entries(forms)) {
      expect(changed, form).not.toBe(text)
      refuses(Buffer.from(changed))
    }
  })

  test('is refused when other bytes than UTF-8 decode to the same characters', () => {
    const replacement = encodeDocument(kind, { name: 'a\ufffdb' })
    expect(decode(replacement)['name']).toBe('a\ufffdb')
    const at = replacement.indexOf('a\ufffdb') + 1
    // a lone byte of a longer sequence is shown as U+FFFD too
    const broken = Buffer.concat([
      replacement.subarray(0, at),
      Buffer.from([0xff]),
      replacement.subarray(at + 3),
    ])
    expect(broken.toString('utf8')).toBe(replacement.toString('utf8'))
    refuses(broken)
  })

  test.each([
    ['nothing', ''],
    ['a number', '5\n'],
    ['a list', '[]\n'],
    ['null', 'null\n'],
    ['text', '"vectra-example"\n'],
    ['no format', '{}\n'],
    ['a prototype as its format', '{"__proto__":{"format":"vectra-example","version":2}}\n'],
    ['a number beyond doubles', '{"a":1e999,"format":"vectra-example","sha256":"","version":2}\n'],
    [
      'nesting that exhausts the stack',
      `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)},"format":"vectra-example","sha256":"","version":2}\n`,
    ],
  ])('is refused when it is %s', (_, text) => {
    refuses(Buffer.from(text))
  })

  test('does not reach prototypes through a key that is called so', () => {
    const document = decode(
      seal(JSON.parse('{"__proto__":{"a":1},"format":"vectra-example","version":2}')),
    )
    expect(Object.keys(document)).toContain('__proto__')
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })
})

function decodedBody(document: object): object {
  const { format: _, version: __, sha256: ___, ...rest } = document as Record<string, unknown>
  return rest
}
