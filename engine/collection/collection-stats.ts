/** What an operator asks about a collection: plain data, made from the live state. */
import type { CollectionConfig } from '../format/config.ts'
import type { Epoch } from '../format/identity.ts'
import { type RestoredFrom, segmentFiles } from '../format/manifest.ts'
import type { CompactionStats } from './compactor.ts'
import type { LiveSegment } from './live-segment.ts'
import type { LiveState } from './live-state.ts'
import type { WriteStallStats } from './write-stalls.ts'

export interface CollectionDescription {
  readonly name: string
  readonly aliases: readonly string[]
  readonly uuid: string
  readonly epoch: Epoch
  readonly config: CollectionConfig
  readonly count: number
  readonly lsn: number
  /** Commit time of the newest record, ISO 8601, or null when nothing was written. */
  readonly committedAt: string | null
  readonly digest: string
  readonly restoredFrom: RestoredFrom | null
}

export interface SegmentStats {
  readonly number: number
  readonly kind: 'memory' | 'sealed'
  readonly points: number
  readonly deleted: number
  /** How it is searched: by its graph, by its lists, by scanning, or not loaded yet. */
  readonly index: 'graph' | 'lists' | 'scan' | 'not loaded'
  readonly sizeBytes: number
}

export interface CollectionStats {
  readonly points: number
  readonly deleted: number
  readonly segments: readonly SegmentStats[]
  readonly sizeBytes: number
  /** The state that opening starts from; records after it are replayed. */
  readonly checkpointLsn: number
  readonly lsn: number
  /** Since the collection was opened. */
  readonly writeStalls: WriteStallStats
  readonly compaction: CompactionStats
}

/** The stats of a state whose newest record is `lsn` and whose manifest stands at `checkpointLsn`. */
export function statsOf(
  state: LiveState,
  at: Pick<CollectionStats, 'lsn' | 'checkpointLsn' | 'writeStalls' | 'compaction'>,
): CollectionStats {
  const segments = state.segments
    .filter((segment) => segment.table.count > 0)
    .map((segment) => segmentStats(segment, state.dimension))
  return {
    points: state.count,
    deleted: segments.reduce((sum, each) => sum + each.deleted, 0),
    segments,
    sizeBytes: segments.reduce((sum, each) => sum + each.sizeBytes, 0),
    ...at,
  }
}

function segmentStats(segment: LiveSegment, dimension: number): SegmentStats {
  const { sealed } = segment
  return {
    number: segment.number,
    kind: sealed ? 'sealed' : 'memory',
    points: segment.table.count,
    deleted: segment.tombstones.count,
    index: indexOf(segment),
    sizeBytes: sealed
      ? segmentFiles(sealed.entry).reduce((sum, entry) => sum + entry.sizeBytes, 0)
      : 4 * dimension * segment.table.count,
  }
}

function indexOf(segment: LiveSegment): SegmentStats['index'] {
  if (segment.index !== undefined) return 'graph'
  if (segment.lists !== undefined) return 'lists'
  return segment.warm ? 'scan' : 'not loaded'
}
