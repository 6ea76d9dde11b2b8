import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sha256, sha256Hex } from '../../../engine/base/checksum.ts'
import { type Disk, nodeDisk, writeNewFile } from '../../../engine/base/disk.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import type { PinnedState } from '../../../engine/collection/pinned-state.ts'
import type { Staging } from '../../../engine/collection/staging.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { encodeId, type PointId } from '../../../engine/format/point.ts'
import {
  breakLock,
  modelDigest,
  openTest,
  randomPoint,
  smallConfig,
  somePoints,
} from '../../support/collections.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

async function readAll(file: PinnedState['files'][number]): Promise<Buffer> {
  const bytes = Buffer.alloc(file.sizeBytes + 10)
  const read = await file.read(bytes, 0)
  expect(read, file.path).toBe(file.sizeBytes)
  return bytes.subarray(0, read)
}

/** What a restore does, without a repository in between. */
async function stageCopy(
  data: DataDirectory,
  pinned: PinnedState,
  newUuid: boolean,
  disk: Disk = nodeDisk,
): Promise<Staging> {
  const staging = await data.stage({
    key: sha256Hex(pinned.digest),
    snapshotId: 's1',
    ...pinned,
    uuid: pinned.collection.uuid,
    paths: pinned.files.map((file) => file.path),
    newUuid,
  })
  for (const file of pinned.files) {
    const target = join(staging.directory, file.path)
    await disk.makeDirectory(dirname(target))
    await disk.unlink(target)
    await writeNewFile(disk, target, await readAll(file))
  }
  return staging
}

describe('a pinned state', () => {
  test('case 72: is exactly the state at its LSN while writes and checkpoints go on', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await data.create('items', smallConfig)
    const random = seededRandom(21)
    const model = new Map<PointId, ReturnType<typeof randomPoint>>()
    const digests = new Map<number, string>()
    let writing = true
    const writer = (async () => {
      for (let i = 0; writing; i++) {
        const point = randomPoint(random, i % 50)
        const { lsn } = await items.upsert([point])
        model.set(point.id, point)
        digests.set(lsn, modelDigest(model.values()))
        if (i % 40 === 17) await items.checkpoint()
      }
    })()
    const pins: PinnedState[] = []
    for (let i = 0; i < 6; i++) {
      await items.upsert([]) // gives the writer a turn
      pins.push(await items.pin())
      await new Promise((resolve) => setImmediate(resolve))
      await items.checkpoint()
    }
    writing = false
    await writer
    for (const [index, pinned] of pins.entries()) {
      expect(digests.get(pinned.lsn) ?? modelDigest([])).toBe(pinned.digest)
      const staging = await stageCopy(data, pinned, true)
      const copy = await staging.commit({ name: `copy${index}`, replace: false })
      expect(copy.digest).toBe(pinned.digest)
      expect(copy.count).toBe(pinned.count)
      expect(copy.lsn).toBe(pinned.lsn)
      await pinned.release()
    }
    await data.close()
  })

  test('keeps its files until it is released, and then lets them go', async () => {
    const disk = new MemoryDisk()
    const data = await openTest('/d', { disk })
    const items = await data.create('items', smallConfig)
    const random = seededRandom(22)
    await items.upsert(somePoints(random, 5))
    const pinned = await items.pin()
    for (let round = 0; round < 5; round++) {
      await items.upsert(somePoints(random, 5))
      await items.checkpoint()
    }
    const before = await Promise.all(pinned.files.map(readAll))
    expect(before).toHaveLength(pinned.files.length)
    const wal = join('/d/collections', (await disk.list('/d/collections'))[0] ?? '', 'wal')
    const epoch = join(wal, (await disk.list(wal))[0] ?? '')
    expect((await disk.list(epoch)).length).toBeGreaterThan(1)
    await pinned.release()
    await pinned.release()
    expect(await disk.list(epoch)).toHaveLength(1)
    await data.close()
  })

  test('samples the points with the smallest hashes of their ids', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await data.create('items', smallConfig)
    const points = somePoints(seededRandom(23), 300)
    await items.upsert(points.slice(0, 200))
    await items.checkpoint()
    await items.upsert(points.slice(200))
    await items.delete(['p5'])
    const pinned = await items.pin()
    const expected = points
      .filter(({ id }) => id !== 'p5')
      .sort((a, b) => sha256(encodeId(a.id)).compare(sha256(encodeId(b.id))))
      .slice(0, 20)
    const sample = await pinned.golden({ sample: 20, k: 1 })
    expect(sample.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
    expect(sample[0]?.vector).toEqual(Float32Array.from(expected[0]?.vector ?? []))
    await pinned.release()
    await data.close()
  })

  test('finds the exact neighbours of its own LSN, leaving the asked point out', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await data.create('items', smallConfig)
    const random = seededRandom(24)
    await items.upsert(somePoints(random, 120))
    await items.checkpoint()
    await items.upsert([randomPoint(random, 'p3'), randomPoint(random, 'tail')])
    const pinned = await items.pin()
    const found = await pinned.golden({ sample: 10, k: 5 })
    const expected = await Promise.all(
      found.map(({ id, vector }) => items.search(vector, { k: 5, exact: true, exclude: id })),
    )
    await items.delete(expected.flat().map(({ id }) => id))
    const again = await pinned.golden({ sample: 10, k: 5 })
    for (const each of [found, again]) {
      expect(each.map(({ neighbours }) => neighbours.map(({ id }) => id))).toEqual(
        expected.map((answer) => answer.map(({ id }) => id)),
      )
    }
    await pinned.release()
    await data.close()
  })
})

describe('a staged restore', () => {
  async function source(data: DataDirectory): Promise<Collection> {
    const items = await data.create('items', smallConfig)
    const random = seededRandom(31)
    await items.upsert(somePoints(random, 6))
    await items.checkpoint()
    await items.upsert([randomPoint(random, 'tail')])
    await items.delete(['p1'])
    return items
  }

  test('starts a new history: a clone gets a new UUID, a restore in place keeps it', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await source(data)
    const pinned = await items.pin()
    const clone = await (await stageCopy(data, pinned, true)).commit({
      name: 'clone',
      replace: false,
    })
    expect(clone.uuid).not.toBe(items.uuid)
    expect(clone.epoch.number).toBe(items.epoch.number + 1)
    expect(clone.describe().restoredFrom).toMatchObject({ snapshotId: 's1', lsn: pinned.lsn })
    const replaced = await (await stageCopy(data, pinned, false)).commit({
      name: 'items',
      replace: true,
    })
    expect(replaced.uuid).toBe(pinned.collection.uuid)
    expect(replaced.epoch.history).not.toBe(pinned.epoch.history)
    expect(replaced.digest).toBe(pinned.digest)
    await replaced.upsert([randomPoint(seededRandom(1), 'new')])
    expect(replaced.lsn).toBe(pinned.lsn + 1)
    expect(await data.open('items')).toBe(replaced)
    await pinned.release()
    await data.close()
  })

  test('case 76: is refused where the name exists, and the old collection stays', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await source(data)
    const pinned = await items.pin()
    const staging = await stageCopy(data, pinned, true)
    await expect(staging.commit({ name: 'items', replace: false })).rejects.toMatchObject({
      code: 'collection-exists',
    })
    await staging.discard()
    expect(items.digest).toBe(pinned.digest)
    expect(data.names()).toEqual(['items'])
    await pinned.release()
    await data.close()
  })

  test('is refused when count or digest are not what the snapshot recorded', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await source(data)
    const pinned = await items.pin()
    for (const wrong of [{ count: 99 }, { digest: '0'.repeat(64) }, { lsn: 2 }]) {
      const staging = await stageCopy(data, { ...pinned, ...wrong }, true)
      const refusal = staging.commit({ name: 'copy', replace: false })
      await expect(refusal).rejects.toMatchObject({ exitCode: 13 })
      await staging.discard()
    }
    expect(data.names()).toEqual(['items'])
    await pinned.release()
    await data.close()
  })

  test('rebuilds under another index when asked', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await source(data)
    const pinned = await items.pin()
    const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })
    const staging = await data.stage({
      key: sha256Hex('other'),
      snapshotId: 's1',
      ...pinned,
      uuid: pinned.collection.uuid,
      paths: pinned.files.map((file) => file.path),
      newUuid: true,
      config,
    })
    for (const file of pinned.files) {
      const target = join(staging.directory, file.path)
      await nodeDisk.makeDirectory(dirname(target))
      await writeNewFile(nodeDisk, target, await readAll(file))
    }
    const copy = await staging.commit({ name: 'flat', replace: false })
    expect(copy.config).toEqual(config)
    expect(copy.digest).toBe(pinned.digest)
    await pinned.release()
    await data.close()
  })

  test('case 11: killed at any call, is not live; run again, it is whole', async () => {
    let digest = ''
    const restore = async (disk: Disk) => {
      const data = await openTest('/d', { disk })
      const items = await data.open('items')
      const pinned = await items.pin()
      ;({ digest } = pinned)
      const staging = await stageCopy(data, pinned, true, disk)
      await staging.commit({ name: 'copy', replace: false })
      await pinned.release()
      await data.close()
    }
    let crashes = 0
    const kills = await killAtEveryCall({
      prepare: async () => {
        const disk = new MemoryDisk()
        const data = await openTest('/d', { disk })
        await source(data)
        await data.close()
        return disk
      },
      work: restore,
      check: async ({ disk, lost, survived }) => {
        for (const survivor of [
          disk.crashLosingNothing(),
          disk.crashLosingAll(),
          disk.crash(survived),
        ]) {
          crashes++
          const where = `${survived}: ${lost.call} ${lost.path}`
          await breakLock(survivor, '/d')
          let data = await openTest('/d', { disk: survivor })
          if (data.has('copy')) expect((await data.open('copy')).digest, where).toBe(digest)
          const live = data.has('copy')
          await data.close()
          if (!live) await restore(survivor)
          data = await openTest('/d', { disk: survivor })
          expect((await data.open('copy')).digest, where).toBe(digest)
          expect(await survivor.list('/d/collections'), where).toHaveLength(2)
          await data.close()
        }
      },
    })
    console.log(`case 11: restore killed at ${kills} calls, ${crashes} crashed states`)
    expect(kills).toBeGreaterThan(60)
  })
})
