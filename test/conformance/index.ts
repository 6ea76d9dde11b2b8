/**
 * What every kind of index must do for a collection, over the same seeded points: find acknowledged
 * points at once, be exact where exactness was asked for, find enough at its defaults, leave out what
 * was deleted, answer the same after it was saved and loaded, and be the same bytes each time.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { exactSearch } from '../../engine/ann/exact-search.ts'
import type { Collection } from '../../engine/collection/collection.ts'
import type { DataDirectory } from '../../engine/collection/data-directory.ts'
import { parseFilter } from '../../engine/collection/filter.ts'
import type { Neighbour } from '../../engine/collection/search.ts'
import { type ConfigInput, type Metric, makeConfig } from '../../engine/format/config.ts'
import { segmentFiles } from '../../engine/format/manifest.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { openTest } from '../support/collections.ts'
import { suiteDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

export const indexSeed = 20_250_611
const dimension = 16
/** Sealed in one segment of its own each: neither is small enough to go without an index. */
const batches = [1_100, 1_050]
const tail = 150
const count = 2_150 + tail
const k = 10

const vectors = clusteredVectors({ count, dimension, seed: indexSeed })
const pointAt = (row: number) => ({
  id: row,
  vector: rowOf(vectors, dimension, row),
  metadata: { shade: row % 3, rare: row % 97 === 0 },
})
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => pointAt(from + index))
/** Near points but on none of them. */
const queries = Array.from({ length: 60 }, (_, index) =>
  rowOf(vectors, dimension, (index * 41) % count).map((value, axis) => value + 0.05 * (axis % 3)),
)

const idsOf = (neighbours: readonly Neighbour[]) => neighbours.map(({ id }) => id)

export interface IndexExpectation {
  /** How a sealed segment says that it is searched. */
  readonly index: 'graph' | 'lists' | 'scan'
}

/** @param input the index part of a config, at its defaults but for the kind */
export function indexConformance(
  input: Pick<ConfigInput, 'index'>,
  metric: Metric,
  expected: IndexExpectation,
): void {
  const config = makeConfig({ dimension, metric, ...input })
  const place = suiteDirectory()

  /** Two sealed segments and a tail in memory. */
  async function build(data: DataDirectory): Promise<Collection> {
    const items = await data.create('items', config)
    let row = 0
    for (const batch of batches) {
      await items.upsert(rows(row, row + batch))
      await items.checkpoint()
      row += batch
    }
    await items.upsert(rows(row, row + tail))
    return items
  }

  const within = async <Result>(work: (items: Collection) => Promise<Result>): Promise<Result> => {
    const data = await openTest(place.path)
    try {
      return await work(await data.open('items'))
    } finally {
      await data.close()
    }
  }

  const oracle = (query: Float32Array, accept: (row: number) => boolean = () => true) =>
    exactSearch([{ vectors, count, firstOrdinal: 0 }], query, k, metric, accept).ordinals

  let asBuilt: Neighbour[][] = []

  beforeAll(async () => {
    const data = await openTest(place.path)
    const items = await build(data)
    asBuilt = []
    for (const query of queries) asBuilt.push(await items.search(query, { k }))
    await data.close()
  })

  it('answers from its index where a segment is large enough for one', () =>
    within(async (items) => {
      await items.warm()
      const found = items.stats().segments.map(({ index }) => index)
      expect(found).toEqual([...batches.map(() => expected.index), 'scan'])
    }))

  it('gives the same ids and distances after it was closed and opened', () =>
    within(async (items) => {
      for (const [at, query] of queries.entries()) {
        expect(await items.search(query, { k })).toEqual(asBuilt[at])
      }
    }))

  it('is exact when it is asked to be', () =>
    within(async (items) => {
      for (const query of queries) {
        expect(idsOf(await items.search(query, { k, exact: true }))).toEqual(oracle(query))
      }
    }))

  it('finds at least 0.95 of the nearest at its defaults', () => {
    let found = 0
    for (const [at, query] of queries.entries()) {
      const truth = new Set<unknown>(oracle(query))
      found += idsOf(asBuilt[at] ?? []).filter((id) => truth.has(id)).length
    }
    const recall = found / (k * queries.length)
    console.log(`recall@${k} of ${config.index.kind}, ${metric}: ${recall}, seed ${indexSeed}`)
    expect(recall).toBeGreaterThanOrEqual(0.95)
  })

  it('holds to a filter, whether few or many points pass', () =>
    within(async (items) => {
      let found = 0
      for (const query of queries.slice(0, 20)) {
        const rare = await items.search(query, { k, filter: parseFilter({ rare: true }) })
        expect(idsOf(rare)).toEqual(oracle(query, (row) => row % 97 === 0))
        const shade = await items.search(query, { k, filter: parseFilter({ shade: 1 }) })
        expect(shade.every(({ id }) => Number(id) % 3 === 1)).toBe(true)
        expect(shade).toHaveLength(k)
        const truth = new Set<unknown>(oracle(query, (row) => row % 3 === 1))
        found += idsOf(shade).filter((id) => truth.has(id)).length
      }
      expect(found / (20 * k)).toBeGreaterThanOrEqual(0.95)
    }))

  it('finds as many as there are when more are asked for', () =>
    within(async (items) => {
      const filter = parseFilter({ shade: 2 })
      const all = await items.search(queries[0], { k: count, filter })
      expect(all).toHaveLength(rows(0, count).filter(({ id }) => id % 3 === 2).length)
    }))

  it('is built to the same bytes from the same points, and leaves out what is deleted', async () => {
    const path = await temporaryDirectory()
    const data = await openTest(path)
    const items = await build(data)
    const first = await within(async (one) => one.manifest.segments.flatMap(segmentFiles))
    expect(items.manifest.segments.flatMap(segmentFiles)).toEqual(first)

    const [one = [], two = [], three = []] = [asBuilt[0], asBuilt[30], asBuilt[59]]
    const gone = [one, two, three].flatMap((found) => idsOf(found.slice(0, 2)))
    await items.delete(gone)
    const remains = async (items: Collection) => {
      const found = await Promise.all(queries.map((query) => items.search(query, { k: 50 })))
      return idsOf(found.flat())
    }
    expect((await remains(items)).filter((id) => gone.includes(id))).toEqual([])
    // overwritten: found at once in its new place, and in no segment in its old one
    const moved = 1_206
    const before = rowOf(vectors, dimension, moved)
    const far = before.map((value) => -9 * value)
    await items.upsert([{ id: moved, vector: far }])
    expect(idsOf(await items.search(before, { k }))).not.toContain(moved)
    expect(idsOf(await items.search(far, { k: 1 }))).toEqual([moved])
    await items.checkpoint()
    await data.close()

    const again = await openTest(path)
    const loaded = await again.open('items')
    expect((await remains(loaded)).filter((id) => gone.includes(id))).toEqual([])
    expect(idsOf(await loaded.search(before, { k }))).not.toContain(moved)
    expect(idsOf(await loaded.search(far, { k: 1 }))).toEqual([moved])
    await again.close()
  })

  it('is built again, loudly and to the same bytes, where a file is damaged or missing', async () => {
    const path = await temporaryDirectory()
    const data = await openTest(path)
    const items = await build(data)
    const entries = items.manifest.segments.flatMap(({ graph, lists }) => graph ?? lists ?? [])
    await data.close()
    expect(entries).toHaveLength(expected.index === 'scan' ? 0 : batches.length)
    const [directory = ''] = await readdir(join(path, 'collections'))
    const files = entries.map((entry) => join(path, 'collections', directory, entry.path))
    const good = await Promise.all(files.map((file) => readFile(file)))
    const [damaged, missing] = files
    const [first] = good
    if (damaged !== undefined && missing !== undefined && first !== undefined) {
      const bytes = Buffer.from(first)
      bytes.writeUInt8(bytes.readUInt8(300) ^ 4, 300)
      await writeFile(damaged, bytes)
      await rm(missing)
    }
    const warnings: string[] = []
    const again = await openTest(path, { warnings })
    const loaded = await again.open('items')
    for (const [at, query] of queries.entries()) {
      expect(await loaded.search(query, { k })).toEqual(asBuilt[at])
    }
    await again.close()
    expect(warnings.filter((text) => /built again/.test(text))).toHaveLength(files.length)
    expect(await Promise.all(files.map((file) => readFile(file)))).toEqual(good)
  })
}
