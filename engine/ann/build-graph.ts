/** Building a graph from vectors, in a thread of its own. */

import { noProgress, type Progress } from '../base/progress.ts'
import type { Metric } from '../format/config.ts'
import type { AnnThreads } from './ann-threads.ts'
import { withScratchFile } from './scratch-file.ts'
import type { VectorBlock } from './vector-block.ts'

export interface BuildSettings {
  /** Number of the segment whose vectors these are. It is written into the graph file. */
  readonly segment: number
  readonly metric: Metric
  readonly m: number
  readonly efConstruction: number
  /** Unsigned 32-bit. The same vectors, settings and seed give the same bytes. */
  readonly seed: number
}

export interface BuildOptions {
  /** A directory for the file hnswlib writes, about the size of vectors and graph together. */
  readonly scratchDirectory: string
  /** Told about every hundredth of the points, phase `build-graph`. */
  readonly progress?: Progress
}

/** What the worker's task `build` is given. */
export interface BuildTask {
  readonly block: VectorBlock
  readonly settings: BuildSettings
  readonly scratchFile: string
}

/**
 * Builds the graph of `block` on one thread and returns the bytes of its graph file. The result is
 * proven before it is returned: checked in full, and spliced with the vectors it is byte for byte what
 * hnswlib saved. Vectors must be finite, and not zero for cosine.
 * @throws `index-unavailable`, `disk-full` also where hnswlib did not notice that its file was cut short
 */
export function buildGraph(
  threads: AnnThreads,
  block: VectorBlock,
  settings: BuildSettings,
  options: BuildOptions,
): Promise<Uint8Array> {
  const progress = options.progress ?? noProgress
  return withScratchFile(options.scratchDirectory, (scratchFile) =>
    threads.runLong<Uint8Array>('build', { block, settings, scratchFile } satisfies BuildTask, {
      // the worker posts the number of points that are in the graph
      onProgress: (done) =>
        progress({
          phase: 'build-graph',
          unit: 'points',
          done: done as number,
          total: block.count,
        }),
    }),
  )
}
