import { describe, expect, it } from 'vitest'
import { readLocation, readPath } from '../../../planner/plan/location.ts'

describe('a destination', () => {
  it.each([
    ['./backups', 'file:///plans/backups'],
    ['../backups', 'file:///backups'],
    ['/var/backups/', 'file:///var/backups'],
    ['file:///var/backups/vectra', 'file:///var/backups/vectra'],
    ['FILE:///var/../srv', 'file:///srv'],
    ['file:///with%20space', 'file:///with%20space'],
    ['with space#and?more%', 'file:///plans/with%20space%23and%3Fmore%25'],
  ])('%s is %s', (text, url) => {
    expect(readLocation(text, '/plans')).toEqual({ value: url })
  })

  it.each([
    's3://bucket/prefix',
    'https://example.com',
    'gopher://x',
    'file://host/path',
    'file:relative',
    'file:/one-slash',
    'file:///a?b=c',
    'file:///a#b',
    'file:///a%2Fb',
    'file:///a%00b',
    'C:\\backups',
    '~/backups',
    '',
  ])('%j is refused', (text) => {
    expect(readLocation(text, '/plans').problem).toMatch(/^(is|starts)/)
  })
})

describe('a path', () => {
  it('is taken as it is', () => {
    expect(readPath('../data')).toEqual({ value: '../data' })
    expect(readPath('~data')).toEqual({ value: '~data' })
  })

  it.each(['', 'a\0b', '~', '~/data'])('%j is refused', (text) => {
    expect(readPath(text).problem).toBeDefined()
  })
})
