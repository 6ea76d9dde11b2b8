/**
 * The worker's side of exact search. Rows are taken in tiles that stay in the processor's cache while
 * every query is compared with them.
 */
import type { Metric } from '../format/config.ts'
import { distanceBetween, normsOf, prepareQuery } from './metric.ts'
import { type Nearest, NearestHeap } from './nearest.ts'
import { type RowSource, readRowsBlocking } from './row-source.ts'
import { goOnUnless, type StopFlag } from './stop-flag.ts'

/** What the worker's task `scan` is given: some of the queries, packed row-major. */
export interface ScanTask {
  readonly rows: RowSource
  readonly queries: Float32Array
  readonly excluded: readonly (number | undefined)[]
  readonly deleted: Uint8Array | undefined
  readonly k: number
  readonly metric: Metric
  /** Looked at after each tile. */
  readonly stop?: StopFlag | undefined
}

/** Values of a tile: 128 KiB. */
const tileValues = 32_768

/** All in one go, on a thread that has nothing else to do. @throws when it is given up */
export function scanBlock(task: ScanTask): Nearest[] {
  const scan = scanTiles(task)
  const goOn = task.stop === undefined ? () => {} : goOnUnless(task.stop)
  for (;;) {
    const step = scan.next()
    if (step.done === true) return step.value
    goOn()
  }
}

/** The same in steps of one tile, so that other work gets its turn between them; of rows in memory. */
export function* scanTiles(task: ScanTask): Generator<void, Nearest[]> {
  const { rows, metric, k, deleted, excluded } = task
  const { dimension, count } = rows
  const queries = Array.from({ length: task.queries.length / dimension }, (_, index) => ({
    prepared: prepareQuery(task.queries.subarray(index * dimension, (index + 1) * dimension)),
    excluded: excluded[index],
    heap: new NearestHeap(k),
  }))
  const tileRows = Math.max(1, Math.floor(tileValues / dimension))
  for (const { from, to, values: tile } of readRowsBlocking(rows, 0, count, tileRows)) {
    const norms = metric === 'cosine' ? normsOf(tile, to - from, dimension) : undefined
    for (const query of queries) {
      for (let row = from; row < to; row++) {
        if (row === query.excluded || isDeleted(deleted, row)) continue
        const start = (row - from) * dimension
        const rowNorm = norms?.[row - from] ?? 0
        const distance = distanceBetween(metric, query.prepared, tile, start, dimension, rowNorm)
        if (query.heap.wants(distance, row)) query.heap.add(distance, row)
      }
    }
    yield
  }
  return queries.map(({ heap }) => heap.toNearest())
}

const isDeleted = (deleted: Uint8Array | undefined, row: number): boolean =>
  deleted !== undefined && ((deleted[row >> 3] ?? 0) & (1 << (row & 7))) !== 0
