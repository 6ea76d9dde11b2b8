/** From a graph file and its vectors to an index that answers. */
import assert from 'node:assert/strict'
import { nodeDisk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Metric } from '../format/config.ts'
import type { GraphSettings } from '../format/graph-file.ts'
import type { AnnThreads } from './ann-threads.ts'
import { HnswIndex } from './hnsw-index.ts'
import { type NativeGraph, nativeGraphClass } from './hnswlib.ts'
import { nativeSpace } from './metric.ts'
import { NativeRows } from './native-rows.ts'
import { type RowSource, readRows } from './row-source.ts'

/** What the graph file must say about itself. Count and dimension come from the rows. */
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
  readonly rows: RowSource
  readonly expected: GraphSettings
  readonly file: string
  readonly scratchFile: string
  /** The elements that this task writes: from…to − 1. */
  readonly from: number
  readonly to: number
}

/**
 * Loads a graph over the vectors it was built from; nothing is built. The graph is checked in full
 * before native code sees it, and is loaded into a fresh object off the main thread. Searches of the
 * result give the ids and distances that the graph gave when it was built.
 * @throws `damaged` when the graph is not whole, not sound or not of these settings: rebuild it with
 *   {@link buildGraph}; `newer-format`, `index-unavailable`, `disk-full`
 */
export async function loadGraph(
  threads: AnnThreads,
  graphBytes: Uint8Array,
  rows: RowSource,
  settings: LoadSettings,
  options: LoadOptions,
): Promise<HnswIndex> {
  const { count, dimension } = rows
  const { segment, metric, m, efConstruction } = settings
  const expected = { segment, count, dimension, metric, m, efConstruction }
  const { file, scratchDirectory, progress = noProgress } = options
  const graphClass = await nativeGraphClass()
  progress({ phase: 'load-graph', unit: 'points', done: 0, total: count })
  const native = new graphClass(nativeSpace(metric), dimension)
  await threads.scratch.use(scratchDirectory, async (scratchFile) => {
    await splice(threads, { graphBytes, rows, expected, file, scratchFile })
    await readNative(native, scratchFile, file)
  })
  await checkLoaded(native, rows, metric, file)
  progress({ phase: 'load-graph', unit: 'points', done: count, total: count })
  return new HnswIndex(native, count, dimension, metric)
}

/** Fewer elements are spliced by one thread: each one checks the whole graph first. */
const sharedFrom = 10_000

/**
 * Writes the file that hnswlib reads, in as many parts as there are threads for it: two that write into one
 * file wait for each other, so graphs that are loaded side by side have a thread each.
 */
async function splice(threads: AnnThreads, task: Omit<SpliceTask, 'from' | 'to'>): Promise<void> {
  const { count } = task.rows
  const most = Math.ceil(threads.size / threads.scratch.inUse)
  const share = Math.ceil(count / (count < sharedFrom ? 1 : most))
  const parts: Promise<number>[] = []
  for (let from = 0; from < count; from += share) {
    const part: SpliceTask = { ...task, from, to: Math.min(from + share, count) }
    parts.push(threads.run<number>('splice', part, { rank: 'soon' }))
  }
  const [sizeBytes] = await Promise.all(parts)
  assert(sizeBytes !== undefined, 'a graph has points')
  const file = await nodeDisk.open(task.scratchFile, 'append')
  try {
    const writtenBytes = await file.sizeBytes()
    assert(writtenBytes >= sizeBytes, 'all of the file was written')
    if (writtenBytes > sizeBytes) await file.truncate(sizeBytes) // of the graph before
  } finally {
    await file.close()
  }
}

async function readNative(native: NativeGraph, scratchFile: string, file: string): Promise<void> {
  try {
    await native.readIndex(scratchFile)
  } catch (error) {
    // The object must not be used again; it was fresh, so nothing else refers to it.
    notLoaded(file, error instanceof Error ? error.message : String(error))
  }
}

/** hnswlib does not notice a failed read: its count and its outermost vectors must be ours. */
async function checkLoaded(
  native: NativeGraph,
  source: RowSource,
  metric: Metric,
  file: string,
): Promise<void> {
  const { count, dimension } = source
  const loaded = native.getCurrentCount()
  if (loaded !== count) notLoaded(file, `${loaded} of ${count} elements arrived`)
  for (const ordinal of [0, count - 1]) {
    for await (const { values } of readRows(source, ordinal, ordinal + 1, 1)) {
      const expected = new NativeRows(values, dimension, metric).row(0)
      const actual = native.getPoint(ordinal)
      if (!expected.every((value, index) => Object.is(value, actual[index]))) {
        notLoaded(file, `vector ${ordinal} arrived changed`)
      }
    }
  }
}

function notLoaded(file: string, reason: string): never {
  fail(
    'damaged',
    `the graph ${file} could not be loaded: ${reason}`,
    'A graph is rebuilt from its vectors; check the disk if this happens again.',
    { place: { file } },
  )
}
