import { describe, expect, test } from 'vitest'
import { readSetting, setValues } from '../../../planner/plan/set-values.ts'

test('a setting is a path of keys and a value that may hold anything', () => {
  expect(readSetting('a.b.0=x=y')).toEqual({ path: ['a', 'b', '0'], value: 'x=y' })
})

test.each(['a', '=x', 'a..b=x', '.a=x'])('"%s" is none', (text) => {
  expect(() => readSetting(text)).toThrow('is not KEY=VALUE')
})

describe('setting', () => {
  const text = 'a: { b: 1 } # why\nlist: [ { c: x }, { c: y } ]\n'
  const set = (...settings: string[]): string => setValues(text, settings.map(readSetting))

  test('replaces and adds values, of lists too, and leaves the rest', () => {
    expect(set('a.b=20m', 'a.d={ e: [1, 2] }', 'list.1.c=z')).toBe(
      'a: { b: 20m, d: { e: [ 1, 2 ] } } # why\nlist: [ { c: x }, { c: z } ]\n',
    )
  })

  test.each(['a.b=*x', 'a.b=[1, *x]', 'a.b=[[[[', 'a.b="open'])(
    '%s is no value by itself',
    (text) => {
      expect(() => set(text)).toThrow('no YAML by itself')
    },
  )

  test('through a value that has no keys leads nowhere', () => {
    expect(() => set('a.b.c=1')).toThrow('leads nowhere')
  })
})
