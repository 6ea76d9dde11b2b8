import { describe, expect, it } from 'vitest'
import { readEndpoint, readLocation, readPath, withStore } from '../../../planner/plan/location.ts'

describe('a destination', () => {
  it.each([
    ['./backups', 'file:///plans/backups'],
    ['../backups', 'file:///backups'],
    ['/var/backups/', 'file:///var/backups'],
    ['file:///var/backups/vectra', 'file:///var/backups/vectra'],
    ['FILE:///var/../srv', 'file:///srv'],
    ['file:///with%20space', 'file:///with%20space'],
    ['RSYNC://me@nas/srv/b/?identity=/k', 'rsync://me@nas/srv/b?identity=/k'],
    ['with space#and?more%', 'file:///plans/with%20space%23and%3Fmore%25'],
  ])('%s is %s', (text, url) => {
    expect(readLocation(text, '/plans')).toEqual({ value: url })
  })

  it.each([
    's3://Bucket_/prefix',
    'rsync://host',
    'rsync://user:secret@host/a',
    'me@nas:/srv/backups',
    's3://bucket/a/../b',
    'https://example.com',
    'gopher://x',
    'file://host/path',
    'file:relative',
    'file:/one-slash',
    'file:///a?b=c',
    'file:///a#b',
    'file:///a%2Fb',
    'file:///a%00b',
    'file:///a%',
    'file:///a%ff',
    'C:\\backups',
    '~/backups',
    '',
  ])('%j is refused', (text) => {
    expect(readLocation(text, '/plans').problem).toMatch(/^(is|starts|has)/)
  })
})

describe('a bucket', () => {
  it('is an s3:// URL in its shortest form', () => {
    const url = 's3://bucket/prefix?region=eu-west-1'
    expect(readLocation('S3://bucket/prefix/?region=eu-west-1', '/plans')).toEqual({ value: url })
  })

  it.each([
    ['s3://bucket', undefined, 'us-west-2', 's3://bucket?region=us-west-2'],
    ['s3://bucket', undefined, 'munich', 's3://bucket'],
    ['s3://bucket?region=eu-west-1', undefined, 'us-west-2', 's3://bucket?region=eu-west-1'],
    [
      's3://bucket',
      'https://s3.example.com',
      'us-west-2',
      's3://bucket?endpoint=https://s3.example.com',
    ],
    ['file:///backups', undefined, 'us-west-2', 'file:///backups'],
  ])('%s with endpoint %s in %s is %s', (url, endpoint, region, expected) => {
    expect(withStore(url, endpoint, region)).toBe(expected)
  })

  it('case 94: does not repeat what may be a secret', () => {
    for (const text of ['s3://AKIA:canary@bucket', 's3://bucket?key=canary']) {
      const { problem } = readLocation(text, '/')
      expect(problem).toBeDefined()
      expect(problem).not.toContain('canary')
    }
    expect(readEndpoint('https://user:canary@host').problem).toMatch(/^has an endpoint with cred/)
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
