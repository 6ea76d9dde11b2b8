/**
 * Recall and percentiles: the arithmetic of a search measurement, pure.
 *
 * Recall@k as usual in the field (Aumüller, Bernhardsson, Faithfull: "ANN-Benchmarks", 2020): a found
 * neighbour counts when it is no farther than the k-th true one, so that ties at the k-th distance
 * count whichever of them was returned.
 */
import type { ExpectedNeighbour } from './expectation.ts'

/** float32 distances are summed in different orders by exact and by graph search. */
const relativeTolerance = 1e-5

/**
 * Share of the k true neighbours that were found, 0 to 1; 1 when there are none to find.
 * @param truth exact neighbours, nearest first; may hold more than k
 */
export function recallAt(
  k: number,
  found: readonly ExpectedNeighbour[],
  truth: readonly ExpectedNeighbour[],
): number {
  const wanted = truth.slice(0, k)
  const last = wanted.at(-1)
  if (last === undefined) return 1
  const ids = new Set(wanted.map((neighbour) => neighbour.id))
  const tolerance = Math.max(Math.abs(last.distance), 1e-6) * relativeTolerance
  const hits = found
    .slice(0, k)
    .filter(({ id, distance }) => ids.has(id) || Math.abs(distance - last.distance) <= tolerance)
  return Math.min(1, hits.length / wanted.length)
}

/** Nearest-rank percentile: the smallest value that at least `percent` % of them do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}
