import { rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { listSnapshots } from '../../../engine/backup/list.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import {
  modelDigest,
  openTest,
  randomPoint,
  somePoints,
  type TestPoint,
} from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { changeFile, flipBit } from './repository-on-disk.ts'

const world = { disk: nodeDisk, clock: manualClock() }
const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })

describe('a backup of a living collection', () => {
  it('case 72: taken while writes go on is exactly the state at its LSN', async () => {
    const directory = await openTest(join(await temporaryDirectory(), 'data'))
    const items = await directory.create('items', config)
    const random = seededRandom(72)
    const model = new Map<TestPoint['id'], TestPoint>()
    /** Digest and count of the model after each LSN. */
    const states = new Map<number, { digest: string; count: number }>()
    let running = true
    const write = async () => {
      while (running) {
        const points = Array.from({ length: 20 }, () => randomPoint(random, random.integer(500)))
        const distinct = [...new Map(points.map((point) => [point.id, point])).values()]
        const { lsn } = await items.upsert(distinct)
        for (const point of distinct) model.set(point.id, point)
        states.set(lsn, { digest: modelDigest(model.values(), config), count: model.size })
        const ids = [random.integer(500), random.integer(500)]
        const deleted = await items.delete(ids)
        for (const id of ids) model.delete(id)
        states.set(deleted.lsn, { digest: modelDigest(model.values(), config), count: model.size })
      }
    }
    const writing = write()
    const destination = new MemoryDestination()
    for (const snapshotId of ['a', 'b', 'c', 'd', 'e']) {
      const golden = { sample: 4 }
      await createBackup(items, { ...world, destination, snapshotId, golden })
      if (snapshotId === 'c') await items.checkpoint()
    }
    running = false
    await writing
    const { snapshots } = await listSnapshots({ ...world, source: destination })
    expect(snapshots).toHaveLength(5)
    for (const { snapshotId, lsn, digest, count } of snapshots) {
      if (lsn > 0) expect({ digest, count }, snapshotId).toEqual(states.get(lsn))
      const result = await restoreSnapshot(directory, {
        ...world,
        collection: 'items',
        source: destination,
        snapshotId,
        newName: `restored_${snapshotId}`,
      })
      expect(result).toMatchObject({ digest, count })
    }
    await directory.close()
  })

  it('case 73: of a chain of 50 every snapshot restores to its own digest', async () => {
    const directory = await openTest(join(await temporaryDirectory(), 'data'))
    const items = await directory.create('items', config)
    const random = seededRandom(73)
    const destination = new MemoryDestination()
    const digests: string[] = []
    for (let index = 0; index < 50; index++) {
      await items.upsert(Array.from({ length: 30 }, () => randomPoint(random, random.integer(200))))
      await items.delete([random.integer(200)])
      if (index % 10 === 9) await items.checkpoint()
      const snapshotId = `s${String(index).padStart(2, '0')}`
      const result = await createBackup(items, {
        ...world,
        destination,
        snapshotId,
        golden: { sample: 0 },
      })
      expect(result.parent).toBe(index === 0 ? null : `s${String(index - 1).padStart(2, '0')}`)
      digests.push(items.digest)
    }
    for (const [index, digest] of digests.entries()) {
      const snapshotId = `s${String(index).padStart(2, '0')}`
      const options = {
        ...world,
        collection: 'items',
        source: destination,
        snapshotId,
        newName: 'test',
      }
      const result = await restoreSnapshot(directory, { ...options, replace: true, warm: false })
      expect(result.digest, snapshotId).toBe(digest)
    }
    await directory.close()
  })
})

describe('a source that is damaged', () => {
  const sealed = async () => {
    const path = join(await temporaryDirectory(), 'data')
    const directory = await openTest(path)
    const items = await directory.create('items', config)
    await items.upsert(somePoints(seededRandom(84), 1200))
    await items.checkpoint()
    const [segment] = items.manifest.segments
    const name = `${items.uuid}-${items.epoch.history}`
    const file = join(path, 'collections', name, segment?.vectors.path ?? '')
    return { directory, items, file }
  }
  const options = () => ({ ...world, destination: new MemoryDestination(), snapshotId: 's' })

  it('is not backed up: a flipped bit is named with its file', async () => {
    const { directory, items, file } = await sealed()
    await changeFile(file, (bytes) => flipBit(bytes, 4321))
    const destination = new MemoryDestination()
    await expect(
      createBackup(items, { ...options(), destination, golden: { sample: 0 } }),
    ).rejects.toMatchObject({
      code: 'damaged',
      exitCode: 13,
      place: { file: expect.stringContaining('vectors') },
    })
    expect((await listSnapshots({ ...world, source: destination })).snapshots).toEqual([])
    await directory.close()
  })

  it('case 84: is not followed through a link', async () => {
    const { directory, items, file } = await sealed()
    await rename(file, `${file}.elsewhere`)
    await symlink(`${file}.elsewhere`, file)
    const destination = new MemoryDestination()
    await expect(
      createBackup(items, { ...options(), destination, golden: { sample: 0 } }),
    ).rejects.toMatchObject({ exitCode: expect.toSatisfy((code) => code === 12 || code === 13) })
    expect((await listSnapshots({ ...world, source: destination })).snapshots).toEqual([])
    await rm(file)
    await directory.close()
  })
})
