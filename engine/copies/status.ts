/**
 * Where each snapshot lies: over several repositories, since when, where it came from, and when it was last
 * proven there, and how. Read from manifests and records; no object is read, so nothing here says that a
 * snapshot is whole now.
 */
import { type Location, openRepository, toDestination } from '../backup/sources.ts'
import type { Disk } from '../base/disk.ts'
import { isOperatingError, type SerialisedError } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import { readCopyRecord } from '../repository/copy-record.ts'
import { readPin } from '../repository/pins.ts'
import { readSnapshots } from '../repository/read-snapshots.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import {
  listVerifications,
  readVerifications,
  type Verification,
} from '../repository/verifications.ts'

export interface StatusOptions {
  readonly repositories: readonly Location[]
  /** Default: of all collections. */
  readonly collection?: string
  readonly disk: Disk
  readonly signal?: AbortSignal
}

/** One snapshot at one repository. Instants are ISO 8601. */
export interface SnapshotPlace {
  readonly repository: string
  /** When it got there: by a copy, or, where no copy is on record, when its backup was written. */
  readonly since: string
  /** The repository that it was copied from; null when no copy is on record. */
  readonly copiedFrom: string | null
  readonly pinned: boolean
  /** The newest verification there; null when it was never verified. */
  readonly verified: Pick<
    Verification,
    'depth' | 'ok' | 'problem' | 'readShare' | 'verifiedAt'
  > | null
}

export interface SnapshotStatus {
  readonly collection: string
  readonly snapshotId: string
  /** Snapshots of one name with different manifests are different snapshots. */
  readonly manifestSha256: string
  readonly lsn: number
  readonly asOfAt: string
  /** In the order of the repositories. */
  readonly places: readonly SnapshotPlace[]
  /** Repositories that can be read and do not have it. */
  readonly missingAt: readonly string[]
}

/** Plain data. */
export interface CopyStatus {
  readonly repositories: readonly { readonly url: string; readonly error: SerialisedError | null }[]
  /** By collection, then by age. */
  readonly snapshots: readonly SnapshotStatus[]
  readonly unreadable: readonly { readonly place: string; readonly error: SerialisedError }[]
}

/**
 * Asks all repositories. One that cannot be opened or read is in the result, with its error.
 * @throws `invalid-name`, and bugs
 */
export async function copyStatus(options: StatusOptions): Promise<CopyStatus> {
  const { disk, collection, signal } = options
  if (collection !== undefined) checkName('collection name', collection)
  const repositories: { url: string; error: SerialisedError | null }[] = []
  const unreadable: { place: string; error: SerialisedError }[] = []
  const known = new Map<string, { snapshot: StoredSnapshot; places: SnapshotPlace[] }>()
  for (const location of options.repositories) {
    const { url } = toDestination(location, disk)
    try {
      const repository = await openRepository(location, disk)
      const set = await readSnapshots(repository, collection, signal)
      for (const snapshot of set.snapshots) {
        const key = `${snapshot.key} ${snapshot.sha256}`
        const entry = known.get(key) ?? { snapshot, places: [] }
        known.set(key, entry)
        entry.places.push(await placeOf(repository, snapshot, signal))
      }
      for (const { key, error } of set.unreadable) {
        unreadable.push({ place: repository.destination.locate(key), error: error.toJSON() })
      }
      repositories.push({ url, error: null })
    } catch (error) {
      if (!isOperatingError(error)) throw error
      repositories.push({ url, error: error.toJSON() })
    }
  }
  const readable = repositories.filter(({ error }) => error === null).map((each) => each.url)
  const snapshots = [...known.values()].map(({ snapshot, places }) => {
    const has = new Set(places.map((each) => each.repository))
    return toStatus(
      snapshot,
      places,
      readable.filter((url) => !has.has(url)),
    )
  })
  return { repositories, snapshots: snapshots.sort(byCollectionAndAge), unreadable }
}

async function placeOf(
  repository: Repository,
  { manifest, sha256 }: StoredSnapshot,
  signal: AbortSignal | undefined,
): Promise<SnapshotPlace> {
  const { name } = manifest.collection
  const copied = await readCopyRecord(repository, name, manifest.id)
  const isOfThis = copied?.manifestSha256 === sha256
  const names = await listVerifications(repository, name, manifest.id)
  const records = await readVerifications(repository, names, signal)
  const own = records.filter(({ verification }) => verification.manifestSha256 === sha256)
  const newest = own.at(-1)?.verification
  const pin = await readPin(repository, name, manifest.id)
  return {
    repository: repository.destination.url,
    since: isOfThis ? copied.copiedAt : manifest.createdAt,
    copiedFrom: isOfThis ? copied.from.url : null,
    pinned: pin !== undefined,
    verified: newest === undefined ? null : toVerified(newest),
  }
}

const toVerified = ({ depth, ok, problem, readShare, verifiedAt }: Verification) => ({
  depth,
  ok,
  problem,
  readShare,
  verifiedAt,
})

function toStatus(
  { manifest, sha256 }: StoredSnapshot,
  places: readonly SnapshotPlace[],
  missingAt: readonly string[],
): SnapshotStatus {
  return {
    collection: manifest.collection.name,
    snapshotId: manifest.id,
    manifestSha256: sha256,
    lsn: manifest.lsn,
    asOfAt: manifest.asOfAt,
    places,
    missingAt,
  }
}

function byCollectionAndAge(a: SnapshotStatus, b: SnapshotStatus): number {
  const [left, right] = [a, b].map(
    (each) => `${each.collection}\0${each.asOfAt}\0${each.snapshotId}`,
  )
  return (left ?? '') < (right ?? '') ? -1 : 1
}
