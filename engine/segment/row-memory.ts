/**
 * Where the vectors of a memory segment stand: shared memory with, once rows are many, a head of scratch for whoever
 * scans them (ann/scan-kernel.ts).
 *
 * It is a WebAssembly memory then, which takes some 10 GiB of addresses, memory as it is written to, and grows in
 * place; where the system grants no addresses, plain shared memory, copied when it grows. Views that were given
 * stay valid, with what they showed.
 */
import { type WasmMemory, wasmPageBytes, wasmPages, webAssembly } from '../base/web-assembly.ts'

/** Rows that are scanned at once. */
export const scanBlockRows = 256
/** Fewer rows are not worth addresses of their own. */
const fewRows = 256

/** A memory with rows behind `headBytes` of scratch. */
export interface ScannedRows {
  readonly memory: WasmMemory
  readonly dimension: number
  readonly headBytes: number
}

export class RowMemory {
  readonly #dimension: number
  readonly #headBytes: number
  #rows: Float32Array<SharedArrayBuffer>
  #scanned: ScannedRows | undefined

  /** Room for `capacity` rows of `dimension` values. */
  constructor(dimension: number, capacity: number) {
    this.#dimension = dimension
    this.#headBytes = 8 * (scanBlockRows + dimension)
    this.#rows = new Float32Array(new SharedArrayBuffer(4 * dimension * capacity))
  }

  /** Row-major, as many as there is room for. */
  get rows(): Float32Array<SharedArrayBuffer> {
    return this.#rows
  }

  /** The same rows for a scan; undefined where they are few, or in plain memory. */
  get scanned(): ScannedRows | undefined {
    return this.#scanned
  }

  /** Makes room for `capacity` rows, more than before. */
  grow(capacity: number): void {
    const values = this.#dimension * capacity
    const before = this.#rows
    const memory = this.#grown(4 * values, capacity)
    if (memory === undefined) {
      this.#scanned = undefined
      this.#rows = new Float32Array(new SharedArrayBuffer(4 * values))
      this.#rows.set(before)
      return
    }
    this.#rows = new Float32Array(memory.buffer, this.#headBytes, values)
    if (memory === this.#scanned?.memory) return
    this.#rows.set(before)
    this.#scanned = { memory, dimension: this.#dimension, headBytes: this.#headBytes }
  }

  /** The memory that has room for so many bytes of rows; undefined when there is none. */
  #grown(bytes: number, capacity: number): WasmMemory | undefined {
    if (capacity <= fewRows) return undefined
    const pages = Math.ceil((this.#headBytes + bytes) / wasmPageBytes)
    if (pages > wasmPages) return undefined
    const known = this.#scanned?.memory
    try {
      if (known === undefined) {
        return new webAssembly.Memory({ initial: pages, maximum: wasmPages, shared: true })
      }
      known.grow(pages - known.buffer.byteLength / wasmPageBytes)
      return known
    } catch (error) {
      if (error instanceof RangeError) return undefined // no addresses, or no memory, for it
      throw error
    }
  }
}
