/** From a graph file and its vectors to an index that answers. */
import { type GraphSettings, type GraphTop } from '../format/graph-file.ts'
import type { Metric } from '../format/config.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { AnnThreads } from './ann-threads.ts'
import { HnswIndex } from './hnsw-index.ts'
import { withScratchFile } from './scratch-file.ts'
import type { VectorBlock } from './vector-block.ts'

/** What the graph file must say about itself. Count and dimension come from the block. */
export interface LoadSettings {
  readonly segment: number
  readonly metric: Metric
  readonly m: number
  readonly efConstruction: number
}

export interface LoadOptions {
  /** A directory for the file hnswlib reads, about the size of vectors and graph together. */
  readonly scratchDirectory: string
  /** The graph file's path, named when it is damaged. */
  readonly file: string
  /** Told at the start and at the end, phase `load-graph`. */
  readonly progress?: Progress
}

/** What the worker's task `splice` is given. */
export interface SpliceTask {
  readonly graphBytes: Uint8Array
  readonly block: VectorBlock
  readonly expected: GraphSettings
  readonly file: string
  readonly scratchFile: string
}
