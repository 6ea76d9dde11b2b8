/**
 * The deepest verification: a snapshot is restored into a data directory of its own, which proves its
 * count and digest from every byte, and is asked the golden queries. The directory is removed again.
 */
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { type ErrorCode, isOperatingError } from '../base/errors.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import { openDataDirectory } from '../collection/data-directory.ts'
import type { StoredSnapshot } from '../repository/repository.ts'
import { compareWithGolden, type GoldenComparison } from './golden.ts'
import { type RestoreResult, restoreSnapshot } from './restore.ts'
import type { Location } from './sources.ts'

export interface ContentProof {
  readonly ok: boolean
  /** What is wrong, when something is. */
  readonly problem: string | null
  /** null when the restore itself failed. */
  readonly golden: GoldenComparison | null
  readonly graphs: RestoreResult['graphs'] | null
  readonly restoreMs: number | null
}

export interface ContentOptions {
  readonly source: Location
  readonly disk: Disk
  readonly clock: Clock
  readonly progress?: Progress
  readonly signal?: AbortSignal
  readonly scratchDirectory?: string
  readonly onWarning?: (text: string) => void
}

/** What makes this machine unable to verify says nothing about the snapshot. */
const notTheSnapshot: readonly ErrorCode[] = [
  'unreachable',
  'disk-full',
  'disk-refused',
  'disk-error',
  'fsync-failed',
  'locked',
  'credential-refused',
  'index-unavailable',
]

/** @throws `unreachable`, `disk-full` and the like: the snapshot is neither proven nor damaged */
export async function proveContent(
  { manifest }: StoredSnapshot,
  options: ContentOptions,
): Promise<ContentProof> {
  const { disk, clock, signal, progress = noProgress, onWarning = () => {} } = options
  const name = manifest.collection.name
  const scratch = join(options.scratchDirectory ?? tmpdir(), `vectra-verify-${randomUUID()}`)
  try {
    const directory = await openDataDirectory(scratch, {
      create: true,
      disk,
      clock,
      progress,
      onWarning,
      compaction: 'manual',
    })
    try {
      const restored = await restoreSnapshot(directory, {
        collection: name,
        source: options.source,
        snapshotId: manifest.id,
        disk,
        clock,
        progress,
        ...(signal && { signal }),
      })
      const collection = await directory.open(name)
      const watch = { clock, progress, signal }
      const golden = await compareWithGolden(collection, manifest.golden, watch)
      const problem =
        golden.wrong.length === 0
          ? null
          : `${golden.wrong.length} of ${golden.queries} golden queries have another exact answer than recorded`
      const { graphs, durationMs } = restored
      return { ok: problem === null, problem, golden, graphs, restoreMs: durationMs }
    } finally {
      await directory.close()
    }
  } catch (error) {
    signal?.throwIfAborted() // told to stop, which says nothing about it either
    if (!isOperatingError(error) || notTheSnapshot.includes(error.code)) throw error
    return { ok: false, problem: error.message, golden: null, graphs: null, restoreMs: null }
  } finally {
    await disk.removeTree(scratch)
  }
}
