/** What a repository holds, read from its manifests. */
import type { Disk } from '../base/disk.ts'
import type { SerialisedError } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { CollectionConfig } from '../format/config.ts'
import type { Epoch } from '../format/identity.ts'
import { readPins, type StoredPin } from '../repository/pins.ts'
import { readSnapshots } from '../repository/read-snapshots.ts'
import type { StoredSnapshot } from '../repository/repository.ts'
import type { SignatureCheck } from '../repository/signing.ts'
import type { BackupMode, SnapshotManifest } from '../repository/snapshot-manifest.ts'
import { listArchive } from '../repository/wal-archive.ts'
import { toCommittedAt } from './backup-result.ts'
import { type RecoverableRange, recoverableRanges } from './check-archive.ts'
import { findSnapshot, type Location, openRepository, openSources } from './sources.ts'

export interface ListOptions {
  readonly source: Location
  /** Default: of all collections. */
  readonly collection?: string
  readonly disk: Disk
  readonly signal?: AbortSignal
}

/** Plain data. Instants are ISO 8601. */
export interface SnapshotSummary {
  readonly collection: string
  readonly snapshotId: string
  readonly uuid: string
  readonly epoch: Epoch
  readonly lsn: number
  readonly createdAt: string
  readonly asOfAt: string
  readonly committedAt: string | null
  readonly count: number
  readonly digest: string
  readonly config: CollectionConfig
  readonly recall: number | null
  readonly mode: BackupMode
  readonly parent: string | null
  readonly tags: readonly string[]
  /** Why retention rules leave it; null when it is not pinned. */
  readonly pinned: { readonly reason: string | null; readonly pinnedAt: string | null } | null
  readonly files: number
  readonly totalBytes: number
  readonly addedBytes: number
  readonly manifest: { readonly path: string; readonly sha256: string }
  readonly signature: SignatureCheck
}

export interface SnapshotList {
  readonly repository: { readonly url: string; readonly id: string; readonly createdAt: string }
  /** By collection, then oldest first. */
  readonly snapshots: readonly SnapshotSummary[]
  /** Snapshots that stand there and cannot be read. */
  readonly unreadable: readonly {
    readonly collection: string
    readonly snapshotId: string
    readonly error: SerialisedError
  }[]
  /** Where a restore to any LSN is possible, from a snapshot on through the archived log. */
  readonly ranges: readonly RecoverableRange[]
  /** Keys below `snapshots/` that the product did not write. */
  readonly strangers: readonly string[]
}

/** @throws `repository-not-found`, `missing-file`, `damaged`, `newer-format`, `invalid-name` */
export async function listSnapshots(options: ListOptions): Promise<SnapshotList> {
  const { source, collection, disk, signal } = options
  if (collection !== undefined) checkName('collection name', collection)
  const repository = await openRepository(source, disk)
  const set = await readSnapshots(repository, collection, signal)
  const { files } = await listArchive(repository)
  const pins = await readPins(repository, collection)
  return {
    repository: {
      url: repository.destination.url,
      id: repository.file.id,
      createdAt: repository.file.createdAt,
    },
    snapshots: set.snapshots.map((each) => summarise(each, pins)),
    unreadable: set.unreadable.map(({ collection, id, error }) => ({
      collection,
      snapshotId: id,
      error: error.toJSON(),
    })),
    ranges: recoverableRanges(files, set.snapshots),
    strangers: set.strangers,
  }
}

/**
 * One snapshot's manifest, whole: what `backup show` prints and what a check holds a restore against.
 * @throws `snapshot-not-found`, `damaged`, `newer-format`, `repository-not-found`
 */
export async function readSnapshot(options: {
  readonly source: Location
  readonly collection: string
  readonly snapshotId: string
  readonly disk: Disk
}): Promise<{
  manifest: SnapshotManifest
  path: string
  sha256: string
  signature: SignatureCheck
}> {
  const collection = checkName('collection name', options.collection)
  const snapshotId = checkName('snapshot id', options.snapshotId)
  const { repositories } = await openSources([options.source], options.disk)
  const { snapshot } = await findSnapshot(repositories, collection, snapshotId)
  const { manifest, place: path, sha256, signature } = snapshot
  return { manifest, path, sha256, signature }
}

function summarise(
  { manifest, place, sha256, signature }: StoredSnapshot,
  pins: readonly StoredPin[],
): SnapshotSummary {
  const { id, collection } = manifest
  const pin = pins.find((each) => each.collection === collection.name && each.snapshotId === id)
  return {
    collection: manifest.collection.name,
    snapshotId: manifest.id,
    uuid: manifest.collection.uuid,
    epoch: manifest.epoch,
    lsn: manifest.lsn,
    createdAt: manifest.createdAt,
    asOfAt: manifest.asOfAt,
    committedAt: toCommittedAt(manifest),
    count: manifest.count,
    digest: manifest.digest,
    config: manifest.config,
    recall: manifest.golden.recall,
    mode: manifest.mode,
    parent: manifest.parent,
    tags: manifest.tags,
    pinned: pin ? { reason: pin.pin?.reason ?? null, pinnedAt: pin.pin?.pinnedAt ?? null } : null,
    files: manifest.files.length,
    totalBytes: manifest.sizes.totalBytes,
    addedBytes: manifest.sizes.addedBytes,
    manifest: { path: place, sha256 },
    signature,
  }
}
