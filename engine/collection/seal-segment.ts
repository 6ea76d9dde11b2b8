/**
 * Sealing one segment: its points and vectors become immutable files, and its index is built.
 *
 * The files count for nothing until a manifest names them; what a crash leaves of them is removed by
 * the next open. Whoever seals syncs nothing further: files and their directory are durable on return.
 */
import * as path from 'node:path'
import { type CollectionConfig, type IndexSettings, sameIndexFiles } from '../format/config.ts'
import { type FileEntry, type SegmentEntry, segmentPath } from '../format/manifest.ts'
import { SEGMENT_HEADER_BYTES } from '../format/segment-header.ts'
import { encodeTruth, type SegmentTruth } from '../format/truth-file.ts'
import type { MemorySegment } from '../segment/memory-segment.ts'
import type { MergedContent } from '../segment/merge-segments.ts'
import type { LoadedRows } from '../segment/sealed-segment.ts'
import { writeEntry, writeImage, writeSegment } from '../segment/write-segment.ts'
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
  const stamp = { number, count: memory.count, dimension: config.dimension, lsn }
  const written = await writeSegment(context.disk, directory, memory, stamp, context.hashes)
  return finish(place, number, written)
}

/**
 * The same for points of other segments. Its index is built on the thread for what nobody waits for.
 * @throws `disk-full`, `disk-error`; the signal's reason
 */
export async function sealMerged(
  place: SealPlace,
  number: number,
  { count, vectors, points }: MergedContent,
  signal: AbortSignal,
): Promise<SealedFiles> {
  const { context, directory, config } = place
  const write = (part: 'vectors' | 'points', image: SharedArrayBuffer) =>
    writeImage(context.disk, directory, segmentPath(number, part), image, context.hashes)
  const rows = { vectors, byteOffset: SEGMENT_HEADER_BYTES, count, dimension: config.dimension }
  const written = {
    vectors: await write('vectors', vectors),
    points: await write('points', points),
    rows,
  }
  signal.throwIfAborted()
  return finish(place, number, written, signal)
}

/** What every sealed segment has beside its vectors and points. */
async function finish(
  { context, directory, config }: SealPlace,
  number: number,
  written: { readonly vectors: FileEntry; readonly points: FileEntry; readonly rows: LoadedRows },
  idle?: AbortSignal,
): Promise<SealedFiles> {
  const { vectors, points, rows } = written
  const { count } = rows
  const built = await buildIndex(context, config, number, rows, idle)
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

/** Writes what is known of golden queries in a sealed segment. */
export async function writeTruth(
  { context, directory, config }: SealPlace,
  { number, count }: SegmentEntry,
  lsn: number,
  truth: SegmentTruth | undefined,
): Promise<FileEntry | null> {
  if (truth === undefined) return null
  const bytes = encodeTruth(truth, { number, count, dimension: config.dimension, lsn })
  return writeEntry(context.disk, directory, segmentPath(number, 'truth', 1), bytes)
}
