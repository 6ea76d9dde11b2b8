import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isJsonObject, type JsonValue } from '../../../engine/index.ts'
import { parseYaml } from '../../../planner/plan/parse-yaml.ts'
import { childPath, childPointer } from '../../../planner/plan/path-text.ts'
import { Positions } from '../../../planner/plan/positions.ts'

/** Each value with its pointer and path. */
function* all(
  value: JsonValue,
  pointer = '',
  path = '',
): Generator<{ value: JsonValue; pointer: string; path: string; key: string | undefined }> {
  const key = pointer === '' ? undefined : pointer.slice(pointer.lastIndexOf('/') + 1)
  yield { value, pointer, path, key }
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) {
      yield* all(each, childPointer(pointer, index), childPath(path, index))
    }
  } else if (isJsonObject(value)) {
    for (const [name, each] of Object.entries(value)) {
      yield* all(each, childPointer(pointer, name), childPath(path, name))
    }
  }
}

const name = fc.constantFrom('a', 'b1', '10', '9', '0', 'a/b', 'a~b', '~1', 'über', 'a b', 'to.do')
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom('', 'text', 'ünïcode')),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
}))

test('each value is found where it stands, by its pointer, whatever its key is', async () => {
  await fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (of, indent) => {
      const text = JSON.stringify(of, null, indent)
      const parsed = parseYaml(text)
      expect([parsed.problems, parsed.value]).toEqual([[], of])
      const positions = new Positions(of, parsed.offsets)
      for (const each of all(of)) {
        const position = positions.get(each.pointer)
        expect(position?.path).toBe(each.path)
        const there = JSON.stringify(each.value, null, indent).split('\n')[0] ?? ''
        expect(text.slice(position?.valueOffset)).toSatisfy((at: string) => at.startsWith(there))
        const parent = [...all(of)].find(
          ({ pointer }) =>
            each.key !== undefined && pointer === each.pointer.slice(0, -each.key.length - 1),
        )
        const keyAt = text.slice(position?.keyOffset)
        const isMember = parent !== undefined && isJsonObject(parent.value)
        const key = (each.key ?? '').replaceAll('~1', '/').replaceAll('~0', '~')
        expect(keyAt.startsWith(isMember ? `${JSON.stringify(key)}:` : there)).toBe(true)
      }
      for (const none of ['/none', '/0/none', '/a/0/0/0/0/0/0/0']) {
        expect(positions.get(none)).toBeUndefined()
      }
    }),
    { numRuns: 200 },
  )
})

test('what an alias stands for stands where the alias does', () => {
  const text = '10: &a { x: [1] }\n9: *a\n'
  const { value: of, offsets } = parseYaml(text)
  const positions = new Positions(of ?? null, offsets)
  expect(positions.get('/9')).toEqual({ path: '["9"]', keyOffset: 18, valueOffset: 21 })
  expect(positions.get('/10')).toEqual({ path: '["10"]', keyOffset: 0, valueOffset: 7 })
  expect(positions.get('/9/x/0')).toEqual({ path: '["9"].x[0]', keyOffset: 13, valueOffset: 13 })
})
