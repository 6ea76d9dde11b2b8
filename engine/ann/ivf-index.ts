/**
 * Inverted lists that answer searches: the lists nearest to the query are scanned exactly.
 *
 * The rows are the segment's own, in shared memory, never copied; distances are those of the exact
 * scan. Holds 4 bytes a point for the lists and, for cosine, 8 for the length of its vector.
 */
import assert from 'node:assert/strict'
import type { Metric } from '../format/config.ts'
import { decodeLists, type Lists } from '../format/lists-file.ts'
import type { Accept } from './exact-search.ts'
import { Centroids } from './k-means.ts'
import { distanceBetween, normsOf, prepareQuery } from './metric.ts'
import { type Nearest, NearestHeap } from './nearest.ts'
import { rowsOf, type VectorBlock } from './vector-block.ts'

/** What the lists file must say about itself. Count and dimension come from the block. */
export interface IvfSettings {
  readonly segment: number
  readonly metric: Metric
  readonly lists: number
}

export class IvfIndex {
  readonly #rows: Float32Array
  readonly #norms: Float64Array | undefined
  readonly #lists: Lists
  readonly #centroids: Centroids
  readonly #metric: Metric

  private constructor(lists: Lists, block: VectorBlock, metric: Metric) {
    this.#rows = rowsOf(block)
    this.#norms =
      metric === 'cosine' ? normsOf(this.#rows, block.count, block.dimension) : undefined
    this.#lists = lists
    this.#centroids = new Centroids(lists.centroids, block.dimension)
    this.#metric = metric
  }

  /**
   * From a lists file and the vectors it was built from; the file is checked in full.
   * @param file its path, named when it is damaged
   * @throws `damaged`, `newer-format`
   */
  static load(
    bytes: Uint8Array,
    block: VectorBlock,
    { segment, metric, lists }: IvfSettings,
    file: string,
  ): IvfIndex {
    const { count, dimension } = block
    const decoded = decodeLists(bytes, { segment, count, dimension, metric, lists }, file)
    return new IvfIndex(decoded, block, metric)
  }

  /** Lists of this segment: as many as the config asks for, or fewer. */
  get lists(): number {
    return this.#centroids.count
  }

  /**
   * About the `k` nearest rows that `accept` lets pass, nearest first, equal distances by ordinal. The
   * `nprobe` nearest lists are scanned, and further ones only while fewer than `k` were found: the
   * answer is short only when there are no more.
   */
  search(query: Float32Array, k: number, nprobe: number, accept?: Accept): Nearest {
    assert.equal(query.length, this.#centroids.dimension, 'a query has the dimension of the lists')
    const prepared = prepareQuery(query)
    const heap = new NearestHeap(k)
    const rows = this.#rows
    const dimension = query.length
    const { starts, ordinals } = this.#lists
    for (const [visited, list] of this.#nearestLists(query).entries()) {
      if (visited >= nprobe && heap.size === k) break
      const to = starts[list + 1] ?? 0
      for (let place = starts[list] ?? 0; place < to; place++) {
        const ordinal = ordinals[place] ?? 0
        const start = ordinal * dimension
        const rowNorm = this.#norms?.[ordinal] ?? 0
        const distance = distanceBetween(this.#metric, prepared, rows, start, dimension, rowNorm)
        if (!heap.wants(distance, ordinal)) continue
        if (accept === undefined || accept(ordinal)) heap.add(distance, ordinal)
      }
    }
    return heap.toNearest()
  }

  /** All lists, the one whose centroid is nearest in the collection's metric first. */
  #nearestLists(query: Float32Array): number[] {
    const centroids = this.#centroids
    const ranks = Float64Array.from({ length: centroids.count }, (_, list) => {
      return this.#metric === 'l2'
        ? centroids.rank(list, query, 0)
        : -centroids.product(list, query, 0)
    })
    const order = Array.from(ranks, (_, list) => list)
    return order.sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0) || a - b)
  }
}
