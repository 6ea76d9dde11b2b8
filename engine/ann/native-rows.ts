/** Vectors in the form hnswlib keeps them: of length 1 for cosine, as accepted for the other metrics. */
import type { Metric } from '../format/config.ts'
import { normalise } from './metric.ts'

export class NativeRows {
  readonly #rows: Float32Array
  readonly #dimension: number
  readonly #scaled: Float32Array | undefined
  readonly #placeOf: (row: number) => number

  /**
   * @param rows n × dimension as accepted
   * @param placeOf where row i of these stands in `rows`; at i when absent
   */
  constructor(
    rows: Float32Array,
    dimension: number,
    metric: Metric,
    placeOf: (row: number) => number = (row) => row,
  ) {
    this.#rows = rows
    this.#dimension = dimension
    this.#placeOf = placeOf
    this.#scaled = metric === 'cosine' ? new Float32Array(dimension) : undefined
  }

  /** Row `ordinal`. Valid until the next call. */
  row(ordinal: number): Float32Array {
    const dimension = this.#dimension
    const start = this.#placeOf(ordinal) * dimension
    if (this.#scaled === undefined) return this.#rows.subarray(start, start + dimension)
    normalise(this.#rows, start, this.#scaled, 0, dimension)
    return this.#scaled
  }

  /** Writes row `ordinal` at `target[at…]`. */
  readonly put = (ordinal: number, target: Float32Array, at: number): void => {
    const dimension = this.#dimension
    const start = this.#placeOf(ordinal) * dimension
    if (this.#scaled === undefined) target.set(this.#rows.subarray(start, start + dimension), at)
    else normalise(this.#rows, start, target, at, dimension)
  }

  /** Writes row `ordinal` into a plain array, the only kind the addon takes. */
  toArray(ordinal: number, target: number[]): void {
    const row = this.row(ordinal)
    for (let i = 0; i < row.length; i++) target[i] = row[i] ?? 0
  }
}
