/**
 * Building a graph from vectors, in threads of its own: a small one as hnswlib builds it, a large one in
 * two halves that are joined.
 */

import { limits } from '../base/limits.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { AnnThreads } from './ann-threads.ts'
import { buildHalves } from './build-halves.ts'
import type { Build, BuildSettings, BuildTask } from './graph-build.ts'
import { withScratchFile } from './scratch-file.ts'
import { setStop, stopFlag } from './stop-flag.ts'
import type { VectorBlock } from './vector-block.ts'

export interface BuildOptions {
  /** A directory for the file hnswlib writes, about the size of vectors and graph together. */
  readonly scratchDirectory: string
  /** Told about every hundredth of the points, phase `build-graph`. */
  readonly progress?: Progress
  /** Set for a build that nobody waits for and that may be given up: it has a thread of its own. */
  readonly idle?: AbortSignal
}

/**
 * Builds the graph of `block` and returns the bytes of its graph file: from `limits.halvedGraphPoints`
 * points on in two halves, side by side where there are threads, which are joined. What hnswlib built is
 * proven before it is used: checked in full, and spliced with the vectors it is byte for byte what
 * hnswlib saved. Vectors must be finite, and not zero for cosine.
 * @throws `index-unavailable`, `disk-full` also where hnswlib did not notice that its file was cut short;
 *   the reason of `idle`
 */
export async function buildGraph(
  threads: AnnThreads,
  block: VectorBlock,
  settings: BuildSettings,
  options: BuildOptions,
  halvedFrom: number = limits.halvedGraphPoints,
): Promise<Uint8Array> {
  const { progress = noProgress, idle, scratchDirectory } = options
  idle?.throwIfAborted()
  const stop = stopFlag()
  const giveUp = () => setStop(stop)
  const released = threads.stopWhenClosed(stop)
  idle?.addEventListener('abort', giveUp, { once: true })
  const build: Build = {
    block,
    settings,
    scratchDirectory,
    stop,
    threads: idle === undefined ? threads.size : 1,
    run: (task, input, runOptions) =>
      idle === undefined
        ? threads.runLong(task, input, runOptions)
        : threads.runIdle(task, input, runOptions),
    progress: (done) =>
      progress({ phase: 'build-graph', unit: 'points', done, total: block.count }),
  }
  try {
    return await (block.count < halvedFrom ? buildWhole(build) : buildHalves(build, giveUp))
  } catch (error) {
    idle?.throwIfAborted()
    throw error
  } finally {
    idle?.removeEventListener('abort', giveUp)
    released()
  }
}

function buildWhole({ block, settings, scratchDirectory, stop, run, progress }: Build) {
  return withScratchFile(scratchDirectory, (scratchFile) => {
    const task: BuildTask = { block, settings, scratchFile, stop }
    // the worker posts the number of points that are in the graph
    return run<Uint8Array>('build', task, {
      endsItself: true,
      onProgress: (done) => progress(done as number),
    })
  })
}
