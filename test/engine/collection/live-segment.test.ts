import { expect, test } from 'vitest'
import { exactSearch } from '../../../engine/ann/exact-search.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { openTest, somePoints } from '../../support/collections.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

test('lengths that are kept give the distances of a scan without them, as points come, are sealed and die', async () => {
  const random = seededRandom(31)
  const points = somePoints(random, 400)
  const data = await openTest('/data', { disk: new MemoryDisk() })
  const items = await data.create('items', makeConfig({ dimension: 8, metric: 'cosine' }))
  const query = Array.from({ length: 8 }, () => random.normal())
  /** The points that a model has now, by a scan that finds every length anew. */
  const expectScan = async (live: typeof points) => {
    const vectors = Float32Array.from(live.flatMap((point) => point.vector))
    const chunk = { vectors, count: live.length, firstOrdinal: 0 }
    const oracle = exactSearch([chunk], Float32Array.from(query), 10, 'cosine')
    const found = await items.search(query, { k: 10 })
    expect(found.map(({ distance }) => distance)).toEqual(oracle.distances)
    expect(found.map(({ id }) => id)).toEqual(oracle.ordinals.map((at) => live[at]?.id))
  }
  for (const [from, to] of [
    [0, 1],
    [1, 30],
    [30, 31],
    [31, 300],
  ] as const) {
    await items.upsert(points.slice(from, to))
    await expectScan(points.slice(0, to))
  }
  await items.checkpoint()
  await expectScan(points.slice(0, 300))
  await items.upsert(points.slice(300))
  await expectScan(points)
  const best = (await items.search(query, { k: 5 })).map(({ id }) => id)
  await items.delete(best)
  await expectScan(points.filter(({ id }) => !best.includes(id)))
  await data.close()
})
