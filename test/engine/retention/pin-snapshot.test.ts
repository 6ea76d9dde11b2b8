import { describe, expect, it } from 'vitest'
import { holdRetention } from '../../../engine/repository/locks.ts'
import { forgetSnapshots } from '../../../engine/retention/forget.ts'
import { pinSnapshot, unpinSnapshot } from '../../../engine/retention/pin-snapshot.ts'
import { keysOf, smallRepository } from './small-repository.ts'

const days = [1, 2, 3].map((lsn) => ({ id: `s${lsn}`, lsn }))
const s1 = { collection: 'products', snapshotId: 's1' }

describe('a pin', () => {
  it('keeps a snapshot until it is taken away, and touches no manifest', async () => {
    const { destination, world } = await smallRepository(days)
    const before = await keysOf(destination)
    const pinned = await pinSnapshot({ ...world, ...s1, reason: 'before the migration' })
    expect(pinned).toMatchObject({ ...s1, reason: 'before the migration' })
    expect(await keysOf(destination)).toEqual([...before, 'pins/products/s1.json'].sort())
    const rules = { last: 1 }
    expect(await forgetSnapshots({ ...world, rules })).toMatchObject({ removed: 1 })
    expect(await unpinSnapshot({ ...world, ...s1 })).toMatchObject({ wasPinned: true })
    expect(await unpinSnapshot({ ...world, ...s1 })).toMatchObject({ wasPinned: false })
    expect(await forgetSnapshots({ ...world, rules })).toMatchObject({ removed: 1 })
    expect(await keysOf(destination, 'snapshots/')).toEqual(['snapshots/products/s3.json'])
  })

  it('is only for a snapshot that is there, and waits for whoever removes snapshots', async () => {
    const { repository, destination, world } = await smallRepository(days)
    const absent = { ...world, ...s1, snapshotId: 's9' }
    await expect(pinSnapshot(absent)).rejects.toMatchObject({ code: 'snapshot-not-found' })
    const { clock, timer } = world
    const lock = await holdRetention(repository, { purpose: 'a forget', clock, timer })
    const asked = pinSnapshot({ ...world, ...s1 })
    await timer.pass(5_000)
    expect(await keysOf(destination, 'pins/')).toEqual([])
    await lock.release()
    await timer.pass(2_000)
    expect((await asked).reason).toBeNull()
    const long = { ...world, ...s1, reason: 'x'.repeat(501) }
    await expect(pinSnapshot(long)).rejects.toMatchObject({ code: 'usage' })
  })
})
