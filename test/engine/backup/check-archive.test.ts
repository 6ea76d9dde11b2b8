import { beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { listSnapshots } from '../../../engine/backup/list.ts'
import { damageError, verifyRepository } from '../../../engine/backup/verify.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { archiveKey } from '../../../engine/repository/wal-archive.ts'
import { openTest, smallConfig, somePoints } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { flipBit } from './repository-on-disk.ts'

const disk = new MemoryDisk()
const clock = manualClock()
let destination: MemoryDestination
let collection: Collection

/** Snapshot at LSN 2, archived files 1–2, 3–4, 5–6. */
beforeEach(async () => {
  await disk.removeTree('/data')
  const directory = await openTest('/data', { disk, clock })
  destination = new MemoryDestination()
  collection = await directory.create('products', smallConfig)
  for (const [index, point] of somePoints(seededRandom(24), 6).entries()) {
    await collection.upsert([point])
    if (index % 2 === 1) await archiveOnce(collection, { destination, disk, clock })
    if (index === 1) await backUp('s1')
  }
  return () => directory.close()
})

const backUp = (snapshotId: string) =>
  createBackup(collection, { destination, snapshotId, disk, clock })
const verify = (depth: 'manifest' | 'objects' = 'objects') =>
  verifyRepository({ source: destination, disk, clock, depth })
const key = (firstLsn: number, lastLsn: number) =>
  archiveKey({
    identity: { uuid: collection.uuid, epoch: collection.epoch },
    firstLsn,
    lastLsn,
  })

describe('verifying archived log', () => {
  it('reads every file and says what can be restored', async () => {
    const result = await verify()
    expect(result).toMatchObject({ ok: true, archive: { files: 3, records: 6, remarks: [] } })
    expect(result.archive.ranges).toMatchObject([{ firstLsn: 2, lastLsn: 6 }])
    expect((await verify('manifest')).archive).toMatchObject({ files: 3, records: 0 })
    const listed = await listSnapshots({ source: destination, disk })
    expect(listed.ranges).toEqual(result.archive.ranges)
  })

  it('case 24: finds a flipped bit, and names file, offset and LSN', async () => {
    const bytes = Buffer.alloc((await destination.head(key(3, 4)))?.sizeBytes ?? 0)
    await destination.get(key(3, 4), bytes)
    await destination.put(key(3, 4), flipBit(bytes, 8 * 100))
    const result = await verify()
    expect(result.damage).toMatchObject([
      { kind: 'archive', key: key(3, 4), problem: expect.stringMatching(/offset 64, LSN 3/) },
    ])
    expect(damageError(result)).toMatchObject({ code: 'damaged' })
  })

  it('case 18: a file that is gone is damage at every depth', async () => {
    await destination.delete(key(3, 4))
    for (const depth of ['manifest', 'objects'] as const) {
      const result = await verify(depth)
      expect(result.damage).toMatchObject([
        {
          kind: 'archive-gap',
          problem: expect.stringMatching(
            /ends at LSN 2 and goes on at LSN 5: an archived file is gone/,
          ),
        },
      ])
      expect(result.archive.ranges).toMatchObject([{ firstLsn: 2, lastLsn: 2 }])
    }
    await backUp('s2') // what was there is still gone
    expect((await verify()).ok).toBe(false)
  })

  it('a gap that was told is damage until a snapshot stands behind it, and a remark then', async () => {
    const random = seededRandom(25)
    await collection.upsert(somePoints(random, 1))
    const pinned = await collection.pinLog()
    const repository = (await listSnapshots({ source: destination, disk })).repository.id
    await pinned.noteArchived({ repository, url: 'x', lsn: 7 })
    await pinned.release()
    await collection.checkpoint()
    await collection.upsert(somePoints(random, 1))
    expect((await archiveOnce(collection, { destination, disk, clock })).gap).toEqual({
      afterLsn: 6,
      beforeLsn: 8,
    })
    expect((await verify()).damage).toMatchObject([
      { kind: 'archive-gap', problem: expect.stringMatching(/no snapshot stands behind the gap/) },
    ])
    await backUp('s2')
    const bridged = await verify()
    expect(bridged).toMatchObject({ ok: true })
    expect(bridged.archive.remarks).toEqual([expect.stringMatching(/between LSN 6 and LSN 8/)])
    expect(bridged.archive.ranges).toMatchObject([
      { firstLsn: 2, lastLsn: 6 },
      { firstLsn: 8, lastLsn: 8 },
    ])
  })
})
