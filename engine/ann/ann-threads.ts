/**
 * The threads of the index: created once per data directory and closed with it.
 *
 * Building a graph takes seconds to minutes, loading one and scanning take milliseconds. They have
 * threads of their own, so that a build never holds up a search; and what nobody waits for has one more,
 * so that writers who wait for a build never wait for a merge. Threads start when first needed.
 */
import { availableParallelism } from 'node:os'
import { besideModule, type RunOptions, ThreadPool } from '../base/thread-pool.ts'
import { ScratchFiles } from './scratch-file.ts'
import { type StopFlag, setStop } from './stop-flag.ts'

export class AnnThreads {
  /** How many tasks of a kind run side by side. */
  readonly size: number
  /** What graphs pass through when they are loaded. */
  readonly scratch = new ScratchFiles()
  readonly #builders: ThreadPool
  /** One thread for what nobody waits for. */
  readonly #idle: ThreadPool
  readonly #readers: ThreadPool
  readonly #ownReaders: boolean
  readonly #stops = new Set<StopFlag>()

  /** @param readers threads that also answer `annTasks`; without it, threads of its own */
  constructor(size = availableParallelism(), readers?: ThreadPool) {
    const module = besideModule(import.meta.url, 'ann-worker')
    this.size = Math.max(1, size)
    this.#builders = new ThreadPool(module, this.size)
    this.#idle = new ThreadPool(module, 1)
    this.#ownReaders = readers === undefined
    this.#readers = readers ?? new ThreadPool(module, this.size)
  }

  /** Runs a task that takes long: it waits for a builder thread, not for a reader. */
  runLong<Result>(task: string, input: object, options: RunOptions = {}): Promise<Result> {
    return this.#builders.run<Result>(task, input, options)
  }

  /** The same on the thread for work that nobody waits for. */
  runIdle<Result>(task: string, input: object, options: RunOptions = {}): Promise<Result> {
    return this.#idle.run<Result>(task, input, options)
  }

  /** Runs a short task. */
  run<Result>(task: string, input: object, options: RunOptions = {}): Promise<Result> {
    return this.#readers.run<Result>(task, input, options)
  }

  /** Sets `stop` when the threads are closed, until the function that it returns is called. */
  stopWhenClosed(stop: StopFlag): () => void {
    this.#stops.add(stop)
    return () => this.#stops.delete(stop)
  }

  /**
   * Ends its threads, not a pool that was lent; what still runs is rejected. A build inside hnswlib is
   * asked to stop and waited for: a thread that ends in the middle of it takes the process along.
   */
  async close(): Promise<void> {
    for (const stop of this.#stops) setStop(stop)
    await Promise.all([this.#builders.close(), this.#idle.close()])
    if (this.#ownReaders) await this.#readers.close()
  }
}
