/** Recall on real data: the words against neighbours that were computed without this product. */
import { expect, test } from 'vitest'
import { builtEngine } from '../support/built-engine.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readWordQueries, readWords, wordsDimension } from '../support/words.ts'

test.each([
  ['hnsw', 'graph'],
  ['ivf', 'lists'],
] as const)(
  'recall@10 of the words at the defaults of %s is at least 0.95, and exact search is exact',
  async (index, searched) => {
    const { defaults, makeConfig, openDataDirectory } = await builtEngine()
    const data = await openDataDirectory(await temporaryDirectory(), { create: true })
    const items = await data.create('words', makeConfig({ dimension: wordsDimension, index }))
    const { words, vectors } = await readWords()
    for (let row = 0; row < words.length; row += 1000) {
      await items.upsert(
        words.slice(row, row + 1000).map(({ id, ...metadata }, index) => {
          const at = (row + index) * wordsDimension
          return { id, vector: vectors.subarray(at, at + wordsDimension), metadata }
        }),
      )
    }
    const builtFrom = performance.now()
    await items.checkpoint()
    const buildMs = performance.now() - builtFrom
    await items.warm()
    let found = 0
    let exact = 0
    let indexMs = 0
    let scanMs = 0
    const queries = await readWordQueries()
    for (const { vector, nearest } of queries) {
      const truth = new Set(nearest.map(({ id }) => id as string | number))
      const from = performance.now()
      const byIndex = await items.search(vector, { k: 10 })
      const between = performance.now()
      const byScan = await items.search(vector, { k: 10, exact: true })
      indexMs += between - from
      scanMs += performance.now() - between
      found += byIndex.filter(({ id }) => truth.has(id)).length
      exact += byScan.filter(({ id }) => truth.has(id)).length
      expect(1 - (byScan[0]?.distance ?? 0)).toBeCloseTo(nearest[0]?.cosine ?? 0, 4)
    }
    expect(items.stats().segments[0]?.index).toBe(searched)
    await data.close()
    const recall = found / (10 * queries.length)
    const at =
      index === 'hnsw' ? `ef ${defaults.ef}` : `nprobe ${defaults.nprobe} of ${defaults.lists}`
    const each = (ms: number) => `${(ms / queries.length).toFixed(2)} ms`
    console.log(
      `recall@10 of the words, ${index} at ${at}: ${recall} in ${each(indexMs)} a query (exact search: ${exact / 1000} in ${each(scanMs)}); built in ${(buildMs / 1000).toFixed(1)} s`,
    )
    expect(recall).toBeGreaterThanOrEqual(0.95)
    expect(exact).toBe(10 * queries.length)
  },
)
