/**
 * The worker's side of loading a graph: check it in full, then write the file that hnswlib reads.
 *
 * The file is made chunk by chunk, so that no second copy of all vectors ever exists. Nothing is synced:
 * the file lives for milliseconds.
 */
import { BlockingFile } from '../base/blocking-file.ts'
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
import { chunkRows, readRowsBlocking } from './row-source.ts'

/** Elements that are read or written at once. */
export const chunkElements = (settings: GraphSettings): number =>
  Math.min(settings.count, chunkRows(elementLayout(settings).words * 4))

/**
 * Checks the graph in full and writes the elements `from`…`to` − 1 of the file that hnswlib reads, over
 * whatever stands there; the part that starts at 0 also writes header and upper levels.
 * @returns the size of the whole file
 * @throws `damaged`, `newer-format` before anything is written; `disk-full`
 */
export function writeSpliced(task: SpliceTask): number {
  const graph = decodeGraph(task.graphBytes, task.expected, task.file)
  const file = BlockingFile.open(task.scratchFile, 'append')
  try {
    if (task.from === 0) {
      file.write(encodeHnswlibHeader(graph.settings, graph.top), 0)
      file.write(spliceUpperLevels(graph), upperOffset(graph.settings))
    }
    writeElements(file, graph, task)
    return hnswlibFileBytes(graph)
  } finally {
    file.close()
  }
}

function writeElements(file: BlockingFile, graph: Graph, task: SpliceTask): void {
  const { dimension, metric } = graph.settings
  const elements = chunkElements(graph.settings)
  const elementBytes = elementLayout(graph.settings).words * 4
  const chunk = new ArrayBuffer(elements * elementBytes)
  for (const { values, from, to } of readRowsBlocking(task.rows, task.from, task.to, elements)) {
    const native = new NativeRows(values, dimension, metric)
    const put = (element: number, target: Float32Array, at: number) =>
      native.put(element - from, target, at)
    spliceElements(graph, from, to, put, chunk)
    const bytes = new Uint8Array(chunk, 0, (to - from) * elementBytes)
    file.write(bytes, HNSWLIB_HEADER_BYTES + from * elementBytes)
  }
}
