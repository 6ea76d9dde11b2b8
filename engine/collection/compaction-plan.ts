/**
 * Which segments to merge. Pure: what the manifest says in, segment numbers out.
 *
 * By size tier, as in Cassandra and in Lucene's TieredMergePolicy: when `limits.mergedAtOnce` segments of
 * about one size are there they become one of the next tier, so that each point is written again once a
 * tier and the number of segments grows with the logarithm of the points. All that are too small for a
 * graph are one tier, whose points are written again more often. Besides, a segment of which enough is
 * dead is made anew by itself.
 */
import { limits } from '../base/limits.ts'

/** A segment of the manifest. */
export interface Mergeable {
  readonly number: number
  readonly count: number
  /** Dead in the manifest. */
  readonly deleted: number
  readonly sizeBytes: number
  /** Bytes of the points file: hashes, ids, metadata. */
  readonly pointsBytes: number
}

/** Points of the lowest tier; each further one holds `limits.mergedAtOnce` times as many. */
const lowestTier = limits.graphPoints

const liveOf = ({ count, deleted }: Mergeable): number => count - deleted

/** 0 for what has no graph, 1 for up to four times as many points, … */
const tierOf = (live: number): number =>
  live < lowestTier
    ? 0
    : 1 + Math.floor(Math.log(live / lowestTier) / Math.log(limits.mergedAtOnce))

/** The first of `segments`, in their order, that fit into one segment of these bounds together. */
function fitting(
  segments: readonly Mergeable[],
  dimension: number,
  bounds: { readonly points: number; readonly vectorBytes: number },
): Mergeable[] {
  const taken: Mergeable[] = []
  let points = 0
  let pointsBytes = 0
  for (const each of segments) {
    points += liveOf(each)
    pointsBytes += each.pointsBytes
    if (points > bounds.points || 4 * dimension * points > bounds.vectorBytes) break
    if (pointsBytes > limits.mergedPointsBytes) break
    taken.push(each)
  }
  return taken
}

/** The numbers of the segments to merge next beside the traffic, rising; none when there is nothing to do. */
export function planMerge(segments: readonly Mergeable[], dimension: number): readonly number[] {
  const bounds = { points: limits.mergedPoints, vectorBytes: limits.mergedVectorBytes }
  const tiers = new Map<number, Mergeable[]>()
  for (const each of segments) {
    const tier = tierOf(liveOf(each))
    tiers.set(tier, [...(tiers.get(tier) ?? []), each])
  }
  // the smallest first: the cheapest way to fewer segments
  for (const [, members] of [...tiers].sort(([a], [b]) => a - b)) {
    // and of a tier its smallest: others that do not fit together do not hold them up
    const merged = fitting(
      members.sort((a, b) => liveOf(a) - liveOf(b)),
      dimension,
      bounds,
    )
    if (merged.length >= limits.mergedAtOnce)
      return merged.map(({ number }) => number).sort((a, b) => a - b)
  }
  const decayed = segments
    .filter((each) => each.deleted * 100 >= limits.decayedPercent * each.count)
    .filter((each) => fitting([each], dimension, bounds).length === 1)
    .sort((a, b) => b.deleted / b.count - a.deleted / a.count)
  return decayed.slice(0, 1).map(({ number }) => number)
}

/** The segments to merge so that as few as possible are left and nothing dead, group by group. */
export function planFull(
  segments: readonly Mergeable[],
  dimension: number,
): readonly (readonly number[])[] {
  const bounds = { points: limits.segmentPointsRead, vectorBytes: limits.segmentVectorBytesMerged }
  const groups: (readonly number[])[] = []
  for (let rest = [...segments]; rest.length > 0; ) {
    const fit = fitting(rest, dimension, bounds)
    const group = fit.length > 0 ? fit : rest.slice(0, 1)
    rest = rest.slice(group.length)
    if (group.length === 1 && group.every(({ deleted }) => deleted === 0)) continue
    groups.push(group.map(({ number }) => number))
  }
  return groups
}
