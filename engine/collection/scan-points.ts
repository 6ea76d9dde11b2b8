/**
 * Every live point of a collection, one after the other: for exports and counts, which would otherwise
 * pay for a lookup and a read a point.
 *
 * What is seen is the state at the first step. Later writes do not show: the segments of that moment are
 * held, their counts and tombstones are remembered, and a point never changes in place.
 */
import { chunkRows } from '../ann/row-source.ts'
import { type Point, toPoint } from '../format/point.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import { holdAll, type LiveSegment } from './live-segment.ts'

interface View {
  readonly segment: LiveSegment
  readonly count: number
  readonly tombstones: Tombstones
}

/**
 * In the order in which the points came. The segments are held until the iteration ends or is given up.
 * @throws `damaged` naming the vectors file and the place, when a vector is not what was accepted
 */
export async function* scanPoints(segments: readonly LiveSegment[]): AsyncGenerator<Point> {
  const release = holdAll(segments)
  try {
    const views = segments.map((segment) => ({
      segment,
      count: segment.table.count,
      tombstones: segment.tombstones.copy(),
    }))
    for (const view of views) yield* scanView(view)
  } finally {
    release()
  }
}

async function* scanView({ segment, count, tombstones }: View): AsyncGenerator<Point> {
  const { dimension } = segment
  const stride = chunkRows(4 * dimension)
  for (let from = 0; from < count; from += stride) {
    const to = Math.min(from + stride, count)
    const isLive = (ordinal: number) => !tombstones.has(ordinal)
    const rows = await segment.vectors(from, to, isLive)
    for (let ordinal = from; ordinal < to; ordinal++) {
      if (!isLive(ordinal)) continue
      const row = (ordinal - from) * dimension
      yield toPoint({
        id: segment.id(ordinal),
        vector: rows.slice(row, row + dimension),
        metadata: segment.table.metadata(ordinal),
      })
    }
  }
}
