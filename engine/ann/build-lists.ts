/**
 * Building the inverted lists of an IVF index: every row is put into the list of its nearest centroid
 * (J. Sivic and A. Zisserman, "Video Google", ICCV 2003; H. Jégou, M. Douze and C. Schmid, "Product
 * quantization for nearest neighbor search", TPAMI 33, 2011, section IV, without the quantising).
 */
import { noProgress, type Progress } from '../base/progress.ts'
import type { Metric } from '../format/config.ts'
import type { AnnThreads } from './ann-threads.ts'
import type { VectorBlock } from './vector-block.ts'

export interface ListsBuild {
  /** Number of the segment whose vectors these are. It is written into the file. */
  readonly segment: number
  readonly metric: Metric
  /** Lists asked for. */
  readonly lists: number
  /** Unsigned 32-bit. The same vectors, settings and seed give the same bytes. */
  readonly seed: number
}

/** What the worker's task `lists` is given. */
export interface ListsTask {
  readonly block: VectorBlock
  readonly settings: ListsBuild
}

/**
 * Builds the lists of `block` on a builder thread and returns the bytes of its lists file. Vectors must
 * be finite. Progress: every hundredth of the points as it is put into its list, phase `build-lists`.
 */
export function buildLists(
  threads: AnnThreads,
  block: VectorBlock,
  settings: ListsBuild,
  progress: Progress = noProgress,
): Promise<Uint8Array> {
  return threads.runLong<Uint8Array>('lists', { block, settings } satisfies ListsTask, {
    // the worker posts the number of points that have their place
    onProgress: (done) =>
      progress({ phase: 'build-lists', unit: 'points', done: done as number, total: block.count }),
  })
}
