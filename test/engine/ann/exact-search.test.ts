import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { AnnThreads } from '../../../engine/ann/ann-threads.ts'
import { exactSearch } from '../../../engine/ann/exact-search.ts'
import { normsOf } from '../../../engine/ann/metric.ts'
import { scanExact } from '../../../engine/ann/scan-exact.ts'
import { copyToBlock } from '../../../engine/ann/vector-block.ts'
import { metrics } from '../../../engine/format/config.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const count = 900
const dimension = 17
const vectors = clusteredVectors({ count, dimension, seed: 3 })
const query = (row: number) => rowOf(vectors, dimension, row)
const all = { vectors, count, firstOrdinal: 0 }

/** Every distance from the definition, in plain arithmetic, sorted. */
function bySorting(metric: (typeof metrics)[number], at: Float32Array) {
  const length = (values: Float32Array) => Math.hypot(...values)
  return Array.from({ length: count }, (_, ordinal) => {
    const row = query(ordinal)
    const product = row.reduce((sum, value, index) => sum + value * (at[index] ?? 0), 0)
    const squares = row.reduce((sum, value, index) => sum + (value - (at[index] ?? 0)) ** 2, 0)
    const distance = {
      cosine: 1 - product / (length(row) * length(at)),
      l2: Math.sqrt(squares),
      ip: 1 - product,
    }[metric]
    return { ordinal, distance }
  }).sort((a, b) => a.distance - b.distance)
}

describe.each(metrics)('exact search, %s', (metric) => {
  it('finds the rows that sorting all distances finds', () => {
    for (const row of [0, 100, 899]) {
      const expected = bySorting(metric, query(row)).slice(0, 20)
      const found = exactSearch([all], query(row), 20, metric)
      expect(found.ordinals).toEqual(expected.map(({ ordinal }) => ordinal))
      found.distances.forEach((distance, index) => {
        expect(distance).toBeCloseTo(expected[index]?.distance ?? Number.NaN, 9)
      })
    }
  })

  it('gives the same answer from several chunks, with and without norms', () => {
    const cut = 333
    const chunks = [
      { vectors: vectors.subarray(0, cut * dimension), count: cut, firstOrdinal: 0 },
      {
        vectors: vectors.subarray(cut * dimension),
        count: count - cut,
        firstOrdinal: cut,
        norms: normsOf(vectors.subarray(cut * dimension), count - cut, dimension),
      },
    ]
    const whole = exactSearch([all], query(7), 25, metric)
    expect(exactSearch(chunks, query(7), 25, metric)).toEqual(whole)
    expect(exactSearch(chunks.toReversed(), query(7), 25, metric)).toEqual(whole)
  })
})

describe('exact search', () => {
  it('asks accept about ordinals and returns none that it refuses', () => {
    const accept = (ordinal: number) => ordinal % 3 === 0
    const found = exactSearch([{ ...all, firstOrdinal: 1_000 }], query(0), 30, 'l2', accept)
    expect(found.ordinals).toHaveLength(30)
    expect(found.ordinals.every(accept)).toBe(true)
    const expected = bySorting('l2', query(0))
      .map(({ ordinal }) => ordinal + 1_000)
      .filter(accept)
    expect(found.ordinals).toEqual(expected.slice(0, 30))
  })

  it('orders equal distances by ordinal', () => {
    const same = new Float32Array(50 * 2).fill(1)
    const chunks = [
      { vectors: same, count: 50, firstOrdinal: 100 },
      { vectors: same, count: 50, firstOrdinal: 0 },
    ]
    const found = exactSearch(chunks, Float32Array.of(1, 0), 4, 'cosine')
    expect(found.ordinals).toEqual([0, 1, 2, 3])
  })

  it('returns fewer than k when there are fewer, and nothing from nothing', () => {
    const few = { vectors, count: 3, firstOrdinal: 0 }
    expect(exactSearch([few], query(0), 10, 'l2').ordinals).toHaveLength(3)
    expect(exactSearch([], query(0), 10, 'l2')).toEqual({ ordinals: [], distances: [] })
  })
})

describe('scanning in threads', () => {
  const directory = suiteDirectory()
  const threads = new AnnThreads(2)
  afterAll(() => threads.close())
  const block = copyToBlock(vectors, dimension)
  const queries = [5, 6, 250, 251, 252].map(query)

  it.each(metrics)('gives bit for bit what exact search gives, %s', async (metric) => {
    const expected = queries.map((each) => exactSearch([all], each, 12, metric))
    expect(await scanExact(threads, block, queries, 12, metric)).toEqual(expected)
  })

  it.each(metrics)(
    'gives the same from a file, which it reads a part at a time, %s',
    async (metric) => {
      const file = join(directory.path, `${metric}.f32`)
      await writeFile(file, Buffer.concat([Buffer.alloc(64), new Uint8Array(vectors.buffer)]))
      const rows = { path: file, byteOffset: 64, count: block.count, dimension }
      const expected = await scanExact(threads, block, queries, 12, metric)
      expect(await scanExact(threads, rows, queries, 12, metric)).toEqual(expected)
      await truncate(file, 64 + 4 * dimension * (block.count - 1))
      await expect(scanExact(threads, rows, queries, 12, metric)).rejects.toThrow(/ends before/)
    },
  )

  it('leaves out deleted rows and the row excluded for a query', async () => {
    const deleted = new Uint8Array(new SharedArrayBuffer((count + 7) >> 3))
    const gone = new Set([5, 17, 250, 899])
    for (const row of gone) deleted[row >> 3] = (deleted[row >> 3] ?? 0) | (1 << (row & 7))
    const excluded = [undefined, 6, undefined, 251, 3]
    const found = await scanExact(threads, block, queries, 12, 'l2', { deleted, excluded })
    const expected = queries.map((each, index) =>
      exactSearch([all], each, 12, 'l2', (row) => !gone.has(row) && row !== excluded[index]),
    )
    expect(found).toEqual(expected)
  })

  it('gives what threads find, when there is too much to be done at once', async () => {
    // 1,100 queries × 900 rows × 17 values; five of them are compared, the others make up the number
    const many = Array.from({ length: 1_100 }, (_, row) => query(row % count))
    const deleted = new Uint8Array(new SharedArrayBuffer((count + 7) >> 3)).fill(1, 0, 2)
    const found = await scanExact(threads, block, many, 12, 'l2', {
      deleted,
      excluded: [undefined, 9],
    })
    expect(found).toHaveLength(1_100)
    for (const index of [0, 1, 549, 550, 1_099]) {
      const expected = exactSearch([all], query(index % count), 12, 'l2', (row) => {
        return row !== 0 && row !== 8 && !(index === 1 && row === 9)
      })
      expect(found[index]).toEqual(expected)
    }
  })

  it.each([
    ['on this thread', 5],
    ['in threads', 1_100],
  ])('is given up %s when its signal is given, and no thread goes on', async (_, number) => {
    const stop = new AbortController()
    const many = Array.from({ length: number }, (_, row) => query(row % count))
    const scanning = scanExact(threads, block, many, 12, 'l2', { signal: stop.signal })
    stop.abort(new Error('nobody waits'))
    await expect(scanning).rejects.toThrow('nobody waits')
    await expect(
      scanExact(threads, block, many, 12, 'l2', { signal: stop.signal }),
    ).rejects.toThrow('nobody waits')
    expect(await scanExact(threads, block, [query(0)], 1, 'l2')).toHaveLength(1)
  })

  it('reads rows that start inside the shared memory', async () => {
    const vectorsAt64 = new SharedArrayBuffer(64 + vectors.byteLength)
    new Float32Array(vectorsAt64, 64).set(vectors)
    const shifted = { vectors: vectorsAt64, byteOffset: 64, count, dimension }
    const expected = await scanExact(threads, block, queries, 5, 'cosine')
    expect(await scanExact(threads, shifted, queries, 5, 'cosine')).toEqual(expected)
  })

  it('answers no queries with no answers and caps k at the rows there are', async () => {
    expect(await scanExact(threads, block, [], 5, 'ip')).toEqual([])
    const two = { ...block, count: 2 }
    const found = await scanExact(threads, two, [query(0)], 10_000, 'ip')
    expect(found[0]?.ordinals).toHaveLength(2)
  })
})
