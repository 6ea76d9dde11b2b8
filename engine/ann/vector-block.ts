/**
 * A block of vectors that several threads read at once.
 *
 * The memory is shared, never copied: the owner fills it before it hands the block out and nobody
 * writes to it afterwards. Values are the float32 values as accepted, before any normalising.
 */
import assert from 'node:assert/strict'

export interface VectorBlock {
  /** count × dimension float32, row-major, little-endian, from `byteOffset` on. */
  readonly vectors: SharedArrayBuffer
  readonly count: number
  readonly dimension: number
  /** Where the first row starts; a multiple of 4, 0 when absent. */
  readonly byteOffset?: number
}

/** The block's rows as one view: count × dimension. */
export function rowsOf(block: VectorBlock): Float32Array {
  const values = block.count * block.dimension
  const byteOffset = block.byteOffset ?? 0
  assert(block.vectors.byteLength >= byteOffset + 4 * values, 'a block holds all of its rows')
  return new Float32Array(block.vectors, byteOffset, values)
}

/** A block that shares nothing with `rows`: count × dimension values, row-major. */
export function copyToBlock(rows: Float32Array, dimension: number): VectorBlock {
  assert(rows.length % dimension === 0, 'rows are whole')
  const vectors = new SharedArrayBuffer(rows.length * 4)
  new Float32Array(vectors).set(rows)
  return { vectors, count: rows.length / dimension, dimension }
}
