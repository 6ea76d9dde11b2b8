import { describe, expect, test } from 'vitest'
import { Centroids, sampleRows, trainCentroids } from '../../../engine/ann/k-means.ts'
import { norm } from '../../../engine/ann/metric.ts'
import { clusteredVectors } from '../../support/clustered-vectors.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const dimension = 4
const cost = (rows: Float32Array, centroids: Float32Array, width = dimension): number => {
  const ready = new Centroids(centroids, width)
  let sum = 0
  for (let start = 0; start < rows.length; start += width) {
    sum += norm(rows, start, width) ** 2 + 2 * ready.nearest(rows, start).rank
  }
  return sum
}

describe('training centroids', () => {
  test('finds clusters that lie far apart', () => {
    const random = seededRandom(11)
    const corners = [
      [0, 0],
      [100, 0],
      [0, 100],
      [100, 100],
      [50, 300],
    ]
    const rows = Float32Array.from(
      random
        .shuffle(Array.from({ length: 500 }, (_, index) => index % 5))
        .flatMap((corner) => (corners[corner] ?? []).map((value) => value + random.normal())),
    )
    const centroids = trainCentroids({
      rows,
      dimension: 2,
      centroids: 5,
      spherical: false,
      seed: 3,
    })
    for (const corner of corners) {
      const near = [0, 1, 2, 3, 4].filter((index) =>
        corner.every((value, axis) => Math.abs((centroids[2 * index + axis] ?? 0) - value) < 1),
      )
      expect(near, `a centroid at ${corner}`).toHaveLength(1)
    }
  })

  test('costs less than the rows it started from, and no seed decides much', () => {
    const rows = clusteredVectors({ count: 2000, dimension, clusters: 40, seed: 21 })
    const costs = [1, 2, 3].map((seed) =>
      cost(rows, trainCentroids({ rows, dimension, centroids: 40, spherical: false, seed })),
    )
    const drawn = cost(rows, rows.slice(0, 40 * dimension))
    for (const each of costs) expect(each).toBeLessThan(0.8 * drawn)
    expect(Math.max(...costs)).toBeLessThan(1.5 * Math.min(...costs))
  })

  test('gives the same bytes for the same rows and seed', () => {
    const rows = clusteredVectors({ count: 600, dimension, seed: 22 })
    const train = (seed: number) =>
      trainCentroids({ rows, dimension, centroids: 12, spherical: false, seed })
    expect(train(5)).toEqual(train(5))
    expect(train(5)).not.toEqual(train(6))
  })

  test('keeps the length of 1 where directions count', () => {
    const rows = clusteredVectors({ count: 300, dimension, seed: 23 })
    for (let start = 0; start < rows.length; start += dimension) {
      const length = norm(rows, start, dimension)
      for (let i = start; i < start + dimension; i++) rows[i] = (rows[i] ?? 0) / length
    }
    const centroids = trainCentroids({ rows, dimension, centroids: 9, spherical: true, seed: 1 })
    for (let start = 0; start < centroids.length; start += dimension) {
      expect(norm(centroids, start, dimension)).toBeCloseTo(1, 6)
    }
  })

  test.each([
    ['equal rows', () => [1, 2, 3, 4]],
    ['zeros', () => [0, 0, 0, 0]],
    ['rows that cancel out', (row: number) => (row % 2 === 0 ? [1, 0, 0, 0] : [-1, 0, 0, 0])],
    ['the largest floats', (row: number) => [row % 3, 3.4e38, -3.4e38, 0]],
  ])('gives finite centroids for %s', (_, row) => {
    const rows = Float32Array.from(Array.from({ length: 40 }, (_, index) => row(index)).flat())
    for (const spherical of [false, true]) {
      const centroids = trainCentroids({ rows, dimension, centroids: 7, spherical, seed: 9 })
      expect(centroids).toHaveLength(7 * dimension)
      expect(centroids.every((value) => Number.isFinite(value))).toBe(true)
    }
  })

  test('as many centroids as rows are the rows', () => {
    const rows = Float32Array.of(1, 1, 2, 2, 9, 9)
    const centroids = trainCentroids({
      rows,
      dimension: 2,
      centroids: 3,
      spherical: false,
      seed: 4,
    })
    expect(cost(rows, centroids, 2)).toBeCloseTo(0, 6)
  })
})

test('a sample is rising, without repetition, and all rows when there are few', () => {
  expect([...sampleRows(10, 5, 1)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const sample = [...sampleRows(10_000, 5, 1)]
  expect(sample.length).toBeLessThan(1000)
  expect(sample.every((row, index) => index === 0 || row > (sample[index - 1] ?? row))).toBe(true)
  expect(sample.at(-1)).toBeLessThan(10_000)
  expect([...sampleRows(10_000, 5, 1)]).toEqual(sample)
})
