/**
 * The worker's side of loading a graph: check it in full, then write the file that hnswlib reads.
 *
 * The file is made chunk by chunk. While one chunk is being written the next is read and put together,
 * so that no second copy of all vectors ever exists. Nothing is synced: the file lives for milliseconds.
 */
import { type DiskFile, nodeDisk } from '../base/disk.ts'
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
import { chunkRows, readRows } from './row-source.ts'

/** Elements that are read or written at once. */
export const chunkElements = (settings: GraphSettings): number =>
  Math.min(settings.count, chunkRows(elementLayout(settings).words * 4))

/**
 * Checks the graph in full and writes the elements `from`…`to` − 1 of the file that hnswlib reads, which
 * stands there empty; the part that starts at 0 also writes header and upper levels.
 * @returns the size of the whole file
 * @throws `damaged`, `newer-format` before anything is written; `disk-full`
 */
export async function writeSpliced(task: SpliceTask): Promise<number> {
  const graph = decodeGraph(task.graphBytes, task.expected, task.file)
  const file = await nodeDisk.open(task.scratchFile, 'append')
  try {
    if (task.from === 0) {
      await file.write(encodeHnswlibHeader(graph.settings, graph.top), 0)
      await file.write(spliceUpperLevels(graph), upperOffset(graph.settings))
    }
    await writeElements(file, graph, task)
    return hnswlibFileBytes(graph)
  } finally {
    await file.close()
  }
}

async function writeElements(file: DiskFile, graph: Graph, task: SpliceTask): Promise<void> {
  const { dimension, metric } = graph.settings
  const elements = chunkElements(graph.settings)
  const elementBytes = elementLayout(graph.settings).words * 4
  let [filling, writing] = [
    new ArrayBuffer(elements * elementBytes),
    new ArrayBuffer(elements * elementBytes),
  ]
  let written: Promise<void> = Promise.resolve()
  for await (const { values, from, to } of readRows(task.rows, task.from, task.to, elements)) {
    const native = new NativeRows(values, dimension, metric)
    const put = (element: number, target: Float32Array, at: number) =>
      native.put(element - from, target, at)
    spliceElements(graph, from, to, put, filling)
    await written
    const bytes = new Uint8Array(filling, 0, (to - from) * elementBytes)
    written = file.write(bytes, HNSWLIB_HEADER_BYTES + from * elementBytes)
    written.catch(() => {}) // told when it is waited for
    ;[filling, writing] = [writing, filling]
  }
  await written
}
