/**
 * What the caller of a data directory brings along, and what it gets where it brings nothing. The disk
 * is guarded: after a failed fsync nothing is written any more.
 */
import { type Clock, systemClock } from '../base/clock.ts'
import { type Disk, nodeDisk } from '../base/disk.ts'
import { guardDisk } from '../base/guarded-disk.ts'
import { limits } from '../base/limits.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import { systemTimer, type Timer } from '../base/timer.ts'
import type { CollectionContext } from './context.ts'

export interface DataDirectoryOptions {
  readonly disk?: Disk
  readonly clock?: Clock
  /** Runs the fdatasyncs of the durability `interval`. */
  readonly timer?: Timer
  /** Make the directory when it is not there. Otherwise its absence is `file-not-found`. */
  readonly create: boolean
  readonly progress?: Progress
  readonly onWarning?: (text: string) => void
  /**
   * Told once when an fsync failed or a segment could not be sealed: nothing more is written. End the
   * process then; what was acknowledged is recovered by the next start.
   */
  readonly onFatal?: (error: unknown) => void
  /**
   * Whether segments are merged in the background, for a process that stays, or only by
   * {@link Collection.compact}, for one that does something and ends. Default: background.
   */
  readonly compaction?: 'background' | 'manual'
  /** Log of a collection that is kept for its archives and standbys alone, bytes. Default: `limits.archiveLogBytes`. */
  readonly keptLogBytes?: number
}

export interface World
  extends Pick<
    CollectionContext,
    | 'disk'
    | 'clock'
    | 'timer'
    | 'compaction'
    | 'keptLogBytes'
    | 'progress'
    | 'onWarning'
    | 'onFatal'
  > {
  /** The disk without its guard: for the lock, which is given back whatever happened. */
  readonly plainDisk: Disk
}

/** The options with their defaults. */
export function toWorld(options: DataDirectoryOptions): World {
  const plainDisk = options.disk ?? nodeDisk
  const onFatal = once(options.onFatal ?? (() => {}))
  return {
    plainDisk,
    disk: guardDisk(plainDisk, onFatal),
    clock: options.clock ?? systemClock,
    timer: options.timer ?? systemTimer,
    compaction: options.compaction ?? 'background',
    keptLogBytes: options.keptLogBytes ?? limits.archiveLogBytes,
    progress: options.progress ?? noProgress,
    onWarning: options.onWarning ?? (() => {}),
    onFatal,
  }
}

/** What is fatal is noticed in several places; it is told once. */
function once(tell: (error: unknown) => void): (error: unknown) => void {
  let told = false
  return (error) => {
    if (!told) tell(error)
    told = true
  }
}
