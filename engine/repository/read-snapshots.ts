/** All snapshots of a repository, the unreadable ones too: whoever asks must know that they exist. */
import { isOfStore, isOperatingError, type OperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import type { Repository, StoredSnapshot } from './repository.ts'
import { snapshotKey } from './snapshot-manifest.ts'

export interface UnreadableSnapshot {
  readonly collection: string
  readonly id: string
  readonly key: string
  readonly error: OperatingError
}

export interface SnapshotSet {
  /** By collection, then oldest first. */
  readonly snapshots: readonly StoredSnapshot[]
  readonly unreadable: readonly UnreadableSnapshot[]
  /** Keys below `snapshots/` that the product did not write. */
  readonly strangers: readonly string[]
}

/** @throws what the destination says when it cannot be listed or reached */
export async function readSnapshots(
  repository: Repository,
  collection?: string,
  signal?: AbortSignal,
): Promise<SnapshotSet> {
  const keys = await repository.snapshotKeys(collection)
  const snapshots: StoredSnapshot[] = []
  const unreadable: UnreadableSnapshot[] = []
  await inFlight(keys.snapshots, limits.requestsInFlight, signal, async (name) => {
    try {
      const snapshot = await repository.snapshot(name.collection, name.id)
      if (snapshot !== undefined) snapshots.push(snapshot)
    } catch (error) {
      if (!isOperatingError(error) || isOfStore(error.code)) throw error
      unreadable.push({ ...name, key: snapshotKey(name.collection, name.id), error })
    }
  })
  const order = (a: { readonly key: string }, b: { readonly key: string }) =>
    a.key < b.key ? -1 : 1
  return {
    snapshots: snapshots.sort(byCollectionAndTime),
    unreadable: unreadable.sort(order),
    strangers: keys.strangers,
  }
}

function byCollectionAndTime(
  { manifest: a }: StoredSnapshot,
  { manifest: b }: StoredSnapshot,
): number {
  const keyOf = (m: typeof a) => [
    m.collection.name,
    m.createdAt,
    String(m.lsn).padStart(16, '0'),
    m.id,
  ]
  const left = keyOf(a).join('\0')
  const right = keyOf(b).join('\0')
  return left < right ? -1 : 1
}

/**
 * The newest of some snapshots of one collection name. Within one history the LSN decides, so that a
 * clock that was set back cannot hide the last backup; between histories the time of the backup does.
 */
export function newestSnapshot(snapshots: readonly StoredSnapshot[]): StoredSnapshot | undefined {
  const newest = new Map<string, StoredSnapshot>()
  for (const snapshot of snapshots) {
    const { collection, epoch } = snapshot.manifest
    const history = `${collection.uuid}/${epoch.history}`
    const best = newest.get(history)
    if (best === undefined || isNewer(snapshot, best)) newest.set(history, snapshot)
  }
  let best: StoredSnapshot | undefined
  for (const each of newest.values()) {
    if (best === undefined || each.manifest.createdAt > best.manifest.createdAt) best = each
  }
  return best
}

function isNewer({ manifest: a }: StoredSnapshot, { manifest: b }: StoredSnapshot): boolean {
  return a.lsn === b.lsn ? a.createdAt > b.createdAt : a.lsn > b.lsn
}
