/**
 * Removing files that the state has moved on from: log files, versions of segment files and manifests
 * that neither the manifest nor a pin needs. The last manifests are kept for analysis.
 */
import * as path from 'node:path'
import { limits } from '../base/limits.ts'
import { filesOf, type Manifest, manifestSequence } from '../format/manifest.ts'
import type { ArchivePositions } from './archive-positions.ts'
import type { CollectionContext } from './context.ts'
import { removeLogs } from './log-retention.ts'

/** Files that must stay although the manifest has moved on. */
export interface Keep {
  readonly files: ReadonlySet<string>
  /** Log records after this LSN are needed. */
  readonly afterLsn: number
}

export interface SupersededPlace {
  readonly context: CollectionContext
  readonly directory: string
  readonly walDirectory: string
  /** What archives still want of the log. */
  readonly archives: ArchivePositions
}

/** Files of a segment that a later state may have in another version. */
const replaceable = /\.(graph|lists|tombstones|truth)$/

/** @throws `disk-error` when a file cannot be removed; what is left goes the next time */
export async function removeSuperseded(
  { context, directory, walDirectory, archives }: SupersededPlace,
  manifest: Manifest,
  keeps: readonly Keep[],
): Promise<void> {
  const { disk, onWarning } = context
  await removeLogs(disk, walDirectory, {
    afterLsn: Math.min(manifest.lsn, ...keeps.map((keep) => keep.afterLsn)),
    archiveAfterLsn: archives.keepAfter,
    onWarning,
  })
  const named = new Set(filesOf(manifest).map((file) => file.path))
  for (const name of await disk.list(path.join(directory, 'segments'))) {
    const relative = `segments/${name}`
    const number = Number(name.slice(0, 8))
    const superseded = number < manifest.nextSegment && replaceable.test(name)
    if (superseded && !named.has(relative) && !keeps.some((keep) => keep.files.has(relative))) {
      await disk.unlink(path.join(directory, relative))
    }
  }
  const oldest = manifest.sequence - limits.manifestsKept
  for (const name of await disk.list(directory)) {
    const sequence = manifestSequence(name)
    if (sequence !== undefined && sequence <= oldest) await disk.unlink(path.join(directory, name))
  }
}
