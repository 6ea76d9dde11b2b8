/** Recall on real data: the words against neighbours that were computed without this product. */
import { expect, test } from 'vitest'
import { builtEngine } from '../support/built-engine.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readWordQueries, readWords, wordsDimension } from '../support/words.ts'

test('recall@10 of the words at the default ef is at least 0.95, and exact search is exact', async () => {
  const { defaults, makeConfig, openDataDirectory } = await builtEngine()
  const data = await openDataDirectory(await temporaryDirectory(), { create: true })
  const items = await data.create('words', makeConfig({ dimension: wordsDimension }))
  const { words, vectors } = await readWords()
  for (let row = 0; row < words.length; row += 1000) {
    await items.upsert(
      words.slice(row, row + 1000).map(({ id, ...metadata }, index) => {
        const at = (row + index) * wordsDimension
        return { id, vector: vectors.subarray(at, at + wordsDimension), metadata }
      }),
    )
  }
  await items.checkpoint()
  let found = 0
  let exact = 0
  const queries = await readWordQueries()
  for (const { vector, nearest } of queries) {
    const truth = new Set(nearest.map(({ id }) => id as string | number))
    const byGraph = await items.search(vector, { k: 10 })
    const byScan = await items.search(vector, { k: 10, exact: true })
    found += byGraph.filter(({ id }) => truth.has(id)).length
    exact += byScan.filter(({ id }) => truth.has(id)).length
    expect(1 - (byScan[0]?.distance ?? 0)).toBeCloseTo(nearest[0]?.cosine ?? 0, 4)
  }
  expect(items.stats().segments[0]?.index).toBe('graph')
  await data.close()
  const recall = found / (10 * queries.length)
  console.log(
    `recall@10 of the words at ef ${defaults.ef}: ${recall} (exact search: ${exact / 1000})`,
  )
  expect(recall).toBeGreaterThanOrEqual(0.95)
  expect(exact).toBe(10 * queries.length)
})
