/**
 * Removing files that the state has moved on from: log files, segment files and manifests that neither
 * the manifest nor a pin needs. The last manifests are kept for analysis.
 *
 * Invariant: a file stays while anything may need it: the manifest, a manifest whose commit failed half
 * way and may stand on the disk, a pin, a segment in the making, a segment that somebody still reads.
 */
import * as path from 'node:path'
import { limits } from '../base/limits.ts'
import { filesOf, firstMergedSegment, type Manifest, manifestSequence } from '../format/manifest.ts'
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
  /** Log records after this LSN are wanted by a standby. */
  readonly followedAfter: () => number | undefined
}

/** What keeps the state of `manifest`. */
export const keepManifest = (manifest: Manifest, afterLsn = manifest.lsn): Keep => ({
  files: new Set(filesOf(manifest).map((file) => file.path)),
  afterLsn,
})

/**
 * @param inUse numbers of segments all of whose files stay
 * @throws `disk-error` when a file cannot be removed; what is left goes the next time
 */
export async function removeSuperseded(
  { context, directory, walDirectory, archives, followedAfter }: SupersededPlace,
  manifest: Manifest,
  keeps: readonly Keep[],
  inUse: ReadonlySet<number>,
): Promise<void> {
  const { disk, onWarning } = context
  await removeLogs(disk, walDirectory, {
    afterLsn: Math.min(manifest.lsn, ...keeps.map((keep) => keep.afterLsn)),
    archiveAfterLsn: archives.keepAfter,
    standbyAfterLsn: followedAfter(),
    onWarning,
    maxBytes: context.keptLogBytes,
  })
  const named = new Set(filesOf(manifest).map((file) => file.path))
  for (const name of await disk.list(path.join(directory, 'segments'))) {
    const relative = `segments/${name}`
    const number = Number(name.slice(0, 8))
    const given = number < manifest.nextSegment || number >= firstMergedSegment
    const superseded = given && !inUse.has(number)
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
