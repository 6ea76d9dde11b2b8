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
  /** Set for a build that nobody waits for and that may be given up: it has a thread of its own. */
  readonly idle?: AbortSignal
}

/** What the worker's task `build` is given. */
export interface BuildTask {
  readonly block: VectorBlock
  readonly settings: BuildSettings
  readonly scratchFile: string
  /** One u32: the build is given up once it is not 0. */
  readonly stop: SharedArrayBuffer
}

/**
 * Builds the graph of `block` on one thread and returns the bytes of its graph file. The result is
 * proven before it is returned: checked in full, and spliced with the vectors it is byte for byte what
 * hnswlib saved. Vectors must be finite, and not zero for cosine.
 * @throws `index-unavailable`, `disk-full` also where hnswlib did not notice that its file was cut short;
 *   the reason of `idle`
 */
export async function buildGraph(
  threads: AnnThreads,
  block: VectorBlock,
  settings: BuildSettings,
  options: BuildOptions,
): Promise<Uint8Array> {
  const { progress = noProgress, idle, scratchDirectory } = options
  idle?.throwIfAborted()
  const stop = new SharedArrayBuffer(4)
  const giveUp = () => Atomics.store(new Uint32Array(stop), 0, 1)
  idle?.addEventListener('abort', giveUp, { once: true })
  // the worker posts the number of points that are in the graph
  const onProgress = (done: unknown) =>
    progress({ phase: 'build-graph', unit: 'points', done: done as number, total: block.count })
  try {
    return await withScratchFile(scratchDirectory, (scratchFile) => {
      const task: BuildTask = { block, settings, scratchFile, stop }
      return idle === undefined
        ? threads.runLong<Uint8Array>('build', task, { onProgress })
        : threads.runIdle<Uint8Array>('build', task, { onProgress })
    })
  } catch (error) {
    idle?.throwIfAborted()
    throw error
  } finally {
    idle?.removeEventListener('abort', giveUp)
  }
}
