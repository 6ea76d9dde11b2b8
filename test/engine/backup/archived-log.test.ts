import { describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { parseMoment } from '../../../engine/backup/moment.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import type { Disk } from '../../../engine/base/disk.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import {
  breakLock,
  openTest,
  randomPoint,
  smallConfig,
  threadless,
} from '../../support/collections.ts'
import { FaultyDisk, mutatingCalls } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { digestOf, ModelHistory } from '../../support/model-history.ts'
import { expectNearest } from '../../support/model-search.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const clock = manualClock()

/** A collection with a model of its states, its log in an archive, one snapshot early in it. */
class Source {
  readonly disk = new MemoryDisk()
  readonly destination = new MemoryDestination()
  readonly model = new ModelHistory()
  readonly #random = seededRandom(751)

  archive(items: Collection) {
    return archiveOnce(items, { destination: this.destination, disk: this.disk, clock })
  }

  backup(items: Collection, snapshotId: string) {
    const { destination, disk } = this
    return createBackup(items, { destination, snapshotId, disk, clock, golden: { sample: 2 } })
  }

  /** Overwrites, inserts and deletes of a few ids, so that every piece changes what earlier ones made. */
  async write(items: Collection, steps: number): Promise<void> {
    const random = this.#random
    for (let step = 0; step < steps; step++) {
      const id = `p${random.integer(12)}`
      if (random.chance(0.3)) {
        const { lsn, deleted } = await items.delete([id])
        if (deleted > 0) this.model.record(lsn, (points) => void points.delete(id))
        continue
      }
      const points = [randomPoint(random, id), randomPoint(random, `q${random.integer(30)}`)]
      const { lsn } = await items.upsert(points)
      this.model.record(lsn, (all) => {
        for (const point of points) all.set(point.id, point)
      })
    }
  }
}

interface Restore {
  readonly at: string
  readonly disk?: Disk
  readonly bound?: { readonly bytes: number; readonly points: number }
}

/** Restores into a directory of its own. @returns what came back, closed */
async function restoreTo(
  { destination, model }: Source,
  { at, bound, disk = new MemoryDisk() }: Restore,
) {
  const data = await openTest('/restored', { disk })
  try {
    const result = await restoreSnapshot(threadless(data), {
      collection: 'items',
      source: destination,
      at: parseMoment(at),
      disk,
      clock,
      warm: false,
      ...(bound && { replayAtOnce: bound }),
    })
    const items = await data.open('items')
    expect(await items.proveDigest()).toBe(result.digest)
    const points = model.at(result.recoveryPoint.lsn)
    for (const [id, point] of points) {
      const found = await items.get(id)
      expect([...(found?.vector ?? [])], `${at}: ${id}`).toEqual(point.vector)
    }
    await expectNearest(items, points, smallConfig, { seed: 7, k: 5 })
    return { lsn: result.recoveryPoint.lsn, count: items.count, digest: items.digest }
  } finally {
    await data.close().catch(() => {})
  }
}

/** A snapshot at LSN 6 or so, and an archive of several files that goes on from it. */
async function longLog(): Promise<{ source: Source; first: number; last: number }> {
  const source = new Source()
  const data = await openTest('/d', { disk: source.disk, clock })
  const items = await data.create('items', smallConfig)
  await source.archive(items)
  await source.write(items, 6)
  await source.backup(items, 's1')
  const first = items.lsn
  for (let part = 0; part < 4; part++) {
    await source.write(items, 9)
    if (part === 1) await items.checkpoint()
    await source.archive(items)
  }
  const last = items.lsn
  await data.close()
  return { source, first, last }
}

const small = { bytes: 1_000, points: 5 }

describe('a replay of several pieces', () => {
  it('case 75: is at every LSN what the model is and what one piece leads to', async () => {
    const { source, first, last } = await longLog()
    let most = 0
    for (let lsn = first; lsn <= last; lsn += lsn < last - 2 ? 3 : 1) {
      const at = `lsn:${lsn}`
      const disk = new FaultyDisk(new MemoryDisk())
      const inPieces = await restoreTo(source, { at, disk, bound: small })
      const points = source.model.at(lsn)
      const digest = digestOf(points, smallConfig)
      expect(inPieces, at).toEqual({ lsn, count: points.size, digest })
      // each piece is written under the name of a log file
      most = Math.max(most, disk.count('rename', /\.wal$/))
      expect(await restoreTo(source, { at }), at).toEqual(inPieces)
    }
    console.log(`a replay of LSN ${first + 1} to ${last}: up to ${most} pieces`)
    expect(most).toBeGreaterThan(5)
  })

  it('case 75: each of one record is the same', async () => {
    const { source, last } = await longLog()
    const disk = new FaultyDisk(new MemoryDisk())
    const bound = { bytes: 1, points: 1 }
    const { count, digest } = await restoreTo(source, { at: 'latest', disk, bound })
    const points = source.model.at(last)
    expect({ count, digest }).toEqual({ count: points.size, digest: digestOf(points, smallConfig) })
    expect(disk.count('rename', /\.wal$/)).toBeGreaterThan(20)
  })

  it('case 11, case 77: killed anywhere among them, it leaves nothing, and run again it completes', async () => {
    const { source, last } = await longLog()
    const whole = new FaultyDisk(new MemoryDisk())
    const expected = await restoreTo(source, { at: 'latest', disk: whole, bound: small })
    expect(expected.lsn).toBe(last)
    const seed = 77
    const random = seededRandom(seed)
    const calls = mutatingCalls.reduce((sum, call) => sum + whole.count(call), 0)
    const kills = 14
    for (let kill = 0; kill < kills; kill++) {
      const inner = new MemoryDisk()
      const at = 1 + Math.floor((calls * kill) / kills) + random.integer(Math.floor(calls / kills))
      const disk = new FaultyDisk(inner, { at, times: Number.POSITIVE_INFINITY, errno: 'EIO' })
      await restoreTo(source, { at: 'latest', disk, bound: small }).catch(() => {})
      expect(disk.hits).toBeGreaterThan(0)
      const left = inner.crash(random.integer(2 ** 31))
      if ((await left.stat('/restored')) !== undefined) await breakLock(left, '/restored')
      const data = await openTest('/restored', { disk: left })
      const stands = data.has('items')
      if (stands) expect(await data.open('items')).toMatchObject(expected)
      await data.close()
      if (!stands)
        expect(await restoreTo(source, { at: 'latest', disk: left, bound: small })).toEqual(
          expected,
        )
    }
    console.log(`a replay of several pieces: killed at ${kills} of ${calls} calls, seed ${seed}`)
    expect(calls).toBeGreaterThan(200)
  })
})

describe('an archive of what a repair has given up', () => {
  /** An archive up to the end; then the log is cut in its middle, and as much is written anew. */
  async function repaired(writesAfter: number) {
    const { source, first, last } = await longLog()
    const data = await openTest('/d', { disk: source.disk, clock })
    const opened = await data.open('items')
    const toLsn = opened.stats().checkpointLsn + 2
    await data.repair('items', toLsn)
    source.model.cut(toLsn)
    const items = await data.open('items')
    expect(items.lsn).toBe(toLsn)
    while (items.lsn < toLsn + writesAfter) await source.write(items, 1)
    return { source, data, items, first, last, toLsn }
  }

  it('case 64: takes nothing more, before the numbers are given again and after', async () => {
    for (const writesAfter of [0, 3, 40]) {
      const { source, data, items, last } = await repaired(writesAfter)
      const before: string[] = []
      for await (const { key } of source.destination.list('')) before.push(key)
      const refused = expect(source.archive(items), `${writesAfter}`).rejects
      await refused.toMatchObject({ code: 'divergence', exitCode: 13, place: { lsn: last } })
      const after: string[] = []
      for await (const { key } of source.destination.list('')) after.push(key)
      expect(after).toEqual(before)
      await data.close()
    }
  })

  it('case 64: is never joined to a snapshot of what was written instead', async () => {
    const { source, data, items, last, toLsn } = await repaired(5)
    expect(items.lsn).toBeLessThan(last)
    await source.backup(items, 's2')
    const { lsn, count, digest } = items
    await data.close()
    // the new snapshot itself is sound
    expect(await restoreTo(source, { at: `lsn:${lsn}` })).toEqual({ lsn, count, digest })
    // but the archive goes on from another record of that number
    for (const at of [`lsn:${lsn + 1}`, `lsn:${last}`, 'latest']) {
      await expect(restoreTo(source, { at, bound: small }), at).rejects.toMatchObject({
        code: 'divergence',
        place: { lsn },
      })
    }
    expect(toLsn).toBeLessThan(lsn)
  })
})
