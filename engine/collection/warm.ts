/**
 * Warming: loading what answers searches for a sealed segment.
 *
 * A graph is loaded only after its hash and its whole structure are checked; a graph that is missing,
 * damaged or was never built is built again from the vectors, loudly. Where hnswlib is not available
 * the rows are kept in memory and scanned: a restore never depends on a compiler.
 */
import { buildGraph } from '../ann/build-graph.ts'
import type { HnswIndex } from '../ann/hnsw-index.ts'
import { hnswlibAvailability } from '../ann/hnswlib.ts'
import { loadGraph } from '../ann/load-graph.ts'
import type { RowSource } from '../ann/row-source.ts'
import { isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig } from '../format/config.ts'
import type { LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import type { CollectionContext } from './context.ts'
import type { LiveSegment } from './live-segment.ts'
import { type BuiltIndex, indexPart, indexSeed } from './segment-index.ts'
import { findLists } from './warm-lists.ts'

/** Keeps an index that had to be rebuilt. */
export type KeepIndex = (segment: LiveSegment, index: BuiltIndex) => Promise<void>

export interface WarmOptions {
  readonly context: CollectionContext
  readonly config: CollectionConfig
  readonly keepIndex: KeepIndex
}

/**
 * Loads what the segment needs and, in one step, lets it answer with it.
 * @param proven the segment's rows when the caller has them, or proves them itself
 * @throws `damaged` when the vectors themselves are damaged
 */
export async function warmSegment(
  options: WarmOptions,
  segment: LiveSegment,
  sealed: SealedSegment,
  proven?: RowSource,
): Promise<void> {
  if (indexPart(options.config.index, sealed.count) === 'lists') {
    await warmLists(options, segment, sealed, proven)
    return
  }
  const index = await findIndex(options, segment, sealed, proven)
  const rows = index === undefined ? await inMemory(options, sealed, proven) : undefined
  if (segment.sealed !== sealed) segment.become(sealed)
  if (index !== undefined) segment.answerWith(index)
  else if (rows !== undefined) segment.scanWith(rows)
}

/** Rows that are scanned, or built from, are held in memory; others stay in their file. */
const inMemory = async (
  { context }: WarmOptions,
  sealed: SealedSegment,
  proven: RowSource | undefined,
): Promise<LoadedRows> =>
  proven !== undefined && 'vectors' in proven
    ? { ...proven, byteOffset: proven.byteOffset ?? 0 }
    : sealed.loadRows(context.hashes)

async function warmLists(
  options: WarmOptions,
  segment: LiveSegment,
  sealed: SealedSegment,
  proven: RowSource | undefined,
): Promise<void> {
  const { context, config, keepIndex } = options
  const rows = await inMemory(options, sealed, proven)
  const lists = config.index.kind === 'ivf' ? config.index.lists : 1
  const keep = (bytes: Uint8Array) =>
    keepIndex(segment, { part: 'lists', bytes, settings: config.index })
  const found = await findLists({ context, metric: config.metric, lists, keep }, sealed, rows)
  if (segment.sealed !== sealed) segment.become(sealed)
  segment.scanWith(rows, found)
}

async function findIndex(
  options: WarmOptions,
  segment: LiveSegment,
  sealed: SealedSegment,
  proven: RowSource | undefined,
): Promise<HnswIndex | undefined> {
  const { context, config } = options
  const settings = config.index
  if (settings.kind !== 'hnsw' || sealed.count < limits.graphPoints) return undefined
  const availability = await hnswlibAvailability()
  if (!availability.available) {
    context.onWarning(
      `hnswlib-node is not available (${availability.reason}); segment ${segment.number} is searched exactly, which is slower`,
    )
    return undefined
  }
  const expected = {
    segment: segment.number,
    metric: config.metric,
    m: settings.m,
    efConstruction: settings.efConstruction,
  }
  const load = (graph: Uint8Array, rows: RowSource) =>
    loadGraph(context.ann, graph, rows, expected, {
      scratchDirectory: context.scratch,
      file: sealed.entry.graph?.path ?? `graph of segment ${segment.number}`,
      progress: context.progress,
    })
  let reason = 'it was never built'
  if (sealed.entry.graph !== null) {
    try {
      const graph = await sealed.loadGraph(sealed.entry.graph)
      const source = proven ?? sealed.rowsFile
      if (source === undefined) return await load(graph, await sealed.loadRows(context.hashes))
      // rows that nobody vouches for are proven beside the loading, and nothing answers before
      const proof = proven === undefined ? sealed.proveRows(context.hashes) : undefined
      return await both(load(graph, source), proof)
    } catch (error) {
      if (!isOperatingError(error, 'damaged', 'missing-file')) throw error
      reason = error.message
    }
  }
  const block = await inMemory(options, sealed, proven)
  context.onWarning(
    `the graph of segment ${segment.number} is built again from its ${block.count} vectors: ${reason}`,
  )
  const graph = await buildGraph(
    context.ann,
    block,
    { ...expected, seed: indexSeed },
    { scratchDirectory: context.scratch, progress: context.progress },
  )
  await options.keepIndex(segment, { part: 'graph', bytes: graph, settings })
  return load(graph, block)
}

/** The index, when the proof holds too; an index over rows that are damaged is let go of. */
async function both(loading: Promise<HnswIndex>, proof: Promise<void> | undefined) {
  const [loaded, proven] = await Promise.allSettled([loading, proof])
  if (loaded.status === 'rejected') throw loaded.reason
  if (proven.status === 'fulfilled') return loaded.value
  loaded.value.close()
  throw proven.reason
}
