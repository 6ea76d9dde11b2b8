/**
 * Vectors that look like embeddings: points around cluster centres. Uniform noise has no neighbourhoods,
 * so recall measured on it says nothing about real data.
 */
import { seededRandom } from './seeded-random.ts'

export interface ClusteredVectorsOptions {
  readonly count: number
  readonly dimension: number
  /** Cluster centres. Default: one for every hundred points, at least eight. */
  readonly clusters?: number
  /** Deviation of a point from its centre, per component; the centres have deviation 1. Default 0.3. */
  readonly spread?: number
  readonly seed?: number
}

/** @returns count × dimension, row-major float32. */
export function clusteredVectors(options: ClusteredVectorsOptions): Float32Array<ArrayBuffer> {
  const { count, dimension, spread = 0.3, seed = 1 } = options
  const clusters = options.clusters ?? Math.max(8, Math.ceil(count / 100))
  const random = seededRandom(seed)
  const centres = Float32Array.from({ length: clusters * dimension }, () => random.normal())
  const vectors = new Float32Array(count * dimension)
  for (let row = 0; row < count; row++) {
    const centre = random.integer(clusters) * dimension
    for (let column = 0; column < dimension; column++) {
      const value = (centres[centre + column] ?? 0) + spread * random.normal()
      vectors[row * dimension + column] = value
    }
  }
  return vectors
}

/** Row `row` of a row-major matrix, as a view. */
export const rowOf = (
  vectors: Float32Array<ArrayBuffer>,
  dimension: number,
  row: number,
): Float32Array<ArrayBuffer> => vectors.subarray(row * dimension, (row + 1) * dimension)
