/** What a repository is and holds, by its manifests and listings. No object is read. */
import { type RecoverableRange, recoverableRanges } from '../backup/check-archive.ts'
import { objectsOf } from '../backup/check-objects.ts'
import { type LockReport, reportLocks } from '../backup/keep-locked.ts'
import { type Location, openRepository } from '../backup/sources.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { SerialisedError } from '../base/errors.ts'
import { listLocks } from '../repository/locks.ts'
import { newestSnapshot, readSnapshots } from '../repository/read-snapshots.ts'
import type { StoredSnapshot } from '../repository/repository.ts'
import { listArchive } from '../repository/wal-archive.ts'

export interface InfoOptions {
  readonly repository: Location
  readonly disk: Disk
  readonly clock: Clock
  readonly signal?: AbortSignal
}

/** Instants are ISO 8601. */
export interface CollectionInfo {
  readonly collection: string
  readonly snapshots: number
  /** The newest one. */
  readonly newest: {
    readonly snapshotId: string
    readonly asOfAt: string
    readonly lsn: number
    readonly points: number
    readonly totalBytes: number
  }
  readonly oldestAsOfAt: string
}

/** As it is stored: sealed objects are a little larger than what is in them. */
interface Stored {
  readonly objects: number
  readonly bytes: number
}

/** Plain data. */
export interface RepositoryInfo {
  readonly url: string
  readonly id: string
  readonly createdAt: string
  readonly encryption: { readonly cipher: string; readonly keys: readonly string[] } | null
  /** How what is written is locked, milliseconds from then; null when it is not. */
  readonly objectLock: { readonly mode: string; readonly forMs: number } | null
  readonly collections: readonly CollectionInfo[]
  readonly stored: Stored
  /** Of them, those that a readable snapshot needs. */
  readonly referenced: Stored
  /** The others: left behind, or of snapshots that cannot be read. `repository prune` decides. */
  readonly unreferenced: Stored
  /** Bytes of all files of all snapshots, as if nothing were shared. */
  readonly snapshotBytes: number
  readonly archive: {
    readonly files: number
    readonly bytes: number
    /** Where any LSN can be restored. */
    readonly ranges: readonly RecoverableRange[]
  }
  /** Of what the snapshots need; null where the store has no locks. */
  readonly locks: LockReport | null
  /** Who is using it: locks that stand. */
  readonly users: number
  readonly unreadable: readonly { readonly place: string; readonly error: SerialisedError }[]
  readonly strangers: readonly string[]
}

/** @throws `repository-not-found`, `missing-file`, `damaged`, `newer-format`, `key-refused`; `unreachable` */
export async function repositoryInfo(options: InfoOptions): Promise<RepositoryInfo> {
  const { disk, clock, signal } = options
  const repository = await openRepository(options.repository, disk)
  const { destination, file } = repository
  const set = await readSnapshots(repository, undefined, signal)
  const needed = new Set(objectsOf(set.snapshots).map(({ sha256 }) => repository.objectKey(sha256)))
  const stored = { objects: 0, bytes: 0 }
  const referenced = { objects: 0, bytes: 0 }
  const strangers = [...set.strangers]
  for await (const { key, sizeBytes, isOurs } of repository.listObjects()) {
    signal?.throwIfAborted()
    if (!isOurs) strangers.push(key)
    else {
      for (const sum of needed.has(key) ? [stored, referenced] : [stored]) {
        sum.objects++
        sum.bytes += sizeBytes
      }
    }
  }
  const archive = await listArchive(repository)
  let archiveBytes = 0
  for await (const { sizeBytes } of destination.list('wal/')) archiveBytes += sizeBytes
  return {
    url: destination.url,
    id: file.id,
    createdAt: file.createdAt,
    encryption: file.encryption && {
      cipher: file.encryption.cipher,
      keys: file.encryption.keys.map((each) => each.label),
    },
    objectLock: file.objectLock ?? null,
    collections: collectionsOf(set.snapshots),
    stored,
    referenced,
    unreferenced: {
      objects: stored.objects - referenced.objects,
      bytes: stored.bytes - referenced.bytes,
    },
    snapshotBytes: set.snapshots.reduce((sum, each) => sum + each.manifest.sizes.totalBytes, 0),
    archive: {
      files: archive.files.length,
      bytes: archiveBytes,
      ranges: recoverableRanges(archive.files, set.snapshots).filter(
        (each) => each.lastLsn > each.firstLsn,
      ),
    },
    locks: (await reportLocks(repository, set.snapshots, clock, signal)) ?? null,
    users: (await listLocks(repository)).length,
    unreadable: set.unreadable.map(({ key, error }) => ({
      place: destination.locate(key),
      error: error.toJSON(),
    })),
    strangers: [...strangers, ...archive.strangers],
  }
}

function collectionsOf(snapshots: readonly StoredSnapshot[]): readonly CollectionInfo[] {
  const names = [...new Set(snapshots.map((each) => each.manifest.collection.name))]
  return names.flatMap((collection) => {
    const own = snapshots.filter((each) => each.manifest.collection.name === collection)
    const newest = newestSnapshot(own)?.manifest
    if (newest === undefined) return []
    const ages = own.map((each) => each.manifest.asOfAt).sort()
    return {
      collection,
      snapshots: own.length,
      newest: {
        snapshotId: newest.id,
        asOfAt: newest.asOfAt,
        lsn: newest.lsn,
        points: newest.count,
        totalBytes: newest.sizes.totalBytes,
      },
      oldestAsOfAt: ages[0] ?? newest.asOfAt,
    }
  })
}
