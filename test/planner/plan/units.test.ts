import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planLimits } from '../../../planner/plan/limits.ts'
import { formatDuration, readDuration, readRate, readSize } from '../../../planner/plan/units.ts'

describe('a duration', () => {
  it.each([
    ['30s', 30_000],
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['20ms', 20],
    ['1m5ms', 60_005],
    ['0s', 0],
    ['90m', 5_400_000],
    ['3650d', planLimits.durationMs],
  ])('%s is read', (text, expected) => {
    expect(readDuration(text)).toEqual({ value: expected })
  })

  it.each([
    '',
    '15',
    '1.5h',
    '30m1h',
    '1h1h',
    '-1s',
    '1 h',
    '1H',
    'h',
    '1M',
    's30',
    '1h 30m',
    '١s',
  ])('%j is refused', (text) => {
    expect(readDuration(text).problem).toBe('is not a duration')
  })

  it.each(['3651d', '999999999999999999999w'])('%s is longer than anybody means', (text) => {
    expect(readDuration(text).problem).toBe('is longer than ten years')
  })

  it('survives being written and read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: planLimits.durationMs }), (ms) => {
        expect(readDuration(formatDuration(ms))).toEqual({ value: ms })
      }),
    )
  })
})

describe('a size', () => {
  it.each([
    ['64MiB', 67_108_864],
    ['1KiB', 1_024],
    ['2GiB', 2_147_483_648],
    ['1kB', 1_000],
    ['5MB', 5_000_000],
    ['0B', 0],
  ])('%s is read', (text, expected) => {
    expect(readSize(text)).toEqual({ value: expected })
  })

  it.each(['64', '64M', '64mib', '1.5GiB', '-1B', '', 'MiB', '64 MiB', '1constructor'])(
    '%j is refused',
    (text) => {
      expect(readSize(text).problem).toBe('is not a size')
    },
  )

  it('is not larger than a number can hold', () => {
    expect(readSize('9999999TiB').problem).toBe('is larger than anything stored')
  })
})

describe('a rate', () => {
  it('is a size a second', () => {
    expect(readRate('200MiB/s').value).toBe(200 * 2 ** 20)
    expect(readRate('500kB/s').value).toBe(500_000)
  })

  it.each(['200MiB', '200 MiB/s', '0MiB/s', '1.5MiB/s', '200MiB/m', ''])('is not %s', (text) => {
    expect(readRate(text).problem).toBeDefined()
  })
})
