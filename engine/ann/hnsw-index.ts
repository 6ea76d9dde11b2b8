/**
 * A graph that answers searches: the native object and the rules for touching it.
 *
 * Invariants: the object was loaded into once, fresh, from a file made of checked parts; deletions are
 * marks in memory and are never saved; after {@link HnswIndex.close} nothing reaches native code.
 */
import assert from 'node:assert/strict'
import type { Metric } from '../format/config.ts'
import type { Accept } from './exact-search.ts'
import type { NativeGraph } from './hnswlib.ts'
import { fromNativeDistance, normalise } from './metric.ts'
import type { Nearest } from './nearest.ts'

export class HnswIndex {
  /** Elements in the graph, removed ones included. */
  readonly count: number
  readonly #native: NativeGraph
  readonly #metric: Metric
  /** The addon takes plain arrays only: one, used for every query. */
  readonly #query: number[]
  readonly #removed: Uint8Array
  #ef = 0
  #searching = false
  #closed = false

  /** Takes over `native`, which holds `count` elements with labels 0…count − 1. */
  constructor(native: NativeGraph, count: number, dimension: number, metric: Metric) {
    this.#native = native
    this.#metric = metric
    this.count = count
    this.#query = new Array<number>(dimension).fill(0.5)
    this.#removed = new Uint8Array((count + 7) >> 3)
  }

  /**
   * About the `k` nearest elements, nearest first, equal distances by ordinal; fewer when fewer are found
   * that are not removed and that `accept` lets pass. `ef` is the beam, at least k is used: higher finds
   * more of the true neighbours and takes longer. `query` holds as many values as the graph's vectors.
   */
  search(query: Float32Array, k: number, ef: number, accept?: Accept): Nearest {
    assert(!this.#closed, 'a closed index is not searched')
    assert(!this.#searching, 'accept does not search the index that asks it')
    this.#prepare(query)
    const wanted = Math.min(k, this.count)
    const beam = Math.max(ef, wanted)
    if (beam !== this.#ef) {
      this.#native.setEf(beam)
      this.#ef = beam
    }
    this.#searching = true
    try {
      const found =
        accept === undefined
          ? this.#native.searchKnn(this.#query, wanted)
          : this.#searchAccepted(wanted, accept)
      const metric = this.#metric
      return {
        ordinals: found.neighbors,
        distances: found.distances.map((distance) => fromNativeDistance(metric, distance)),
      }
    } finally {
      this.#searching = false
    }
  }

  /** Leaves an element out of every later answer. Idempotent. */
  remove(ordinal: number): void {
    assert(!this.#closed, 'a closed index is not changed')
    assert(
      Number.isInteger(ordinal) && ordinal >= 0 && ordinal < this.count,
      'an element of this graph',
    )
    const bit = 1 << (ordinal & 7)
    const byte = this.#removed[ordinal >> 3] ?? 0
    if ((byte & bit) !== 0) return
    this.#removed[ordinal >> 3] = byte | bit
    this.#native.markDelete(ordinal)
  }

  /** Lets go of the graph's memory at once. Idempotent. */
  close(): void {
    if (this.#closed) return
    assert(!this.#searching, 'accept does not close the index that asks it')
    this.#closed = true
    // The collector does not see native memory and would keep it for long; a tiny graph replaces it.
    this.#native.initIndex(1, 2, 2, 1)
  }

  #prepare(query: Float32Array): void {
    const values = this.#query
    assert.equal(query.length, values.length, 'a query has the dimension of the graph')
    if (this.#metric === 'cosine') {
      normalise(query, 0, values, 0, values.length)
      return
    }
    for (let i = 0; i < values.length; i++) values[i] = query[i] ?? 0
  }

  /** An exception must not pass through native code: it is kept and thrown afterwards. */
  #searchAccepted(wanted: number, accept: Accept) {
    let failure: { readonly error: unknown } | undefined
    const found = this.#native.searchKnn(this.#query, wanted, (ordinal) => {
      if (failure !== undefined) return false
      try {
        return accept(ordinal) === true
      } catch (error) {
        failure = { error }
        return false
      }
    })
    if (failure !== undefined) throw failure.error
    return found
  }
}
