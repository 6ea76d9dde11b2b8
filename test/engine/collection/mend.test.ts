/** Damaged segment files: what is still answered, and where they are fetched from. */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { repositoryPieces } from '../../../engine/backup/repository-pieces.ts'
import type { Disk } from '../../../engine/base/disk.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { breakLock, openTest, smallConfig, somePoints } from '../../support/collections.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const destination = new MemoryDestination()
const clock = manualClock()

/** A collection of two sealed segments and a few points in the log, with a backup. Where its files are. */
async function saved() {
  const disk = new MemoryDisk()
  const data = await openTest('/d', { disk })
  const items = await data.create('items', smallConfig)
  const random = seededRandom(16)
  for (const count of [20, 30]) {
    const points = somePoints(random, count).map((each, index) => ({
      ...each,
      id: `${count}-${index}`,
    }))
    await items.upsert(points)
    await items.checkpoint()
  }
  await items.delete(['20-1'])
  await items.checkpoint()
  await createBackup(items, {
    destination,
    snapshotId: `s${items.uuid}`,
    disk,
    clock,
    golden: { sample: 1 },
  })
  await items.upsert([{ id: 'later', vector: [1, 2, 3, 4, 5, 6, 7, 8] }])
  return { disk, data, items, directory: items.replication.directory }
}

async function flip(disk: Disk, file: string, offset: number): Promise<void> {
  const bytes = await disk.readFile(file, 2 ** 20)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 4, offset)
  const handle = await disk.open(file, 'append')
  await handle.write(bytes, 0)
  await handle.sync()
  await handle.close()
}

const dataFiles = ({ manifest }: Collection) =>
  manifest.segments.flatMap(({ vectors, points, tombstones }) =>
    [vectors, points, tombstones].flatMap((each) => each?.path ?? []),
  )

test('case 16: a collection of which damage is met is read-only and says why; what is sound is still answered', async () => {
  const { disk, data, items, directory } = await saved()
  const [first] = items.manifest.segments
  const file = path.join(directory, first?.vectors.path ?? '')
  await flip(disk, file, 300)
  await items.upsert([{ id: 'before', vector: [1, 1, 1, 1, 1, 1, 1, 1] }])
  await expect(items.proveDigest()).rejects.toMatchObject({ code: 'digest-mismatch' })
  await expect(items.upsert([{ id: 'x', vector: [1, 1, 1, 1, 1, 1, 1, 1] }])).rejects.toMatchObject(
    {
      code: 'digest-mismatch',
      message: expect.stringContaining('items is read-only, because point'),
      hint: expect.stringContaining('collections repair items --segments'),
    },
  )
  await expect(items.delete(['later'])).rejects.toMatchObject({ code: 'digest-mismatch' })
  expect(await items.get('later')).toBeDefined()
  expect(await items.get('30-2')).toBeDefined()
  await data.close()
})

test('case 16: every data file of every segment, damaged, cut off or gone, comes back from a backup by its hash', async () => {
  const { disk, data, items, directory } = await saved()
  const { digest, count } = items
  const files = dataFiles(items)
  expect(files).toHaveLength(5)
  await data.close()
  const sources = await repositoryPieces([destination], disk)
  for (const file of files) {
    const place = path.join(directory, file)
    const whole = await disk.readFile(place, 2 ** 20)
    for (const harm of ['flip', 'cut', 'gone'] as const) {
      if (harm === 'flip') await flip(disk, place, whole.length - 1)
      if (harm === 'gone') await disk.unlink(place)
      if (harm === 'cut') {
        const handle = await disk.open(place, 'append')
        await handle.truncate(whole.length - 1)
        await handle.close()
      }
      const again = await openTest('/d', { disk })
      const mended = await again.mend('items', () => sources)
      expect(mended, `${file} ${harm}`).toMatchObject({
        files: [{ path: file, pieces: 1, from: ['memory:memory'] }],
        count,
        digest,
      })
      expect(await disk.readFile(place, 2 ** 20)).toEqual(whole)
      const opened = await again.open('items')
      expect(await opened.proveDigest()).toBe(digest)
      await opened.upsert([{ id: 'later', vector: [1, 2, 3, 4, 5, 6, 7, 8] }])
      await again.close()
    }
  }
})

test('case 16: where no copy has the piece, or gives another one, the file stays as it is and the error names it', async () => {
  const { disk, data, items, directory } = await saved()
  const [first] = items.manifest.segments
  const file = path.join(directory, first?.vectors.path ?? '')
  await flip(disk, file, 100)
  const damaged = await disk.readFile(file, 2 ** 20)
  const liar = { name: 'liar', read: async () => Buffer.alloc(damaged.length) }
  await expect(data.mend('items', () => [liar])).rejects.toMatchObject({
    code: 'damaged',
    message: expect.stringContaining('nobody has the piece'),
    place: { file, offset: 0 },
  })
  await expect(data.mend('items', () => [])).rejects.toMatchObject({
    message: expect.stringContaining('there is no other copy to ask'),
  })
  expect(await disk.readFile(file, 2 ** 20)).toEqual(damaged)
  const left = (await disk.list(path.dirname(file))).filter((name) => name.endsWith('.tmp'))
  expect(left).toEqual([])
  await data.close()
})

test('case 16: a mending that is killed at any call leaves the damaged file or the mended one', async () => {
  const { disk, data, items, directory } = await saved()
  const { digest } = items
  const [first] = items.manifest.segments
  const file = path.join(directory, first?.points.path ?? '')
  await data.close()
  await flip(disk, file, 200)
  let left = 0
  for (let at = 1; ; at++) {
    const copy = disk.crash(at)
    await breakLock(copy, '/d')
    const dying = new FaultyDisk(copy)
    const begun = await openTest('/d', { disk: dying })
    const sources = await repositoryPieces([destination], disk)
    dying.arm({ at, times: Number.POSITIVE_INFINITY, errno: 'EIO' })
    const ended = await begun
      .mend('items', () => sources)
      .then(
        () => true,
        () => false,
      )
    if (!ended) left++
    const after = copy.crash(at)
    await breakLock(after, '/d')
    const again = await openTest('/d', { disk: after })
    expect((await again.mend('items', () => sources)).digest, `call ${at}`).toBe(digest)
    await again.close()
    if (ended && dying.hits === 0) break
  }
  expect(left).toBeGreaterThan(4)
})
