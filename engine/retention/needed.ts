/** What the snapshots of a repository need of it, and what nobody needs. Pure but for the names of objects. */
import { epochName } from '../format/identity.ts'
import type { ArchiveName } from '../repository/archive-file.ts'
import type { SnapshotManifest } from '../repository/snapshot-manifest.ts'
import { groupBy } from './keep-rules.ts'

/** @param objectKey where the object of a hash stands: it depends on the repository */
export function neededObjects(
  manifests: readonly SnapshotManifest[],
  objectKey: (sha256: string) => string,
): ReadonlySet<string> {
  const hashes = new Set<string>()
  for (const { files } of manifests) {
    for (const { pieces } of files) for (const { sha256 } of pieces) hashes.add(sha256)
  }
  return new Set([...hashes].map(objectKey))
}

export interface LogNeeds {
  /** No moment that can be restored needs them any more. */
  readonly removable: readonly ArchiveName[]
  /** Histories of which there is archived log and no snapshot, as in paths. Their log stays. */
  readonly withoutSnapshot: readonly string[]
}

/**
 * The archived log that is older than the oldest snapshot of its history. All of the rest is needed: each
 * moment is reached from the snapshot before it. A file that ends with the very record of the oldest one
 * tells how long that state was the newest, and the newest file of a history where its archiving goes on;
 * both stay. So does log without any snapshot: its snapshots may lie in another repository.
 */
export function neededLog(
  files: readonly ArchiveName[],
  manifests: readonly SnapshotManifest[],
): LogNeeds {
  const oldest = new Map<string, number>()
  for (const { collection, epoch, lsn } of manifests) {
    const history = `${collection.uuid}/${epochName(epoch)}`
    oldest.set(history, Math.min(lsn, oldest.get(history) ?? lsn))
  }
  const historyOf = ({ identity }: ArchiveName) => `${identity.uuid}/${epochName(identity.epoch)}`
  const removable: ArchiveName[] = []
  const withoutSnapshot: string[] = []
  for (const history of groupBy(files, historyOf)) {
    const [first] = history
    if (first === undefined) continue
    const fromLsn = oldest.get(historyOf(first))
    if (fromLsn === undefined) {
      withoutSnapshot.push(historyOf(first))
      continue
    }
    const newest = Math.max(...history.map((each) => each.lastLsn))
    removable.push(...history.filter(({ lastLsn }) => lastLsn < fromLsn && lastLsn < newest))
  }
  return { removable, withoutSnapshot }
}
