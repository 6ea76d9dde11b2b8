/** hnswlib-node as anybody would use it: the peer that benchmarks compare with. */
import hnswlib from 'hnswlib-node'

export interface RawHnsw {
  search(query: Float32Array, k: number): number[]
  /** The beam of later searches. */
  setEf(ef: number): void
}

/** One index over all rows by cosine, built on this thread with the engine's default settings. */
export function rawHnsw(vectors: Float32Array, dimension: number, ef = 100): RawHnsw {
  const count = vectors.length / dimension
  const index = new hnswlib.HierarchicalNSW('cosine', dimension)
  index.initIndex(count, 16, 200, 100)
  for (let row = 0; row < count; row++) {
    index.addPoint(Array.from(vectors.subarray(row * dimension, (row + 1) * dimension)), row)
  }
  index.setEf(ef)
  return {
    search: (query, k) => index.searchKnn(Array.from(query), k).neighbors,
    setEf: (ef) => index.setEf(ef),
  }
}
