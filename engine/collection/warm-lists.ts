/**
 * Warming a segment of an IVF index: its rows are loaded into shared memory, once, and its lists over
 * them. Lists that are missing, damaged or were never built are built again from the vectors, loudly.
 */
import { buildLists } from '../ann/build-lists.ts'
import { IvfIndex } from '../ann/ivf-index.ts'
import { isOperatingError } from '../base/errors.ts'
import type { Metric } from '../format/config.ts'
import type { LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import type { CollectionContext } from './context.ts'
import { indexSeed } from './segment-index.ts'

export interface ListsSource {
  readonly context: CollectionContext
  readonly metric: Metric
  /** Lists that the config asks for. */
  readonly lists: number
  /** Keeps lists that had to be built again. */
  readonly keep: (bytes: Uint8Array) => Promise<void>
}

/** The lists of `sealed` over its rows. @throws `newer-format` */
export async function findLists(
  { context, metric, lists, keep }: ListsSource,
  sealed: SealedSegment,
  rows: LoadedRows,
): Promise<IvfIndex> {
  const { number, lists: entry } = sealed.entry
  const settings = { segment: number, metric, lists }
  let reason = 'they were never built'
  if (entry !== null) {
    try {
      return IvfIndex.load(await sealed.loadFile(entry), rows, settings, entry.path)
    } catch (error) {
      if (!isOperatingError(error, 'damaged', 'missing-file')) throw error
      reason = error.message
    }
  }
  context.onWarning(
    `the lists of segment ${number} are built again from its ${rows.count} vectors: ${reason}`,
  )
  const bytes = await buildLists(
    context.ann,
    rows,
    { ...settings, seed: indexSeed },
    context.progress,
  )
  await keep(bytes)
  return IvfIndex.load(bytes, rows, settings, `lists of segment ${number}`)
}
