/** Exact search for many queries at once, in worker threads. */
import assert from 'node:assert/strict'
import type { Metric } from '../format/config.ts'
import type { AnnThreads } from './ann-threads.ts'
import type { Nearest } from './nearest.ts'
import type { RowSource } from './row-source.ts'
import { type ScanTask, scanTiles } from './scan-task.ts'
import { setStop, stopFlag } from './stop-flag.ts'

export interface ScanOptions {
  /** Rows that do not count: bit i & 7 of byte i >> 3. Best in shared memory. */
  readonly deleted?: Uint8Array
  /** For each query the row that its answer leaves out: a search by a stored vector. */
  readonly excluded?: readonly (number | undefined)[]
  /** Gives it up within a few milliseconds. */
  readonly signal?: AbortSignal | undefined
}

/** Values compared that take less time here, about 0.1 s, than threads take to start and to warm up. */
const inlineValues = 80_000_000

/**
 * The exact `k` nearest rows of `rows` to each query, fewer when there are fewer. The same ordinals and
 * distances as `exactSearch` gives for each query alone. Queries are shared out among threads, which read a
 * file a tile at a time; a small scan of rows in memory is done here, a few milliseconds at a time.
 * @throws `damaged` when a file ends before its rows; the signal's reason, once no thread reads any more
 */
export async function scanExact(
  threads: AnnThreads,
  rows: RowSource,
  queries: readonly Float32Array[],
  k: number,
  metric: Metric,
  options: ScanOptions = {},
): Promise<Nearest[]> {
  assert(Number.isInteger(k) && k > 0, 'k is a positive integer')
  const { signal } = options
  signal?.throwIfAborted()
  const stop = stopFlag()
  const giveUp = () => setStop(stop)
  signal?.addEventListener('abort', giveUp, { once: true })
  const values = queries.length * rows.count * rows.dimension
  const few = 'vectors' in rows && values <= inlineValues
  const share = Math.max(1, few ? queries.length : Math.ceil(queries.length / threads.size))
  const parts: Promise<Nearest[]>[] = []
  for (let from = 0; from < queries.length; from += share) {
    const to = Math.min(queries.length, from + share)
    const task = {
      rows,
      queries: packQueries(queries.slice(from, to), rows.dimension),
      excluded: queries.slice(from, to).map((_, index) => options.excluded?.[from + index]),
      deleted: options.deleted,
      k: Math.min(k, Math.max(1, rows.count)),
      metric,
      stop,
    } satisfies ScanTask
    parts.push(few ? scanHere(task, signal) : threads.run<Nearest[]>('scan', task))
  }
  const ended = await Promise.allSettled(parts)
  signal?.removeEventListener('abort', giveUp)
  signal?.throwIfAborted()
  return ended.flatMap((each) => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
}

async function scanHere(task: ScanTask, signal: AbortSignal | undefined): Promise<Nearest[]> {
  const scan = scanTiles(task)
  for (;;) {
    const step = scan.next()
    if (step.done === true) return step.value
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}

function packQueries(queries: readonly Float32Array[], dimension: number): Float32Array {
  const packed = new Float32Array(queries.length * dimension)
  for (const [index, query] of queries.entries()) {
    assert.equal(query.length, dimension, 'a query has the dimension of the rows')
    packed.set(query, index * dimension)
  }
  return packed
}
