import { describe, expect, test } from 'vitest'
import { Fields, patterns } from '../../../engine/format/fields.ts'

const file = '/data/manifest.json'
const fields = new Fields(
  {
    text: 'abc',
    nothing: null,
    number: 1.5,
    count: 7,
    flag: false,
    inner: { deep: { count: 'x' } },
    list: [1, 'two', null],
    texts: ['aa', 'bb'],
    objects: [{ a: 1 }, { a: 'x' }],
  },
  file,
)

const wrong = (path: string) =>
  expect.objectContaining({
    code: 'damaged',
    place: { file },
    message: expect.stringContaining(`${file} is damaged: ${path} `),
  })

describe('a field', () => {
  test('is read when it is what it should be', () => {
    expect(fields.text('text')).toBe('abc')
    expect(fields.text('text', /^[a-c]+$/)).toBe('abc')
    expect(fields.oneOf('text', ['x', 'abc'])).toBe('abc')
    expect(fields.integer('count', 7, 7)).toBe(7)
    expect(fields.number('number')).toBe(1.5)
    expect(fields.boolean('flag')).toBe(false)
    expect(fields.json('inner')).toEqual({ deep: { count: 'x' } })
    expect(fields.list('list', 3)).toEqual([1, 'two', null])
    expect(fields.texts('texts', 2, /^[ab]{2}$/, 2)).toEqual(['aa', 'bb'])
    expect(fields.objects('objects', 2).map((each) => each.has('a'))).toEqual([true, true])
  })

  test('that is null counts as absent', () => {
    expect(['text', 'nothing', 'absent', 'flag'].map((key) => fields.has(key))).toEqual([
      true,
      false,
      false,
      true,
    ])
  })

  test.each<[string, () => unknown]>([
    ['absent', () => fields.text('absent')],
    ['count', () => fields.text('count')],
    ['nothing', () => fields.text('nothing')],
    ['text', () => fields.text('text', /^[a-b]+$/)],
    ['text', () => fields.oneOf('text', ['ab', 'abcd'])],
    ['text', () => fields.integer('text')],
    ['number', () => fields.integer('number')],
    ['count', () => fields.integer('count', 8)],
    ['count', () => fields.integer('count', 0, 6)],
    ['text', () => fields.number('text')],
    ['nothing', () => fields.boolean('nothing')],
    ['list', () => fields.json('list')],
    ['nothing', () => fields.object('nothing')],
    ['inner', () => fields.list('inner', 9)],
    ['list', () => fields.list('list', 2)],
    ['list', () => fields.list('list', 9, 4)],
    ['texts[1]', () => fields.texts('texts', 9, /^aa$/)],
    ['list[0]', () => fields.texts('list', 9, /./)],
    ['texts', () => fields.texts('texts', 9, /./, 3)],
    ['list[0]', () => fields.objects('list', 9)],
    ['inner.deep.count', () => fields.object('inner').object('deep').integer('count')],
    ['objects[1].a', () => fields.objects('objects', 9)[1]?.integer('a')],
  ])('that is wrong is damage that names the file and %s', (path, read) => {
    expect(read).toThrow(wrong(path))
  })

  test('beyond the safe integers is refused', () => {
    const large = new Fields({ a: 2 ** 53, b: -1, c: 1e300 }, file)
    for (const key of ['a', 'b', 'c']) expect(() => large.integer(key)).toThrow(wrong(key))
    expect(large.integer('b', -1)).toBe(-1)
  })
})

describe('the patterns', () => {
  test('hold whole values only', () => {
    const hash = 'a'.repeat(64)
    expect(patterns.sha256.test(hash)).toBe(true)
    for (const bad of [`${hash}a`, hash.slice(1), `${hash}\n`, `x${hash}`, 'A'.repeat(64), '']) {
      expect(patterns.sha256.test(bad), JSON.stringify(bad)).toBe(false)
    }
    const uuid = '00112233-4455-6677-8899-aabbccddeeff'
    expect(patterns.uuid.test(uuid)).toBe(true)
    for (const bad of [uuid.toUpperCase(), `../${uuid}`, uuid.replaceAll('-', ''), `${uuid}\n`]) {
      expect(patterns.uuid.test(bad), JSON.stringify(bad)).toBe(false)
    }
    expect(patterns.history.test('0123456789abcdef')).toBe(true)
    for (const bad of [
      '0123456789abcde',
      '0123456789abcdefa',
      '0123456789ABCDEF',
      '..'.repeat(8),
    ]) {
      expect(patterns.history.test(bad), bad).toBe(false)
    }
  })
})
