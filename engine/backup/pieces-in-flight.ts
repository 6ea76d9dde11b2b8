/**
 * The memory and the threads that pieces pass through: a few buffers of one piece each, used again and
 * again, and hash threads that read them in place. However large a collection is, a backup, a
 * verification or a restore holds no more of it than these buffers.
 */
import type { UnsealFileTask, UnsealTask } from '../base/hash-tasks.ts'
import { HashThreads } from '../base/hash-threads.ts'
import { limits } from '../base/limits.ts'
import type { BoxKey } from '../base/sealed-box.ts'

export class PiecesInFlight {
  readonly #threads: HashThreads
  readonly #owned: boolean
  readonly #bufferBytes: number
  readonly #free: SharedArrayBuffer[] = []
  readonly #waiting: ((buffer: SharedArrayBuffer) => void)[] = []
  #made = 0

  /**
   * @param threads lent by their owner; without them, threads of its own
   * @param mostBytes no piece is larger: a small backup makes small buffers
   */
  constructor(threads: HashThreads | undefined, mostBytes: number) {
    this.#bufferBytes = Math.min(limits.pieceBytes, mostBytes)
    this.#owned = threads === undefined
    this.#threads = threads ?? new HashThreads()
  }

  /** Threads that work on pieces side by side. */
  get threads(): number {
    return this.#threads.size
  }

  /** Lends a buffer of one piece to `work`; waits for one when all are lent. */
  async withBuffer<T>(work: (buffer: SharedArrayBuffer) => Promise<T>): Promise<T> {
    const buffer = await this.#take()
    try {
      return await work(buffer)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(buffer)
      else next(buffer)
    }
  }

  /** SHA-256, hex, of the first `length` bytes. */
  hash(buffer: SharedArrayBuffer, length: number): Promise<string> {
    return this.#threads.sha256(buffer, 0, length)
  }

  /** SHA-256, hex, of a file that threads can open; copied on the way where the task wants it. */
  hashFile(task: Parameters<HashThreads['file']>[0]): Promise<string> {
    return this.#threads.file(task)
  }

  /** SHA-256, hex, of what is sealed in a file that threads can open; null when it is not authentic. */
  unsealFile(task: UnsealFileTask): Promise<string | null> {
    return this.#threads.unsealFile(task)
  }

  /** A sealed box of the first `length` bytes. */
  seal(buffer: SharedArrayBuffer, length: number, box: BoxKey): Promise<Uint8Array> {
    return this.#threads.seal(buffer, length, box)
  }

  /** Opens a box into the beginning of `target`. @returns whether it is authentic */
  unseal(task: UnsealTask): Promise<boolean> {
    return this.#threads.unseal(task)
  }

  async close(): Promise<void> {
    if (this.#owned) await this.#threads.close()
  }

  #take(): Promise<SharedArrayBuffer> | SharedArrayBuffer {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#made < limits.piecesInFlight) {
      this.#made++
      return new SharedArrayBuffer(this.#bufferBytes)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
