/**
 * Recall and percentiles: the arithmetic of a search measurement, pure.
 *
 * Recall@k as usual in the field (Aumüller, Bernhardsson, Faithfull: "ANN-Benchmarks", 2020): a found
 * neighbour counts when it is no farther than the k-th true one, so that ties at the k-th distance
 * count whichever of them was returned.
 */
import type { ExpectedNeighbour } from './expectation.ts'

/** Graphs and exact search sum float32 values in different orders. */
const relativeTolerance = 1e-5

/**
 * How many of the k true neighbours were found; a tie with the k-th counts as it.
 * @param truth exact neighbours, nearest first; may hold more than k, or fewer
 */
export function foundNeighbours(
  k: number,
  answer: readonly ExpectedNeighbour[],
  truth: readonly ExpectedNeighbour[],
): number {
  const wanted = truth.slice(0, k)
  const last = wanted.at(-1)
  if (last === undefined) return 0
  const ids = new Set(wanted.map((neighbour) => neighbour.id))
  const tolerance = Math.max(Math.abs(last.distance), 1) * relativeTolerance
  const hits = answer
    .slice(0, wanted.length)
    .filter(({ id, distance }) => ids.has(id) || Math.abs(distance - last.distance) <= tolerance)
  return hits.length
}

/** Nearest-rank percentile: the smallest value that at least `percent` % of them do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}
