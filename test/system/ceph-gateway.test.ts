/** The S3 destination against the Ceph RADOS Gateway, which nobody here wrote. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBackup } from '../../engine/backup/create.ts'
import { restoreSnapshot } from '../../engine/backup/restore.ts'
import { verifyRepository } from '../../engine/backup/verify.ts'
import { systemClock } from '../../engine/base/clock.ts'
import { nodeDisk } from '../../engine/base/disk.ts'
import { MiB } from '../../engine/base/limits.ts'
import { systemTimer } from '../../engine/base/timer.ts'
import { getWhole } from '../../engine/destination/destination.ts'
import { probeStore } from '../../engine/destination/probe.ts'
import { addKey } from '../../engine/repository/key-ring.ts'
import { RepositoryKey } from '../../engine/repository/repository-key.ts'
import { destinationConformance } from '../conformance/destination.ts'
import { lockConformance, lockRefusals } from '../conformance/destination-locks.ts'
import { openTest, smallConfig, somePoints } from '../support/collections.ts'
import { type RealStore, startRealStore } from '../support/real-store.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

let store: RealStore
beforeAll(async () => {
  store = await startRealStore('ceph')
})
afterAll(() => store?.stop())

describe('a bucket of the Ceph gateway', () => {
  lockRefusals(async () => store.open(await store.newBucket()))
  destinationConformance(async () => {
    const bucket = await store.newBucket()
    return () => store.open(bucket)
  })
})

// Ceph 16 ignores If-None-Match in buckets with versions, which object lock needs
describe('a bucket of the Ceph gateway with object lock', () => {
  lockConformance(async () => store.open(await store.newBucket({ lock: true })), systemClock, false)
})

describe('a repository in the Ceph gateway', () => {
  const world = { disk: nodeDisk, clock: systemClock }

  it('takes backups, and gives back a collection that is proven to be the same', async () => {
    const destination = store.open(await store.newBucket())
    const data = await openTest(join(await temporaryDirectory(), 'data'))
    try {
      const words = await data.create('words', smallConfig)
      const random = seededRandom(50)
      await words.upsert(somePoints(random, 200))
      await createBackup(words, { ...world, destination, snapshotId: 's1' })
      await words.upsert(somePoints(random, 50))
      const second = await createBackup(words, { ...world, destination, snapshotId: 's2' })
      expect(second).toMatchObject({ unchanged: false, count: 200 })
    } finally {
      await data.close()
    }
    const verified = await verifyRepository({ ...world, source: destination, depth: 'content' })
    expect(verified).toMatchObject({ ok: true, snapshots: [{ ok: true }, { ok: true }] })
  })

  it('is encrypted where it is given a key, opens with a second one, and not with a third', async () => {
    const bucket = await store.newBucket()
    const makeKey = () => new RepositoryKey(randomBytes(32).toString('base64'))
    const [first, second, third] = [makeKey(), makeKey(), makeKey()]
    const at = (key: RepositoryKey) => ({ location: store.open(bucket), keys: [key] })
    const data = await openTest(join(await temporaryDirectory(), 'data'))
    try {
      const words = await data.create('words', smallConfig)
      await words.upsert(somePoints(seededRandom(51), 100))
      await createBackup(words, { ...world, destination: at(first), snapshotId: 's1' })
      const change = { destination: store.open(bucket), keys: [first] }
      await addKey(change, second, 'second', systemClock)
      const again = { ...world, collection: 'words', newName: 'again' }
      await expect(restoreSnapshot(data, { ...again, source: at(third) })).rejects.toMatchObject({
        code: 'key-refused',
        exitCode: 17,
      })
      const restored = await restoreSnapshot(data, { ...again, source: at(second) })
      expect(restored.digest).toBe(words.digest)
    } finally {
      await data.close()
    }
    const verified = await verifyRepository({ ...world, source: at(first), depth: 'content' })
    expect(verified).toMatchObject({ ok: true, snapshots: [{ ok: true }] })
  })

  it('is found fit by the probe, but not in a bucket with versions', async () => {
    const [plain, versioned] = [await store.newBucket(), await store.newBucket({ lock: true })]
    const probe = (bucket: string) =>
      probeStore(() => store.open(bucket), { clock: systemClock, timer: systemTimer })
    expect(await probe(plain)).toMatchObject({ fit: true, locks: false, removed: true })
    const report = await probe(versioned)
    expect(report).toMatchObject({ fit: false, locks: true, removed: true })
    expect(report.findings.filter(({ verdict }) => verdict !== 'honoured')).toMatchObject([
      { check: 'conditional put', verdict: 'refused' },
      { check: 'one winner of 8', verdict: 'refused' },
    ])
  })

  it('case 55: a bucket with versions shows what stood before it was overwritten and deleted', async () => {
    const bucket = await store.newBucket({ lock: true })
    const destination = store.open(bucket)
    for (const key of ['a', 'b']) await destination.put(key, Buffer.from(`true ${key}`))
    const before = systemClock.nowMs()
    while (systemClock.nowMs() === before) await new Promise(setImmediate)
    await destination.put('a', Buffer.from('ransom'))
    await destination.delete('b')
    const past = store.openPast(bucket, before)
    const keys = []
    for await (const { key } of past.list('')) keys.push(key)
    expect(keys).toEqual(['a', 'b'])
    for (const key of keys) {
      expect((await getWhole(past, key, 100))?.toString()).toBe(`true ${key}`)
    }
    expect(await past.head('c')).toBeUndefined()
    expect(await destination.head('b')).toBeUndefined()
  })

  it('takes values in parts, and forgets those that nobody ended', async () => {
    const parts = { multipartBytes: 6 * MiB, partBytes: 5 * MiB }
    const destination = store.open(await store.newBucket(), parts)
    const large = randomBytes(11 * MiB)
    expect(await destination.put('large', large)).toBe(true)
    const target = Buffer.alloc(large.length)
    await destination.get('large', target)
    expect(target.equals(large)).toBe(true)
    for await (const left of destination.unfinished.list()) expect(left).toBeUndefined()
  })
})
