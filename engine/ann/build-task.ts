/**
 * The worker's side of building a graph: hnswlib builds and saves, and nothing it saved is believed.
 *
 * `writeIndex` reports success on a full disk. What it left is therefore compared: its size with the size
 * it must have, its header with the settings, and every element, links and vector, with what splicing
 * puts there. A graph that comes out of this loads into exactly the index that was built.
 */
import assert from 'node:assert/strict'
import * as path from 'node:path'
import { type DiskFile, nodeDisk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { decodeGraph } from '../format/graph-check.ts'
import { type Graph, type GraphSettings, sealGraph } from '../format/graph-file.ts'
import {
  elementLayout,
  extractElements,
  extractUpperLevels,
  HNSWLIB_HEADER_BYTES,
  readHnswlibTop,
  spliceElements,
  upperOffset,
} from '../format/hnswlib-file.ts'
import type { BuildTask } from './graph-build.ts'
import { countOfHalf, ordinalOf } from './halves.ts'
import { type NativeGraph, nativeGraphClass } from './hnswlib.ts'
import { nativeSpace } from './metric.ts'
import { NativeRows } from './native-rows.ts'
import { chunkElements } from './splice-task.ts'
import { goOnUnless } from './stop-flag.ts'
import { rowsOf } from './vector-block.ts'

/**
 * Builds, saves, takes apart and checks. `progress` is given the number of points added so far.
 * @param whenBuilt may search the graph before it is let go; `goOn` throws once the build is given up
 */
export async function buildGraphBytes(
  task: BuildTask,
  progress: (done: number) => void,
  whenBuilt: (native: NativeGraph, goOn: () => void) => void = () => {},
): Promise<Uint8Array> {
  const { block, settings, scratchFile, stop, half } = task
  const { segment, metric, m, efConstruction, seed } = settings
  const { dimension } = block
  const count = half === undefined ? block.count : countOfHalf(half, block.count)
  assert(count > 0, 'a graph has at least one element')
  const graphSettings = { segment, count, dimension, metric, m, efConstruction }
  await requireSpace(graphSettings, scratchFile)
  const graphClass = await nativeGraphClass()
  const native = new graphClass(nativeSpace(metric), dimension)
  native.initIndex(count, m, efConstruction, seed)
  const goOn = goOnUnless(stop)
  addAll(native, nativeRows(task), count, dimension, progress, goOn)
  whenBuilt(native, goOn)
  native.writeIndexSync(scratchFile)
  native.initIndex(1, 2, 2, 1) // lets go of the graph's memory now, not when it is collected
  const elements = chunkElements(graphSettings)
  const file = await nodeDisk.open(scratchFile, 'read')
  try {
    return await takeApart(file, graphSettings, nativeRows(task), elements, goOn)
  } finally {
    await file.close()
  }
}

/** The points that the graph is built over, in the order of its elements. */
function nativeRows({ block, settings, half }: BuildTask): NativeRows {
  const placeOf = half === undefined ? undefined : (index: number) => ordinalOf(half, index)
  return new NativeRows(rowsOf(block), block.dimension, settings.metric, placeOf)
}

/** A build is long: it is not begun where its result cannot be saved. */
async function requireSpace(settings: GraphSettings, scratchFile: string): Promise<void> {
  const neededBytes = upperOffset(settings) + 4 * settings.count
  const directory = path.dirname(scratchFile)
  const freeBytes = await nodeDisk.freeBytes(directory)
  if (freeBytes < neededBytes) {
    fail(
      'disk-full',
      `building a graph needs ${neededBytes} bytes in ${directory}, which has ${freeBytes}`,
      'Free space on that file system and run the command again.',
      { place: { file: directory } },
    )
  }
}

function addAll(
  native: NativeGraph,
  rows: NativeRows,
  count: number,
  dimension: number,
  progress: (done: number) => void,
  goOn: () => void,
): void {
  const values = new Array<number>(dimension).fill(0.5)
  const stride = Math.ceil(count / 100)
  for (let ordinal = 0; ordinal < count; ordinal++) {
    goOn()
    rows.toArray(ordinal, values)
    native.addPoint(values, ordinal)
    if ((ordinal + 1) % stride === 0) progress(ordinal + 1)
  }
  if (count % stride !== 0) progress(count)
}

async function takeApart(
  file: DiskFile,
  settings: GraphSettings,
  rows: NativeRows,
  elements: number,
  goOn: () => void,
): Promise<Uint8Array> {
  const start = upperOffset(settings)
  const sizeBytes = await file.sizeBytes()
  if (sizeBytes <= start) cutShort(file, sizeBytes)
  const header = Buffer.alloc(HNSWLIB_HEADER_BYTES)
  await readAll(file, header, 0)
  const upper = Buffer.alloc(sizeBytes - start)
  await readAll(file, upper, start)
  const top = readHnswlibTop(header, settings)
  const graph = extractUpperLevels(upper, settings, top) ?? cutShort(file, sizeBytes)
  await extractLevel0(file, graph, rows, elements, goOn)
  const bytes = sealGraph(graph)
  decodeGraph(bytes, settings, 'the graph that was just built')
  return bytes
}

/** Fills level 0 chunk by chunk and proves that splicing each chunk gives the saved bytes. */
async function extractLevel0(
  file: DiskFile,
  graph: Graph,
  rows: NativeRows,
  elements: number,
  goOn: () => void,
): Promise<void> {
  const { count } = graph.settings
  const elementBytes = elementLayout(graph.settings).words * 4
  const saved = new ArrayBuffer(elements * elementBytes)
  const spliced = new ArrayBuffer(elements * elementBytes)
  for (let from = 0; from < count; from += elements) {
    goOn()
    const to = Math.min(count, from + elements)
    const length = (to - from) * elementBytes
    const savedBytes = Buffer.from(saved, 0, length)
    await readAll(file, savedBytes, HNSWLIB_HEADER_BYTES + from * elementBytes)
    extractElements(graph, from, to, saved)
    spliceElements(graph, from, to, rows.put, spliced)
    assert(savedBytes.equals(Buffer.from(spliced, 0, length)), 'splicing gives back what was saved')
  }
}

async function readAll(file: DiskFile, target: Uint8Array, position: number): Promise<void> {
  if ((await file.read(target, position)) !== target.length) cutShort(file, position)
}

function cutShort(file: DiskFile, sizeBytes: number): never {
  fail(
    'disk-full',
    `hnswlib could not save the whole graph: ${file.path} ends after ${sizeBytes} bytes`,
    'Free space on that file system and run the command again.',
    { place: { file: file.path, offset: sizeBytes } },
  )
}
