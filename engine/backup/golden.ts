/**
 * Golden queries: recorded questions with exact answers, against which a restored collection is held.
 *
 * recall@k = found true neighbours ÷ all true neighbours, over all queries. A neighbour as near as the
 * k-th true one counts as true, whichever of several equally near points the exact answer named.
 */
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import type { Progress } from '../base/progress.ts'
import type { PinnedState } from '../collection/pinned-state.ts'
import type { PointId } from '../format/point.ts'
import {
  decodeVector,
  encodeVector,
  type Golden,
  type GoldenNeighbour,
  type GoldenQuery,
} from '../repository/snapshot-manifest.ts'
import { rounded } from './phases.ts'

export interface GoldenRequest {
  /** How many points are drawn; 0 records none. Default 64. */
  readonly sample?: number
  /** Neighbours of each. Default 10. */
  readonly k?: number
  /** Questions of the user's own instead of a sample. */
  readonly questions?: readonly OwnQuestion[]
}

/** A question that is no stored point: its vector stands in the snapshot. */
export interface OwnQuestion {
  readonly id: PointId
  /** Of the collection's dimension, usable with its metric. */
  readonly vector: Float32Array
}

/** What is searched: a collection. */
export interface Searched {
  search(
    vector: Float32Array,
    options: { readonly k: number; readonly exclude?: PointId; readonly exact?: boolean },
  ): Promise<readonly GoldenNeighbour[]>
}

export interface Watch {
  readonly clock: Clock
  readonly progress: Progress
  readonly signal?: AbortSignal | undefined
}

export interface GoldenMeasurement {
  readonly queries: number
  readonly k: number
  /** null when no query has a neighbour. */
  readonly recall: number | null
  readonly latencyMs: { readonly p50: number; readonly p95: number } | null
}

/** @throws `usage` for a sample out of bounds */
export function checkGoldenRequest(request: GoldenRequest): CheckedRequest {
  const { questions, k = defaults.k } = request
  const sample = questions?.length ?? request.sample ?? defaults.goldenSample
  const fits =
    Number.isInteger(sample) &&
    sample >= 0 &&
    sample <= limits.goldenQueries &&
    Number.isInteger(k) &&
    k >= 1 &&
    k <= limits.searchK &&
    sample * k <= limits.goldenNeighbours
  if (!fits) {
    fail(
      'usage',
      `${sample} golden queries with ${k} neighbours each cannot be recorded`,
      `Take at most ${limits.goldenQueries} queries and ${limits.goldenNeighbours} neighbours in all.`,
    )
  }
  return { sample, k, ...(questions && { questions }) }
}

export interface CheckedRequest {
  readonly sample: number
  readonly k: number
  readonly questions?: readonly OwnQuestion[]
}

/**
 * Draws the sample, finds the truth in the pinned state, and measures what the source's own search
 * makes of it: the latency before this resolves, as long as nothing else is done, the rest of the recall
 * when the result is called, beside whatever else. A flat index that is not in memory is exact by definition, and its latency is not measured. Writes may go on meanwhile; they can only make the measured recall differ slightly.
 * @param carried what an earlier snapshot measured, to be stated instead: see carried-recall.ts
 */
export async function recordGolden(
  state: PinnedState,
  source: Searched & { readonly isWarm: boolean },
  request: RecordRequest,
  watch: Watch,
  carried?: MeasuredRecall,
): Promise<() => Promise<Golden>> {
  const { k, snapshotId } = request
  const questions = await questionsOf(state, request, watch.signal)
  const queries = questions.map(
    ({ id, vector, isOwn, neighbours }): GoldenQuery => ({
      id,
      ...(isOwn && { vector: encodeVector(vector) }),
      neighbours: neighbours.map(({ id, distance }) => ({ id, distance })),
    }),
  )
  if (carried !== undefined) return async () => ({ k, queries, ...carried })
  if (state.config.index.kind === 'flat' && !source.isWarm) {
    // it compares every point, so it finds all; loading all of them to see that would take their memory
    const recall = questions.some(({ neighbours }) => neighbours.length > 0) ? 1 : null
    return async () => ({ k, queries, recall, latencyMs: null, measuredIn: snapshotId })
  }
  const measuring = new Measuring(source, questions, k, watch)
  await measuring.warmUp(source.isWarm ? 1 : warmUpSearches)
  await measuring.time(timedMs)
  return async () => {
    const { recall, latencyMs } = await measuring.finish()
    return { k, queries, recall, latencyMs, measuredIn: snapshotId }
  }
}

async function questionsOf(
  state: PinnedState,
  { questions, sample, k }: CheckedRequest,
  signal: AbortSignal | undefined,
): Promise<Question[]> {
  if (questions === undefined) {
    const drawn = sample === 0 ? [] : await state.golden({ sample, k, keep: true, signal })
    return drawn.map((each) => ({ ...each, isOwn: false }))
  }
  const vectors = questions.map(({ vector }) => vector)
  const { dimension } = state.config
  if (vectors.some(({ length }) => length !== dimension)) {
    fail('usage', `a golden question has not ${dimension} values`, 'Embed it as the points are.')
  }
  const nearest = vectors.length === 0 ? [] : await state.nearest(vectors, k, signal)
  return questions.map((each, index) => ({
    ...each,
    isOwn: true,
    neighbours: nearest[index] ?? [],
  }))
}

/** Recall and latency, and the snapshot whose backup measured them. */
export type MeasuredRecall = Pick<Golden, 'recall' | 'latencyMs' | 'measuredIn'>

export interface RecordRequest extends CheckedRequest {
  /** The snapshot that is being made. */
  readonly snapshotId: string
}

/** A collection that has the points that golden queries were drawn from. */
export interface Restored extends Searched {
  get(id: PointId): Promise<{ readonly vector: Float32Array } | undefined>
}

export interface GoldenComparison extends GoldenMeasurement {
  /** What the source had. */
  readonly recordedRecall: number | null
  /** Ids of queries whose exact answer differs from the recorded one, or that are not there. */
  readonly wrong: readonly PointId[]
}

/**
 * Asks a restored collection the golden queries: its exact answers must be the recorded ones, and its
 * recall is measured as the source's was.
 */
export async function compareWithGolden(
  collection: Restored,
  golden: Golden,
  watch: Watch,
): Promise<GoldenComparison> {
  const { k } = golden
  const wrong: PointId[] = []
  const questions: Question[] = []
  for (const { id, vector: own, neighbours } of golden.queries) {
    watch.signal?.throwIfAborted()
    const isOwn = own !== undefined
    const vector = isOwn ? decodeVector(own) : (await collection.get(id))?.vector
    if (vector === undefined) {
      wrong.push(id)
      continue
    }
    const question = { id, vector, neighbours, isOwn }
    questions.push(question)
    const exact = await collection.search(vector, { ...optionsOf(question, k), exact: true })
    if (!sameDistances(exact, neighbours)) wrong.push(id)
  }
  const measuring = new Measuring(collection, questions, k, watch)
  await measuring.warmUp(warmUpSearches)
  await measuring.time()
  const measured = await measuring.finish()
  return { ...measured, queries: golden.queries.length, recordedRecall: golden.recall, wrong }
}

interface Question extends Pick<GoldenQuery, 'id' | 'neighbours'> {
  readonly vector: Float32Array
  /** No stored point: nothing is left out of its answer. */
  readonly isOwn: boolean
}

const optionsOf = ({ id, isOwn }: Question, k: number) => (isOwn ? { k } : { k, exclude: id })

/** Searches before the measured ones: the first loads graphs, the next warm the caches. */
const warmUpSearches = 8

/** So long a backup does nothing but measure latency, and at least so many queries. */
const timedMs = 150
const fewestTimed = 16

/** One pass over the questions: recall of all of them, latency of those that are asked while nothing else is done. */
class Measuring {
  readonly #source: Searched
  readonly #questions: readonly Question[]
  readonly #k: number
  readonly #watch: Watch
  readonly #times: number[] = []
  #asked = 0
  #found = 0
  #all = 0

  constructor(source: Searched, questions: readonly Question[], k: number, watch: Watch) {
    this.#source = source
    this.#questions = questions
    this.#k = k
    this.#watch = watch
  }

  async warmUp(searches: number): Promise<void> {
    for (const question of this.#questions.slice(0, searches)) {
      await this.#source.search(question.vector, optionsOf(question, this.#k))
    }
  }

  /** Asks and times the questions, or as many as `mostMs` leaves time for. */
  async time(mostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock } = this.#watch
    const untilMs = clock.monotonicMs() + mostMs
    while (this.#times.length < fewestTimed || clock.monotonicMs() < untilMs) {
      const startedMs = clock.monotonicMs()
      if (!(await this.#ask())) return
      this.#times.push(clock.monotonicMs() - startedMs)
    }
  }

  /** Asks the rest. A search takes this thread for as long as it lasts: others have their turn in between. */
  async finish(): Promise<GoldenMeasurement> {
    while (await this.#ask()) await new Promise(setImmediate)
    const times = this.#times.sort((a, b) => a - b)
    return {
      queries: this.#questions.length,
      k: this.#k,
      recall: this.#all === 0 ? null : this.#found / this.#all,
      latencyMs:
        times.length === 0 ? null : { p50: percentile(times, 0.5), p95: percentile(times, 0.95) },
    }
  }

  /** @returns false when there is no further question */
  async #ask(): Promise<boolean> {
    this.#watch.signal?.throwIfAborted()
    const question = this.#questions[this.#asked]
    if (question === undefined) return false
    const { vector, neighbours } = question
    const answer = await this.#source.search(vector, optionsOf(question, this.#k))
    this.#asked++
    this.#found += countFound(answer, neighbours)
    this.#all += neighbours.length
    const progress = { unit: 'queries', done: this.#asked, total: this.#questions.length } as const
    this.#watch.progress({ phase: 'golden', ...progress })
    return true
  }
}

/** Graphs compute distances in float32; exact search in float64. */
const tolerance = (distance: number): number => 1e-6 * Math.max(1, Math.abs(distance))

/** How many of `answer` are true neighbours, ties at the last true distance included. */
export function countFound(
  answer: readonly GoldenNeighbour[],
  truth: readonly GoldenNeighbour[],
): number {
  const last = truth.at(-1)
  if (last === undefined) return 0
  const ids = new Set(truth.map((each) => each.id))
  const bar = last.distance + tolerance(last.distance)
  return answer.slice(0, truth.length).filter((each) => ids.has(each.id) || each.distance <= bar)
    .length
}

function sameDistances(
  answer: readonly GoldenNeighbour[],
  truth: readonly GoldenNeighbour[],
): boolean {
  return (
    answer.length === truth.length &&
    answer.every(({ distance }, index) => {
      const expected = truth[index]?.distance ?? Number.NaN
      return Math.abs(distance - expected) <= tolerance(expected)
    })
  )
}

/** Nearest rank, of sorted values. */
const percentile = (sorted: readonly number[], share: number): number =>
  rounded(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0)
