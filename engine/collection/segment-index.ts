/**
 * The index file of a segment: which kind a config asks for, building it, and writing it beside the
 * vectors it was built from. Loading is in warm.ts.
 */
import * as path from 'node:path'
import { buildGraph } from '../ann/build-graph.ts'
import { buildLists } from '../ann/build-lists.ts'
import { hnswlibAvailability } from '../ann/hnswlib.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig, IndexSettings } from '../format/config.ts'
import { type FileEntry, segmentPath } from '../format/manifest.ts'
import type { LoadedRows } from '../segment/sealed-segment.ts'
import { writeEntry } from '../segment/write-segment.ts'
import type { CollectionContext } from './context.ts'

/** Seed of every graph and of all lists: the same points give the same bytes, here and on a standby. */
export const indexSeed = 100

export type IndexPart = 'graph' | 'lists'

/** An index file as it was built. */
export interface BuiltIndex {
  readonly part: IndexPart
  readonly bytes: Uint8Array
  /** What it was built for. */
  readonly settings: IndexSettings
}

/** The index files of a segment as a manifest names them: at most one. */
export interface IndexEntries {
  readonly graph: FileEntry | null
  readonly lists: FileEntry | null
}

export const noIndex: IndexEntries = { graph: null, lists: null }

/** The file that a segment of `count` points has for its index; undefined when it is scanned. */
export function indexPart(index: IndexSettings, count: number): IndexPart | undefined {
  if (count < limits.graphPoints) return undefined
  switch (index.kind) {
    case 'hnsw':
      return 'graph'
    case 'ivf':
      return 'lists'
    case 'flat':
      return undefined
    default:
      return index satisfies never
  }
}

/**
 * Builds the index that `config` asks for over the rows of segment `number`, on a builder thread.
 * @param idle set for a segment that nobody waits for: its graph has a thread of its own and is given up
 *   when the signal says so
 * @returns undefined when the segment is scanned: it is small, the kind is flat, or hnswlib is not
 *   available, which is told
 * @throws `disk-full`; the reason of `idle`
 */
export async function buildIndex(
  context: CollectionContext,
  { index, metric }: CollectionConfig,
  number: number,
  rows: LoadedRows,
  idle?: AbortSignal,
): Promise<BuiltIndex | undefined> {
  const part = indexPart(index, rows.count)
  if (part === undefined || index.kind === 'flat') return undefined
  if (index.kind === 'ivf') {
    const settings = { segment: number, metric, lists: index.lists, seed: indexSeed }
    const bytes = await buildLists(context.ann, rows, settings, context.progress)
    return { part, bytes, settings: index }
  }
  const availability = await hnswlibAvailability()
  if (!availability.available) {
    context.onWarning(
      `no graph was built for segment ${number}: hnswlib-node is not available (${availability.reason}); searches are exact and slower`,
    )
    return undefined
  }
  const { m, efConstruction } = index
  const settings = { segment: number, metric, m, efConstruction, seed: indexSeed }
  const options = {
    scratchDirectory: context.scratch,
    progress: context.progress,
    ...(idle && { idle }),
  }
  const bytes = await buildGraph(context.ann, rows, settings, options)
  return { part, bytes, settings: index }
}

/**
 * Writes a built index as the file of its segment, durably but for the directory.
 * @param stamp part of its name, where the manifest names another version meanwhile
 */
export async function writeIndex(
  { disk }: CollectionContext,
  directory: string,
  number: number,
  built: BuiltIndex | undefined,
  stamp?: number,
): Promise<IndexEntries> {
  if (built === undefined) return noIndex
  const relative = segmentPath(number, built.part, stamp)
  await disk.unlink(path.join(directory, relative)) // what an attempt before left
  return { ...noIndex, [built.part]: await writeEntry(disk, directory, relative, built.bytes) }
}
