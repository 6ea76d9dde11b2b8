/** Vectors in the form hnswlib keeps them: of length 1 for cosine, as accepted for the other metrics. */
import type { Metric } from '../format/config.ts'
import { normalise } from './metric.ts'

export class NativeRows {
  readonly #rows: Float32Array
  readonly #dimension: number
  readonly #scaled: Float32Array | undefined

  /** `rows`: n × dimension as accepted. `most`: how many {@link slice} is asked for at once. */
  constructor(rows: Float32Array, dimension: number, metric: Metric, most: number) {
    this.#rows = rows
    this.#dimension = dimension
    this.#scaled = metric === 'cosine' ? new Float32Array(most * dimension) : undefined
  }

  /** Rows `from`…`to` − 1. Valid until the next call. */
  slice(from: number, to: number): Float32Array {
    const dimension = this.#dimension
    const scaled = this.#scaled
    if (scaled === undefined) return this.#rows.subarray(from * dimension, to * dimension)
    for (let row = from; row < to; row++) {
      normalise(this.#rows, row * dimension, scaled, (row - from) * dimension, dimension)
    }
    return scaled.subarray(0, (to - from) * dimension)
  }

  /** Writes row `ordinal` at `target[at…]`. */
  readonly put = (ordinal: number, target: Float32Array, at: number): void => {
    const dimension = this.#dimension
    const start = ordinal * dimension
    if (this.#scaled === undefined) target.set(this.#rows.subarray(start, start + dimension), at)
    else normalise(this.#rows, start, target, at, dimension)
  }

  /** Writes row `ordinal` into a plain array, the only kind the addon takes. */
  toArray(ordinal: number, target: number[]): void {
    const row = this.slice(ordinal, ordinal + 1)
    for (let i = 0; i < row.length; i++) target[i] = row[i] ?? 0
  }
}
