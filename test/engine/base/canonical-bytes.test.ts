import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCanonicalBytes } from '../../../engine/base/canonical-bytes.ts'
import { canonicalJson, deepestJson, isJsonObject } from '../../../engine/base/canonical-json.ts'

/** The slow way: the value of the text, written anew. */
function isWrittenSo(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === text
  } catch {
    return false // no JSON, or a number without bound
  }
}

const isCanonical = (text: string): boolean => isCanonicalBytes(Buffer.from(text))

const reverseKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reverseKeys)
  if (!isJsonObject(value)) return value
  const members = Object.entries(value).reverse()
  return Object.fromEntries(members.map(([key, item]) => [key, reverseKeys(item)]))
}

/** Texts with much that is escaped, of several bytes, or half a character. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(...'a"\\/\b\n\u0001\u001f\u007f\u0080ö€\ue000😀'),
    maxLength: 6,
  }),
  fc.string({ unit: fc.constantFrom('\ud83d', '\ude00', 'a', '\\', 'u'), maxLength: 5 }),
)
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    -0,
    1e21,
    1e20,
    123456789012345,
    1234567890123456,
    5e-324,
    1e-7,
    0.1,
    -1.5e300,
  ),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.oneof(text, number, fc.constantFrom(true, false, null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom('a', 'aa', 'b', '1', '10', '9')), tie('value'), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
}))

/** What stands in JSON, and what looks like it. */
const piece = fc.constantFrom(
  ...['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '0', '1', '9', '-', '+', '.', 'e', 'E'],
  ...[
    '00',
    '-0',
    '1.0',
    '1e3',
    '1E3',
    '1e+21',
    '1e999',
    '0.10',
    '.5',
    '5.',
    '1e',
    '123456789012345',
  ],
  ...['1234567890123456', '12345678901234567890', 'true', 'false', 'null', 'nul', 'True', 'NaN'],
  ...[
    '"a"',
    '"b"',
    '"a":',
    '"b":',
    '"aa":',
    '"\\n"',
    '"\\/"',
    '"\\u000a"',
    '"\\u0001"',
    '"\\u001F"',
  ],
  ...[
    '"\\ud83d"',
    '"\\ude00"',
    '"\\ud83d\\ude00"',
    '"\\ude00\\ud83d"',
    '"\\ud83d\\uDE00"',
    '"\\uD83D"',
  ],
  ...[
    '"\\u0041"',
    '"é":',
    '"\\u00e9"',
    '"😀":',
    '"\ue000":',
    '"\\n":',
    '"\\r":',
    '"\u0001"',
    '\ufeff',
  ],
)

describe('canonical bytes', () => {
  test('are those that writing the value anew gives, and no others', async () => {
    await fc.assert(
      fc.property(value, fc.array(fc.nat(), { maxLength: 4 }), (of, cuts) => {
        const canonical = canonicalJson(of)
        expect(isCanonical(canonical), canonical).toBe(true)
        const others = [
          JSON.stringify(of),
          JSON.stringify(reverseKeys(of)),
          JSON.stringify(of, null, 1),
          `${canonical} `,
          ` ${canonical}`,
          canonical.replace(/[a-z]/, (char) => char.toUpperCase()),
          ...cuts.flatMap((at) => {
            const [head, tail] = [canonical.slice(0, at % (canonical.length + 1)), canonical]
            return [head, head + tail.slice(head.length + 1), `${head}0${tail.slice(head.length)}`]
          }),
        ]
        for (const other of others) {
          // a half character is no UTF-8: the bytes are those of another text
          const read = Buffer.from(other).toString()
          expect(isCanonical(read), read).toBe(isWrittenSo(read))
        }
      }),
      { numRuns: 400 },
    )
  })

  test('are told from whatever else is put together of its pieces', async () => {
    await fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const all = pieces.join('')
        for (const each of [all, `[${all}]`, `{${all}}`, `[${pieces.join(',')}]`]) {
          expect(isCanonical(each), each).toBe(isWrittenSo(each))
        }
      }),
      { numRuns: 3_000 },
    )
  })

  test.each([
    ...['{"10":1,"9":1}', '{"a":{"b":1,"c":[{"d":1}]}}', '{"":0,"a":1,"aa":2,"b":3}', '[[],{},""]'],
    ...['{"\\n":1,"\\r":2,"1":3}', '{"\u0080":0,"ö":1,"€":2,"😀":3,"\ue000":4}', '"\\ud83d"', '-1'],
    ...['["\\ude00\\ud83d",1e+21,5e-324,-0.5,0,null]', '{"__proto__":1,"constructor":2}'],
  ])('canonical is %s', (each) => {
    expect([isCanonical(each), isWrittenSo(each)]).toEqual([true, true])
  })

  test.each([
    ...['', ' ', '{', '[', '"', '-', '{"9":1,"10":1}', '{"a":[{"c":1,"b":1}]}', '{"a":1,"a":1}'],
    ...['1.0', '1e3', '1E400', '-0', '[-0]', '00', '+1', '.5', '0x1', 'NaN', 'Infinity', '1e999'],
    ...[
      '"\\u0041"',
      '"\\/"',
      '"\\u000A"',
      '"\\u000a"',
      '"\\u001F"',
      '"\\ud83d\\ude00"',
      '"\\uD83D"',
    ],
    ...[
      '{"\ue000":1,"😀":2}',
      '{"\\r":1,"\\n":2}',
      '{"é":1,"\\u00e9":2}',
      '{"a":1,}',
      '[1,]',
      '[,1]',
    ],
    ...[
      '[1 ,2]',
      '{"a" :1}',
      '{"a": 1}',
      '{1:1}',
      '{"a"}',
      '{"a":1]',
      '[1}',
      '1 ',
      '1\n',
      '1,1',
      'nul',
    ],
    ...[
      'truely',
      '"a\nb"',
      '"a\\',
      '"\\u00',
      '\ufeff1',
      "'a'",
      '[1,2',
      '{"a":1',
      '{"a"',
      '{"a":',
      '"\t"',
    ],
  ])('canonical is not %s', (each) => {
    expect([isCanonical(each), isWrittenSo(each)]).toEqual([false, false])
  })

  test('are UTF-8', () => {
    for (const bytes of [[0x80], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xff]]) {
      expect(isCanonicalBytes(Buffer.from([0x22, ...bytes, 0x22])), String(bytes)).toBe(false)
    }
  })

  test('are nested no deeper than a stack holds', () => {
    for (const depth of [deepestJson, deepestJson + 1, 200_000]) {
      const lists = '['.repeat(depth) + ']'.repeat(depth)
      const objects = `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`
      expect([isCanonical(lists), isCanonical(objects)], String(depth)).toEqual([
        depth <= deepestJson,
        depth <= deepestJson,
      ])
    }
  })

  test('are looked at wherever they stand in memory', () => {
    const shared = Buffer.from(new SharedArrayBuffer(32))
    shared.set(Buffer.from('xx{"a":"é","b":[1]}xx'))
    expect(isCanonicalBytes(shared.subarray(2, 20))).toBe(true)
    expect(isCanonicalBytes(new Uint8Array(shared.buffer, 1, 19))).toBe(false)
  })
})
