import { readdir } from 'node:fs/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { AnnThreads } from '../../../engine/ann/ann-threads.ts'
import { type BuildOptions, buildGraph } from '../../../engine/ann/build-graph.ts'
import { exactSearch } from '../../../engine/ann/exact-search.ts'
import { loadGraph } from '../../../engine/ann/load-graph.ts'
import { copyToBlock, rowsOf, type VectorBlock } from '../../../engine/ann/vector-block.ts'
import type { ProgressEvent } from '../../../engine/base/progress.ts'
import { type Metric, metrics } from '../../../engine/format/config.ts'
import { decodeGraph } from '../../../engine/format/graph-check.ts'
import { level0Words } from '../../../engine/format/graph-file.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const scratch = suiteDirectory()
const threads = new AnnThreads(2)
afterAll(() => threads.close())

const file = 'segments/00000003.graph'
const settingsFor = (metric: Metric, m = 8, efConstruction = 60) => ({
  segment: 3,
  metric,
  m,
  efConstruction,
  seed: 100,
})
type Settings = ReturnType<typeof settingsFor>

const halved = (block: VectorBlock, settings: Settings, options: Partial<BuildOptions> = {}) =>
  buildGraph(threads, block, settings, { scratchDirectory: scratch.path, ...options }, 2)
const whole = (block: VectorBlock, settings: Settings) =>
  buildGraph(threads, block, settings, { scratchDirectory: scratch.path }, block.count + 1)

const load = (bytes: Uint8Array, block: VectorBlock, settings: Settings) =>
  loadGraph(threads, bytes, block, settings, { scratchDirectory: scratch.path, file })

/** Of the true ten neighbours of each query, how many a beam finds. */
async function recall(bytes: Uint8Array, block: VectorBlock, settings: Settings, ef: number) {
  const index = await load(bytes, block, settings)
  const all = { vectors: rowsOf(block), count: block.count, firstOrdinal: 0 }
  let found = 0
  let wanted = 0
  for (let query = 0; query < block.count; query += Math.ceil(block.count / 100)) {
    const values = all.vectors.slice(query * block.dimension, (query + 1) * block.dimension)
    const truth = new Set(exactSearch([all], values, 10, settings.metric).ordinals)
    found += index.search(values, 10, ef).ordinals.filter((each) => truth.has(each)).length
    wanted += truth.size
  }
  index.close()
  return found / wanted
}

/** How many elements level 0 leads to from the entry point. */
function reached(bytes: Uint8Array, block: VectorBlock, settings: Settings): number {
  const { count, dimension } = block
  const { level0, top } = decodeGraph(bytes, { ...settings, count, dimension }, file)
  const words = level0Words(settings.m)
  const seen = new Set([top.entryPoint])
  for (const element of seen) {
    const start = element * words
    for (const link of level0.subarray(start + 1, start + 1 + (level0[start] ?? 0))) seen.add(link)
  }
  return seen.size
}

describe('a graph built in halves', () => {
  it.each([
    ...metrics.map((metric) => ({ metric, dimension: 32, m: 8, seed: 11 })),
    { metric: 'cosine' as const, dimension: 7, m: 4, seed: 12 },
    { metric: 'l2' as const, dimension: 130, m: 16, seed: 13 },
  ])(
    'finds as much as one that hnswlib built alone: $metric, $dimension values, M $m',
    async ({ metric, dimension, m, seed }) => {
      const count = 2_001
      const block = copyToBlock(clusteredVectors({ count, dimension, seed }), dimension)
      const settings = settingsFor(metric, m)
      const [ours, alone] = await Promise.all([halved(block, settings), whole(block, settings)])
      expect(Buffer.from(ours).equals(alone)).toBe(false)
      for (const ef of [10, 30, 100]) {
        const least = (await recall(alone, block, settings, ef)) - 0.005
        expect(await recall(ours, block, settings, ef), `ef ${ef}`).toBeGreaterThan(least)
      }
      if (metric !== 'ip') expect(reached(ours, block, settings)).toBe(count)
    },
  )

  it('finds as much when the points are sorted or two kinds of them alternate', async () => {
    const dimension = 16
    const near = clusteredVectors({ count: 1_000, dimension, seed: 21 })
    const far = clusteredVectors({ count: 1_000, dimension, seed: 22 }).map((value) => value + 40)
    const orders = {
      sorted: (row: number) =>
        row < 1_000 ? rowOf(near, dimension, row) : rowOf(far, dimension, row - 1_000),
      alternating: (row: number) => rowOf(row % 2 === 0 ? near : far, dimension, row >> 1),
    }
    const settings = settingsFor('l2')
    for (const [name, order] of Object.entries(orders)) {
      const rows = new Float32Array(2_000 * dimension)
      for (let row = 0; row < 2_000; row++) rows.set(order(row), row * dimension)
      const block = copyToBlock(rows, dimension)
      const [ours, alone] = await Promise.all([halved(block, settings), whole(block, settings)])
      const least = (await recall(alone, block, settings, 30)) - 0.005
      expect(await recall(ours, block, settings, 30), name).toBeGreaterThan(least)
    }
  })

  it('has the same bytes whatever the number of threads, also on the idle one', async () => {
    const dimension = 8
    // enough that three threads join three shares
    const block = copyToBlock(clusteredVectors({ count: 6_001, dimension, seed: 31 }), dimension)
    const settings = settingsFor('cosine', 4, 12)
    const expected = await halved(block, settings)
    const idle = new AbortController().signal
    expect(Buffer.from(await halved(block, settings, { idle })).equals(expected)).toBe(true)
    for (const size of [1, 3]) {
      const others = new AnnThreads(size)
      const options = { scratchDirectory: scratch.path }
      const bytes = await buildGraph(others, block, settings, options, 2)
      await others.close()
      expect(Buffer.from(bytes).equals(expected), `${size} threads`).toBe(true)
    }
  })

  it('holds two points, three, and any small number', async () => {
    const settings = settingsFor('l2')
    for (const count of [2, 3, 4, 5, 9, 33]) {
      const vectors = clusteredVectors({ count, dimension: 4, seed: count })
      const block = copyToBlock(vectors, 4)
      const index = await load(await halved(block, settings), block, settings)
      for (let row = 0; row < count; row++) {
        const { ordinals } = index.search(rowOf(vectors, 4, row), count, 100)
        expect(ordinals[0]).toBe(row)
        expect(ordinals).toHaveLength(count)
      }
      index.close()
    }
  })

  it('finds points among many that are equal', async () => {
    const dimension = 4
    const settings = settingsFor('l2')
    const equal = copyToBlock(new Float32Array(1_500 * dimension).fill(3), dimension)
    const index = await load(await halved(equal, settings), equal, settings)
    const { distances } = index.search(new Float32Array(dimension).fill(3), 10, 50)
    expect(distances).toEqual(new Array(10).fill(0))
    index.close()
    // every point three times, and forty times one of them
    const different = clusteredVectors({ count: 500, dimension, seed: 41 })
    const rows = new Float32Array([...different, ...different, ...different])
    for (let row = 1_460; row < 1_500; row++)
      rows.set(rowOf(different, dimension, 7), row * dimension)
    const block = copyToBlock(rows, dimension)
    const repeated = await load(await halved(block, settings), block, settings)
    for (let row = 0; row < 500; row++) {
      const query = rowOf(different, dimension, row)
      expect(repeated.search(query, 1, 50).distances, `row ${row}`).toEqual([0])
    }
    repeated.close()
  })

  it('is given up when nobody wants it any more, and leaves nothing behind', async () => {
    const block = copyToBlock(clusteredVectors({ count: 20_000, dimension: 8, seed: 51 }), 8)
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const seen: ProgressEvent[] = []
    const progress = (event: ProgressEvent) => {
      seen.push(event)
      controller.abort(reason)
    }
    const idle = controller.signal
    await expect(halved(block, settingsFor('l2'), { idle, progress })).rejects.toBe(reason)
    expect(seen.at(-1)?.done).toBeLessThan(10_000)
    expect(await readdir(scratch.path)).toEqual([])
  })

  // a thread that is ended inside hnswlib takes the process along, now and then
  it.each([2, 60_001])(
    'is given up when its threads are closed, wherever it is, halved from %i points on',
    async (from) => {
      const block = copyToBlock(clusteredVectors({ count: 60_000, dimension: 4, seed: 52 }), 4)
      const options = { scratchDirectory: scratch.path }
      for (const after of [1, 2, 3, 4, 5]) {
        const others = new AnnThreads(2)
        let told = 0
        let closing: Promise<void> | undefined
        const progress = () => {
          told++
          if (told === after) closing = others.close()
        }
        const build = buildGraph(others, block, settingsFor('l2'), { ...options, progress }, from)
        await expect(build).rejects.toThrow('given up')
        await closing
      }
      expect(await readdir(scratch.path)).toEqual([])
    },
  )

  it('tells how many points are done, never fewer than before, up to all', async () => {
    const count = 1_201
    const block = copyToBlock(clusteredVectors({ count, dimension: 4, seed: 61 }), 4)
    const done: number[] = []
    await halved(block, settingsFor('l2'), { progress: (event) => void done.push(event.done) })
    expect(done).toEqual([...done].sort((a, b) => a - b))
    expect(done.at(-1)).toBe(count)
    expect(done.length).toBeGreaterThan(200)
  })
})
