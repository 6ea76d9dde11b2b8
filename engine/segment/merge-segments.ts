/**
 * Merging sealed segments: the points that are alive in them become the content of one new segment.
 *
 * The order of the points stays: segment by segment, ordinal by ordinal. Vectors are read a few
 * megabytes at a time straight into the image of the new file, so that memory holds them once; ids,
 * metadata and hashes are taken over as they stand. Rows are read unproven: the merged segment is proven
 * point by point before it counts (engine/collection/merge.ts).
 */
import { MiB } from '../base/limits.ts'
import { MergedPoints } from '../format/merged-points.ts'
import { viewPoints } from '../format/points-file.ts'
import { SEGMENT_HEADER_BYTES } from '../format/segment-header.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import { encodeVectorsHeader } from '../format/vectors-file.ts'
import type { SealedSegment } from './sealed-segment.ts'

/** A segment to be merged, and which of its points are gone. */
export interface MergeSource {
  readonly sealed: SealedSegment
  readonly tombstones: Tombstones
}

/** Stands in {@link MergedContent.moves} for a point that was left out. */
export const gone = 0xffffffff

export interface MergedContent {
  readonly count: number
  /** The whole vectors file. */
  readonly vectors: SharedArrayBuffer
  /** The whole points file. */
  readonly points: SharedArrayBuffer
  /** By source: the new ordinal of each of its points, or {@link gone}. */
  readonly moves: readonly Uint32Array[]
}

/** Read at once; other work gets a turn between two reads. */
const readBytes = 4 * MiB

/** New ordinals for the live points of `sources`, and how much there is of them. */
function planMoves(sources: readonly MergeSource[]) {
  let count = 0
  let blobBytes = 0
  const moves = sources.map(({ sealed, tombstones }) => {
    const table = viewPoints(sealed.pointsBytes, sealed.count)
    const moved = new Uint32Array(sealed.count)
    for (let ordinal = 0; ordinal < sealed.count; ordinal++) {
      moved[ordinal] = tombstones.has(ordinal) ? gone : count++
      if (moved[ordinal] === gone) continue
      const { id, end } = table.place(ordinal)
      blobBytes += end - id
    }
    return moved
  })
  return { count, blobBytes, moves }
}

/**
 * The content of a segment `stamp.number` made of the live points of `sources`.
 * @throws `damaged` when a file ends early; the signal's reason
 */
export async function mergeContent(
  sources: readonly MergeSource[],
  stamp: { readonly number: number; readonly dimension: number; readonly lsn: number },
  signal: AbortSignal,
): Promise<MergedContent> {
  const { dimension } = stamp
  const { count, blobBytes, moves } = planMoves(sources)
  const points = new MergedPoints(count, blobBytes)
  const vectors = new SharedArrayBuffer(SEGMENT_HEADER_BYTES + 4 * dimension * count)
  encodeVectorsHeader({ ...stamp, count }).copy(Buffer.from(vectors))
  const rows = new Float32Array(vectors, SEGMENT_HEADER_BYTES)
  const stride = Math.max(1, Math.floor(readBytes / (4 * dimension)))
  const chunk = new Float32Array(stride * dimension)
  let next = 0
  for (const { sealed, tombstones } of sources) {
    const table = viewPoints(sealed.pointsBytes, sealed.count)
    for (let from = 0; from < sealed.count; from += stride) {
      signal.throwIfAborted()
      const to = Math.min(sealed.count, from + stride)
      await sealed.readRowsAt(from, chunk.subarray(0, (to - from) * dimension))
      for (let ordinal = from; ordinal < to; ordinal++) {
        if (tombstones.has(ordinal)) continue
        const row = (ordinal - from) * dimension
        rows.set(chunk.subarray(row, row + dimension), next * dimension)
        points.take(sealed.pointsBytes, table, ordinal)
        next++
      }
    }
  }
  points.finish(stamp)
  return { count, vectors, points: points.image, moves }
}
