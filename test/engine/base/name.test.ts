import { describe, expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { checkName, nameProblem, reservedNames } from '../../../engine/base/name.ts'

describe('names', () => {
  test.each([
    'a',
    'A',
    '0',
    '_',
    'products_20231027_1000',
    'a.b-c_d',
    'v1.2.3',
    'console',
    'nullable',
    'com',
    'com10',
    'a'.repeat(limits.nameLength),
  ])('%j may be used', (name) => {
    expect(nameProblem(name)).toBeUndefined()
    expect(checkName('snapshot id', name)).toBe(name)
  })

  test.each([
    '',
    '.',
    '..',
    '../x',
    'a/../b',
    'a..b',
    '.hidden',
    '-flag',
    '--flag',
    'a.',
    'a/b',
    '/etc/passwd',
    'a\\b',
    'C:\\x',
    'c:x',
    'a b',
    ' a',
    'a\n',
    'a\0b',
    'a:b',
    'a*',
    'a?b',
    'a%2e%2e',
    'con',
    'CON',
    'con.txt',
    'nul',
    'aux',
    'prn',
    'com1',
    'LPT9.log',
    'a'.repeat(limits.nameLength + 1),
    'a'.repeat(10_000),
  ])('%j is refused', (name) => {
    expect(nameProblem(name)).toEqual(expect.any(String))
    expect(() => checkName('snapshot id', name)).toThrow(
      expect.objectContaining({ code: 'invalid-name', hint: expect.stringContaining('Use 1 to') }),
    )
  })

  test.each([
    ['a Cyrillic a', 'pаge'],
    ['full-width dots', '．．'],
    ['a one-dot leader', '․․'],
    ['a two-dot leader', '‥'],
    ['a fraction slash', 'a⁄b'],
    ['a full-width slash', 'a／b'],
    ['a composed letter', '\u00e9'],
    ['a decomposed letter', 'e\u0301'],
    ['an emoji', 'a😀'],
    ['a zero-width space', 'a\u200bb'],
    ['right-to-left override', 'a\u202eb'],
    ['a dotless i', 'ı'],
    ['a Kelvin sign, which folds to k', '\u212a'],
    ['a lone surrogate', 'a\ud800'],
  ])('case 83: %s is refused', (_what, name) => {
    expect(nameProblem(name)).toEqual(expect.any(String))
  })

  test('subcommands of backup are reserved for collections, not for snapshots', () => {
    for (const name of reservedNames) {
      expect(() => checkName('collection name', name)).toThrow(
        expect.objectContaining({ code: 'invalid-name' }),
      )
      expect(checkName('snapshot id', name)).toBe(name)
    }
  })

  test('the message quotes the name as JSON and no more than the bound of it', () => {
    const refused = (name: string): string => {
      try {
        checkName('collection name', name)
      } catch (error) {
        return String(error)
      }
      return ''
    }
    expect(refused('a\nb')).toContain(String.raw`"a\nb"`)
    expect(refused('x'.repeat(100_000)).length).toBeLessThan(300)
  })
})
