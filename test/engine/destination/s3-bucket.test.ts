/** Buckets, prefixes and names. */
import { describe, expect, it } from 'vitest'
import { S3Destination } from '../../../engine/destination/s3.ts'
import { keysOf, useStore, value } from './failing-store.ts'

const held = useStore()

describe('places', () => {
  it('a bucket that is not there is told by name, whatever is asked', async () => {
    const destination = held.store.open('no-such-bucket')
    for (const use of [
      () => destination.head('key'),
      () => destination.get('key', new Uint8Array(1)),
      () => destination.put('key', value),
      () => destination.put('key', value, { ifAbsent: true }),
      () => keysOf(destination),
      () => destination.delete('key'),
    ]) {
      await expect(use()).rejects.toMatchObject({
        code: 'bucket-not-found',
        exitCode: 14,
        message: expect.stringContaining('no-such-bucket'),
      })
    }
  })

  it('case 57: two prefixes of one bucket see nothing of each other', async () => {
    const bucket = held.store.newBucket()
    const [a, ab, root] = [
      held.store.open(bucket, 'a'),
      held.store.open(bucket, 'ab'),
      held.store.open(bucket),
    ]
    await a.put('key', value)
    await ab.put('key', value)
    await ab.put('other', value)
    expect(await keysOf(a)).toEqual(['key'])
    expect(await keysOf(ab)).toEqual(['key', 'other'])
    expect(await keysOf(root)).toEqual(['a/key', 'ab/key', 'ab/other'])
    await a.delete('key')
    expect(await ab.head('key')).toBeDefined()
    await expect(a.put('../ab/key', value)).rejects.toMatchObject({ code: 'unsafe-name' })
  })

  it('case 57: a key that is too long only with its prefix is refused before it is sent', async () => {
    const destination = held.store.open(undefined, 'p'.repeat(200))
    const key = `${'k'.repeat(200)}/`.repeat(4) + 'k'.repeat(50)
    const before = held.store.requests.length
    await expect(destination.head(key)).rejects.toMatchObject({ code: 'unsafe-name' })
    expect(held.store.requests.length).toBe(before)
  })

  it('lists page after page, names that no XML can hold among them', async () => {
    held.store.behaviour.pageSize = 7
    const bucket = held.store.newBucket()
    const bucketState = held.store.state.buckets.get(bucket)
    const names = Array.from({ length: 30 }, (_, index) => `k/${String(index).padStart(2, '0')}`)
    const strange = 'k/strange\u0001+name & <more> %41'
    if (bucketState !== undefined) {
      for (const name of [...names, strange]) held.store.state.store(bucketState, name, value)
    }
    expect(await keysOf(held.store.open(bucket))).toEqual([...names, strange])
    held.store.behaviour.pageSize = 1_000
  })

  it('loads the SDK and asks for credentials at the first request only', () => {
    const credentials = () => Promise.reject(new Error('asked too early'))
    const location = { bucket: 'bucket', prefix: '', endpoint: held.store.endpoint }
    const destination = new S3Destination(location, { credentials })
    expect(destination.url).toContain('s3://bucket')
  })
})
