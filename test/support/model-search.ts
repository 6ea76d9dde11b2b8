/** Searches held against a scan of the model in plain JavaScript. */
import assert from 'node:assert/strict'
import type { Collection } from '../../engine/collection/collection.ts'
import type { CollectionConfig } from '../../engine/format/config.ts'
import type { Points } from './model-history.ts'
import { seededRandom } from './seeded-random.ts'

const product = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)

const distances = {
  l2: (a: readonly number[], b: readonly number[]) =>
    Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0)),
  ip: (a: readonly number[], b: readonly number[]) => 1 - product(a, b),
  cosine: (a: readonly number[], b: readonly number[]) =>
    1 - product(a, b) / Math.sqrt(product(a, a) * product(b, b)),
}

/** Sums in another order differ by this much at most, for vectors of length about 1. */
const tolerance = 1e-5

/**
 * A search finds the k nearest points of the model: their distances, nearest first, and points that
 * have those distances. Which of several equally near points is named is not fixed.
 */
export async function expectNearest(
  items: Collection,
  points: Points,
  config: CollectionConfig,
  { seed, k, exact = false }: { readonly seed: number; readonly k: number; exact?: boolean },
): Promise<void> {
  const random = seededRandom(seed)
  const query = Array.from({ length: config.dimension }, () => Math.fround(random.normal()))
  const distance = distances[config.metric]
  const expected = [...points.values()]
    .map(({ vector }) => distance(vector, query))
    .sort((a, b) => a - b)
    .slice(0, k)
  const found = await items.search(query, { k, exact })
  assert.equal(found.length, expected.length)
  for (const [rank, { id, distance: told, metadata }] of found.entries()) {
    const point = points.get(id)
    assert(point, `${JSON.stringify(id)} was found and is not there`)
    const own = distance(point.vector, query)
    assert(Math.abs(told - own) < tolerance, `${JSON.stringify(id)} is at ${own}, not ${told}`)
    const nearest = expected[rank] ?? Number.NaN
    assert(Math.abs(told - nearest) < tolerance, `rank ${rank} is at ${nearest}, not ${told}`)
    assert.deepEqual({ ...metadata }, point.metadata)
  }
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length)
}
