/** Takes exact numbers of bytes out of a stream of chunks cut anywhere. */
import type { ByteSource } from './byte-source.ts'

export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #held: Uint8Array = new Uint8Array(0)
  #offset = 0

  constructor(source: ByteSource) {
    this.#chunks = source.chunks()[Symbol.asyncIterator]()
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset
  }

  /**
   * The next `length` bytes in a buffer of their own, aligned for any typed array; fewer only where
   * the stream ends.
   */
  async take(length: number): Promise<Buffer> {
    const target = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      if (this.#held.length === 0 && !(await this.#fetch())) break
      const piece = this.#held.subarray(0, length - filled)
      target.set(piece, filled)
      filled += piece.length
      this.#held = this.#held.subarray(piece.length)
    }
    this.#offset += filled
    return Buffer.from(target.buffer, 0, filled)
  }

  async #fetch(): Promise<boolean> {
    const next = await this.#chunks.next()
    if (next.done === true) return false
    this.#held = next.value
    return true
  }
}
