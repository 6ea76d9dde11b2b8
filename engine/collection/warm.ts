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
import { isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig } from '../format/config.ts'
import type { LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import { graphSeed } from './checkpoint.ts'
import type { CollectionContext } from './context.ts'
import type { LiveSegment } from './live-segment.ts'

/** Keeps a graph that had to be rebuilt. */
export type KeepGraph = (segment: LiveSegment, graph: Uint8Array) => Promise<void>

export interface WarmOptions {
  readonly context: CollectionContext
  readonly config: CollectionConfig
  readonly keepGraph: KeepGraph
}

/**
 * Loads what the segment needs and, in one step, lets it answer with it.
 * @param rows the segment's rows when the caller has them
 * @throws `damaged` when the vectors themselves are damaged
 */
export async function warmSegment(
  options: WarmOptions,
  segment: LiveSegment,
  sealed: SealedSegment,
  rows?: LoadedRows,
): Promise<void> {
  const block = rows ?? (await sealed.loadRows(options.context.hashes))
  const index = await findIndex(options, segment, sealed, block)
  if (segment.sealed !== sealed) segment.become(sealed)
  if (index === undefined) segment.scanWith(block)
  else segment.answerWith(index)
}

async function findIndex(
  options: WarmOptions,
  segment: LiveSegment,
  sealed: SealedSegment,
  block: LoadedRows,
): Promise<HnswIndex | undefined> {
  const { context, config } = options
  const settings = config.index
  if (settings.kind !== 'hnsw' || block.count < limits.graphPoints) return undefined
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
  const load = (graph: Uint8Array) =>
    loadGraph(context.ann, graph, block, expected, {
      scratchDirectory: context.scratch,
      file: sealed.entry.graph?.path ?? `graph of segment ${segment.number}`,
      progress: context.progress,
    })
  let reason = 'it was never built'
  if (sealed.entry.graph !== null) {
    try {
      return await load(await sealed.loadGraph(sealed.entry.graph))
    } catch (error) {
      if (!isOperatingError(error, 'damaged', 'missing-file')) throw error
      reason = error.message
    }
  }
  context.onWarning(
    `the graph of segment ${segment.number} is built again from its ${block.count} vectors: ${reason}`,
  )
  const graph = await buildGraph(
    context.ann,
    block,
    { ...expected, seed: graphSeed },
    { scratchDirectory: context.scratch, progress: context.progress },
  )
  await options.keepGraph(segment, graph)
  return load(graph)
}
