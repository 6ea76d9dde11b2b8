/**
 * Golden queries of a pinned state, and their exact neighbours in it.
 *
 * The nearest rows to a query are known segment by segment, a few more of them than are asked for, and
 * kept in truth files. Rows that died since are left out; what is not held lies behind the last row that
 * is, so the answer put together from all segments is exact when its k-th neighbour is no farther than
 * that row. Where it is farther, the surplus is used up and the segment is scanned again for that query.
 *
 * A query is a stored point. Once it is overwritten or deleted another one takes its place, and a point
 * whose neighbours nobody knows would have every segment scanned. So more are found at first than are
 * recorded, and the sample is refilled in one go when those are used up: it is the first points, in the
 * order of the hashes of their ids, whose neighbours are known, all of them among twice as many as wanted.
 * Small segments are scanned for what is recorded only: for another point that is soon done.
 */
import type { RowSource } from '../ann/row-source.ts'
import { scanExact } from '../ann/scan-exact.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig } from '../format/config.ts'
import { compareIds, type PointId } from '../format/point.ts'
import { HASH_BYTES } from '../format/points-file.ts'
import type { QueryTruth, SegmentTruth } from '../format/truth-file.ts'
import type { CollectionContext } from './context.ts'
import { type DrawnPoint, drawPool, type PinnedView } from './golden-sample.ts'

export interface ExactNeighbour {
  readonly id: PointId
  readonly distance: number
}

/** A point whose neighbours are searched, itself left out. */
export interface GoldenQuestion {
  readonly id: PointId
  readonly vector: Float32Array
  /** The exact nearest, nearest first; equal distances by id. */
  readonly neighbours: readonly ExactNeighbour[]
}

export interface GoldenRequest {
  /** Points wanted. */
  readonly sample: number
  /** Neighbours of each. */
  readonly k: number
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined
}

export interface GoldenTruth {
  /** In the order of the hashes of their ids. */
  readonly questions: readonly GoldenQuestion[]
  /** What was found out about segments and is worth keeping. */
  readonly found: ReadonlyMap<PinnedView, SegmentTruth>
}

/** Rows held beyond the k that are asked for: so many may die before a segment is scanned again. */
const surplus = 16

/** Segments with fewer rows than this share of all are soon scanned for a few more queries. */
const smallShare = 1 / 16

function largeOf(views: readonly PinnedView[]): ReadonlySet<PinnedView> {
  const rows = views.reduce((sum, { count }) => sum + count, 0)
  return new Set(views.filter(({ count }) => count > smallShare * rows))
}

interface Query {
  readonly id: PointId
  readonly vector: Float32Array
  /** SHA-256 of the point, hex. */
  readonly key: string
}

export interface TruthSource {
  readonly context: CollectionContext
  readonly config: CollectionConfig
}

/** @param known what truth files say of the views; empty to find everything anew */
export async function findTruth(
  source: TruthSource,
  views: readonly PinnedView[],
  known: ReadonlyMap<PinnedView, SegmentTruth>,
  request: GoldenRequest,
): Promise<GoldenTruth> {
  const { sample, k, signal } = request
  const pool = await drawPool(
    views,
    new Map([...known].map(([view, { candidates }]) => [view, candidates])),
    2 * sample,
  )
  signal?.throwIfAborted()
  const large = largeOf(views)
  const ofLarge = [...known].flatMap(([view, truth]) => (large.has(view) ? truth : []))
  const queries = await Promise.all(chooseFrom(pool.points, ofLarge, sample).map(toQuery))
  const table = new TruthTable(source, views, known, { k, signal })
  const recorded = queries.slice(0, sample)
  const answers = await table.answer(recorded, { large, queries: queries.slice(sample) })
  const questions = recorded.map(({ id, vector }, index) => ({
    id,
    vector,
    neighbours: answers[index] ?? [],
  }))
  const found = new Map<PinnedView, SegmentTruth>()
  for (const view of views) {
    const candidates = pool.candidates.get(view)
    if (candidates === undefined || !(pool.hashed.has(view) || table.scanned.has(view))) continue
    found.set(view, { candidates, queries: table.of(view, queries) })
  }
  return { questions, found }
}

/**
 * The exact k nearest live points to each vector, nearest first; equal distances by id. Nothing of it is kept for
 * the next time: every segment is scanned.
 */
export async function findNearest(
  { context, config }: TruthSource,
  views: readonly PinnedView[],
  vectors: readonly Float32Array[],
  k: number,
  signal?: AbortSignal,
): Promise<ExactNeighbour[][]> {
  const answers: ExactNeighbour[][] = vectors.map(() => [])
  for (const view of views) {
    const { segment, count, tombstones } = view
    const rows = { ...(await rowsOf(view, context)), count, dimension: config.dimension }
    const options = { deleted: tombstones.toShared(count), signal }
    const nearest = await scanExact(context.ann, rows, vectors, k, config.metric, options)
    for (const [index, answer] of answers.entries()) {
      const { ordinals = [], distances = [] } = nearest[index] ?? {}
      for (const [rank, ordinal] of ordinals.entries()) {
        answer.push({ id: segment.id(ordinal), distance: distances[rank] ?? Number.NaN })
      }
    }
  }
  return answers.map((answer) => answer.sort(byDistance).slice(0, k))
}

const byDistance = (a: ExactNeighbour, b: ExactNeighbour): number =>
  a.distance - b.distance || compareIds(a.id, b.id)

/** Those that are known; when they are too few, so many others that half of the sample may change. */
function chooseFrom(
  pool: readonly DrawnPoint[],
  truths: readonly SegmentTruth[],
  sample: number,
): readonly DrawnPoint[] {
  const isKnown = (point: DrawnPoint) =>
    truths.length > 0 && truths.every(({ queries }) => queries.has(keyOf(point)))
  const ready = pool.filter(isKnown)
  if (ready.length >= Math.min(sample, pool.length)) return ready
  let wanted = Math.ceil(1.5 * sample) - ready.length
  const chosen = new Set(ready)
  return pool.filter((point) => chosen.has(point) || wanted-- > 0)
}

function keyOf({ view, ordinal }: DrawnPoint): string {
  const { bytes, offset } = view.segment.table.hash(ordinal)
  return bytes.toString('hex', offset, offset + HASH_BYTES)
}

const toQuery = async (point: DrawnPoint): Promise<Query> => ({
  id: point.view.segment.id(point.ordinal),
  vector: await point.view.segment.vector(point.ordinal),
  key: keyOf(point),
})

/** The nearest rows of every view to every query, filled by scans where they are not known. */
class TruthTable {
  readonly #source: TruthSource
  readonly #lists: ReadonlyMap<PinnedView, Map<string, QueryTruth>>
  readonly #k: number
  readonly #signal: AbortSignal | undefined
  readonly scanned = new Set<PinnedView>()

  constructor(
    source: TruthSource,
    views: readonly PinnedView[],
    known: ReadonlyMap<PinnedView, SegmentTruth>,
    { k, signal }: Pick<GoldenRequest, 'k' | 'signal'>,
  ) {
    this.#source = source
    this.#lists = new Map(views.map((view) => [view, new Map(known.get(view)?.queries)]))
    this.#k = k
    this.#signal = signal
  }

  /** What is held of `view` for these queries. */
  of(view: PinnedView, queries: readonly Query[]): Map<string, QueryTruth> {
    const wanted = new Set(queries.map(({ key }) => key))
    return new Map([...(this.#lists.get(view) ?? [])].filter(([key]) => wanted.has(key)))
  }

  /** @param spares further queries that large segments are scanned for too, for later */
  async answer(
    queries: readonly Query[],
    spares: { readonly large: ReadonlySet<PinnedView>; readonly queries: readonly Query[] },
  ): Promise<ExactNeighbour[][]> {
    for (;;) {
      for (const [view, lists] of this.#lists) {
        const wanted = spares.large.has(view) ? [...queries, ...spares.queries] : queries
        const missing = wanted.filter(({ key }) => !lists.has(key))
        if (missing.length > 0) await this.#scan(view, lists, missing)
      }
      const answers = queries.map((query) => this.#merge(query))
      let exact = true
      for (const lists of this.#lists.values()) {
        for (const [index, { key }] of queries.entries()) {
          const list = lists.get(key)
          if (list !== undefined && this.#isExact(list, answers[index] ?? [])) continue
          lists.delete(key)
          exact = false
        }
      }
      if (exact) return answers
    }
  }

  /** Whether no row that `list` does not hold can be nearer than the last of `answer`. */
  #isExact(list: QueryTruth, answer: readonly ExactNeighbour[]): boolean {
    if (list.complete) return true
    const bound = list.distances.at(-1) ?? Number.NEGATIVE_INFINITY
    return (answer[this.#k - 1]?.distance ?? Number.POSITIVE_INFINITY) <= bound
  }

  #merge(query: Query): ExactNeighbour[] {
    const answer: ExactNeighbour[] = []
    for (const [{ segment, tombstones }, lists] of this.#lists) {
      const { ordinals = [], distances = [] } = lists.get(query.key) ?? {}
      const enough = answer.length + this.#k
      for (const [index, ordinal] of ordinals.entries()) {
        if (tombstones.has(ordinal)) continue
        const distance = distances[index] ?? Number.NaN
        // the nearest k of each segment are enough, and what is as near as the last of them
        if (answer.length >= enough && distance > (answer.at(-1)?.distance ?? 0)) break
        const id = segment.id(ordinal)
        if (id !== query.id) answer.push({ id, distance })
      }
    }
    return answer.sort(byDistance).slice(0, this.#k)
  }

  async #scan(
    view: PinnedView,
    lists: Map<string, QueryTruth>,
    queries: readonly Query[],
  ): Promise<void> {
    const { context, config } = this.#source
    const { count, tombstones } = view
    const rows = await rowsOf(view, context)
    const depth = this.#k + surplus
    const nearest = await scanExact(
      context.ann,
      { ...rows, count, dimension: config.dimension },
      queries.map(({ vector }) => vector),
      depth,
      config.metric,
      { deleted: tombstones.toShared(count), signal: this.#signal },
    )
    this.scanned.add(view)
    queries.forEach(({ key }, index) => {
      const { ordinals = [], distances = [] } = nearest[index] ?? {}
      lists.set(key, { ordinals, distances, complete: ordinals.length < depth })
    })
  }
}

/**
 * The rows of a segment: those in memory where they are, else proven and read; many of them by the threads
 * that compare them, a tile at a time, so that a scan takes no memory of the segment's size.
 */
async function rowsOf({ segment }: PinnedView, { hashes }: CollectionContext): Promise<RowSource> {
  const { rows, sealed, dimension } = segment
  if (rows?.buffer instanceof SharedArrayBuffer) {
    return {
      vectors: rows.buffer,
      byteOffset: rows.byteOffset,
      count: rows.length / dimension,
      dimension,
    }
  }
  if (sealed === undefined) throw new Error('a segment is in memory or sealed')
  const file = sealed.rowsFile
  if (file === undefined || sealed.entry.vectors.sizeBytes <= limits.pieceBytes) {
    return sealed.loadRows(hashes)
  }
  await sealed.proveRows(hashes)
  return file
}
