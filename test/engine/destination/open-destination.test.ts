import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { openDestination } from '../../../engine/destination/open-destination.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

describe('openDestination', () => {
  it('takes a path and the URL of the same directory', async () => {
    const directory = join(await temporaryDirectory(), 'with space and ü%')
    const byPath = openDestination(directory, nodeDisk)
    const byUrl = openDestination(byPath.url, nodeDisk)
    expect(byUrl.url).toBe(byPath.url)
    expect(byPath.url).toMatch(/^file:\/\/\/.*with%20space/)
    await byPath.put('a/key', Buffer.from('x'))
    expect(await byUrl.head('a/key')).toEqual({ sizeBytes: 1 })
    expect(byUrl.locate('a/key')).toBe(join(directory, 'a/key'))
  })

  it('case 33: binds a relative path to the working directory of the moment, slash or not', async () => {
    const directory = await temporaryDirectory()
    const path = relative(process.cwd(), directory)
    const { url } = openDestination(directory, nodeDisk)
    expect(openDestination(path, nodeDisk).url).toBe(url)
    expect(openDestination(`${path}/`, nodeDisk).url).toBe(url)
    expect(openDestination(`${directory}/x/..`, nodeDisk).url).toBe(url)
  })

  it('touches nothing', async () => {
    const directory = join(await temporaryDirectory(), 'new')
    openDestination(directory, nodeDisk)
    expect(await nodeDisk.stat(directory)).toBeUndefined()
  })

  it('opens a bucket without asking it anything', () => {
    const url = 's3://bucket/some/prefix?region=eu-central-1'
    expect(openDestination(url, nodeDisk).url).toBe(url)
    expect(openDestination('S3://bucket', nodeDisk).url).toBe('s3://bucket')
  })

  it('opens a directory behind rsync without asking it anything', () => {
    const url = 'rsync://me@nas:2222/srv/backups?identity=/keys/one'
    expect(openDestination(url, nodeDisk).url).toBe(url)
    expect(openDestination('RSYNC://nas/~/b/', nodeDisk).url).toBe('rsync://nas/~/b')
    expect(openDestination(url, nodeDisk).locate('a/b')).toBe('rsync://me@nas:2222/srv/backups/a/b')
  })

  it.each(['https://host/x', 'gs://b', 'sftp://h/x'])(
    'says that %s is not supported, and what is',
    (location) => {
      expect(() => openDestination(location, nodeDisk)).toThrow(
        expect.objectContaining({
          code: 'unsupported-destination',
          hint: expect.stringContaining('file:///'),
        }),
      )
    },
  )

  it.each([
    '',
    'nul\0',
    'file://elsewhere/path',
    'file:///a%2Fb',
    'rsync://host',
    'me@nas:/srv',
    'me@nas:srv',
  ])('refuses %j', (location) => {
    expect(() => openDestination(location, nodeDisk)).toThrow(
      expect.objectContaining({ code: 'usage' }),
    )
  })
})
