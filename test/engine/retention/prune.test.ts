import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { systemClock } from '../../../engine/base/clock.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { fail } from '../../../engine/base/errors.ts'
import type { StoredLock } from '../../../engine/destination/destination.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { holdShared } from '../../../engine/repository/locks.ts'
import { writePin } from '../../../engine/repository/pins.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { snapshotKey } from '../../../engine/repository/snapshot-manifest.ts'
import { writeVerification } from '../../../engine/repository/verifications.ts'
import { forgetSnapshots } from '../../../engine/retention/forget.ts'
import { pruneRepository, refuseRefused } from '../../../engine/retention/prune.ts'
import { FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { is, useStore } from '../destination/failing-store.ts'
import {
  dayMs,
  keysOf,
  publish,
  type SmallSnapshot,
  smallRepository,
  uuidOf,
  wholeSnapshots,
} from './small-repository.ts'

/** Neighbours share an object each. */
const chain = (count: number): SmallSnapshot[] =>
  Array.from({ length: count }, (_, lsn) => ({
    id: `s${lsn}`,
    lsn,
    objects: [`only ${lsn}`, `shared ${lsn}`, `shared ${lsn + 1}`],
    parent: lsn === 0 ? null : `s${lsn - 1}`,
  }))

const collection = 'products'

describe('a prune', () => {
  it('removes exactly what no snapshot needs', async () => {
    const { destination, clock, repository, world } = await smallRepository(chain(4))
    await repository.putObject(sha256Hex('nobody'), Buffer.from('nobody'), false)
    await destination.put('objects/stranger', Buffer.from('x'))
    await forgetSnapshots({ ...world, rules: { last: 2 } })
    const dry = await pruneRepository({ ...world, dryRun: true })
    // s2 and s3 need 5 objects; s0 and s1 had 4 more, and one was left over
    expect(dry).toMatchObject({
      snapshots: 2,
      needed: { objects: { count: 5 } },
      unneeded: { objects: { count: 5 } },
      removed: { count: 0 },
      remarks: ['objects/stranger was not written by vectra, and stays'],
    })
    expect(await keysOf(destination, 'objects/')).toHaveLength(11)
    const result = await pruneRepository(world)
    expect(result).toMatchObject({ removed: dry.unneeded.objects, locked: [], refused: [] })
    expect(await keysOf(destination, 'objects/')).toHaveLength(6)
    expect(await wholeSnapshots(destination, clock)).toEqual(['s2', 's3'])
    expect(await pruneRepository(world)).toMatchObject({ removed: { count: 0 } })
    expect(await keysOf(destination, 'locks/')).toEqual([])
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
  })

  it('case 81: with any rules before it, leaves every kept snapshot whole and nothing that nobody needs', async () => {
    const anySnapshot = fc.record({
      lsn: fc.nat(20),
      objects: fc.subarray(['a', 'b', 'c', 'd', 'e', 'f'], { minLength: 1 }),
      history: fc.constantFrom('00112233aabbccdd', 'ffffffffffffffff'),
      name: fc.constantFrom('products', 'words'),
      count: fc.nat(100),
    })
    const anyRules = fc.record({
      last: fc.integer({ min: 1, max: 3 }),
      weekly: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(anySnapshot, { minLength: 1, maxLength: 8 }),
        anyRules,
        async (snapshots, rules) => {
          const { destination, clock, world } = await smallRepository(
            snapshots.map((each, index) => ({
              ...each,
              id: `s${index}`,
              uuid: uuidOf(each.name === 'words' ? '2' : '1'),
            })),
          )
          const forgotten = await forgetSnapshots({ ...world, rules, force: true })
          await pruneRepository({ ...world, force: true })
          const kept = forgotten.snapshots.filter(({ outcome }) => outcome === 'kept')
          const ids = kept.map(({ snapshotId }) => snapshotId).sort()
          expect((await wholeSnapshots(destination, clock)).sort()).toEqual(ids)
          const needed = new Set(ids.flatMap((id) => snapshots[Number(id.slice(1))]?.objects ?? []))
          expect(await keysOf(destination, 'objects/')).toHaveLength(needed.size)
          for (const name of new Set(snapshots.map((each) => each.name))) {
            expect(kept.some((each) => each.collection === name)).toBe(true)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('refuses when a manifest of any collection cannot be read, forced or not', async () => {
    const { destination, world } = await smallRepository(chain(2))
    const key = snapshotKey('others', 'broken')
    await destination.put(key, Buffer.from('{}'))
    const before = await keysOf(destination)
    for (const force of [false, true]) {
      await expect(pruneRepository({ ...world, force })).rejects.toMatchObject({
        code: 'damaged',
        message: expect.stringMatching(/nothing was removed, .* cannot be told: .*broken.json/),
      })
    }
    expect(await keysOf(destination)).toEqual(before)
  })

  it('stops when the newest backup looks wrong, unless it is forced', async () => {
    const { world } = await smallRepository([...chain(2), { id: 'few', lsn: 9, count: 1 }])
    await expect(pruneRepository(world)).rejects.toMatchObject({ code: 'suspicious-backup' })
    expect(await pruneRepository({ ...world, force: true })).toMatchObject({
      suspicions: [expect.stringContaining('few')],
    })
  })

  it('case 49: refuses on a store whose listing hides a snapshot that something names', async () => {
    const hidden = snapshotKey(collection, 's1')
    class Behind extends MemoryDestination {
      override async *list(prefix: string) {
        for await (const each of super.list(prefix)) if (each.key !== hidden) yield each
      }
    }
    const child = await smallRepository(chain(3), new Behind())
    await expect(pruneRepository(child.world)).rejects.toMatchObject({
      code: 'unsupported-destination',
      place: { file: expect.stringContaining(hidden) },
    })
    const pinned = await smallRepository(chain(2), new Behind())
    const pinnedAt = '2026-01-01T00:00:00.000Z'
    await writePin(pinned.repository, { collection, snapshotId: 's1', reason: null, pinnedAt })
    await expect(pruneRepository(pinned.world)).rejects.toMatchObject({
      code: 'unsupported-destination',
    })
  })

  it('keeps the newest record of each depth of a snapshot that stands, and no other', async () => {
    const { repository, destination, world } = await smallRepository(chain(1))
    const sha256 = (await repository.snapshot(collection, 's0'))?.sha256 ?? ''
    const record = {
      collection,
      snapshotId: 's0',
      manifestSha256: sha256,
      ok: true,
      problem: null,
      readShare: 1,
      host: 'here',
    }
    const at = (day: number) => `2026-01-0${day}T00:00:00.000Z`
    await writeVerification(repository, { ...record, depth: 'objects', verifiedAt: at(1) })
    await writeVerification(repository, { ...record, depth: 'objects', verifiedAt: at(3) })
    await writeVerification(repository, { ...record, depth: 'content', verifiedAt: at(2) })
    const gone = { ...record, snapshotId: 'gone', depth: 'objects', verifiedAt: at(4) } as const
    await writeVerification(repository, gone)
    expect(await pruneRepository(world)).toMatchObject({ unneeded: { records: { count: 2 } } })
    expect(await keysOf(destination, 'verified/')).toEqual([
      'verified/products/s0/20260102000000000.json',
      'verified/products/s0/20260103000000000.json',
    ])
  })

  it('case 48: takes away what interrupted puts left a day ago, and nothing younger', async () => {
    const { clock, world, destination } = await smallRepository(chain(1))
    const removed: string[] = []
    const put = (id: string, isDead: boolean) => ({
      key: 'objects/x',
      id,
      startedAt: clock.nowMs(),
      isDead,
    })
    Object.assign(destination, {
      unfinished: {
        async *list() {
          yield put('old', true)
          yield put('young', false)
        },
        remove: async ({ id }: { id: string }) => void removed.push(id),
      },
    })
    expect(await pruneRepository({ ...world, dryRun: true })).toMatchObject({ unfinished: 1 })
    expect(removed).toEqual([])
    await pruneRepository(world)
    expect(removed).toEqual(['old'])
  })
})

it('works alike on an encrypted repository, whose objects have other names', async () => {
  const key = new RepositoryKey(seededRandom(54).bytes(32).toString('base64'))
  const destination = new MemoryDestination()
  const { clock } = await smallRepository([], new MemoryDestination())
  const repository = await Repository.openOrCreate(destination, clock, { keys: [key] })
  for (const each of chain(4)) await publish(repository, each)
  const world = { disk: nodeDisk, clock, lockWaitMs: 0 }
  const location = { location: destination, keys: [key] }
  await expect(pruneRepository({ ...world, repository: destination })).rejects.toMatchObject({
    code: 'key-refused',
  })
  await forgetSnapshots({ ...world, repository: location, rules: { last: 2 } })
  const result = await pruneRepository({ ...world, repository: location })
  expect(result).toMatchObject({ needed: { objects: { count: 5 } }, removed: { count: 4 } })
  for (const id of ['s2', 's3']) {
    const found = await repository.snapshot(collection, id)
    for (const { sha256 } of found?.manifest.files.flatMap(({ pieces }) => pieces) ?? []) {
      expect(await repository.objectSize(sha256)).toBeGreaterThan(0)
    }
  }
})

describe('a prune beside others', () => {
  it('case 38: does not begin while a backup, copy, restore or verification runs, and names it', async () => {
    const { repository, destination, world } = await smallRepository(chain(2))
    await repository.putObject(sha256Hex('uploaded'), Buffer.from('uploaded'), false)
    const { clock, timer } = world
    const backup = await holdShared(repository, { purpose: 'a backup of products', clock, timer })
    await expect(pruneRepository(world)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('a backup of products'),
    })
    // the backup publishes what it has uploaded: all of it is there
    await publish(repository, { id: 's9', lsn: 9, objects: ['uploaded'] })
    await backup.release()
    await pruneRepository(world)
    expect(await wholeSnapshots(destination, clock)).toEqual(['s0', 's1', 's9'])
  })

  it('stops at once when its own lock is taken away', async () => {
    const many = Array.from({ length: 600 }, (_, index) => `left ${index}`)
    class Thief extends MemoryDestination {
      deleted = 0
      override async delete(key: string) {
        await super.delete(key)
        if (key.startsWith('objects/') && ++this.deleted === 100) {
          for await (const { key: lock } of this.list('locks/')) await super.delete(lock)
        }
      }
    }
    const destination = new Thief()
    const { repository, world } = await smallRepository(chain(1), destination)
    for (const text of many) await repository.putObject(sha256Hex(text), Buffer.from(text), false)
    await expect(pruneRepository(world)).rejects.toMatchObject({ code: 'locked' })
    expect(destination.deleted).toBeLessThan(300)
  })
})

describe('a store that refuses', () => {
  it('case 53: to delete some: the rest goes, and each refusal is told', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const { world, destination } = await smallRepository(
      chain(4),
      new DirectoryDestination(disk, '/repo'),
    )
    await forgetSnapshots({ ...world, rules: { last: 1 } })
    disk.arm({ calls: ['unlink'], path: /objects\//, at: 2, times: 2, errno: 'EACCES' })
    const result = await pruneRepository(world)
    expect(result).toMatchObject({ unneeded: { objects: { count: 6 } }, removed: { count: 4 } })
    expect(result.refused).toHaveLength(2)
    expect(() => refuseRefused(result)).toThrow(
      expect.objectContaining({
        code: 'disk-refused',
        message: expect.stringMatching(/^2 of what/),
      }),
    )
    expect(await keysOf(destination, 'objects/')).toHaveLength(5)
    expect(() => refuseRefused({ ...result, refused: [] })).not.toThrow()
  })

  it('case 54: locked objects stay, with the instant until which they do', async () => {
    const locks = new Map<string, StoredLock>()
    class Locking extends MemoryDestination {
      override readonly objectLock = {
        lockOf: async (key: string) => locks.get(key),
        extend: async () => {},
        isHonoured: async () => true,
        resists: async () => true,
      }
      override async delete(key: string) {
        if (locks.has(key)) fail('object-locked', `${key} is locked`, '')
        await super.delete(key)
      }
    }
    const { repository, world, destination } = await smallRepository(chain(3), new Locking())
    const untilMs = Date.UTC(2030, 0, 1)
    const key = (text: string) => repository.objectKey(sha256Hex(text))
    locks.set(key('only 0'), { retention: { mode: 'compliance', untilMs }, legalHold: false })
    locks.set(key('only 1'), { legalHold: true })
    await forgetSnapshots({ ...world, rules: { last: 1 } })
    const result = await pruneRepository(world)
    const byKey = [...result.locked].sort((a, b) => (a.key < b.key ? -1 : 1))
    expect(byKey).toEqual(
      [
        { key: key('only 0'), lockedUntil: '2030-01-01T00:00:00.000Z' },
        { key: key('only 1'), lockedUntil: null },
      ].sort((a, b) => (a.key < b.key ? -1 : 1)),
    )
    expect(result).toMatchObject({ removed: { count: 2 }, refused: [] })
    expect(await keysOf(destination, 'objects/')).toHaveLength(5)
    expect(() => refuseRefused(result)).not.toThrow()
  })
})

describe('a prune that is cut off', () => {
  it('at any call leaves all kept snapshots whole after any power cut, and the next one completes it', async () => {
    const open = (disk: FaultyDisk | MemoryDisk) =>
      smallRepository([], new DirectoryDestination(disk, '/repo'))
    let cuts = 0
    const points = await killAtEveryCall({
      prepare: async () => {
        const disk = new MemoryDisk()
        await smallRepository(chain(3), new DirectoryDestination(disk, '/repo'))
        const { repository } = await open(disk)
        // somebody forgot these, and died before that was durable
        for (const id of ['s0', 's1']) await repository.deleteSnapshot(collection, id)
        return disk
      },
      work: async (disk) => {
        const { world } = await open(disk)
        await pruneRepository(world)
      },
      check: async ({ disk }) => {
        const cutsOf = [disk.crashLosingNothing(), disk.crashLosingAll()]
        for (let seed = 1; seed <= 6; seed++) cutsOf.push(disk.crash(seed))
        for (const left of cutsOf) {
          cuts++
          const { destination, clock, world } = await open(left)
          const standing = await wholeSnapshots(destination, clock)
          expect(standing).toContain('s2')
          // this process lives on, the one that held the lock does not
          for (const key of await keysOf(destination, 'locks/')) await destination.delete(key)
          await pruneRepository(world)
          expect(await wholeSnapshots(destination, clock)).toEqual(standing)
        }
      },
    })
    expect(points).toBeGreaterThan(8)
    expect(cuts).toBe(points * 8)
  })
})

describe('a prune of a repository in object storage', () => {
  const held = useStore()

  it('case 54: skips what is locked, tells until when, never asks for a bypass, and leaves no versions of its own locks', async () => {
    const bucket = held.store.newBucket({ lock: true })
    const destination = held.store.open(bucket, 'vectra')
    const { repository } = await smallRepository(chain(3), destination)
    const untilMs = Math.ceil(systemClock.nowMs() / 1_000) * 1_000 + 35 * dayMs
    const locked = repository.objectKey(sha256Hex('only 0'))
    const manifest = snapshotKey(collection, 's1')
    for (const mode of ['governance', 'compliance'] as const) {
      const key = mode === 'governance' ? locked : manifest
      await destination.objectLock?.extend(key, { mode, untilMs })
    }
    const world = { repository: destination, disk: nodeDisk, clock: systemClock, lockWaitMs: 0 }
    const forgotten = await forgetSnapshots({ ...world, rules: { last: 1 }, force: true })
    expect(forgotten.snapshots.map(({ outcome }) => outcome)).toEqual(['removed', 'stays', 'kept'])
    expect(forgotten.refused).toBeNull()
    const result = await pruneRepository({ ...world, force: true })
    // s1 stays, and needs what it needs; of s0 one object is locked and one goes
    expect(result.locked).toEqual([{ key: locked, lockedUntil: new Date(untilMs).toISOString() }])
    expect(result).toMatchObject({ removed: { count: 1 }, refused: [] })
    const bypassing = held.store.requests.filter(({ headers }) =>
      Object.keys(headers).some((name) => name.includes('bypass')),
    )
    expect(bypassing).toEqual([])
    const names = [...(held.store.state.buckets.get(bucket)?.versions.keys() ?? [])]
    const left = names.filter((name) => name.includes('/locks/'))
    for (const name of left) {
      expect(held.store.state.buckets.get(bucket)?.versions.get(name) ?? []).toEqual([])
    }
  })

  it('case 53: an append-only role backs up and restores; its prune removes nothing and says so', async () => {
    const destination = held.store.open(undefined, 'vectra')
    const { repository } = await smallRepository(chain(3), destination)
    await repository.deleteSnapshot(collection, 's0')
    held.store.inject({
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
      when: is('DeleteObject', 'DeleteObjects'),
    })
    await publish(repository, { id: 's9', lsn: 9 })
    const lock = await holdShared(repository, { purpose: 'a backup', clock: systemClock })
    await lock.release()
    const world = { repository: destination, disk: nodeDisk, clock: systemClock, lockWaitMs: 0 }
    const result = await pruneRepository({ ...world, force: true })
    expect(result).toMatchObject({ removed: { count: 0 }, unneeded: { objects: { count: 2 } } })
    expect(result.refused).toHaveLength(2)
    expect(() => refuseRefused(result)).toThrow(
      expect.objectContaining({ code: 'credential-refused', exitCode: 17 }),
    )
    held.store.heal()
    expect(await pruneRepository({ ...world, force: true })).toMatchObject({
      removed: { count: 2 },
      refused: [],
    })
    expect(await keysOf(destination, 'locks/')).toEqual([])
  })
})
