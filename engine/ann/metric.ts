/**
 * The metrics: with scan-kernel.ts, which does the same sums faster, the only file that computes a distance or a norm.
 *
 * Everything accumulates in float64 over four interleaved sums, always in the same order, so that a
 * pair of vectors has one distance whoever asks: the scan in a worker, the scan on the main thread,
 * one query or many. Distances as returned: cosine 1 − cos (0 to 2), l2 Euclidean, ip 1 − dot.
 *
 * hnswlib is given its spaces `l2` and `ip` only. For cosine the vectors are brought to length 1 here,
 * by {@link normalise}, when a graph is built, when it is spliced and when it is searched: the same
 * function for all three makes a spliced file equal to the saved one, bit for bit.
 */
import type { Metric } from '../format/config.ts'

/** Sum of a[i] × b[i] over `dimension` values. */
export function dot(
  a: Float64Array,
  aStart: number,
  b: Float32Array,
  bStart: number,
  dimension: number,
): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  const whole = dimension - (dimension & 3)
  let i = 0
  // The loop bounds keep every index in range; `?? 0` is for the type checker and costs nothing.
  for (; i < whole; i += 4) {
    const x = aStart + i
    const y = bStart + i
    sum0 += (a[x] ?? 0) * (b[y] ?? 0)
    sum1 += (a[x + 1] ?? 0) * (b[y + 1] ?? 0)
    sum2 += (a[x + 2] ?? 0) * (b[y + 2] ?? 0)
    sum3 += (a[x + 3] ?? 0) * (b[y + 3] ?? 0)
  }
  for (; i < dimension; i++) sum0 += (a[aStart + i] ?? 0) * (b[bStart + i] ?? 0)
  return sum0 + sum1 + (sum2 + sum3)
}

/** Sum of (a[i] − b[i])² over `dimension` values. */
export function squaredDistance(
  a: Float64Array,
  aStart: number,
  b: Float32Array,
  bStart: number,
  dimension: number,
): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  const whole = dimension - (dimension & 3)
  let i = 0
  for (; i < whole; i += 4) {
    const x = aStart + i
    const y = bStart + i
    const d0 = (a[x] ?? 0) - (b[y] ?? 0)
    const d1 = (a[x + 1] ?? 0) - (b[y + 1] ?? 0)
    const d2 = (a[x + 2] ?? 0) - (b[y + 2] ?? 0)
    const d3 = (a[x + 3] ?? 0) - (b[y + 3] ?? 0)
    sum0 += d0 * d0
    sum1 += d1 * d1
    sum2 += d2 * d2
    sum3 += d3 * d3
  }
  for (; i < dimension; i++) {
    const d = (a[aStart + i] ?? 0) - (b[bStart + i] ?? 0)
    sum0 += d * d
  }
  return sum0 + sum1 + (sum2 + sum3)
}

/** Euclidean length of the `dimension` values at `start`. */
export function norm(values: Float32Array, start: number, dimension: number): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  const whole = dimension - (dimension & 3)
  let i = 0
  for (; i < whole; i += 4) {
    const x = start + i
    const v0 = values[x] ?? 0
    const v1 = values[x + 1] ?? 0
    const v2 = values[x + 2] ?? 0
    const v3 = values[x + 3] ?? 0
    sum0 += v0 * v0
    sum1 += v1 * v1
    sum2 += v2 * v2
    sum3 += v3 * v3
  }
  for (; i < dimension; i++) {
    const v = values[start + i] ?? 0
    sum0 += v * v
  }
  return Math.sqrt(sum0 + sum1 + (sum2 + sum3))
}

/** The lengths of the first `count` rows of `rows`. */
export function normsOf(rows: Float32Array, count: number, dimension: number): Float64Array {
  const norms = new Float64Array(count)
  for (let row = 0; row < count; row++) norms[row] = norm(rows, row * dimension, dimension)
  return norms
}

/**
 * Writes the vector at `source[sourceStart…]` to `target[targetStart…]`, scaled to length 1 and rounded
 * to float32. A vector of length 0 stays 0: it has no direction, and no vector is near it.
 */
export function normalise(
  source: Float32Array,
  sourceStart: number,
  target: Float32Array | number[],
  targetStart: number,
  dimension: number,
): void {
  const length = norm(source, sourceStart, dimension)
  const scale = length > 0 ? 1 / length : 0
  const whole = dimension - (dimension & 3)
  let i = 0
  for (; i < whole; i += 4) {
    const x = sourceStart + i
    const y = targetStart + i
    target[y] = Math.fround((source[x] ?? 0) * scale)
    target[y + 1] = Math.fround((source[x + 1] ?? 0) * scale)
    target[y + 2] = Math.fround((source[x + 2] ?? 0) * scale)
    target[y + 3] = Math.fround((source[x + 3] ?? 0) * scale)
  }
  for (; i < dimension; i++) {
    target[targetStart + i] = Math.fround((source[sourceStart + i] ?? 0) * scale)
  }
}

/** 1 − cos from a dot product and the two lengths, held to 0…2 against rounding. */
export function cosineDistance(product: number, normA: number, normB: number): number {
  const scale = normA * normB
  if (!(scale > 0)) return 1
  return Math.min(2, Math.max(0, 1 - product / scale))
}

/** A query prepared for many comparisons: float64 values and, for cosine, its length. */
export interface PreparedQuery {
  readonly values: Float64Array
  readonly norm: number
}

/** Converts a query once for all its comparisons. */
export const prepareQuery = (query: Float32Array): PreparedQuery => ({
  values: Float64Array.from(query),
  norm: norm(query, 0, query.length),
})

/**
 * The distance between a query and the row at `start`. `rowNorm` is that row's {@link norm} and is read
 * for cosine only.
 */
export function distanceBetween(
  metric: Metric,
  query: PreparedQuery,
  rows: Float32Array,
  start: number,
  dimension: number,
  rowNorm: number,
): number {
  const { values } = query
  if (metric === 'l2') return Math.sqrt(squaredDistance(values, 0, rows, start, dimension))
  return distanceOf(metric, dot(values, 0, rows, start, dimension), query.norm, rowNorm)
}

/** The distance that {@link squaredDistance} means for l2, {@link dot} for the others. */
export function distanceOf(metric: Metric, sum: number, normA: number, normB: number): number {
  switch (metric) {
    case 'l2':
      return Math.sqrt(sum)
    case 'ip':
      return 1 - sum
    case 'cosine':
      return cosineDistance(sum, normA, normB)
    default:
      return metric satisfies never
  }
}

/**
 * Compares rows of one matrix: how far row `a` is from row `b`, less for nearer ones, in the unit of
 * hnswlib's space (l2 squared). The fast way where rows are compared with rows by the million.
 */
export function rowDistances(
  metric: Metric,
  rows: Float32Array,
  dimension: number,
): (a: number, b: number) => number {
  if (metric === 'l2')
    return (a, b) => squaredBetween(rows, a * dimension, b * dimension, dimension)
  if (metric === 'ip')
    return (a, b) => 1 - dotBetween(rows, a * dimension, b * dimension, dimension)
  const norms = normsOf(rows, rows.length / dimension, dimension)
  return (a, b) =>
    cosineDistance(
      dotBetween(rows, a * dimension, b * dimension, dimension),
      norms[a] ?? 0,
      norms[b] ?? 0,
    )
}

/** {@link dot} of two rows. A function of its own: one that sees two kinds of arrays is slow. */
function dotBetween(rows: Float32Array, a: number, b: number, dimension: number): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  const whole = dimension - (dimension & 3)
  let i = 0
  for (; i < whole; i += 4) {
    const x = a + i
    const y = b + i
    sum0 += (rows[x] ?? 0) * (rows[y] ?? 0)
    sum1 += (rows[x + 1] ?? 0) * (rows[y + 1] ?? 0)
    sum2 += (rows[x + 2] ?? 0) * (rows[y + 2] ?? 0)
    sum3 += (rows[x + 3] ?? 0) * (rows[y + 3] ?? 0)
  }
  for (; i < dimension; i++) sum0 += (rows[a + i] ?? 0) * (rows[b + i] ?? 0)
  return sum0 + sum1 + (sum2 + sum3)
}

/** {@link squaredDistance} of two rows. */
function squaredBetween(rows: Float32Array, a: number, b: number, dimension: number): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  const whole = dimension - (dimension & 3)
  let i = 0
  for (; i < whole; i += 4) {
    const x = a + i
    const y = b + i
    const d0 = (rows[x] ?? 0) - (rows[y] ?? 0)
    const d1 = (rows[x + 1] ?? 0) - (rows[y + 1] ?? 0)
    const d2 = (rows[x + 2] ?? 0) - (rows[y + 2] ?? 0)
    const d3 = (rows[x + 3] ?? 0) - (rows[y + 3] ?? 0)
    sum0 += d0 * d0
    sum1 += d1 * d1
    sum2 += d2 * d2
    sum3 += d3 * d3
  }
  for (; i < dimension; i++) {
    const d = (rows[a + i] ?? 0) - (rows[b + i] ?? 0)
    sum0 += d * d
  }
  return sum0 + sum1 + (sum2 + sum3)
}

/** The hnswlib space that a metric is searched in. */
export const nativeSpace = (metric: Metric): 'l2' | 'ip' => (metric === 'l2' ? 'l2' : 'ip')

/** What hnswlib measured in that space, as the distance we return. */
export function fromNativeDistance(metric: Metric, distance: number): number {
  switch (metric) {
    case 'l2':
      return Math.sqrt(distance)
    case 'ip':
      return distance
    case 'cosine':
      return Math.min(2, Math.max(0, distance))
    default:
      return metric satisfies never
  }
}
