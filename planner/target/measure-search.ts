/**
 * Measuring a search against known answers: recall and latency, the same way for every target.
 *
 * One pass finds recall and warms up; further passes are timed one search at a time. What is reported
 * is what one caller sees, without concurrency.
 */
import type { Clock } from '../../engine/index.ts'
import type { ExpectedNeighbour, GoldenQuery } from './expectation.ts'
import { foundNeighbours, percentile } from './recall.ts'
import type { SearchMeasurement, Work } from './target.ts'

/** Enough searches for a 95th percentile that does not hang on a handful of them. */
const searchesTimed = 200
const passesAtMost = 20
const worstKept = 10

export interface SearchProbe {
  readonly truth: SearchMeasurement['truth']
  readonly k: number
  readonly queries: readonly GoldenQuery[]
  /** The k nearest; of a stored point without itself, and empty when it is not there. */
  search(query: GoldenQuery): Promise<readonly ExpectedNeighbour[]>
}

export async function measureSearch(
  probe: SearchProbe,
  clock: Clock,
  work: Work,
): Promise<SearchMeasurement> {
  const { queries, k } = probe
  const passes = Math.min(passesAtMost, Math.ceil(searchesTimed / Math.max(1, queries.length)))
  const total = queries.length * (passes + 1)
  let done = 0
  const search = async (query: GoldenQuery) => {
    work.signal.throwIfAborted()
    const found = await probe.search(query)
    work.progress({ phase: 'search', unit: 'queries', done: ++done, total })
    return found
  }

  let servingAt = clock.nowMs()
  const recalls: { id: string | number; found: number; wanted: number }[] = []
  for (const query of queries) {
    const { id, neighbours } = query
    const answer = await search(query)
    if (recalls.length === 0) servingAt = clock.nowMs()
    const wanted = Math.min(k, neighbours.length)
    recalls.push({ id, found: foundNeighbours(k, answer, neighbours), wanted })
  }
  const times: number[] = []
  for (let pass = 0; pass < passes; pass++) {
    for (const query of queries) {
      const startedMs = clock.monotonicMs()
      await search(query)
      times.push(clock.monotonicMs() - startedMs)
    }
  }
  const wanted = recalls.reduce((sum, each) => sum + each.wanted, 0)
  const found = recalls.reduce((sum, each) => sum + each.found, 0)
  return {
    truth: probe.truth,
    k,
    queries: queries.length,
    recall: wanted === 0 ? 1 : rounded(found / wanted),
    worst: recalls
      .filter((each) => each.found < each.wanted)
      .map((each) => ({ id: each.id, recall: rounded(each.found / each.wanted) }))
      .sort((a, b) => a.recall - b.recall)
      .slice(0, worstKept),
    latencyMs: {
      p50: rounded(percentile(times, 50)),
      p95: rounded(percentile(times, 95)),
      p99: rounded(percentile(times, 99)),
    },
    searches: times.length,
    servingAt,
  }
}

/** More digits would only be noise in the ledger. */
const rounded = (value: number): number =>
  Number.isFinite(value) ? Math.round(value * 1e6) / 1e6 : 0
