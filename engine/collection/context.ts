/** What every open collection of a data directory shares: the outside world and the threads. */
import type { AnnThreads } from '../ann/ann-threads.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { HashThreads } from '../base/hash-threads.ts'
import type { Progress } from '../base/progress.ts'
import type { ThreadPool } from '../base/thread-pool.ts'
import type { Timer } from '../base/timer.ts'

export interface CollectionContext {
  /** Stops writing for good after a failed fsync (guarded-disk.ts). */
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
  /** Threads for short tasks: hashes, proofs, loading graphs, scans. */
  readonly threads: ThreadPool
  readonly ann: AnnThreads
  readonly hashes: HashThreads
  /** A directory for files of a moment: what hnswlib writes and reads. */
  readonly scratch: string
  /** Further names that mean the collection of this name now. */
  readonly aliasesOf: (collection: string) => readonly string[]
  /** Whether segments are merged in the background, or only at somebody's request. */
  readonly compaction: 'background' | 'manual'
  /** Log that only archives and standbys want is kept up to so many bytes of a collection. */
  readonly keptLogBytes: number
  readonly progress: Progress
  /** Told what a person should know although nothing failed: a rebuilt graph, a fallback. */
  readonly onWarning: (text: string) => void
  /**
   * Told when nothing more can be written: an fsync failed, or a segment could not be sealed. Writes are
   * refused from then on; the owner should end the process, the next start recovers.
   */
  readonly onFatal: (error: unknown) => void
}
