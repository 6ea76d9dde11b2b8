import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BackupResult } from '../../../engine/backup/backup-result.ts'
import { type BackupOptions, createBackup } from '../../../engine/backup/create.ts'
import { compareWithGolden } from '../../../engine/backup/golden.ts'
import { readSnapshot } from '../../../engine/backup/list.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { systemClock } from '../../../engine/base/clock.ts'
import { noProgress } from '../../../engine/base/progress.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import type { PointId } from '../../../engine/format/point.ts'
import { openTest } from '../../support/collections.ts'
import { CountingDisk } from '../../support/counting-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const dimension = 128
const count = 2_400
const golden = { sample: 16, k: 5 }

let disk: CountingDisk
let data: DataDirectory
const random = seededRandom(77)

const point = (id: PointId) => ({
  id,
  vector: Array.from({ length: dimension }, () => random.normal()),
})

beforeEach(async () => {
  disk = new CountingDisk(new MemoryDisk())
  data = await openTest('/d', { disk })
})
afterEach(() => data.close())

/** Two segments with graphs. */
async function filled(): Promise<Collection> {
  const items = await data.create('items', makeConfig({ dimension, metric: 'l2', m: 8 }))
  for (let from = 0; from < count; from += count / 2) {
    await items.upsert(Array.from({ length: count / 2 }, (_, index) => point(from + index)))
    await items.checkpoint()
  }
  return items
}

/** As a command does: opened for this, so that nothing is loaded. */
async function reopened(): Promise<Collection> {
  await data.close()
  data = await openTest('/d', { disk })
  return data.open('items')
}

async function backUp(
  items: Collection,
  snapshotId: string,
  options: Partial<BackupOptions> = {},
): Promise<BackupResult & { readBytes: number; writtenBytes: number; paths: string[] }> {
  disk.take()
  const world = { disk, clock: systemClock, destination: '/r', golden }
  const result = await createBackup(items, { ...world, snapshotId, ...options })
  const paths = disk.pathsRead()
  return { ...result, ...disk.take(), paths }
}

const overwritten = (items: Collection, share: number) =>
  items.upsert(Array.from({ length: share * count }, () => point(random.integer(count))))

const stored = async (snapshotId: string) => {
  const read = { source: '/r', collection: 'items', snapshotId, disk }
  return (await readSnapshot(read)).manifest
}

describe('an incremental backup after a small change', () => {
  test('reads and writes what changed, and its queries have their exact neighbours', async () => {
    await filled()
    const full = await backUp(await reopened(), 'full', { mode: 'full' })
    let items = await reopened()
    await overwritten(items, 0.01)
    const second = await backUp(items, 'second')
    items = await reopened()
    await items.delete(Array.from({ length: 20 }, (_, index) => 7 * index))
    const third = await backUp(items, 'third')
    for (const each of [second, third]) {
      expect(each.readBytes / full.readBytes, 'read').toBeLessThan(0.05)
      expect(each.writtenBytes / full.writtenBytes, 'written').toBeLessThan(0.05)
      expect(each.golden).toMatchObject({ measuredIn: 'full', recall: full.golden.recall })
      expect(each.golden.latencyMs).toEqual(full.golden.latencyMs)
      // of the files that have been sealed since, only single rows: the vectors of the queries
      expect(each.paths.filter((path) => path.endsWith('.graph'))).toEqual([])
    }
    const percent = (part: number, all: number) => `${((100 * part) / all).toFixed(1)} %`
    console.log(
      `incremental after 1 %: ${percent(second.readBytes, full.readBytes)} of the bytes read, ` +
        `${percent(second.writtenBytes, full.writtenBytes)} of the bytes written`,
    )
    const { golden: recorded } = await stored('third')
    expect(recorded.queries).toHaveLength(16)
    const watch = { clock: systemClock, progress: noProgress }
    expect(await compareWithGolden(items, recorded, watch)).toMatchObject({ wrong: [] })
  })

  test('takes what it found along, so that a restored collection knows it too', async () => {
    await backUp(await filled(), 'first')
    expect(
      (await stored('first')).files.filter(({ path }) => path.endsWith('.truth')),
    ).toHaveLength(2)
    await data.drop('items')
    await restoreSnapshot(data, { collection: 'items', source: '/r', disk, clock: systemClock })
    const items = await reopened()
    disk.take()
    const pinned = await items.pin()
    expect(await pinned.golden(golden)).toHaveLength(16)
    const vectorBytes = 4 * dimension * count
    expect(disk.take(/\.vectors$/).readBytes).toBeLessThan(0.02 * vectorBytes)
    await pinned.release()
  })
})

describe('recall and latency', () => {
  test('are measured by the first and by every full backup, whether or not searches are served', async () => {
    const items = await filled()
    await backUp(items, 'first')
    expect(items.isWarm).toBe(true)
    await overwritten(items, 0.01)
    expect((await backUp(items, 'warm')).golden.measuredIn).toBe('first')
    const cold = await reopened()
    expect(cold.isWarm).toBe(false)
    await overwritten(cold, 0.001)
    expect((await backUp(cold, 'cold')).golden.measuredIn).toBe('first')
    await overwritten(cold, 0.001)
    expect((await backUp(cold, 'full', { mode: 'full' })).golden.measuredIn).toBe('full')
    await overwritten(cold, 0.001)
    expect((await backUp(cold, 'last')).golden.measuredIn).toBe('full')
  })

  test('are not carried on from a measurement of other vectors, settings or k', async () => {
    await backUp(await filled(), 'first')
    const deeper = await backUp(await reopened(), 'deeper', { golden: { sample: 16, k: 6 } })
    expect(deeper.golden.measuredIn).toBe('deeper')
    let items = await reopened()
    await overwritten(items, 0.3)
    const changed = await backUp(items, 'changed', { golden: { sample: 16, k: 6 } })
    expect(changed.golden.measuredIn).toBe('changed')
    items = await reopened()
    await items.delete(Array.from({ length: count / 2 }, (_, index) => index))
    const shrunk = await backUp(items, 'shrunk', { golden: { sample: 16, k: 6 } })
    expect(shrunk.golden.measuredIn).toBe('shrunk')
  })

  test('are not carried on when the snapshot that measured them is gone', async () => {
    await backUp(await filled(), 'first')
    await overwritten(await reopened(), 0.001)
    expect((await backUp(await data.open('items'), 'second')).golden.measuredIn).toBe('first')
    await disk.unlink(join('/r', 'snapshots', 'items', 'first.json'))
    await overwritten(await reopened(), 0.001)
    expect((await backUp(await data.open('items'), 'third')).golden.measuredIn).toBe('third')
  })
})
