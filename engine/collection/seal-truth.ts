/**
 * The truth of a segment that is being sealed: its nearest rows to the golden queries that are known of the
 * other segments, and its candidates for the next ones. A backup then finds all of it there.
 *
 * It is derived and may be missing: a collection that was never backed up has no golden queries yet, and
 * a file that cannot be read is no reason not to seal. The next backup scans the segment then.
 */
import { scanExact } from '../ann/scan-exact.ts'
import { isOperatingError } from '../base/errors.ts'
import type { FileEntry, SegmentEntry } from '../format/manifest.ts'
import { HASH_BYTES } from '../format/points-file.ts'
import type { SegmentTruth } from '../format/truth-file.ts'
import type { LoadedRows } from '../segment/sealed-segment.ts'
import { type PinnedView, smallestOf } from './golden-sample.ts'
import { holdAll, type LiveSegment } from './live-segment.ts'
import { type SealedFiles, type SealPlace, writeTruth } from './seal-segment.ts'

/** Beside what is sealed. */
export interface Neighbours {
  /** Every segment of the collection; those that are sealed may have truth files. */
  readonly segments: readonly LiveSegment[]
  /** What the manifest says of them. */
  readonly entries: readonly SegmentEntry[]
}

/** Values compared, about three seconds of two threads: what takes longer is left to the backup. */
const mostValues = 4e9

/**
 * Finds and writes it. Null where that is left to the next backup: what is wrong with other segments, or no room for a
 * file that can be found anew, is no reason not to seal.
 * @param view the segment that is sealed, as of the LSN that it is sealed at
 * @throws `fsync-failed`
 */
export async function keepTruthOfSealed(
  place: SealPlace,
  view: PinnedView,
  { entry, rows }: SealedFiles,
  lsn: number,
  neighbours: Neighbours,
): Promise<FileEntry | null> {
  try {
    return await writeTruth(place, entry, lsn, await findTruthOf(place, view, rows, neighbours))
  } catch (error) {
    if (!isOperatingError(error) || error.code === 'fsync-failed') throw error
    const { number } = view.segment
    place.context.onWarning(
      `the neighbours of golden queries in segment ${number} are left to the next backup: ${error.message}`,
    )
    return null
  }
}

async function findTruthOf(
  { context, config }: SealPlace,
  view: PinnedView,
  rows: LoadedRows,
  { segments, entries }: Neighbours,
): Promise<SegmentTruth | undefined> {
  const release = holdAll(segments)
  try {
    const known = await knownOf(segments, entries)
    if (known === undefined) return undefined
    const truths = [...known.values()]
    const queries = await vectorsOf(
      known,
      new Set(truths.flatMap((each) => [...each.queries.keys()])),
    )
    if (queries.size * view.count * config.dimension > mostValues) return undefined
    const depth = longest(truths.flatMap((each) => [...each.queries.values()]))
    const candidates = await smallestOf(view, longest(truths.map((each) => each.candidates)))
    const nearest =
      queries.size === 0
        ? []
        : await scanExact(context.ann, rows, [...queries.values()], depth, config.metric, {
            deleted: view.tombstones.toShared(view.count),
          })
    return {
      candidates,
      queries: new Map(
        [...queries.keys()].map((key, index) => {
          const { ordinals = [], distances = [] } = nearest[index] ?? {}
          return [key, { ordinals, distances, complete: ordinals.length < depth }]
        }),
      ),
    }
  } finally {
    release()
  }
}

/** The truths of all sealed segments; undefined when there are none, or one is not known. */
async function knownOf(
  segments: readonly LiveSegment[],
  entries: readonly SegmentEntry[],
): Promise<ReadonlyMap<LiveSegment, SegmentTruth> | undefined> {
  const known = new Map<LiveSegment, SegmentTruth>()
  for (const segment of segments) {
    const { sealed } = segment
    if (sealed === undefined) continue
    const entry = entries.find(({ number }) => number === segment.number)
    if (!entry?.truth) return undefined
    known.set(segment, await sealed.loadTruth(entry.truth))
  }
  return known.size === 0 ? undefined : known
}

/** The points of the queries, which are among the candidates as long as they live. */
async function vectorsOf(
  known: ReadonlyMap<LiveSegment, SegmentTruth>,
  keys: ReadonlySet<string>,
): Promise<Map<string, Float32Array>> {
  const vectors = new Map<string, Float32Array>()
  for (const [segment, { candidates }] of known) {
    for (const ordinal of candidates.ordinals) {
      if (segment.tombstones.has(ordinal)) continue
      const { bytes, offset } = segment.table.hash(ordinal)
      const key = bytes.toString('hex', offset, offset + HASH_BYTES)
      if (keys.has(key)) vectors.set(key, await segment.vector(ordinal))
    }
  }
  return vectors
}

const longest = (lists: readonly { readonly ordinals: readonly number[] }[]): number =>
  Math.max(1, ...lists.map(({ ordinals }) => ordinals.length))
