/**
 * k-means: centroids for the lists of an IVF index, and the nearest centroid of a row.
 *
 * Lloyd's iterations (S. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28, 1982)
 * from a k-means++ start (D. Arthur and S. Vassilvitskii, SODA 2007, section 2.2), on a sample. For
 * cosine the rows have length 1 and every mean is brought to length 1 (spherical k-means: I. Dhillon
 * and D. Modha, Machine Learning 42, 2001). Everything is decided by the rows and the seed: the same
 * input gives the same centroids, bit for bit, on every machine.
 */
import assert from 'node:assert/strict'
import { dot, norm, normalise } from './metric.ts'

/** Sample rows for each centroid: enough that a mean is steady, few enough to train in seconds. */
const rowsPerCentroid = 40
const maxIterations = 8
/** Iterations end when no larger share of the rows changes its centroid. */
const settledShare = 0.01

export interface KMeansInput {
  /** count × dimension, row-major; of length 1 when `spherical`. */
  readonly rows: Float32Array
  readonly dimension: number
  /** Centroids wanted, at most as many as rows. */
  readonly centroids: number
  readonly spherical: boolean
  /** Unsigned 32-bit. */
  readonly seed: number
}

/** Centroids made ready for many comparisons: float64 values and half of each squared length. */
export class Centroids {
  readonly count: number
  readonly dimension: number
  readonly #values: Float64Array
  readonly #halves: Float64Array

  /** `values`: count × dimension, row-major. */
  constructor(values: Float32Array, dimension: number) {
    this.count = values.length / dimension
    this.dimension = dimension
    this.#values = Float64Array.from(values)
    this.#halves = Float64Array.from({ length: this.count }, (_, index) => {
      return norm(values, index * dimension, dimension) ** 2 / 2
    })
  }

  /**
   * Half the squared Euclidean distance between centroid `index` and the row at `start`, less half the
   * row's squared length: orders the centroids of one row as their distances do.
   */
  rank(index: number, rows: Float32Array, start: number): number {
    return (this.#halves[index] ?? 0) - this.product(index, rows, start)
  }

  /** Dot product of centroid `index` and the row at `start`. */
  product(index: number, rows: Float32Array, start: number): number {
    return dot(this.#values, index * this.dimension, rows, start, this.dimension)
  }

  /** The nearest centroid to the row at `start`; of equal ones the first. */
  nearest(rows: Float32Array, start: number): { index: number; rank: number } {
    let best = 0
    let bestRank = Number.POSITIVE_INFINITY
    for (let index = 0; index < this.count; index++) {
      const rank = this.rank(index, rows, start)
      if (rank < bestRank) {
        best = index
        bestRank = rank
      }
    }
    return { index: best, rank: bestRank }
  }
}

/** The rows that centroids are trained on: rising row numbers, drawn without repetition. */
export function sampleRows(count: number, centroids: number, seed: number): Uint32Array {
  const wanted = Math.min(count, centroids * rowsPerCentroid)
  const random = uniform(seed)
  const sample = new Uint32Array(wanted)
  // selection sampling (D. Knuth, TAOCP volume 2, algorithm 3.4.2 S)
  for (let row = 0, taken = 0; taken < wanted; row++) {
    if ((count - row) * random() < wanted - taken) sample[taken++] = row
  }
  return sample
}

/** Trains. @returns centroids × dimension, row-major; finite where the rows are */
export function trainCentroids(input: KMeansInput): Float32Array<ArrayBuffer> {
  const { rows, dimension, seed } = input
  const count = rows.length / dimension
  assert(input.centroids >= 1 && input.centroids <= count, 'no more centroids than rows')
  const lengths = Float64Array.from({ length: count }, (_, row) => {
    return norm(rows, row * dimension, dimension) ** 2
  })
  let centroids = firstCentroids(input, lengths, uniform(seed))
  const places = new Int32Array(count).fill(-1)
  const distances = new Float64Array(count)
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const ready = new Centroids(centroids, dimension)
    let moved = 0
    for (let row = 0; row < count; row++) {
      const { index, rank } = ready.nearest(rows, row * dimension)
      if (places[row] !== index) moved++
      places[row] = index
      distances[row] = Math.max(0, (lengths[row] ?? 0) + 2 * rank)
    }
    if (moved <= settledShare * count) break
    centroids = meansOf(input, centroids, places, distances)
  }
  return centroids
}

/** k-means++: each further centroid is a row drawn in proportion to its squared distance so far. */
function firstCentroids(
  { rows, dimension, centroids }: KMeansInput,
  lengths: Float64Array,
  random: () => number,
): Float32Array<ArrayBuffer> {
  const count = lengths.length
  const values = new Float32Array(centroids * dimension)
  const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
  let chosen = Math.floor(random() * count)
  for (let index = 0; index < centroids; index++) {
    const start = chosen * dimension
    const value = rows.subarray(start, start + dimension)
    values.set(value, index * dimension)
    if (index + 1 === centroids) break
    const centroid = new Centroids(value, dimension)
    let sum = 0
    for (let row = 0; row < count; row++) {
      const distance = (lengths[row] ?? 0) + 2 * centroid.rank(0, rows, row * dimension)
      if (distance < (nearest[row] ?? 0)) nearest[row] = Math.max(0, distance)
      sum += nearest[row] ?? 0
    }
    chosen = draw(nearest, random() * sum)
  }
  return values
}

/** The row at which the running sum of `weights` passes `bar`; the last one when rounding leaves none. */
function draw(weights: Float64Array, bar: number): number {
  let sum = 0
  for (let row = 0; row < weights.length; row++) {
    sum += weights[row] ?? 0
    if (sum > bar) return row
  }
  return weights.length - 1
}

/** The mean of each centroid's rows. One without rows moves to the row that is worst served. */
function meansOf(
  { rows, dimension, spherical }: KMeansInput,
  before: Float32Array<ArrayBuffer>,
  places: Int32Array,
  distances: Float64Array,
): Float32Array<ArrayBuffer> {
  const centroids = before.length / dimension
  const sums = new Float64Array(before.length)
  const sizes = new Uint32Array(centroids)
  for (const [row, place] of places.entries()) {
    sizes[place] = (sizes[place] ?? 0) + 1
    const from = row * dimension
    const to = place * dimension
    for (let i = 0; i < dimension; i++) sums[to + i] = (sums[to + i] ?? 0) + (rows[from + i] ?? 0)
  }
  const means = new Float32Array(before.length)
  for (let index = 0; index < centroids; index++) {
    const size = sizes[index] ?? 0
    const at = index * dimension
    if (size === 0) {
      const worst = farthest(distances)
      distances[worst] = -1 // the next empty one takes another row
      means.set(rows.subarray(worst * dimension, (worst + 1) * dimension), at)
      continue
    }
    for (let i = 0; i < dimension; i++) means[at + i] = (sums[at + i] ?? 0) / size
    if (!spherical) continue
    // opposite rows can have the mean 0, which has no direction: the centroid then stays
    if (norm(means, at, dimension) === 0) means.set(before.subarray(at, at + dimension), at)
    normalise(means, at, means, at, dimension)
  }
  return means
}

function farthest(distances: Float64Array): number {
  let worst = 0
  for (const [row, distance] of distances.entries()) {
    if (distance > (distances[worst] ?? 0)) worst = row
  }
  return worst
}

/** Uniform numbers in [0, 1): mulberry32 (T. Ettinger, public domain), 32 bits of state. */
function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
