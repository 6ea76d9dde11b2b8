/**
 * The worker's side of loading a graph: check it in full, then write the file that hnswlib reads.
 *
 * The file is made chunk by chunk. While one chunk is being written the next is put together, so
 * that no second copy of all vectors ever exists. Nothing is synced: the file lives for milliseconds.
 */
import { type DiskFile, nodeDisk } from '../base/disk.ts'
import { MiB } from '../base/limits.ts'
import { decodeGraph } from '../format/graph-check.ts'
import type { Graph, GraphSettings } from '../format/graph-file.ts'
import {
  elementLayout,
  encodeHnswlibHeader,
  HNSWLIB_HEADER_BYTES,
  hnswlibFileBytes,
  spliceElements,
  spliceUpperLevels,
  upperOffset,
} from '../format/hnswlib-file.ts'
import type { SpliceTask } from './load-graph.ts'
import { NativeRows } from './native-rows.ts'
import { rowsOf } from './vector-block.ts'

/** Large enough that calls do not matter, small enough to stay in the processor's cache. */
const chunkBytes = 1 * MiB

/** Elements that are read or written at once. */
export const chunkElements = (settings: GraphSettings): number =>
  Math.max(
    1,
    Math.min(settings.count, Math.floor(chunkBytes / (elementLayout(settings).words * 4))),
  )

/**
 * Checks the graph in full and writes the elements `from`…`to` − 1 of the file that hnswlib reads, which
 * stands there empty; the part that starts at 0 also writes header and upper levels.
 * @returns the size of the whole file
 * @throws `damaged`, `newer-format` before anything is written; `disk-full`
 */
export async function writeSpliced(task: SpliceTask): Promise<number> {
  const graph = decodeGraph(task.graphBytes, task.expected, task.file)
  const { dimension, metric } = task.expected
  const elements = chunkElements(task.expected)
  const rows = new NativeRows(rowsOf(task.block), dimension, metric)
  const file = await nodeDisk.open(task.scratchFile, 'append')
  try {
    if (task.from === 0) {
      await file.write(encodeHnswlibHeader(graph.settings, graph.top), 0)
      await file.write(spliceUpperLevels(graph), upperOffset(graph.settings))
    }
    await writeElements(file, graph, rows, elements, task)
    return hnswlibFileBytes(graph)
  } finally {
    await file.close()
  }
}

async function writeElements(
  file: DiskFile,
  graph: Graph,
  rows: NativeRows,
  elements: number,
  range: { readonly from: number; readonly to: number },
): Promise<void> {
  const elementBytes = elementLayout(graph.settings).words * 4
  let [filling, writing] = [
    new ArrayBuffer(elements * elementBytes),
    new ArrayBuffer(elements * elementBytes),
  ]
  let written: Promise<void> = Promise.resolve()
  for (let from = range.from; from < range.to; from += elements) {
    const to = Math.min(range.to, from + elements)
    spliceElements(graph, from, to, rows.put, filling)
    await written
    const bytes = new Uint8Array(filling, 0, (to - from) * elementBytes)
    written = file.write(bytes, HNSWLIB_HEADER_BYTES + from * elementBytes)
    ;[filling, writing] = [writing, filling]
  }
  await written
}
