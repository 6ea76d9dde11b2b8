/**
 * Searching an open collection: every segment answers by its graph, its lists or a scan, and the answers are
 * merged.
 *
 * Acknowledged points are found at once: the memory segment is scanned. A filter is evaluated on
 * metadata first; when few points pass, they are compared exactly, otherwise the graph is walked, or
 * the lists are scanned, with the filter as a mask.
 */
import { exactSearch } from '../ann/exact-search.ts'
import type { JsonObject } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import type { CollectionConfig } from '../format/config.ts'
import { compareIds, type PointId } from '../format/point.ts'
import type { Filter } from './filter.ts'
import type { LiveSegment } from './live-segment.ts'
import { passingOrdinals } from './matching.ts'

export interface SearchOptions {
  /** Neighbours wanted; default 10. */
  readonly k?: number
  /** Beam of the graph search; default from the config, at least k. */
  readonly ef?: number
  /** Lists that a search of an IVF index looks into; default from the config. */
  readonly nprobe?: number
  readonly filter?: Filter
  /** Compare every point instead of walking the graph or looking into some lists. */
  readonly exact?: boolean
  /** Leave this point out: a search by the vector of a stored point. */
  readonly exclude?: PointId
}

export interface Neighbour {
  readonly id: PointId
  /** cosine 1 − cos, l2 Euclidean (not squared), ip 1 − dot. */
  readonly distance: number
  readonly metadata: JsonObject
}

/** Rows that a scan needs: all of a segment's, or those of `ordinals` only, in their order. */
export interface ScanRows {
  readonly vectors: Float32Array
  readonly ordinals?: readonly number[]
}

/** How the search reaches what is not in memory. */
export interface SearchSource {
  /** The segments now, oldest first. */
  segments(): readonly LiveSegment[]
  /** All rows of a sealed segment. */
  loadRows(segment: LiveSegment): Promise<Float32Array>
}

interface Candidate {
  readonly segment: LiveSegment
  readonly ordinal: number
  readonly distance: number
}

/** Below this share of matching points a filter is answered by comparing them all. */
const fewMatches = 0.05

/** @throws `limit-exceeded` for k, ef or nprobe out of bounds */
export function checkSearchBounds({ k = defaults.k, ef, nprobe }: SearchOptions): void {
  if (!Number.isInteger(k) || k < 1 || k > limits.searchK) {
    fail('limit-exceeded', `k is ${k}`, `Ask for 1 to ${limits.searchK} neighbours.`)
  }
  if (ef !== undefined && (!Number.isInteger(ef) || ef < 1 || ef > limits.searchEf)) {
    fail('limit-exceeded', `ef is ${ef}`, `Use an ef from 1 to ${limits.searchEf}.`)
  }
  const isProbes = (value: number) => Number.isInteger(value) && value >= 1
  if (nprobe !== undefined && !(isProbes(nprobe) && nprobe <= limits.ivfLists)) {
    fail('limit-exceeded', `nprobe is ${nprobe}`, `Use an nprobe from 1 to ${limits.ivfLists}.`)
  }
}

/**
 * The k nearest live points; segments must be warm. What has to be read from disk is read first; the
 * answer itself is then found without giving up the thread, so that it is of one state and a point
 * that is overwritten meanwhile is found in its new place.
 */
export async function searchSegments(
  source: SearchSource,
  config: CollectionConfig,
  query: Float32Array,
  options: SearchOptions,
): Promise<Neighbour[]> {
  const k = options.k ?? defaults.k
  const wanted = options.exclude === undefined ? k : k + 1
  const prepared = new Map<LiveSegment, ScanRows>()
  for (;;) {
    const candidates: Candidate[] = []
    const lacking: { segment: LiveSegment; ordinals: readonly number[] | undefined }[] = []
    for (const segment of source.segments()) {
      if (segment.live === 0) continue
      const found = searchSegment(segment, config, query, wanted, options, prepared.get(segment))
      if (Array.isArray(found)) candidates.push(...found)
      else lacking.push({ segment, ordinals: found.lacks })
    }
    if (lacking.length === 0) return merge(candidates, k, options.exclude)
    const releases = lacking.map(({ segment }) => segment.hold())
    try {
      for (const { segment, ordinals } of lacking) {
        prepared.set(
          segment,
          ordinals === undefined
            ? { vectors: await source.loadRows(segment) }
            : { vectors: await gather(segment, ordinals, config.dimension), ordinals },
        )
      }
    } finally {
      for (const release of releases) release()
    }
  }
}

/** The k best; ids are read where distances are equal, metadata of what is returned only. */
function merge(candidates: Candidate[], k: number, exclude: PointId | undefined): Neighbour[] {
  candidates.sort(
    (a, b) =>
      a.distance - b.distance || compareIds(a.segment.id(a.ordinal), b.segment.id(b.ordinal)),
  )
  const nearest: Neighbour[] = []
  for (const { segment, ordinal, distance } of candidates) {
    if (nearest.length === k) break
    const id = segment.id(ordinal)
    if (id !== exclude) nearest.push({ id, distance, metadata: segment.metadata(ordinal) })
  }
  return nearest
}

/** The segment's candidates, or the rows that are lacking: some ordinals', or all (undefined). */
function searchSegment(
  segment: LiveSegment,
  config: CollectionConfig,
  query: Float32Array,
  wanted: number,
  options: SearchOptions,
  prepared: ScanRows | undefined,
): Candidate[] | { lacks: readonly number[] | undefined } {
  const { table, tombstones, index, rows, lists } = segment
  const passing = options.filter && passingOrdinals(segment, options.filter)
  if (passing !== undefined && passing.size === 0) return []
  const k = Math.min(wanted, passing?.size ?? segment.live)
  const accept = passing
    ? (ordinal: number) => passing.has(ordinal)
    : (ordinal: number) => !tombstones.has(ordinal)
  const few = Math.max(fewMatches * table.count, limits.graphPoints)
  const scanned = options.exact === true || (passing !== undefined && passing.size < few)
  if (lists !== undefined && !scanned) {
    const configured = config.index.kind === 'ivf' ? config.index.nprobe : lists.lists
    const nprobe = options.nprobe ?? configured
    return toCandidates(segment, lists.search(query, k, nprobe, accept))
  }
  if (rows !== undefined) {
    const norms = config.metric === 'cosine' && { norms: segment.norms(rows) }
    const kernel = segment.kernel(config.metric)
    const chunk = { vectors: rows, count: table.count, firstOrdinal: 0, kernel, ...norms }
    return toCandidates(segment, exactSearch([chunk], query, k, config.metric, accept))
  }
  if (prepared !== undefined) {
    const { vectors, ordinals } = prepared
    const count = ordinals?.length ?? table.count
    const ordinalOf = (row: number) => ordinals?.[row] ?? row
    const found = exactSearch(
      [{ vectors, count, firstOrdinal: 0 }],
      query,
      k,
      config.metric,
      (row) => accept(ordinalOf(row)),
    )
    return toCandidates(segment, { ...found, ordinals: found.ordinals.map(ordinalOf) })
  }
  if (options.exact === true || index === undefined) return { lacks: undefined }
  if (passing !== undefined && scanned) return { lacks: [...passing] }
  const ef = Math.max(options.ef ?? (config.index.kind === 'hnsw' ? config.index.ef : k), k)
  const found = index.search(query, k, ef, passing && accept)
  // a filter can leave the walk short of k; a scan cannot
  if (passing !== undefined && found.ordinals.length < k) return { lacks: [...passing] }
  return toCandidates(segment, found)
}

function toCandidates(
  segment: LiveSegment,
  found: { readonly ordinals: readonly number[]; readonly distances: readonly number[] },
): Candidate[] {
  return found.ordinals.map((ordinal, index) => ({
    segment,
    ordinal,
    distance: found.distances[index] ?? Number.POSITIVE_INFINITY,
  }))
}

async function gather(
  segment: LiveSegment,
  ordinals: readonly number[],
  dimension: number,
): Promise<Float32Array> {
  const vectors = new Float32Array(ordinals.length * dimension)
  for (const [row, ordinal] of ordinals.entries()) {
    vectors.set(await segment.vector(ordinal), row * dimension)
  }
  return vectors
}
