/**
 * SHA-256, and sealing and opening boxes, off the main thread, over shared memory or over files: nothing is
 * copied, and the work uses all cores.
 */
import { sha256Hex } from './checksum.ts'
import {
  type HashFileTask,
  type HashTask,
  hashSmallFile,
  type SealTask,
  type UnsealFileTask,
  type UnsealTask,
  unsealSmallFile,
} from './hash-tasks.ts'
import { KiB, limits, MiB } from './limits.ts'
import { type BoxKey, seal, unseal } from './sealed-box.ts'
import { besideModule, type RunOptions, ThreadPool } from './thread-pool.ts'

/** Below this, handing the work to a thread costs more than doing it (about 0.2 ms). */
const inlineBytes = 256 * KiB

/** What is hashed here, about 6 ms, before any thread is started for it, which takes ten times as long. */
const firstBytes = 8 * MiB

/** What makes a copy goes before other tasks: the disk has work to do with it. */
const rankOf = ({ copyTo }: Pick<HashFileTask, 'copyTo'>): RunOptions =>
  copyTo === undefined ? {} : { rank: 'first' }

/** Threads start on demand and do not keep the process alive; close them with their owner. */
export class HashThreads {
  readonly #pool: ThreadPool
  readonly #owned: boolean
  #firstLeft = firstBytes

  /** @param pool threads that also answer `hashTasks`; without it, threads of its own */
  constructor(pool?: ThreadPool) {
    this.#owned = pool === undefined
    this.#pool = pool ?? new ThreadPool(besideModule(import.meta.url, 'hash-worker'))
  }

  /** Threads that hash side by side. */
  get size(): number {
    return this.#pool.size
  }

  /** Starts the threads now, for work that is about to come. */
  start(): void {
    this.#pool.start()
  }

  /** SHA-256, hex, of `length` bytes at `offset`. Few bytes are hashed at once on this thread. */
  async sha256(bytes: SharedArrayBuffer, offset: number, length: number): Promise<string> {
    if (this.#isHere(length)) return sha256Hex(new Uint8Array(bytes, offset, length))
    return this.#pool.run<string>('sha256', { bytes, offset, length } satisfies HashTask)
  }

  /** SHA-256, hex, of each piece of 16 MiB (the last one shorter) of the first `length` bytes. */
  pieces(bytes: SharedArrayBuffer, length: number): Promise<string[]> {
    const hashes: Promise<string>[] = []
    for (let offset = 0; offset < length; offset += limits.pieceBytes) {
      hashes.push(this.sha256(bytes, offset, Math.min(limits.pieceBytes, length - offset)))
    }
    return Promise.all(hashes)
  }

  /**
   * SHA-256, hex, of each piece of 16 MiB of the first `length` bytes of a file that threads can open
   * (`Disk.threadPath`). A file that ends before gives another hash.
   */
  filePieces(path: string, length: number): Promise<string[]> {
    const hashes: Promise<string>[] = []
    for (let offset = 0; offset < length; offset += limits.pieceBytes) {
      hashes.push(this.file({ path, offset, length: Math.min(limits.pieceBytes, length - offset) }))
    }
    return Promise.all(hashes)
  }

  /**
   * SHA-256, hex, of a part of a file that threads can open, and a copy of it where the task wants one.
   * @throws what the disk says, naming the file that it is about
   */
  file(task: HashFileTask): Promise<string> {
    if (this.#isHere(task.length)) return hashSmallFile(task)
    return this.#pool.run<string>('sha256File', task, rankOf(task))
  }

  /**
   * SHA-256, hex, of the plain bytes of a sealed box that is a file, and a copy of them where the task wants
   * one; null when it is not what was sealed, and the copy worth nothing.
   * @throws what the disk says, naming the file that it is about
   */
  unsealFile(task: UnsealFileTask): Promise<string | null> {
    if (this.#isHere(task.length)) return unsealSmallFile(task)
    return this.#pool.run<string | null>('unsealFile', task, rankOf(task))
  }

  /** A sealed box of the first `length` bytes, in memory of its own. */
  async seal(bytes: SharedArrayBuffer, length: number, box: BoxKey): Promise<Uint8Array> {
    if (this.#isHere(length)) return seal(box, new Uint8Array(bytes, 0, length))
    return this.#pool.run<Uint8Array>('seal', { bytes, offset: 0, length, box } satisfies SealTask)
  }

  /** Opens a box into the beginning of `target`. @returns whether it is authentic; see `unseal` */
  async unseal(task: UnsealTask): Promise<boolean> {
    if (!this.#isHere(task.length)) return this.#pool.run<boolean>('unseal', task)
    return unseal(
      task.box,
      new Uint8Array(task.sealed),
      new Uint8Array(task.target, 0, task.length),
    )
  }

  /** Whether so few bytes are hashed on this thread. */
  #isHere(length: number): boolean {
    if (length <= inlineBytes) return true
    if (this.#pool.isRunning || length > this.#firstLeft) return false
    this.#firstLeft -= length
    return true
  }

  /** Ends threads of its own; a pool that was lent is left to its owner. */
  async close(): Promise<void> {
    if (this.#owned) await this.#pool.close()
  }
}
