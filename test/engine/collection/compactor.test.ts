import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Collection } from '../../../engine/collection/collection.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import type { PointId } from '../../../engine/format/point.ts'
import {
  breakLock,
  modelDigest,
  openTest,
  randomPoint,
  somePoints,
  type TestPoint,
} from '../../support/collections.ts'
import { type FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })

type Model = Map<PointId, TestPoint>

/** Exact neighbours by brute force in plain JavaScript, nearest first. */
const bruteForce = (model: Model, query: readonly number[], k: number): PointId[] =>
  [...model.values()]
    .map(({ id, vector }) => ({
      id,
      distance: vector.reduce((sum, value, i) => sum + (value - (query[i] ?? 0)) ** 2, 0),
    }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, k)
    .map(({ id }) => id)

/** Count, digest, stored bytes, every point and the nearest neighbours are the model's. */
async function expectModel(collection: Collection, model: Model): Promise<void> {
  expect(collection.count).toBe(model.size)
  expect(collection.digest).toBe(modelDigest(model.values(), config))
  expect(await collection.proveDigest()).toBe(collection.digest)
  for (const [id, point] of model) {
    const found = await collection.get(id)
    expect([...(found?.vector ?? [])]).toEqual(point.vector)
    expect(found?.metadata).toEqual(point.metadata)
  }
  const query = Array.from({ length: 8 }, (_, i) => i / 8 - 0.5)
  const found = await collection.search(query, { k: 5 })
  expect(found.map(({ id }) => id)).toEqual(bruteForce(model, query, 5))
}

/** What lies in the directory of the only collection. */
async function segmentFilesOn(disk: MemoryDisk | FaultyDisk, root: string): Promise<string[]> {
  const [name] = await disk.list(`${root}/collections`)
  return disk.list(`${root}/collections/${name}/segments`)
}

const put = async (collection: Collection, model: Model, points: readonly TestPoint[]) => {
  await collection.upsert(points)
  for (const point of points) model.set(point.id, point)
}

const remove = async (collection: Collection, model: Model, ids: readonly PointId[]) => {
  await collection.delete(ids)
  for (const id of ids) model.delete(id)
}

describe('compaction', () => {
  test('leaves one segment, nothing dead and no old file, and the same content', async () => {
    const disk = new MemoryDisk()
    const random = seededRandom(31)
    let data = await openTest('/d', { disk })
    let items = await data.create('items', config)
    const model: Model = new Map()
    for (let round = 0; round < 5; round++) {
      await put(
        items,
        model,
        Array.from({ length: 12 }, () => randomPoint(random, random.integer(30))),
      )
      await remove(items, model, [random.integer(30), random.integer(30)])
      await items.checkpoint()
    }
    const { deleted } = items.stats()
    expect(deleted).toBeGreaterThan(10)
    await put(items, model, [randomPoint(random, 'tail')])
    const result = await items.compact()
    expect(result).toMatchObject({ segments: { before: 6, after: 1 } })
    expect(result.deletedDropped).toBeGreaterThanOrEqual(deleted)
    expect(result.sizeBytes.after).toBeLessThan(result.sizeBytes.before)
    expect(items.stats()).toMatchObject({ deleted: 0, segments: [{ kind: 'sealed', deleted: 0 }] })
    expect(await segmentFilesOn(disk, '/d')).toEqual(['50000000.points', '50000000.vectors'])
    await expectModel(items, model)
    expect(await items.compact()).toMatchObject({
      segments: { before: 1, after: 1 },
      deletedDropped: 0,
    })
    await put(items, model, [randomPoint(random, 'more'), randomPoint(random, 3)])
    await remove(items, model, ['tail'])
    await expectModel(items, model)
    await data.close()
    data = await openTest('/d', { disk })
    items = await data.open('items')
    await expectModel(items, model)
    await items.compact()
    await expectModel(items, model)
    expect(await segmentFilesOn(disk, '/d')).toEqual(['50000001.points', '50000001.vectors'])
    await data.close()
  })

  test('case 98: of nothing, and of nothing but deleted points, is defined; what comes back is there', async () => {
    const disk = new MemoryDisk()
    let data = await openTest('/d', { disk })
    let items = await data.create('items', config)
    const model: Model = new Map()
    expect(await items.compact()).toEqual({
      segments: { before: 0, after: 0 },
      sizeBytes: { before: 0, after: 0 },
      deletedDropped: 0,
    })
    const points = somePoints(seededRandom(32), 20)
    const ids = points.map(({ id }) => id)
    await put(items, model, points)
    await items.checkpoint()
    await remove(items, model, ids)
    await expectModel(items, model)
    expect(await items.compact()).toMatchObject({
      segments: { before: 1, after: 0 },
      deletedDropped: 20,
    })
    expect(await segmentFilesOn(disk, '/d')).toEqual([])
    await expectModel(items, model)
    await put(items, model, points.slice(0, 7))
    await expectModel(items, model)
    await items.compact()
    await expectModel(items, model)
    await data.close()
    data = await openTest('/d', { disk })
    items = await data.open('items')
    await expectModel(items, model)
    await data.close()
  })

  const operation = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('upsert' as const), seed: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), seed: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pin' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  )

  test('equals a plain map after any operations, merged in the background and on request', async () => {
    let merges = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 4, maxLength: 24, size: 'max' }),
        fc.boolean(),
        async (operations, waits) => {
          const disk = new MemoryDisk()
          const open = () => openTest('/d', { disk, compaction: 'background' })
          let data = await open()
          let items = await data.create('items', config)
          const model: Model = new Map()
          // what is not waited for runs beside what comes next
          let beside: Promise<unknown>[] = []
          const start = async (work: Promise<unknown>) => {
            beside.push(work)
            if (waits) await work
          }
          for (const each of operations) {
            if (each.kind === 'upsert') {
              const random = seededRandom(each.seed)
              const points = Array.from({ length: 1 + random.integer(6) }, () =>
                randomPoint(random, random.integer(25)),
              )
              await put(items, model, points)
            } else if (each.kind === 'delete') {
              const random = seededRandom(each.seed)
              await remove(items, model, [random.integer(25), random.integer(25)])
            } else if (each.kind === 'checkpoint') {
              await start(items.checkpoint())
            } else if (each.kind === 'compact') {
              await start(items.compact())
            } else if (each.kind === 'pin') {
              const frozen = new Map(model)
              const pinned = await items.pin()
              beside.push(
                (async () => {
                  expect(pinned.digest).toBe(modelDigest(frozen.values(), config))
                  for (const file of pinned.files) {
                    const bytes = Buffer.alloc(file.sizeBytes)
                    expect(await file.read(bytes, 0)).toBe(file.sizeBytes)
                  }
                  await pinned.release()
                })(),
              )
            } else {
              await Promise.all(beside)
              beside = []
              merges += items.stats().compaction.merges
              await data.close()
              data = await open()
              items = await data.open('items')
            }
          }
          await Promise.all(beside)
          await expectModel(items, model)
          merges += items.stats().compaction.merges
          await data.close()
          data = await open()
          items = await data.open('items')
          await expectModel(items, model)
          await data.close()
        },
      ),
      { numRuns: 50, verbose: 1 },
    )
    console.log(`compaction: ${merges} merges in 50 sequences`)
    expect(merges).toBeGreaterThan(15)
  })

  test('case 6, case 8: killed at any disk call, recovers the content and every later write', async () => {
    const random = seededRandom(33)
    const model: Model = new Map()
    const batches = Array.from({ length: 3 }, (_, batch) =>
      Array.from({ length: 5 }, (_, i) => randomPoint(random, 3 * batch + i)),
    )
    const after = [randomPoint(random, 1), randomPoint(random, 'after')]
    for (const point of batches.flat()) model.set(point.id, point)
    model.delete(2)
    const later = new Map(model)
    for (const point of after) later.set(point.id, point)
    later.delete(7)
    let crashes = 0
    const kills = await killAtEveryCall({
      writtenBytes: 41,
      prepare: async () => {
        const disk = new MemoryDisk()
        const data = await openTest('/d', { disk })
        const items = await data.create('items', config)
        for (const batch of batches) {
          await items.upsert(batch)
          await items.checkpoint()
        }
        await items.delete([2])
        await items.checkpoint()
        await data.close()
        return disk
      },
      work: async (disk) => {
        const data = await openTest('/d', { disk })
        const items = await data.open('items')
        const compacting = items.compact()
        // while it runs: an overwrite, a new point, a delete
        const wrote = await Promise.allSettled([items.upsert(after), items.delete([7])])
        await compacting
        await items.checkpoint()
        for (const each of wrote) if (each.status === 'rejected') throw each.reason
        await data.close()
      },
      check: async ({ disk, lost, survived }) => {
        const allowed = allowedDigests(model, after)
        const survivors = [disk.crashLosingNothing(), disk.crashLosingAll()]
        for (let seed = 0; seed < 3; seed++) survivors.push(disk.crash(1000 * survived + seed))
        for (const survivor of survivors) {
          crashes++
          const where = `${survived}: ${lost.call} ${lost.path}`
          await breakLock(survivor, '/d')
          let data = await openTest('/d', { disk: survivor })
          let items = await data.open('items')
          expect(allowed, where).toContain(items.digest)
          expect(await items.proveDigest(), where).toBe(items.digest)
          await items.upsert(after)
          await items.delete([7])
          expect(items.digest, where).toBe(modelDigest(later.values(), config))
          await items.compact()
          await data.close()
          data = await openTest('/d', { disk: survivor })
          items = await data.open('items')
          await expectModel(items, later)
          await data.close()
        }
      },
    })
    console.log(`compaction: killed at ${kills} calls, ${crashes} crashed states opened`)
    expect(kills).toBeGreaterThan(20)
  })
})

/** The states that may be found: before the writes, after either of them, after both. */
function allowedDigests(model: Model, after: readonly TestPoint[]): string[] {
  const states: Model[] = [model]
  for (const [upsert, drop] of [
    [true, false],
    [false, true],
    [true, true],
  ]) {
    const state = new Map(model)
    if (upsert) for (const point of after) state.set(point.id, point)
    if (drop) state.delete(7)
    states.push(state)
  }
  return states.map((state) => modelDigest(state.values(), config))
}
