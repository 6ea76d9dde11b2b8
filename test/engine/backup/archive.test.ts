import { describe, expect, it } from 'vitest'
import { Archiver, archiveOnce } from '../../../engine/backup/archive.ts'
import { joinRanges } from '../../../engine/backup/coverage.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import type { Disk } from '../../../engine/base/disk.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import { removeLogs } from '../../../engine/collection/log-retention.ts'
import type { PutOptions } from '../../../engine/destination/destination.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import { archiveKey, listArchive, readArchive } from '../../../engine/repository/wal-archive.ts'
import { listWal } from '../../../engine/wal/wal-files.ts'
import { breakLock, openTest, smallConfig, somePoints } from '../../support/collections.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { flipBit } from './repository-on-disk.ts'

const data = '/data'
const points = (count: number, seed = 75) => somePoints(seededRandom(seed), count)

async function world() {
  const disk = new MemoryDisk()
  const clock = manualClock()
  const directory = await openTest(data, { disk, clock })
  const collection = await directory.create('products', smallConfig)
  const destination = new MemoryDestination()
  const archive = () => archiveOnce(collection, { destination, disk, clock })
  return { disk, clock, directory, collection, destination, archive }
}

/** Everything that is archived, read and proven; LSNs of its files. */
async function archived(destination: MemoryDestination | DirectoryDestination) {
  const repository = await Repository.open(destination)
  const { files, strangers } = await listArchive(repository)
  expect(strangers).toEqual([])
  const read = await Promise.all(files.map((each) => readArchive(repository, each)))
  return {
    ranges: files.map(({ firstLsn, lastLsn }) => [firstLsn, lastLsn]),
    joined: joinRanges(files),
    last: read.at(-1)?.trailer,
    trailers: read.map((each) => each?.trailer),
  }
}

/** Log records as one upsert each. */
async function write(collection: Collection, count: number, seed?: number) {
  for (const point of points(count, seed)) await collection.upsert([point])
}

describe('an archive run', () => {
  it('ships what is durable and not archived yet, with the digest it leads to', async () => {
    const { clock, collection, destination, archive } = await world()
    await write(collection, 5)
    clock.advance(1_000)
    const first = await archive()
    expect(first).toMatchObject({ files: 1, records: 5, firstLsn: 1, lastLsn: 5, archivedLsn: 5 })
    expect(first).toMatchObject({
      gap: null,
      restorable: false,
      count: 5,
      asOfAt: '2026-01-01T00:00:01.000Z',
    })
    expect(first.remarks).toEqual([expect.stringMatching(/no snapshot of this history/)])
    expect(await archive()).toMatchObject({ files: 0, records: 0, firstLsn: null, archivedLsn: 5 })
    await collection.delete(['p1'])
    await archive()
    const { ranges, last } = await archived(destination)
    expect(ranges).toEqual([
      [1, 5],
      [6, 6],
    ])
    const { digest, count } = collection
    expect(last).toMatchObject({ digest, count, previousLsn: 5, asOfUs: clock.nowUs() })
    expect(JSON.parse(JSON.stringify(first))).toEqual(first)
  })

  it('goes on where it was, run after run, while the log starts new files', async () => {
    const { disk, clock, collection, destination } = await world()
    const archiver = new Archiver(collection, { destination, disk, clock })
    for (let round = 0; round < 6; round++) {
      await write(collection, 3, round)
      if (round % 2 === 1) await collection.checkpoint()
      await archiver.run()
    }
    const { joined, trailers } = await archived(destination)
    expect(joined).toEqual([{ firstLsn: 1, lastLsn: 18 }])
    expect(trailers).toHaveLength(6)
  })

  it('cuts files at digest records once they are large', async () => {
    const { collection, destination, archive } = await world()
    const wide = Array.from({ length: 40 }, (_, index) => ({
      id: index,
      vector: [1, 2, 3, 4, 5, 6, 7, 8],
      metadata: { text: 'x'.repeat(1_000_000) },
    }))
    for (const point of wide) await collection.upsert([point])
    const result = await archive()
    expect(result.files).toBeGreaterThan(1)
    const { joined, last } = await archived(destination)
    expect(joined).toEqual([{ firstLsn: 1, lastLsn: collection.lsn }])
    expect(last?.digest).toBe(collection.digest)
  })

  it('reads back what it wrote: a store that keeps other bytes is found out at once', async () => {
    const { disk, clock, collection, archive } = await world()
    await write(collection, 5)
    expect(await archive()).toMatchObject({ readBack: { firstLsn: 1, lastLsn: 5 } })
    expect(await archive()).toMatchObject({ readBack: null })
    const destination = new (class extends MemoryDestination {
      override async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
        const kept = key.startsWith('wal/') ? flipBit(Buffer.from(bytes), 1_000) : bytes
        return super.put(key, kept, options)
      }
    })()
    const broken = archiveOnce(collection, { destination, disk, clock })
    await expect(broken).rejects.toMatchObject({ code: 'damaged' })
  })

  it('works with an empty collection', async () => {
    const { archive } = await world()
    expect(await archive()).toMatchObject({
      files: 0,
      archivedLsn: 0,
      committedAt: null,
      gap: null,
    })
  })
})

describe('the log of an archived collection', () => {
  const walOf = async (disk: Disk, collection: Collection) => {
    const { uuid, epoch } = collection
    const directory = `${data}/collections/${uuid}-${epoch.history}/wal/000001-${epoch.history}`
    return { directory, logs: await listWal(disk, directory) }
  }

  it('stays through checkpoints until it is archived, and goes then', async () => {
    const { disk, collection, destination, archive } = await world()
    await write(collection, 2)
    await collection.checkpoint()
    expect((await walOf(disk, collection)).logs.map((each) => each.firstLsn)).toEqual([3])
    await archive()
    await write(collection, 2, 1)
    await collection.checkpoint()
    await write(collection, 2, 2)
    await collection.checkpoint()
    expect((await walOf(disk, collection)).logs.map((each) => each.firstLsn)).toEqual([3, 5, 7])
    await archive()
    expect((await walOf(disk, collection)).logs.map((each) => each.firstLsn)).toEqual([7])
    expect((await archived(destination)).joined).toEqual([{ firstLsn: 3, lastLsn: 6 }])
  })

  it('is still kept after the collection was closed and opened', async () => {
    const { disk, directory, collection, destination, archive } = await world()
    await archive()
    await directory.close()
    const again = await openTest(data, { disk, create: false })
    const opened = await again.open('products')
    await write(opened, 3)
    await opened.checkpoint()
    await archiveOnce(opened, { destination, disk, clock: manualClock() })
    expect((await archived(destination)).joined).toEqual([{ firstLsn: 1, lastLsn: 3 }])
    expect(collection.uuid).toBe(opened.uuid)
  })

  it('is kept up to a bound; beyond it the oldest goes, and that is said', async () => {
    const { disk, collection } = await world()
    await write(collection, 2)
    const { directory, logs } = await walOf(disk, collection)
    const maxBytes = (await disk.stat(`${directory}/${logs[0]?.name}`))?.sizeBytes ?? 0
    for (const firstLsn of [5, 9]) {
      const created = await disk.open(
        `${directory}/${String(firstLsn).padStart(16, '0')}.wal`,
        'create',
      )
      await created.close()
    }
    const warnings: string[] = []
    const onWarning = (text: string) => void warnings.push(text)
    const needs = { afterLsn: 8, archiveAfterLsn: 2, onWarning }
    await removeLogs(disk, directory, { ...needs, maxBytes })
    expect((await walOf(disk, collection)).logs.map((each) => each.firstLsn)).toEqual([1, 5, 9])
    await removeLogs(disk, directory, { ...needs, archiveAfterLsn: 1, maxBytes: maxBytes - 1 })
    expect((await walOf(disk, collection)).logs.map((each) => each.firstLsn)).toEqual([5, 9])
    expect(warnings).toEqual([
      expect.stringMatching(/^LSN 2 to 4 was removed before it was archived/),
    ])
  })

  it('is kept whole when the note of what is archived is damaged', async () => {
    const { disk, directory, collection, destination, archive } = await world()
    await archive()
    await directory.close()
    const note = `${data}/collections/${collection.uuid}-${collection.epoch.history}/archive.json`
    const file = await disk.open(note, 'append')
    await file.write(Buffer.from('?'), 3)
    await file.close()
    const warnings: string[] = []
    const again = await openTest(data, { disk, create: false, warnings })
    const opened = await again.open('products')
    expect(warnings).toEqual([expect.stringMatching(/archive\.json is damaged.*log is kept/)])
    await write(opened, 3)
    await opened.checkpoint()
    await archiveOnce(opened, { destination, disk, clock: manualClock() })
    expect((await archived(destination)).joined).toEqual([{ firstLsn: 1, lastLsn: 3 }])
  })
})

describe('a gap', () => {
  it('is told with both ends, in the result and in the archive, until a snapshot bridges it', async () => {
    const { disk, clock, collection, destination, archive } = await world()
    await write(collection, 3)
    await createBackup(collection, { destination, snapshotId: 's1', disk, clock })
    await archive()
    // another machine's view: the log goes without being archived
    await write(collection, 4, 1)
    const log = await collection.pinLog()
    await log.noteArchived({
      repository: (await Repository.open(destination)).file.id,
      url: 'x',
      lsn: 7,
    })
    await log.release()
    await collection.checkpoint()
    await write(collection, 2, 2)
    const gapped = await archive()
    expect(gapped).toMatchObject({ gap: { afterLsn: 3, beforeLsn: 8 }, restorable: false })
    expect(gapped).toMatchObject({ firstLsn: 8, lastLsn: 9 })
    expect((await archived(destination)).last).toMatchObject({ firstLsn: 8, previousLsn: 3 })
    await createBackup(collection, { destination, snapshotId: 's2', disk, clock })
    expect(await archive()).toMatchObject({ gap: null, restorable: true })
  })

  it('that a lost archived file leaves is filled again while the log is there', async () => {
    const { collection, destination, archive } = await world()
    await write(collection, 3)
    await archive()
    await write(collection, 3, 1)
    await archive()
    const { epoch, uuid } = collection
    await destination.delete(archiveKey({ identity: { uuid, epoch }, firstLsn: 1, lastLsn: 3 }))
    await write(collection, 3, 2)
    await archive()
    expect((await archived(destination)).joined).toEqual([{ firstLsn: 1, lastLsn: 9 }])
  })
})

describe('an archive that does not fit the collection', () => {
  it('case 64: other records under the same LSNs are a divergence, and nothing is written', async () => {
    const { disk, clock, directory, collection, destination, archive } = await world()
    await write(collection, 3)
    await archive()
    const before = disk.crashLosingNothing()
    await write(collection, 2, 1)
    await archive()
    await directory.close()
    await breakLock(before, data)
    // the directory as it was before, put back and written to
    const rolledBack = await (await openTest(data, { disk: before, clock })).open('products')
    await expect(
      archiveOnce(rolledBack, { destination, disk: before, clock }),
    ).rejects.toMatchObject({
      code: 'divergence',
      message: expect.stringMatching(/LSN 5 of this history.*ends at LSN 3/),
    })
    await write(rolledBack, 4, 9)
    const listed = (await archived(destination)).ranges
    await expect(
      archiveOnce(rolledBack, { destination, disk: before, clock }),
    ).rejects.toMatchObject({
      code: 'divergence',
      place: { lsn: 5 },
    })
    expect((await archived(destination)).ranges).toEqual(listed)
  })

  it('a damaged last file is told, and its records are archived again', async () => {
    const { collection, destination, archive } = await world()
    await write(collection, 3)
    await archive()
    const { epoch, uuid } = collection
    const key = archiveKey({ identity: { uuid, epoch }, firstLsn: 1, lastLsn: 3 })
    const bytes = Buffer.alloc((await destination.head(key))?.sizeBytes ?? 0)
    await destination.get(key, bytes)
    await destination.put(key, flipBit(bytes, (bytes.length - 100) * 8))
    const result = await archive()
    expect(result.remarks[0]).toMatch(/is damaged.*archived again/)
    expect((await archived(destination)).joined).toEqual([{ firstLsn: 1, lastLsn: 3 }])
  })
})

describe('a killed archive run', () => {
  it('case 10: leaves a shorter archive without a hole, and the next run completes it', async () => {
    const root = '/repository'
    const prepared = async () => {
      const disk = new MemoryDisk()
      const directory = await openTest(data, { disk })
      const collection = await directory.create('products', smallConfig)
      await write(collection, 2)
      await archiveOnce(collection, { destination: root, disk, clock: manualClock() })
      await write(collection, 3, 1)
      await collection.checkpoint()
      await write(collection, 2, 2)
      await directory.close()
      return disk
    }
    const run = async (disk: Disk) => {
      const directory = await openTest(data, { disk, create: false })
      try {
        const collection = await directory.open('products')
        await archiveOnce(collection, { destination: root, disk, clock: manualClock() })
        return collection.digest
      } finally {
        await directory.close().catch(() => {})
      }
    }
    let seed = 0
    const kills = await killAtEveryCall({
      prepare: prepared,
      work: run,
      check: async ({ disk }) => {
        for (const left of [disk.crashLosingAll(), disk.crashLosingNothing(), disk.crash(seed++)]) {
          await breakLock(left, data)
          const { joined } = await archived(new DirectoryDestination(left, root))
          expect(joined).toHaveLength(1)
          expect(joined[0]?.firstLsn).toBe(1)
          const digest = await run(left)
          const after = await archived(new DirectoryDestination(left, root))
          expect(after.joined).toEqual([{ firstLsn: 1, lastLsn: 7 }])
          expect(after.last?.digest).toBe(digest)
        }
      },
    })
    expect(kills).toBeGreaterThan(10)
  })
})
