/** The kernel against the sums of metric.ts: not about the same, the same. */
import { expect, test } from 'vitest'
import { exactSearch } from '../../../engine/ann/exact-search.ts'
import { dot, squaredDistance } from '../../../engine/ann/metric.ts'
import { scanKernel } from '../../../engine/ann/scan-kernel.ts'
import { RowMemory, scanBlockRows } from '../../../engine/segment/row-memory.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const metrics = ['cosine', 'ip', 'l2'] as const
const random = seededRandom(20261127)
/** Large and small, of both signs, and zeros: sums in another order would differ. */
const anyValue = () =>
  random.chance(0.05)
    ? 0
    : Math.fround((random.integer(2 ** 24) / 2 ** 24 - 0.5) * 10 ** random.integer(6))

function filled(dimension: number, count: number) {
  const memory = new RowMemory(dimension, 64)
  memory.grow(Math.max(count, 512))
  const { scanned } = memory
  if (scanned === undefined) throw new Error('a memory that kernels scan')
  for (let at = 0; at < count * dimension; at++) memory.rows[at] = anyValue()
  return { memory, scanned }
}

test('every sum is that of metric.ts to the last bit, for any dimension', () => {
  for (const dimension of [1, 2, 3, 4, 5, 7, 8, 63, 64, 130, 1_001]) {
    const count = scanBlockRows + 3
    const { memory, scanned } = filled(dimension, count)
    const query = Float64Array.from({ length: dimension }, anyValue)
    for (const metric of metrics) {
      const kernel = scanKernel(scanned, metric)
      kernel.begin(query)
      const sum = metric === 'l2' ? squaredDistance : dot
      for (const [from, rows] of [
        [0, scanBlockRows],
        [scanBlockRows, 3],
        [1, 1],
      ] as const) {
        const wanted = Array.from({ length: rows }, (_, index) =>
          sum(query, 0, memory.rows, (from + index) * dimension, dimension),
        )
        expect([...kernel.block(from, rows).subarray(0, rows)]).toEqual(wanted)
      }
    }
  }
})

test('a search by the kernel finds what one without it finds, also in rows that came later', () => {
  const dimension = 6
  const { memory, scanned } = filled(dimension, 600)
  for (const metric of metrics) {
    const kernel = scanKernel(scanned, metric)
    for (const count of [1, scanBlockRows, 600]) {
      const query = Float32Array.from({ length: dimension }, anyValue)
      const accept = (ordinal: number) => ordinal % 3 !== 0
      const chunk = { vectors: memory.rows, count, firstOrdinal: 10 }
      const found = exactSearch([{ ...chunk, kernel }], query, 9, metric, accept)
      expect(found).toEqual(exactSearch([chunk], query, 9, metric, accept))
    }
  }
  const kernel = scanKernel(scanned, 'ip')
  memory.grow(40_000)
  memory.rows.fill(2, 39_999 * dimension)
  kernel.begin(new Float64Array(dimension).fill(1))
  expect(kernel.block(39_999, 1)[0]).toBe(2 * dimension)
})
