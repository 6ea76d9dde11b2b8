/**
 * What truth files say of the sources of a merge, as one of the merged segment: nothing is scanned again.
 *
 * Each list is a prefix of an order; what a source does not hold comes after its last entry. So the
 * merged list is exact up to the first of these ends, and is cut there.
 */
import { sha256 } from '../base/checksum.ts'
import { isOperatingError } from '../base/errors.ts'
import type { FileEntry } from '../format/manifest.ts'
import { encodeId } from '../format/point.ts'
import type { Candidates, QueryTruth, SegmentTruth } from '../format/truth-file.ts'
import { gone } from '../segment/merge-segments.ts'
import type { SealedSegment } from '../segment/sealed-segment.ts'

/** A merged list is cut here; merges of merges would grow it without end. */
const longest = 256

/** The truth of one source, and where its rows went. */
interface Part {
  readonly truth: SegmentTruth
  readonly moved: (ordinal: number) => number
  /** SHA-256 of the id of a row of the source. */
  readonly rankOf: (ordinal: number) => Buffer
}

/** A source of the merge, with its truth file. */
export interface TruthSource {
  readonly sealed: SealedSegment
  readonly truth: FileEntry | null
}

/**
 * @param moves by source: the new ordinal of each old one
 * @returns undefined when a source has none, or it cannot be read: it is found anew then
 */
export async function mergeTruth(
  sources: readonly TruthSource[],
  moves: readonly Uint32Array[],
): Promise<SegmentTruth | undefined> {
  const parts: Part[] = []
  for (const [index, { sealed, truth: entry }] of sources.entries()) {
    const moved = moves[index]
    if (entry === null || moved === undefined) return undefined
    try {
      parts.push({
        truth: await sealed.loadTruth(entry),
        moved: (ordinal) => moved[ordinal] ?? gone,
        rankOf: (ordinal) => sha256(encodeId(sealed.id(ordinal))),
      })
    } catch (error) {
      if (isOperatingError(error, 'missing-file', 'damaged')) return undefined
      throw error
    }
  }
  const queries = new Map<string, QueryTruth>()
  for (const key of parts[0]?.truth.queries.keys() ?? []) {
    const lists = parts.map(({ truth }) => truth.queries.get(key))
    if (lists.includes(undefined)) continue
    queries.set(key, mergeQuery(parts, lists))
  }
  return { candidates: mergeCandidates(parts), queries }
}

function mergeQuery(
  parts: readonly Part[],
  lists: readonly (QueryTruth | undefined)[],
): QueryTruth {
  let bound = Number.POSITIVE_INFINITY
  const rows: { ordinal: number; distance: number }[] = []
  for (const [index, { moved }] of parts.entries()) {
    const { ordinals = [], distances = [], complete = false } = lists[index] ?? {}
    if (!complete) bound = Math.min(bound, distances.at(-1) ?? Number.NEGATIVE_INFINITY)
    for (const [at, ordinal] of ordinals.entries()) {
      const now = moved(ordinal)
      if (now !== gone) rows.push({ ordinal: now, distance: distances[at] ?? Number.NaN })
    }
  }
  const within = rows.filter(({ distance }) => distance <= bound)
  within.sort((a, b) => a.distance - b.distance || a.ordinal - b.ordinal)
  const held = within.slice(0, longest)
  return {
    ordinals: held.map(({ ordinal }) => ordinal),
    distances: held.map(({ distance }) => distance),
    complete: bound === Number.POSITIVE_INFINITY && held.length === within.length,
  }
}

function mergeCandidates(parts: readonly Part[]): Candidates {
  let bound: Buffer | undefined
  const rows: { ordinal: number; rank: Buffer }[] = []
  for (const { truth, moved, rankOf } of parts) {
    const { ordinals, complete } = truth.candidates
    const last = ordinals.at(-1)
    if (!complete) {
      const end = last === undefined ? Buffer.alloc(0) : rankOf(last)
      if (bound === undefined || end.compare(bound) < 0) bound = end
    }
    for (const ordinal of ordinals) {
      const now = moved(ordinal)
      if (now !== gone) rows.push({ ordinal: now, rank: rankOf(ordinal) })
    }
  }
  const end = bound
  const within = end === undefined ? rows : rows.filter(({ rank }) => rank.compare(end) <= 0)
  within.sort((a, b) => a.rank.compare(b.rank))
  const held = within.slice(0, longest)
  const complete = end === undefined && held.length === within.length
  return { ordinals: held.map(({ ordinal }) => ordinal), complete }
}
