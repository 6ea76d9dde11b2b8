import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import { parseFilter } from '../../../engine/collection/filter.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import {
  modelDigest,
  openTest,
  randomPoint,
  smallConfig,
  somePoints,
  type TestPoint,
} from '../../support/collections.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

/** Exact neighbours by brute force in plain JavaScript. */
function bruteForce(points: Iterable<TestPoint>, query: number[], k: number) {
  return [...points]
    .map(({ id, vector }) => ({
      id,
      distance: Math.sqrt(
        vector.reduce((sum, value, i) => sum + (value - (query[i] ?? 0)) ** 2, 0),
      ),
    }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, k)
}

async function expectModel(collection: Collection, model: Map<unknown, TestPoint>): Promise<void> {
  expect(collection.count).toBe(model.size)
  expect(collection.digest).toBe(modelDigest(model.values()))
  expect(await collection.proveDigest()).toBe(collection.digest)
  const query = Array.from({ length: 8 }, (_, i) => i / 8)
  const found = await collection.search(query, { k: 5, exact: true })
  const expected = bruteForce(model.values(), query, 5)
  expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
  found.forEach(({ distance }, i) => {
    expect(distance).toBeCloseTo(expected[i]?.distance ?? Number.NaN, 6)
  })
}

describe('a collection', () => {
  test('answers right after a write, and the same after it is opened again', async () => {
    const path = await temporaryDirectory()
    const points = somePoints(seededRandom(1), 50)
    const model = new Map(points.map((point) => [point.id, point]))
    let data = await openTest(path)
    let words = await data.create('words', smallConfig)
    expect(await words.upsert(points)).toEqual({ lsn: 1, count: 50 })
    await expectModel(words, model)
    expect(await words.delete(['p3', 'p4', 'nobody'])).toEqual({ lsn: 2, deleted: 2 })
    for (const id of ['p3', 'p4']) model.delete(id)
    await expectModel(words, model)
    const point = await words.get('p7')
    expect(point?.vector).toEqual(Float32Array.from(model.get('p7')?.vector ?? []))
    expect(point?.metadata).toEqual(model.get('p7')?.metadata)
    await data.close()
    data = await openTest(path)
    words = await data.open('words')
    expect(words.lsn).toBe(2)
    await expectModel(words, model)
    await data.close()
  })

  test('keeps its state through checkpoints, overwrites and reopening', async () => {
    const path = await temporaryDirectory()
    const random = seededRandom(2)
    let data = await openTest(path)
    let items = await data.create('items', smallConfig)
    const model = new Map<unknown, TestPoint>()
    for (let round = 0; round < 4; round++) {
      const batch = Array.from({ length: 40 }, () => randomPoint(random, random.integer(60)))
      await items.upsert(batch)
      for (const point of batch) model.set(point.id, point)
      const gone = [random.integer(60), random.integer(60)]
      await items.delete(gone)
      for (const id of gone) model.delete(id)
      if (round !== 2) await items.checkpoint()
      await expectModel(items, model)
      await data.close()
      data = await openTest(path)
      items = await data.open('items')
      await expectModel(items, model)
    }
    expect(items.stats().segments.length).toBeGreaterThan(2)
    await data.close()
  })

  test('equals a plain map after any sequence of operations', async () => {
    const path = await temporaryDirectory()
    const operation = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('upsert' as const),
          ids: fc.array(fc.nat(30), { minLength: 1, maxLength: 8 }),
          seed: fc.nat(),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('delete' as const),
          ids: fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }),
        }),
      },
      fc.record({ kind: fc.constant('checkpoint' as const) }),
      fc.record({ kind: fc.constant('reopen' as const) }),
    )
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
        const directory = `${path}/${runs++}`
        let data = await openTest(directory)
        let items = await data.create('items', smallConfig)
        const model = new Map<unknown, TestPoint>()
        for (const [index, each] of operations.entries()) {
          if (each.kind === 'upsert') {
            // equal seeds would make equal vectors, whose order brute force does not know
            const random = seededRandom(each.seed * operations.length + index)
            const points = each.ids.map((id) => randomPoint(random, id % 2 ? id : `s${id}`))
            await items.upsert(points)
            for (const point of points) model.set(point.id, point)
          } else if (each.kind === 'delete') {
            const ids = each.ids.map((id) => (id % 2 ? id : `s${id}`))
            const present = new Set(ids.filter((id) => model.has(id)))
            expect((await items.delete(ids)).deleted).toBe(present.size)
            for (const id of ids) model.delete(id)
          } else if (each.kind === 'checkpoint') {
            await items.checkpoint()
          } else {
            await data.close()
            data = await openTest(directory)
            items = await data.open('items')
          }
        }
        await expectModel(items, model)
        await data.close()
      }),
      { numRuns: 60, verbose: 1 },
    )
    console.log(`model sequences: ${runs}`)
  })

  test('seals a large segment with a graph built in halves, and loses no point', async () => {
    const path = await temporaryDirectory()
    let data = await openTest(path)
    const config = makeConfig({ dimension: 2, metric: 'l2', m: 4, efConstruction: 10 })
    let items = await data.create('items', config)
    const count = limits.halvedGraphPoints + 2
    const pointAt = (id: number) => ({ id, vector: [id % 211, Math.floor(id / 211)] })
    for (let from = 0; from < count; from += 10_000) {
      const batch = Math.min(10_000, count - from)
      await items.upsert(Array.from({ length: batch }, (_, i) => pointAt(from + i)))
    }
    await items.delete([0, count - 1])
    const sealing = items.checkpoint()
    await items.delete([1, count - 2]) // while it is being sealed
    await sealing
    const expectAll = async () => {
      const { segments } = items.stats()
      expect(segments.map(({ points, deleted }) => [points, deleted])).toEqual([[count, 4]])
      expect(items.count).toBe(count - 4)
      for (const id of [2, count / 2 - 1, count / 2, count - 3]) {
        const found = await items.search(pointAt(id).vector, { k: 1, ef: 200 })
        expect(found, `${id}`).toMatchObject([{ id, distance: 0 }])
        expect((await items.get(id))?.vector).toEqual(Float32Array.from(pointAt(id).vector))
      }
    }
    await expectAll()
    const { digest } = items
    await data.close()
    data = await openTest(path)
    items = await data.open('items')
    expect(items.digest).toBe(digest)
    expect(await items.proveDigest()).toBe(digest)
    await expectAll()
    await data.close()
  })

  test('acknowledges concurrent writers each with its own LSN', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await data.create('items', smallConfig)
    const random = seededRandom(3)
    const acks = await Promise.all(
      Array.from({ length: 64 }, (_, i) => items.upsert([randomPoint(random, i)])),
    )
    expect(new Set(acks.map(({ lsn }) => lsn)).size).toBe(64)
    expect(items.count).toBe(64)
    await data.close()
  })

  test('filters by equality, range, list, and, or, not', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await data.create('items', smallConfig)
    const points = somePoints(seededRandom(4), 200)
    await items.upsert(points)
    const query = Array.from({ length: 8 }, () => 0)
    const cases: [unknown, (point: TestPoint) => boolean][] = [
      [{ group: 2 }, ({ metadata }) => metadata.group === 2],
      [{ group: { gte: 3 } }, ({ metadata }) => metadata.group >= 3],
      [{ group: { gt: 1, lt: 4 } }, ({ metadata }) => metadata.group > 1 && metadata.group < 4],
      [{ group: { in: [0, 4] } }, ({ metadata }) => [0, 4].includes(metadata.group)],
      [{ not: { group: 1 } }, ({ metadata }) => metadata.group !== 1],
      [{ or: [{ group: 1 }, { group: { lte: 0 } }] }, ({ metadata }) => metadata.group <= 1],
      [
        { and: [{ group: { ne: 2 } }, { text: { lt: 'text 5' } }] },
        ({ metadata }) => metadata.group !== 2 && metadata.text < 'text 5',
      ],
      [{ absent: 1 }, () => false],
    ]
    for (const sealed of [false, true]) {
      if (sealed) await items.checkpoint()
      for (const [filter, passes] of cases) {
        const found = await items.search(query, { k: 7, filter: parseFilter(filter) })
        const expected = bruteForce(points.filter(passes), query, 7)
        expect(
          found.map(({ id }) => id),
          JSON.stringify(filter),
        ).toEqual(expected.map(({ id }) => id))
      }
    }
    await data.close()
  })

  test('case 97: refuses a batch whole when one of its points is bad', async () => {
    const data = await openTest(await temporaryDirectory())
    const items = await data.create('items', makeConfig({ dimension: 3, metric: 'cosine' }))
    await items.upsert([{ id: 'kept', vector: [1, 2, 3] }])
    const before = items.describe()
    const sparse = [1, 2, 3]
    delete sparse[1]
    const bad: [string, unknown][] = [
      ['NaN', [1, Number.NaN, 3]],
      ['infinity', [1, Number.POSITIVE_INFINITY, 3]],
      ['minus infinity', [Number.NEGATIVE_INFINITY, 2, 3]],
      ['float32 overflow', [1e39, 2, 3]],
      ['zero with cosine', [0, 0, 0]],
      ['too short', [1, 2]],
      ['too long', [1, 2, 3, 4]],
      ['text', ['1', '2', '3']],
      ['a hole', sparse],
      ['null', [1, null, 3]],
      ['no list', { 0: 1, 1: 2, 2: 3, length: 3 }],
    ]
    for (const [what, vector] of bad) {
      const batch = [
        { id: 'kept', vector: [3, 2, 1] },
        { id: 'bad', vector },
      ]
      await expect(items.upsert(batch), what).rejects.toMatchObject({
        code: 'invalid-vector',
        exitCode: 2,
      })
      expect(items.describe(), what).toEqual(before)
    }
    await items.upsert([{ id: 'doubles', vector: Float64Array.from([0.1, 0.2, 0.3]) }])
    await items.upsert([{ id: 'subnormal', vector: [1e-40, 2, -0] }])
    const stored = await items.get('subnormal')
    expect(Object.is(stored?.vector[2], 0)).toBe(true)
    expect(items.count).toBe(3)
    await data.close()
  })

  test('tells the distances of each metric as documented', async () => {
    const data = await openTest(await temporaryDirectory())
    const expected = { cosine: 1 - 11 / Math.sqrt(5 * 25), l2: Math.sqrt(4 + 4), ip: 1 - 11 }
    for (const [metric, distance] of Object.entries(expected)) {
      const items = await data.create(metric, makeConfig({ dimension: 2, metric }))
      await items.upsert([{ id: 'a', vector: [3, 4] }])
      const [found] = await items.search([1, 2])
      expect(found?.distance, metric).toBeCloseTo(distance, 6)
    }
    await data.close()
  })
})

test('a proof is given up when its signal is given, and another one holds', async () => {
  const data = await openTest(await temporaryDirectory())
  const items = await data.create('items', makeConfig({ dimension: 8, index: 'flat' }))
  const points = somePoints(seededRandom(3), 6_000) // enough for threads
  for (let from = 0; from < points.length; from += 1_000) {
    await items.upsert(points.slice(from, from + 1_000))
  }
  await items.checkpoint()
  const stop = new AbortController()
  const proving = items.proveDigest(stop.signal)
  stop.abort(new Error('nobody waits'))
  await expect(proving).rejects.toThrow('nobody waits')
  expect(await items.proveDigest()).toBe(items.digest)
  await data.close()
})
