/**
 * Sealing one segment: its points and vectors become immutable files, and its index is built.
 *
 * The files count for nothing until a manifest names them; what a crash leaves of them is removed by
 * the next open. Whoever seals syncs nothing further: files and their directory are durable on return.
 */
import * as path from 'node:path'
import { type CollectionConfig, type IndexSettings, sameIndexFiles } from '../format/config.ts'
import type { SegmentEntry } from '../format/manifest.ts'
import type { MemorySegment } from '../segment/memory-segment.ts'
import type { LoadedRows } from '../segment/sealed-segment.ts'
import { writeSegment } from '../segment/write-segment.ts'
import type { CollectionContext } from './context.ts'
import { buildIndex, writeIndex } from './segment-index.ts'

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
  /** What its index was built for. */
  readonly settings: IndexSettings
}

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
  const built = await buildIndex(context, config, number, rows)
  const index = await writeIndex(context, directory, number, built)
  await context.disk.syncDirectory(path.join(directory, 'segments'))
  return {
    entry: { number, count, vectors, points, ...index, truth: null, tombstones: null },
    rows,
    settings: config.index,
  }
}

/**
 * The entry of sealed files, with an index for the config as it is by now: the settings may have changed
 * since they were sealed.
 */
export async function entryFor(
  { context, directory, config }: SealPlace,
  { entry, rows, settings }: SealedFiles,
): Promise<SegmentEntry> {
  if (sameIndexFiles(settings, config.index)) return entry
  const built = await buildIndex(context, config, entry.number, rows)
  return { ...entry, ...(await writeIndex(context, directory, entry.number, built)) }
}
