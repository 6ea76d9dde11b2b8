import { describe, expect, it } from 'vitest'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { holdExclusive, holdShared } from '../../../engine/repository/locks.ts'
import { writePin } from '../../../engine/repository/pins.ts'
import { snapshotKey } from '../../../engine/repository/snapshot-manifest.ts'
import { writeVerification } from '../../../engine/repository/verifications.ts'
import { forgetSnapshots } from '../../../engine/retention/forget.ts'
import { FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import {
  keysOf,
  type SmallSnapshot,
  smallRepository,
  uuidOf,
  wholeSnapshots,
} from './small-repository.ts'

const days = (count: number): SmallSnapshot[] =>
  Array.from({ length: count }, (_, lsn) => ({ id: `s${lsn}`, lsn }))

const collection = 'products'

describe('forgetting by rules', () => {
  it('removes manifests only, and says why of each snapshot', async () => {
    const { destination, clock, world } = await smallRepository(days(4))
    const before = await keysOf(destination, 'objects/')
    const result = await forgetSnapshots({ ...world, rules: { last: 1, daily: 2 } })
    expect(result).toMatchObject({ removed: 2, suspicions: [], refused: null, dryRun: false })
    expect(
      result.snapshots.map(({ snapshotId, outcome, reasons }) => [snapshotId, outcome, reasons[0]]),
    ).toEqual([
      ['s0', 'removed', 'no rule keeps it'],
      ['s1', 'removed', 'no rule keeps it'],
      ['s2', 'kept', 'daily 2026-01-03 (2 of 2)'],
      ['s3', 'kept', 'last 1 of 1'],
    ])
    expect(await wholeSnapshots(destination, clock)).toEqual(['s2', 's3'])
    expect(await keysOf(destination, 'objects/')).toEqual(before)
    expect(await keysOf(destination, 'locks/')).toEqual([])
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
  })

  it('does nothing in a dry run but tell, also what would stop it', async () => {
    const { destination, world } = await smallRepository([
      ...days(3),
      { id: 'few', lsn: 9, count: 1 },
    ])
    const before = await keysOf(destination)
    const result = await forgetSnapshots({ ...world, rules: { last: 1 }, dryRun: true })
    expect(result.snapshots.map(({ outcome }) => outcome)).toEqual([
      'would be removed',
      'would be removed',
      'would be removed',
      'kept',
    ])
    expect(result).toMatchObject({ removed: 0, suspicions: [expect.stringContaining('1 points')] })
    expect(await keysOf(destination)).toEqual(before)
  })

  it('stops when the newest backup looks wrong, unless it is forced', async () => {
    const { destination, world } = await smallRepository([
      ...days(3),
      { id: 'few', lsn: 9, count: 1 },
    ])
    const rules = { last: 1 }
    await expect(forgetSnapshots({ ...world, rules })).rejects.toMatchObject({
      code: 'suspicious-backup',
      exitCode: 13,
      hint: expect.stringContaining('--force'),
    })
    expect(await keysOf(destination, 'snapshots/')).toHaveLength(4)
    const forced = await forgetSnapshots({ ...world, rules, force: true })
    expect(forced).toMatchObject({ removed: 3, suspicions: [expect.stringContaining('few')] })
  })

  it('stops at a manifest that cannot be read, and keeps it when forced', async () => {
    const { destination, world } = await smallRepository(days(3))
    const key = snapshotKey(collection, 's2')
    await destination.put(key, Buffer.from('{}'))
    const rules = { last: 1 }
    await expect(forgetSnapshots({ ...world, rules })).rejects.toMatchObject({
      code: 'suspicious-backup',
    })
    const forced = await forgetSnapshots({ ...world, rules, force: true })
    expect(forced.remarks).toEqual([expect.stringMatching(/cannot be read stays: .*s2.json/)])
    expect(await keysOf(destination, 'snapshots/')).toEqual([snapshotKey(collection, 's1'), key])
  })

  it('case 40: refuses when the clock is earlier than the newest snapshot', async () => {
    const { destination, clock, world } = await smallRepository(days(5))
    clock.setWallClock(Date.UTC(2026, 0, 4))
    await expect(forgetSnapshots({ ...world, rules: { last: 1 } })).rejects.toMatchObject({
      code: 'suspicious-backup',
      message: expect.stringMatching(/the clock says 2026-01-04/),
    })
    expect(await keysOf(destination, 'snapshots/')).toHaveLength(5)
  })

  it('keeps what is pinned, and what has a tag', async () => {
    const { repository, world, destination } = await smallRepository([
      ...days(3),
      { id: 'audited', lsn: 5, tags: ['audit'] },
      { id: 'newest', lsn: 6 },
    ])
    const pin = {
      collection,
      snapshotId: 's1',
      reason: 'the auditors',
      pinnedAt: '2026-01-01T00:00:00.000Z',
    }
    await writePin(repository, pin)
    await destination.put('pins/products/s0.json', Buffer.from('{}')) // cannot be read, and pins all the same
    const result = await forgetSnapshots({ ...world, rules: { last: 1, tags: ['audit'] } })
    const kept = result.snapshots.filter(({ outcome }) => outcome === 'kept')
    expect(kept.map(({ snapshotId, reasons }) => [snapshotId, ...reasons])).toEqual([
      ['s0', 'pinned: by a pin that cannot be read'],
      ['s1', 'pinned: the auditors'],
      ['audited', 'tag audit'],
      ['newest', 'last 1 of 1'],
    ])
  })

  it('case 81: counts no snapshot whose newest verification failed, and keeps the last good one', async () => {
    const { repository, world } = await smallRepository(days(3))
    const at = async (id: string, ok: boolean, verifiedAt: string) => {
      const stored = await repository.snapshot(collection, id)
      await writeVerification(repository, {
        collection,
        snapshotId: id,
        manifestSha256: stored?.sha256 ?? '',
        depth: 'objects',
        ok,
        problem: ok ? null : 'an object is damaged',
        readShare: 1,
        verifiedAt,
        host: 'here',
      })
    }
    await at('s1', false, '2026-02-01T00:00:00.000Z')
    await at('s2', false, '2026-02-01T00:00:00.000Z')
    await at('s1', true, '2026-02-02T00:00:00.000Z') // it was mended
    const result = await forgetSnapshots({ ...world, rules: { last: 1 }, force: true })
    expect(result.suspicions).toEqual([
      expect.stringMatching(/newest snapshot s2 .* found damaged/),
    ])
    expect(result.snapshots.map(({ outcome }) => outcome)).toEqual(['removed', 'kept', 'kept'])
  })

  it('leaves other collections alone when it is told one', async () => {
    const others = [1, 2].map((lsn) => ({
      id: `w${lsn}`,
      lsn,
      name: 'words',
      uuid: uuidOf('2'),
    }))
    const { destination, clock, world } = await smallRepository([...days(2), ...others])
    await forgetSnapshots({ ...world, collection, rules: { last: 1 } })
    expect(await wholeSnapshots(destination, clock)).toEqual(['s1', 'w1', 'w2'])
  })
})

describe('forgetting by name', () => {
  it('removes exactly those, and nothing when one of them must stay', async () => {
    const { repository, destination, clock, world } = await smallRepository(days(4))
    const forget = (...snapshotIds: string[]) =>
      forgetSnapshots({ ...world, collection, snapshotIds })
    await writePin(repository, {
      collection,
      snapshotId: 's1',
      reason: null,
      pinnedAt: '2026-01-01T00:00:00.000Z',
    })
    await expect(forget('s0', 'nope')).rejects.toMatchObject({ code: 'snapshot-not-found' })
    await expect(forget('s0', 's1')).rejects.toMatchObject({
      code: 'snapshot-kept',
      message: expect.stringContaining('pinned'),
    })
    await expect(forget('s0', 's2', 's3', 's1')).rejects.toMatchObject({ code: 'snapshot-kept' })
    expect(await wholeSnapshots(destination, clock)).toHaveLength(4)
    await forget('s0', 's3')
    expect(await wholeSnapshots(destination, clock)).toEqual(['s1', 's2'])
    await expect(forgetSnapshots({ ...world, snapshotIds: ['s2'] })).rejects.toMatchObject({
      code: 'usage',
    })
  })

  it('case 81: never removes the last good snapshot of a collection', async () => {
    const { world } = await smallRepository(days(1))
    const forced = { ...world, collection, snapshotIds: ['s0'], force: true }
    await expect(forgetSnapshots(forced)).rejects.toMatchObject({
      code: 'snapshot-kept',
      exitCode: 2,
    })
  })
})

describe('forgetting beside others', () => {
  it('case 38: goes on beside a backup or restore, waits for another forget or a prune', async () => {
    const { repository, world } = await smallRepository(days(3))
    const request = { purpose: 'the other', clock: world.clock, timer: world.timer, waitMs: 0 }
    const shared = await holdShared(repository, request)
    expect(await forgetSnapshots({ ...world, rules: { last: 2 } })).toMatchObject({ removed: 1 })
    await shared.release()
    const exclusive = await holdExclusive(repository, request)
    await expect(forgetSnapshots({ ...world, rules: { last: 1 } })).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('by the other'),
    })
    await exclusive.release()
  })

  it('case 53: a store that refuses to delete keeps that snapshot; the others go, and the refusal is told', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const { world } = await smallRepository(days(4), new DirectoryDestination(disk, '/repo'))
    disk.arm({
      calls: ['unlink'],
      path: /s1\.json/,
      errno: 'EACCES',
      times: Number.POSITIVE_INFINITY,
    })
    const result = await forgetSnapshots({ ...world, rules: { last: 1 } })
    expect(result.snapshots.map(({ outcome }) => outcome)).toEqual([
      'removed',
      'stays',
      'removed',
      'kept',
    ])
    expect(result).toMatchObject({ removed: 2, refused: { code: 'disk-refused' } })
  })

  it('killed at any call leaves every snapshot that stands whole', async () => {
    const points = await killAtEveryCall({
      prepare: async () => {
        const disk = new MemoryDisk()
        await smallRepository(days(4), new DirectoryDestination(disk, '/repo'))
        return disk
      },
      work: async (disk) => {
        const { world } = await smallRepository([], new DirectoryDestination(disk, '/repo'))
        await forgetSnapshots({ ...world, rules: { last: 1 } })
      },
      check: async ({ disk }) => {
        for (const left of [disk.crashLosingNothing(), disk.crashLosingAll(), disk.crash(1)]) {
          const { destination, clock } = await smallRepository(
            [],
            new DirectoryDestination(left, '/repo'),
          )
          expect(await wholeSnapshots(destination, clock)).toContain('s3')
        }
      },
    })
    expect(points).toBeGreaterThan(5)
  })
})
