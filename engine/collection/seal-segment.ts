/**
 * Sealing one segment: its points and vectors become immutable files, and its index is built.
 *
 * The files count for nothing until a manifest names them; what a crash leaves of them is removed by
 * the next open. Whoever seals syncs nothing further: files and their directory are durable on return.
 */
import * as path from 'node:path'
import { buildGraph } from '../ann/build-graph.ts'
import { hnswlibAvailability } from '../ann/hnswlib.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig } from '../format/config.ts'
import { type FileEntry, type SegmentEntry, segmentPath } from '../format/manifest.ts'
import type { MemorySegment } from '../segment/memory-segment.ts'
import type { LoadedRows } from '../segment/sealed-segment.ts'
import { writeEntry, writeSegment } from '../segment/write-segment.ts'
import type { CollectionContext } from './context.ts'

/** Where segments of a collection are sealed, and how they are indexed. */
export interface SealPlace {
  readonly context: CollectionContext
  readonly directory: string
  readonly config: CollectionConfig
}

/** A segment whose files are durable; no manifest names them yet. */
export interface SealedFiles {
  readonly entry: SegmentEntry
  /** The vectors, still in shared memory. */
  readonly rows: LoadedRows
}

/** Seed of every graph: the same points give the same bytes, here and on a standby. */
export const graphSeed = 100

/**
 * Writes all files of a frozen memory segment but its tombstones.
 * @throws `disk-full`, `disk-error`
 */
export async function sealSegment(
  place: SealPlace,
  number: number,
  memory: MemorySegment,
  lsn: number,
): Promise<SealedFiles> {
  const { context, directory, config } = place
  const { count } = memory
  const stamp = { number, count, dimension: config.dimension, lsn }
  const { vectors, points, rows } = await writeSegment(
    context.disk,
    directory,
    memory,
    stamp,
    context.hashes,
  )
  const index = await writeIndex(place, number, rows)
  await context.disk.syncDirectory(path.join(directory, 'segments'))
  return {
    entry: { number, count, vectors, points, ...index, truth: null, tombstones: null },
    rows,
  }
}

/** Builds the index that the config asks for and writes its files. */
async function writeIndex(
  place: SealPlace,
  number: number,
  rows: LoadedRows,
): Promise<Pick<SegmentEntry, 'graph' | 'lists'>> {
  return { graph: await writeGraph(place, number, rows), lists: null }
}

async function writeGraph(
  { context, directory, config }: SealPlace,
  number: number,
  rows: LoadedRows,
): Promise<FileEntry | null> {
  const { index, metric } = config
  if (index.kind !== 'hnsw' || rows.count < limits.graphPoints) return null
  const availability = await hnswlibAvailability()
  if (!availability.available) {
    context.onWarning(
      `no graph was built for segment ${number}: hnswlib-node is not available (${availability.reason}); searches are exact and slower`,
    )
    return null
  }
  const { m, efConstruction } = index
  const graph = await buildGraph(
    context.ann,
    rows,
    { segment: number, metric, m, efConstruction, seed: graphSeed },
    { scratchDirectory: context.scratch, progress: context.progress },
  )
  return writeEntry(context.disk, directory, segmentPath(number, 'graph'), graph)
}
