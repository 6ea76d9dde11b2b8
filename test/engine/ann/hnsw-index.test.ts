import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { AnnThreads } from '../../../engine/ann/ann-threads.ts'
import { buildGraph } from '../../../engine/ann/build-graph.ts'
import { exactSearch } from '../../../engine/ann/exact-search.ts'
import { HnswIndex } from '../../../engine/ann/hnsw-index.ts'
import { nativeGraphClass } from '../../../engine/ann/hnswlib.ts'
import { loadGraph } from '../../../engine/ann/load-graph.ts'
import { nativeSpace } from '../../../engine/ann/metric.ts'
import { NativeRows } from '../../../engine/ann/native-rows.ts'
import { writeSpliced } from '../../../engine/ann/splice-task.ts'
import { copyToBlock } from '../../../engine/ann/vector-block.ts'
import type { ProgressEvent } from '../../../engine/base/progress.ts'
import { type Metric, metrics } from '../../../engine/format/config.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const scratch = suiteDirectory()
const threads = new AnnThreads(2)
afterAll(() => threads.close())

const file = 'segments/00000003.graph'
const settingsFor = (metric: Metric) => ({ segment: 3, metric, m: 8, efConstruction: 60 })
const seed = 100

/** The graph as hnswlib builds it in this thread: never saved, never loaded. */
async function buildHere(vectors: Float32Array, dimension: number, metric: Metric) {
  const count = vectors.length / dimension
  const graphClass = await nativeGraphClass()
  const native = new graphClass(nativeSpace(metric), dimension)
  native.initIndex(count, 8, 60, seed)
  const rows = new NativeRows(vectors, dimension, metric)
  const values: number[] = []
  for (let ordinal = 0; ordinal < count; ordinal++) {
    rows.toArray(ordinal, values)
    native.addPoint(values, ordinal)
  }
  return { native, index: new HnswIndex(native, count, dimension, metric) }
}

it('graphs of several sizes pass through one file after the other, and each arrives whole', async () => {
  const dimension = 8
  const settings = settingsFor('l2')
  const made = await Promise.all(
    [900, 300, 700, 100].map(async (count) => {
      const vectors = clusteredVectors({ count, dimension, seed: count })
      const block = copyToBlock(vectors, dimension)
      const options = { scratchDirectory: scratch.path, file }
      return {
        vectors,
        block,
        options,
        graph: await buildGraph(threads, block, { ...settings, seed }, options),
      }
    }),
  )
  const before = (await readdir(scratch.path)).length
  await threads.scratch.use(scratch.path, async () => {
    for (const { vectors, block, graph, options } of made) {
      const index = await loadGraph(threads, graph, block, settings, options)
      const query = rowOf(vectors, dimension, block.count - 1)
      expect(index.search(query, 1, 50).ordinals).toEqual([block.count - 1])
      index.close()
    }
    expect(await readdir(scratch.path)).toHaveLength(before + 2)
  })
})

describe.each(metrics)('a graph of 5,000 × 64 vectors, %s', (metric) => {
  const count = 5_000
  const dimension = 64
  const vectors = clusteredVectors({ count, dimension, seed: 11 })
  const block = copyToBlock(vectors, dimension)
  const queries = Array.from({ length: 200 }, (_, index) => rowOf(vectors, dimension, index * 25))
  const settings = settingsFor(metric)
  const options = () => ({ scratchDirectory: scratch.path, file })

  it('gives the same ids and distances before it is saved and after it is loaded', async () => {
    const { native, index: before } = await buildHere(vectors, dimension, metric)
    const graph = await buildGraph(threads, block, { ...settings, seed }, options())
    const after = await loadGraph(threads, graph, block, settings, options())
    for (const query of queries) {
      expect(after.search(query, 10, 50)).toEqual(before.search(query, 10, 50))
    }
    // and the file that hnswlib reads is the one it would have written itself
    const saved = path.join(scratch.path, `saved-${metric}`)
    const spliced = path.join(scratch.path, `spliced-${metric}`)
    native.writeIndexSync(saved)
    const expected = { ...settings, count, dimension }
    await writeFile(spliced, '')
    const task = { graphBytes: graph, rows: block, expected, file, scratchFile: spliced }
    const middle = 2_001
    await writeSpliced({ ...task, from: middle, to: block.count })
    await writeSpliced({ ...task, from: 0, to: middle })
    expect((await readFile(spliced)).equals(await readFile(saved))).toBe(true)
    after.close()
    before.close()
  })

  it('has the same bytes when it is built again with the same seed, others with another', async () => {
    const build = (withSeed: number) =>
      buildGraph(threads, block, { ...settings, seed: withSeed }, options())
    const [one, other, different] = await Promise.all([build(seed), build(seed), build(seed + 1)])
    expect(Buffer.from(other).equals(one)).toBe(true)
    expect(Buffer.from(different).equals(one)).toBe(false)
  })

  it('finds the true neighbours, and with them the distances of exact search', async () => {
    const graph = await buildGraph(threads, block, { ...settings, seed }, options())
    const index = await loadGraph(threads, graph, block, settings, options())
    let found = 0
    for (const query of queries) {
      const truth = exactSearch([{ vectors, count, firstOrdinal: 0 }], query, 10, metric)
      const nearest = index.search(query, 10, 100)
      nearest.ordinals.forEach((ordinal, rank) => {
        const at = truth.ordinals.indexOf(ordinal)
        if (at < 0) return
        found++
        const exact = truth.distances[at] ?? Number.NaN
        // float32 sums; l2 takes the root of a small difference of large squares
        const tolerance = 1e-5 * Math.max(1, Math.abs(exact))
        expect(Math.abs((nearest.distances[rank] ?? Number.NaN) - exact)).toBeLessThan(tolerance)
      })
    }
    expect(found / (10 * queries.length)).toBeGreaterThan(metric === 'ip' ? 0.9 : 0.95)
    index.close()
  })
})

describe('an index', () => {
  const count = 600
  const dimension = 8
  const vectors = clusteredVectors({ count, dimension, seed: 5 })
  const block = copyToBlock(vectors, dimension)
  const settings = settingsFor('l2')
  const query = rowOf(vectors, dimension, 42)
  const load = async (progress: ProgressEvent[] = []) => {
    const options = {
      scratchDirectory: scratch.path,
      file,
      progress: (event: ProgressEvent) => void progress.push(event),
    }
    const graph = await buildGraph(threads, block, { ...settings, seed }, options)
    return loadGraph(threads, graph, block, settings, options)
  }

  it('tells the progress of a build by the hundredth, and of a load at both ends', async () => {
    const events: ProgressEvent[] = []
    await load(events)
    const builds = events.filter(({ phase }) => phase === 'build-graph')
    expect(builds).toHaveLength(100)
    expect(builds.at(-1)).toEqual({
      phase: 'build-graph',
      unit: 'points',
      done: count,
      total: count,
    })
    expect(events.slice(100)).toEqual([
      { phase: 'load-graph', unit: 'points', done: 0, total: count },
      { phase: 'load-graph', unit: 'points', done: count, total: count },
    ])
  })

  it('leaves no scratch file behind', async () => {
    await load()
    expect(await readdir(scratch.path)).not.toContainEqual(expect.stringMatching(/\.hnswlib$/))
  })

  it('does not find removed elements, and finds k others instead', async () => {
    const index = await load()
    const before = index.search(query, 10, 200).ordinals
    const removed = before.slice(0, 5)
    for (const ordinal of [...removed, ...removed]) index.remove(ordinal)
    const after = index.search(query, 10, 200).ordinals
    expect(after).toHaveLength(10)
    expect(after.slice(0, 5)).toEqual(before.slice(5))
    const expected = exactSearch(
      [{ vectors, count, firstOrdinal: 0 }],
      query,
      10,
      'l2',
      (ordinal) => !removed.includes(ordinal),
    )
    expect(after).toEqual(expected.ordinals)
  })

  it('finds nothing when everything is removed', async () => {
    const index = await load()
    for (let ordinal = 0; ordinal < count; ordinal++) index.remove(ordinal)
    expect(index.search(query, 10, 50)).toEqual({ ordinals: [], distances: [] })
  })

  it('returns only what accept lets pass', async () => {
    const index = await load()
    const accept = (ordinal: number) => ordinal % 4 === 1
    const chunk = { vectors, count, firstOrdinal: 0 }
    const expected = exactSearch([chunk], query, 20, 'l2', accept)
    expect(index.search(query, 20, 300, accept).ordinals).toEqual(expected.ordinals)
    expect(index.search(query, 20, 50, () => false).ordinals).toEqual([])
  })

  it('throws what accept throws, and goes on working', async () => {
    const index = await load()
    const expected = index.search(query, 5, 50)
    let asked = 0
    const accept = () => {
      if (++asked === 3) throw new Error('no metadata')
      return true
    }
    expect(() => index.search(query, 5, 50, accept)).toThrow('no metadata')
    expect(asked).toBe(3)
    expect(index.search(query, 5, 50)).toEqual(expected)
  })

  it('caps k at its elements and uses a beam of k at least', async () => {
    const index = await load()
    expect(index.search(query, 10_000, 1).ordinals).toHaveLength(count)
    expect(index.search(query, 30, 1).ordinals).toHaveLength(30)
  })

  it('can be closed twice but not used afterwards', async () => {
    const index = await load()
    index.close()
    index.close()
    expect(() => index.search(query, 1, 10)).toThrow('closed')
    expect(() => index.remove(0)).toThrow('closed')
  })

  it('of one element finds it', async () => {
    const one = copyToBlock(vectors.slice(0, dimension), dimension)
    const options = { scratchDirectory: scratch.path, file }
    const graph = await buildGraph(threads, one, { ...settings, seed }, options)
    const index = await loadGraph(threads, graph, one, settings, options)
    expect(index.search(rowOf(vectors, dimension, 0), 3, 10)).toEqual({
      ordinals: [0],
      distances: [0],
    })
  })
})
