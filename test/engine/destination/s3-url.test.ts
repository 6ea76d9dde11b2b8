import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { openDestination } from '../../../engine/destination/open-destination.ts'
import { parseS3Url, toS3Url } from '../../../engine/destination/s3-url.ts'

describe('an s3:// URL', () => {
  it.each([
    ['s3://bucket', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
    ['s3://my.bucket-1/a/b', { bucket: 'my.bucket-1', prefix: 'a/b/' }],
    ['s3://bucket/a%20b/%C3%BC/', { bucket: 'bucket', prefix: 'a b/ü/' }],
    [
      's3://bucket/a?region=eu-west-1&endpoint=http://127.0.0.1:9000&pathStyle=false&profile=dr',
      {
        bucket: 'bucket',
        prefix: 'a/',
        region: 'eu-west-1',
        endpoint: 'http://127.0.0.1:9000',
        pathStyle: false,
        profile: 'dr',
      },
    ],
    [
      's3://bucket?asOf=2026-11-01T01:00:00%2B01:00',
      { bucket: 'bucket', prefix: '', asOfMs: Date.UTC(2026, 10, 1) },
    ],
    [
      's3://bucket?asOf=2026-11-01T01:00:00+01:00',
      { bucket: 'bucket', prefix: '', asOfMs: Date.UTC(2026, 10, 1) },
    ],
  ])('%s is read and written back', (text, expected) => {
    const location = parseS3Url(text)
    expect(location).toEqual(expected)
    expect(parseS3Url(toS3Url(location))).toEqual(location)
  })

  it('survives a round through its text, whatever the prefix', async () => {
    const element = fc
      .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
      .filter(
        (text) => text !== '.' && text !== '..' && !/[/\p{Cc}]/u.test(text) && text.isWellFormed(),
      )
    await fc.assert(
      fc.asyncProperty(fc.array(element, { maxLength: 4 }), async (elements) => {
        const prefix = elements.length === 0 ? '' : `${elements.join('/')}/`
        const location = { bucket: 'bucket', prefix, region: 'eu-west-1' }
        expect(parseS3Url(toS3Url(location))).toEqual(location)
      }),
      { seed: 57, numRuns: 300 },
    )
  })

  it.each([
    's3://',
    's3:///prefix',
    's3://Bucket_x/a',
    's3://b/x',
    's3://bucket:9000/x',
    's3://bucket/a//b',
    's3://bucket/a/%2e%2e/b',
    's3://bucket/a%2Fb',
    's3://bucket/a%00b',
    's3://bucket/%E0%A4',
    's3://bucket#part',
    's3://bucket?region=a&region=b',
    's3://bucket?region=no%20region',
    's3://bucket?pathStyle=maybe',
    's3://bucket?endpoint=ftp://host',
    's3://bucket?endpoint=http://host/path',
    's3://bucket?endpoint=nonsense',
    's3://bucket?endpoint=http://169.254.169.254',
    's3://bucket?endpoint=http://0xa9fea9fe',
    's3://bucket?endpoint=http://[::ffff:169.254.169.254]',
    's3://bucket?endpoint=http://[fe80::1]:9000',
    's3://bucket?endpoint=http://[fd00:ec2::254]',
    's3://bucket?asOf=yesterday',
    's3://bucket?asOf=2026-11-01T00:00:00',
  ])('case 57: %s is refused', (text) => {
    expect(() => parseS3Url(text)).toThrow(expect.objectContaining({ code: 'usage', exitCode: 2 }))
  })

  it.each([
    's3://AKIA1:canary-secret@bucket/x',
    's3://canary-secret@bucket/x',
    's3://bucket/x?endpoint=https://user:canary-secret@host',
    's3://bucket/x?secretAccessKey=canary-secret',
    's3://bucket/x?region=canary-secret!',
  ])('case 94: %s is refused without a word of its secret', (text) => {
    let error: unknown
    try {
      openDestination(text, nodeDisk)
    } catch (thrown) {
      error = thrown
    }
    expect(isOperatingError(error, 'usage')).toBe(true)
    expect(JSON.stringify(error)).not.toMatch(/canary/)
    expect(String(error)).not.toMatch(/canary/)
  })
})
