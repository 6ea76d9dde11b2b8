/** Object lock over whole backups: what is locked at put, prolonged later, and told by a verification. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type BackupOptions, createBackup } from '../../../engine/backup/create.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import type { Destination } from '../../../engine/destination/destination.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import type { LockPolicy } from '../../../engine/repository/lock-policy.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { startObjectStore } from '../../support/object-store.ts'
import { pinnedSource, segment } from './pinned-source.ts'

const dayMs = 86_400_000
const month: LockPolicy = { mode: 'compliance', forMs: 30 * dayMs }
const old = { path: segment(1, 'vectors'), bytes: randomBytes(5_000) }
const fresh = { path: segment(2, 'vectors'), bytes: randomBytes(4_000) }

const stores: Record<string, (clock: ManualClock) => Promise<Destination>> = {
  memory: async (clock) => new MemoryDestination('memory', clock),
  'an object store': async (clock) => {
    const store = await startObjectStore(clock)
    return store.open(store.newBucket({ lock: true }))
  },
}

const backUp = (
  destination: Destination,
  clock: ManualClock,
  snapshotId: string,
  files: Parameters<typeof pinnedSource>[0],
  lockPolicy?: LockPolicy,
  more: Partial<BackupOptions> = {},
) =>
  createBackup(pinnedSource(files), {
    ...more,
    disk: nodeDisk,
    clock,
    snapshotId,
    destination: { location: destination, ...(lockPolicy && { lockPolicy }) },
  })

async function untilOf(destination: Destination, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of destination.list(prefix)) {
    const lock = await destination.objectLock?.lockOf(key)
    found.push(lock?.retention ? new Date(lock.retention.untilMs).toISOString() : 'free')
  }
  return found.sort()
}

describe.each(Object.keys(stores))('in %s', (name) => {
  const open = async () => {
    const clock = manualClock()
    const destination = await stores[name]?.(clock)
    if (destination === undefined) throw new Error('no such store')
    return { clock, destination }
  }

  it('case 54: a backup locks all that it writes, and verify tells when the first is free', async () => {
    const { clock, destination } = await open()
    const result = await backUp(destination, clock, 's1', [old], month)
    const until = '2026-01-31T00:00:00.000Z'
    expect(result.objectLock).toMatchObject({ mode: 'compliance', earliestUntil: until })
    for (const prefix of ['objects/', 'snapshots/', 'repository.json']) {
      expect(await untilOf(destination, prefix)).toEqual([until])
    }
    expect(await untilOf(destination, 'locks/')).toEqual([]) // its own lock could go
    const verified = await verifyRepository({ source: destination, disk: nodeDisk, clock })
    expect(verified.locks).toEqual({
      locked: 2,
      unlocked: 0,
      earliestUntil: until,
      earliest: expect.stringMatching(/objects|snapshots/),
    })
  })

  it('case 54: a backup prolongs the locks of what it shares once less than half remains', async () => {
    const { clock, destination } = await open()
    await backUp(destination, clock, 's1', [old], month)
    clock.advance(10 * dayMs)
    await backUp(destination, clock, 's2', [old, fresh], month)
    expect(await untilOf(destination, 'objects/')).toEqual([
      '2026-01-31T00:00:00.000Z', // two thirds remain
      '2026-02-10T00:00:00.000Z',
    ])
    clock.advance(6 * dayMs)
    const third = await backUp(destination, clock, 's3', [old, fresh], month)
    expect(third.objectLock).toMatchObject({
      prolonged: 2, // the old object, and repository.json
      earliestUntil: '2026-02-10T00:00:00.000Z',
    })
    expect(await untilOf(destination, 'objects/')).toEqual([
      '2026-02-10T00:00:00.000Z',
      '2026-02-16T00:00:00.000Z',
    ])
    const verified = await verifyRepository({
      source: destination,
      snapshotId: 's3',
      disk: nodeDisk,
      clock,
    })
    expect(verified.locks).toMatchObject({ locked: 3, earliestUntil: '2026-02-10T00:00:00.000Z' })
  })

  it('case 54: the same snapshot asked for again has its locks prolonged too', async () => {
    const { clock, destination } = await open()
    await backUp(destination, clock, 's1', [old], month)
    clock.advance(20 * dayMs)
    const again = await backUp(destination, clock, 's1', [old], month)
    expect(again).toMatchObject({ unchanged: true, objectLock: { prolonged: 3 } })
    expect(await untilOf(destination, 'snapshots/')).toEqual(['2026-02-20T00:00:00.000Z'])
  })

  it('what the repository was made with counts for every backup', async () => {
    const { clock, destination } = await open()
    await Repository.create(destination, clock, {}, month)
    const result = await backUp(destination, clock, 's1', [old])
    expect(result.objectLock?.earliestUntil).toBe('2026-01-31T00:00:00.000Z')
  })

  it('a locked snapshot cannot be deleted before its time, and can be after it', async () => {
    const { clock, destination } = await open()
    await backUp(destination, clock, 's1', [old], month)
    const repository = await Repository.open(destination)
    await expect(repository.deleteSnapshot('products', 's1')).rejects.toMatchObject({
      code: 'object-locked',
    })
    clock.advance(31 * dayMs)
    await repository.deleteSnapshot('products', 's1')
    expect(await repository.snapshot('products', 's1')).toBeUndefined()
  })
})

describe('a store without locks', () => {
  it('case 51: is refused before anything is written', async () => {
    const clock = manualClock()
    const store = await startObjectStore(clock)
    const bucket = store.newBucket()
    for (const destination of [new MemoryDestination(), store.open(bucket)]) {
      for (const make of [
        () => backUp(destination, clock, 's1', [old], month),
        () => Repository.create(destination, clock, {}, month),
      ]) {
        await expect(make()).rejects.toMatchObject({ code: 'unsupported-destination' })
      }
    }
    expect([...(store.state.buckets.get(bucket)?.versions.keys() ?? [])]).toEqual([])
  })

  it('has nothing to tell about locks', async () => {
    const clock = manualClock()
    const destination = new MemoryDestination()
    const result = await backUp(destination, clock, 's1', [old])
    expect(result.objectLock).toBeUndefined()
    const verified = await verifyRepository({ source: destination, disk: nodeDisk, clock })
    expect(verified.locks).toBeUndefined()
  })
})
