/** The S3 destination against OpenStack Swift, which refuses conditional writes. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../engine/base/clock.ts'
import { systemTimer } from '../../engine/base/timer.ts'
import { getWhole } from '../../engine/destination/destination.ts'
import { probeStore } from '../../engine/destination/probe.ts'
import { Repository } from '../../engine/repository/repository.ts'
import { type RealStore, startRealStore } from '../support/real-store.ts'

let store: RealStore
beforeAll(async () => {
  store = await startRealStore('swift')
})
afterAll(() => store?.stop())

const bytes = Buffer.from('value')

it('case 51: a store that refuses conditional writes holds no repository', async () => {
  const destination = store.open(await store.newBucket())
  const creating = Repository.openOrCreate(destination, systemClock)
  await expect(creating).rejects.toMatchObject({
    code: 'unsupported-destination',
    exitCode: 2,
    message: expect.stringContaining('conditional writes'),
  })
  expect(await destination.head('repository.json')).toBeUndefined()
})

it('reads, replaces, lists and deletes what needs no condition', async () => {
  const destination = store.open(await store.newBucket())
  for (const key of ['a/1', 'a/ü+ 2', 'ab/3']) expect(await destination.put(key, bytes)).toBe(true)
  await destination.put('a/1', Buffer.from('other'))
  expect((await getWhole(destination, 'a/1', 100))?.toString()).toBe('other')
  const target = Buffer.alloc(2)
  expect(await destination.get('a/ü+ 2', target, 1)).toEqual({ readBytes: 2, sizeBytes: 5 })
  expect(target.toString()).toBe('al')
  const keys = []
  for await (const { key } of destination.list('a/')) keys.push(key)
  expect(keys).toEqual(['a/1', 'a/ü+ 2'])
  await destination.delete('a/1')
  expect(await destination.head('a/1')).toBeUndefined()
  expect(await destination.get('a/1', target)).toBeUndefined()
})

it('has no object lock, and says so', async () => {
  const destination = store.open(await store.newBucket())
  expect(await destination.objectLock.isHonoured()).toBe(false)
  const lock = { mode: 'compliance', untilMs: systemClock.nowMs() + 60_000 } as const
  await expect(destination.put('key', bytes, { lock })).rejects.toMatchObject({
    code: 'unsupported-destination',
  })
})

it('refuses a wrong secret with exit code 17', async () => {
  const bucket = await store.newBucket()
  const { accessKeyId } = store.credentials
  const wrong = async () => ({ accessKeyId, secretAccessKey: 'wrong' })
  const destination = store.open(bucket, { credentials: wrong })
  await expect(destination.head('a')).rejects.toMatchObject({
    code: 'credential-refused',
    exitCode: 17,
  })
  await expect(destination.put('a', bytes)).rejects.toMatchObject({ code: 'credential-refused' })
})

it('case 51: is found unfit by the probe, which says why and leaves nothing', async () => {
  const bucket = await store.newBucket()
  const world = { clock: systemClock, timer: systemTimer }
  const report = await probeStore(() => store.open(bucket), world)
  expect(report).toMatchObject({ fit: false, locks: false, removed: true })
  expect(report.findings).toContainEqual({
    check: 'conditional put',
    verdict: 'refused',
    detail: expect.stringContaining('refuses conditional writes'),
  })
  const keys = []
  for await (const { key } of store.open(bucket).list('')) keys.push(key)
  expect(keys).toEqual([])
})
