import { describe, expect, onTestFinished, test } from 'vitest'
import { AnnThreads } from '../../../engine/ann/ann-threads.ts'
import { buildLists } from '../../../engine/ann/build-lists.ts'
import { exactSearch } from '../../../engine/ann/exact-search.ts'
import { IvfIndex } from '../../../engine/ann/ivf-index.ts'
import { listCount } from '../../../engine/ann/lists-task.ts'
import { copyToBlock } from '../../../engine/ann/vector-block.ts'
import { metrics } from '../../../engine/format/config.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'

const dimension = 8
const count = 2000
const vectors = clusteredVectors({ count, dimension, seed: 31 })
const block = copyToBlock(vectors, dimension)
const chunk = { vectors, count, firstOrdinal: 0 }

async function built(metric: (typeof metrics)[number], lists = 64) {
  const threads = new AnnThreads(1)
  onTestFinished(() => threads.close())
  const progress: number[] = []
  const settings = { segment: 3, metric, lists }
  const bytes = await buildLists(threads, block, { ...settings, seed: 100 }, ({ done }) =>
    progress.push(done),
  )
  return { bytes, progress, index: IvfIndex.load(bytes, block, settings, 'lists') }
}

describe.each(metrics)('lists of the metric %s', (metric) => {
  test('find what the exact search finds when all lists are scanned', async () => {
    const { index } = await built(metric)
    for (let row = 0; row < 20; row++) {
      const query = rowOf(vectors, dimension, 97 * row)
      const exact = exactSearch([chunk], query, 7, metric)
      expect(index.search(query, 7, index.lists)).toEqual(exact)
    }
  })

  test('find most of it in a quarter of the lists', async () => {
    const { index } = await built(metric)
    let found = 0
    for (let row = 0; row < 100; row++) {
      const query = rowOf(vectors, dimension, 19 * row)
      const exact = new Set(exactSearch([chunk], query, 10, metric).ordinals)
      const near = index.search(query, 10, Math.ceil(index.lists / 4)).ordinals
      found += near.filter((ordinal) => exact.has(ordinal)).length
    }
    expect(found / 1000).toBeGreaterThanOrEqual(0.95)
  })

  test('fall short of k only when nothing more is accepted', async () => {
    const { index } = await built(metric)
    const query = rowOf(vectors, dimension, 5)
    const accept = (ordinal: number) => ordinal % 400 === 3
    const found = index.search(query, 9, 1, accept)
    expect(found).toEqual(exactSearch([chunk], query, 9, metric, accept))
    expect(found.ordinals).toHaveLength(5)
  })
})

test('the same vectors give the same file, and progress reaches the end', async () => {
  const [one, two] = [await built('cosine'), await built('cosine')]
  expect(Buffer.from(one.bytes).equals(two.bytes)).toBe(true)
  expect(one.progress.at(-1)).toBe(count)
  expect(one.index.lists).toBe(listCount(count, 64))
})

test('a small segment has fewer lists than the config asks for, and at least one', () => {
  expect(listCount(1_000, 256)).toBe(25)
  expect(listCount(65_536, 256)).toBe(256)
  expect(listCount(65_536, 65_536)).toBe(1_680)
  expect(listCount(1, 256)).toBe(1)
})

test('lists of equal vectors find as many as are asked for', async () => {
  const threads = new AnnThreads(1)
  onTestFinished(() => threads.close())
  const equal = copyToBlock(new Float32Array(400 * dimension).fill(1), dimension)
  const settings = { segment: 1, metric: 'l2', lists: 10 } as const
  const bytes = await buildLists(threads, equal, { ...settings, seed: 1 })
  const index = IvfIndex.load(bytes, equal, settings, 'lists')
  const query = new Float32Array(dimension).fill(2)
  expect(index.search(query, 5, 1).ordinals).toEqual([0, 1, 2, 3, 4])
})
