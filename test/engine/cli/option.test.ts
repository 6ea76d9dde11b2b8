import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bandwidth, integer, parseId, showId, size } from '../../../engine/cli/option.ts'

describe('an id on the command line', () => {
  it('is an integer when it is digits, and text otherwise', () => {
    expect([parseId('42'), parseId('0'), parseId('9007199254740991')]).toEqual([42, 0, 2 ** 53 - 1])
    expect([parseId('"42"'), parseId('4.2'), parseId('sku-1'), parseId('')]).toEqual([
      '42',
      '4.2',
      'sku-1',
      '',
    ])
  })

  it('is refused when it looks like one thing and would be another', () => {
    for (const text of ['007', '9007199254740992', '"42', '"a"b']) {
      expect(() => parseId(text)).toThrow(expect.objectContaining({ code: 'usage' }))
    }
  })

  it('reads back as it is shown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.string(), fc.maxSafeNat().map(String)), (id) => {
        expect(parseId(showId(id))).toBe(id)
      }),
    )
  })
})

describe('an integer option', () => {
  it('takes decimal digits within its bounds and nothing else', () => {
    const parse = integer(2, 100)
    expect([parse('2'), parse('100'), parse('007')]).toEqual([2, 100, 7])
    for (const text of ['1', '101', '', ' 5', '5.0', '1e1', '0x10', '-3', '٣', 'Infinity']) {
      expect(() => parse(text)).toThrow('from 2 to 100')
    }
  })
})

it('a bandwidth is a size a second', () => {
  expect([bandwidth('200MiB/s'), bandwidth('500kB/s')]).toEqual([200 * 2 ** 20, 500_000])
  for (const text of ['200MiB', '0kB/s', 'fast', '1.5MiB/s', '1e3B/s']) {
    expect(() => bandwidth(text)).toThrow(/rate such as/)
  }
})

it('a size has a unit and bounds', () => {
  const parse = size(2 ** 20, 2 ** 40)
  expect([parse('1MiB'), parse('8GiB'), parse('2GB')]).toEqual([2 ** 20, 2 ** 33, 2e9])
  for (const text of ['', '8', '8gib', '1.5GiB', '-1GiB', '1023KiB', '1025GiB', 'GiB', '1e3MiB']) {
    expect(() => parse(text), text).toThrow(/from 1.0 MiB to 1024.00 GiB/)
  }
})
