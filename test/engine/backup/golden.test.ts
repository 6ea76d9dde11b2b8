import { describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { compareWithGolden, countFound, type GoldenRequest } from '../../../engine/backup/golden.ts'
import { readSnapshot } from '../../../engine/backup/list.ts'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { noProgress } from '../../../engine/base/progress.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { encodeId } from '../../../engine/format/point.ts'
import { openTest, somePoints, type TestPoint } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { pinnedSource, segment } from './pinned-source.ts'

const world = { disk: nodeDisk, clock: manualClock() }
const watch = { clock: world.clock, progress: noProgress }

describe('counting what was found', () => {
  const truth = [
    { id: 'a', distance: 0.1 },
    { id: 'b', distance: 0.2 },
    { id: 'c', distance: 0.3 },
  ]

  it.each([
    ['all of it', ['a 0.1', 'b 0.2', 'c 0.3'], 3],
    ['none of it', ['x 0.4', 'y 0.5', 'z 0.6'], 0],
    ['a tie with the last one', ['a 0.1', 'b 0.2', 'd 0.3'], 3],
    ['a tie but for float32', ['a 0.1', 'b 0.2', 'd 0.30000001'], 3],
    ['something a little farther', ['a 0.1', 'b 0.2', 'd 0.3001'], 2],
    ['too few', ['a 0.1'], 1],
    ['more than asked for', ['a 0.1', 'x 0.15', 'b 0.2', 'c 0.3'], 3],
    ['nothing', [], 0],
  ])('finds %s', (_, answer, found) => {
    const neighbours = answer.map((each) => {
      const [id = '', distance] = each.split(' ')
      return { id, distance: Number(distance) }
    })
    expect(countFound(neighbours, truth)).toBe(found)
  })

  it('takes negative distances of inner products as they are', () => {
    const far = [
      { id: 'a', distance: -5 },
      { id: 'b', distance: -4 },
    ]
    expect(
      countFound(
        [
          { id: 'a', distance: -5 },
          { id: 'c', distance: -4 },
        ],
        far,
      ),
    ).toBe(2)
    expect(
      countFound(
        [
          { id: 'a', distance: -5 },
          { id: 'c', distance: -3.9 },
        ],
        far,
      ),
    ).toBe(1)
  })
})

async function collectionOf(points: readonly TestPoint[], index: 'flat' | 'hnsw' = 'flat') {
  const directory = await openTest(await temporaryDirectory())
  const config = makeConfig({ dimension: 8, metric: 'l2', index })
  const collection = await directory.create('items', config)
  if (points.length > 0) await collection.upsert(points)
  return { directory, collection }
}

/** The truth, computed the slow and obvious way. */
function neighboursOf(points: readonly TestPoint[], of: TestPoint, k: number) {
  const distance = (other: TestPoint) =>
    Math.sqrt(of.vector.reduce((sum, value, at) => sum + (value - (other.vector[at] ?? 0)) ** 2, 0))
  return points
    .filter(({ id }) => id !== of.id)
    .map((other) => ({ id: other.id, distance: distance(other) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, k)
}

const backUp = async (collection: Collection, golden: GoldenRequest = {}) => {
  const destination = new MemoryDestination()
  const result = await createBackup(collection, { ...world, destination, snapshotId: 's', golden })
  const read = { ...world, source: destination, collection: 'items', snapshotId: 's' }
  return { result, golden: (await readSnapshot(read)).manifest.golden }
}

describe('recording golden queries', () => {
  it('takes the points with the smallest hashed ids, each with its exact neighbours but itself', async () => {
    const points = somePoints(seededRandom(64), 300)
    const { directory, collection } = await collectionOf(points)
    const { golden, result } = await backUp(collection)
    const rank = (id: TestPoint['id']) => sha256Hex(encodeId(id))
    const smallest = points.map(({ id }) => id).sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    expect(golden.queries.map(({ id }) => id)).toEqual(smallest.slice(0, 64))
    expect(golden.k).toBe(10)
    for (const { id, neighbours } of golden.queries) {
      const of = points.find((point) => point.id === id) as TestPoint // the sample is of these points
      const expected = neighboursOf(points, of, 10)
      expect(neighbours.map((each) => each.id)).toEqual(expected.map((each) => each.id))
      for (const [index, { distance }] of neighbours.entries()) {
        expect(distance).toBeCloseTo(expected[index]?.distance ?? Number.NaN, 5)
      }
    }
    expect(result.golden).toMatchObject({ k: 10, queries: 64, recall: 1 })
    await directory.close()
  })

  it('leaves deleted points out of the sample and of the answers', async () => {
    const points = somePoints(seededRandom(65), 100)
    const { directory, collection } = await collectionOf(points)
    const gone = points.slice(0, 50).map(({ id }) => id)
    await collection.delete(gone)
    const { golden } = await backUp(collection)
    const named = golden.queries.flatMap(({ id, neighbours }) => [
      id,
      ...neighbours.map((n) => n.id),
    ])
    expect(named.filter((id) => gone.includes(id))).toEqual([])
    expect(golden.queries).toHaveLength(50)
    await directory.close()
  })

  it.each([
    [0, 0, null],
    [1, 1, null],
    [2, 2, 1],
  ])('case 98: of %i points records %i queries with recall %j', async (count, queries, recall) => {
    const { directory, collection } = await collectionOf(somePoints(seededRandom(66), count))
    const { golden } = await backUp(collection)
    expect(golden.queries).toHaveLength(queries)
    expect(golden.recall).toBe(recall)
    await directory.close()
  })

  it('takes as many queries and neighbours as were asked for, also none', async () => {
    const { directory, collection } = await collectionOf(somePoints(seededRandom(67), 40))
    const some = await backUp(collection, { sample: 3, k: 5 })
    expect(some.golden.queries.map(({ neighbours }) => neighbours.length)).toEqual([5, 5, 5])
    const none = await backUp(collection, { sample: 0 })
    const nothing = { queries: [], recall: null, latencyMs: null }
    expect(none.golden).toEqual({ k: 10, ...nothing, measuredIn: 's' })
    await directory.close()
  })
})

describe('measuring beside the upload', () => {
  it('times queries alone for a while, and asks all of them', async () => {
    const clock = manualClock()
    const drawn = somePoints(seededRandom(68), 64).map(({ id, vector }, index) => ({
      id,
      vector: Float32Array.from(vector),
      neighbours: [{ id: `near ${index}`, distance: 0.5 }],
    }))
    let asked = 0
    let askedAtFirstPut: number | undefined
    const destination = new (class extends MemoryDestination {
      override put(...args: Parameters<MemoryDestination['put']>) {
        if (args[0].startsWith('objects/')) askedAtFirstPut ??= asked
        return super.put(...args)
      }
    })()
    const file = { path: segment(1, 'vectors'), bytes: Buffer.alloc(1000, 7) }
    const source = {
      ...pinnedSource([file], {
        golden: async () => drawn,
        config: makeConfig({ dimension: 8, metric: 'l2' }),
      }),
      search: async () => {
        asked++
        clock.advance(10)
        // the warm-up has asked the first question already; every other answer is wrong
        return [
          {
            id: asked % 2 === 0 ? `near ${asked - 2}` : 'far',
            distance: asked % 2 === 0 ? 0.5 : 0.9,
          },
        ]
      },
    }
    await createBackup(source, { disk: nodeDisk, clock, destination, snapshotId: 's' })
    const { golden } = (
      await readSnapshot({ source: destination, collection: 'products', snapshotId: 's', ...world })
    ).manifest
    expect(asked).toBe(1 + 64)
    // the first of the rest may be asked before
    expect(askedAtFirstPut).toBeGreaterThanOrEqual(1 + 16)
    expect(askedAtFirstPut).toBeLessThan(1 + 20)
    expect(golden.queries).toHaveLength(64)
    expect(golden.recall).toBe(0.5)
    expect(golden.latencyMs).toEqual({ p50: 10, p95: 10 })
  })
})

describe('questions of the user’s own', () => {
  const random = seededRandom(71)
  const points = somePoints(random, 300)
  const questions = somePoints(random, 20).map(({ vector }, index) => ({
    // the name of a stored point too: it is no reason to leave that one out
    id: index === 0 ? (points[0]?.id ?? '') : `question ${index}`,
    vector: Float32Array.from(index === 0 ? (points[0]?.vector ?? []) : vector),
  }))

  it('are kept with their vectors and the exact answers of the live points', async () => {
    const { directory, collection } = await collectionOf(points, 'hnsw')
    await collection.checkpoint()
    const gone = points.slice(100, 150).map(({ id }) => id)
    await collection.delete(gone)
    const { golden, result } = await backUp(collection, { questions, k: 5 })
    expect(golden.queries.map(({ id }) => id)).toEqual(questions.map(({ id }) => id))
    expect(golden.queries[0]?.neighbours[0]).toEqual({ id: points[0]?.id, distance: 0 })
    for (const [index, { vector, neighbours }] of golden.queries.entries()) {
      const question = questions[index]?.vector ?? new Float32Array()
      expect(Buffer.from(vector ?? '', 'base64')).toEqual(Buffer.from(question.buffer))
      const exact = await collection.search(question, { k: 5, exact: true })
      expect(neighbours.map(({ id }) => id)).toEqual(exact.map(({ id }) => id))
      expect(neighbours.filter(({ id }) => gone.includes(id))).toEqual([])
    }
    expect(result.golden).toMatchObject({ k: 5, queries: 20 })
    expect(result.golden.recall).toBeGreaterThan(0.9)
    const comparison = await compareWithGolden(collection, golden, watch)
    expect(comparison).toMatchObject({ wrong: [], recall: golden.recall })
    await collection.delete([points[0]?.id ?? ''])
    expect((await compareWithGolden(collection, golden, watch)).wrong).toContain(points[0]?.id)
    await directory.close()
  })

  it('of another dimension are refused, and so are more than there may be', async () => {
    const { directory, collection } = await collectionOf(points.slice(0, 5))
    const odd = [{ id: 'odd', vector: new Float32Array(99) }]
    await expect(backUp(collection, { questions: odd })).rejects.toMatchObject({ code: 'usage' })
    const many = Array.from({ length: 10_001 }, (_, id) => ({ id, vector: new Float32Array(2) }))
    await expect(backUp(collection, { questions: many })).rejects.toMatchObject({ code: 'usage' })
    await directory.close()
  })
})

describe('holding a collection against golden queries', () => {
  it('finds everything in the collection they were recorded from', async () => {
    const { directory, collection } = await collectionOf(somePoints(seededRandom(68), 1200), 'hnsw')
    const { golden } = await backUp(collection)
    const comparison = await compareWithGolden(collection, golden, watch)
    expect(comparison).toMatchObject({
      queries: 64,
      k: 10,
      wrong: [],
      recordedRecall: golden.recall,
    })
    expect(comparison.recall).toBe(golden.recall)
    await directory.close()
  })

  it('names the queries whose answer changed, or whose point is gone', async () => {
    const points = somePoints(seededRandom(69), 60)
    const { directory, collection } = await collectionOf(points)
    const { golden } = await backUp(collection, { sample: 20, k: 3 })
    const [first, second] = golden.queries
    const lost = second?.neighbours[0]?.id ?? ''
    await collection.delete([first?.id, lost])
    const { wrong, recall } = await compareWithGolden(collection, golden, watch)
    expect(wrong).toContain(first?.id)
    expect(wrong).toContain(second?.id)
    const untouched = golden.queries.filter(
      ({ id, neighbours }) =>
        ![first?.id, lost].includes(id) &&
        !neighbours.some((each) => each.id === first?.id || each.id === lost),
    )
    expect(wrong).toHaveLength(golden.queries.length - untouched.length)
    expect(recall).toBeLessThan(1)
    await directory.close()
  })
})
