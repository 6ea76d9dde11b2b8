/**
 * Where a restore reads from: several repositories, asked in the order in which they were named.
 *
 * One that cannot be opened is passed over with a remark as long as another one can. Which snapshot is
 * the newest is decided over all of them, and refused to be guessed when a manifest that might be the
 * newest cannot be read anywhere.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import type { Destination } from '../destination/destination.ts'
import { openDestination } from '../destination/open-destination.ts'
import type { Throttle } from '../destination/throttle.ts'
import { ThrottledDestination } from '../destination/throttled.ts'
import { holdShared, type LockRequest } from '../repository/locks.ts'
import { newestSnapshot, readSnapshots, type SnapshotSet } from '../repository/read-snapshots.ts'
import { Repository, type RepositoryAccess, type StoredSnapshot } from '../repository/repository.ts'

/** A repository with what is needed to open it. */
export interface RepositoryLocation extends RepositoryAccess {
  /** A URL, a path, or an open destination. */
  readonly location: string | Destination
  /** Bounds the bytes that pass; may be shared by several. Default: nothing does. */
  readonly throttle?: Throttle
}

export type Location = string | Destination | RepositoryLocation

export interface OpenedSources {
  /** At least one. */
  readonly repositories: readonly Repository[]
  readonly remarks: readonly string[]
}

export interface ChosenSnapshot {
  readonly snapshot: StoredSnapshot
  /** The repository whose manifest is used. */
  readonly repository: Repository
  readonly remarks: readonly string[]
}

/** An open destination as it is, a URL or path opened. */
export function toDestination(location: Location, disk: Disk): Destination {
  const place =
    typeof location === 'object' && 'location' in location ? location.location : location
  const destination = typeof place === 'string' ? openDestination(place, disk) : place
  const throttle = typeof location === 'object' && 'location' in location && location.throttle
  return throttle ? new ThrottledDestination(destination, throttle) : destination
}

const accessOf = (location: Location): RepositoryAccess =>
  typeof location === 'object' && 'location' in location ? location : {}

/** Opens a repository to read it, with the keys that come with its location. @throws see `Repository.open` */
export const openRepository = (location: Location, disk: Disk): Promise<Repository> =>
  Repository.open(toDestination(location, disk), accessOf(location))

/** Opens one to write to it; an empty destination becomes one. @throws see `Repository.openOrCreate` */
export const openOrCreateRepository = (
  location: Location,
  disk: Disk,
  clock: Clock,
): Promise<Repository> =>
  Repository.openOrCreate(toDestination(location, disk), clock, accessOf(location))

/** @throws the first source's error when none can be opened; `usage` when none is named */
export async function openSources(
  locations: readonly Location[],
  disk: Disk,
): Promise<OpenedSources> {
  const repositories: Repository[] = []
  const errors: OperatingError[] = []
  for (const location of locations) {
    try {
      repositories.push(await openRepository(location, disk))
    } catch (error) {
      if (!isOperatingError(error)) throw error
      errors.push(error)
    }
  }
  if (repositories.length > 0) return { repositories, remarks: errors.map(passedOver) }
  throw errors[0] ?? new OperatingError('usage', 'no source was named', 'Name one with --source.')
}

const passedOver = (error: OperatingError): string => `a source was passed over: ${error.message}`

/**
 * Keeps a prune away from the sources while a restore reads them, where that can be had: it never keeps a
 * restore from starting, and what it could not protect is in the remarks.
 */
export async function holdSources(
  repositories: readonly Repository[],
  request: LockRequest,
): Promise<{ readonly remarks: readonly string[]; release(): Promise<void> }> {
  const asked = await Promise.allSettled(
    repositories.map((repository) => holdShared(repository, request, 'preferred')),
  )
  const locks = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const release = async () => void (await Promise.all(locks.map((each) => each.release())))
  const failed = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  // one that went away is passed over while another is there
  const fatal = failed.find((each) => locks.length === 0 || !isOperatingError(each))
  if (fatal !== undefined) {
    await release()
    throw fatal
  }
  const remarks = locks.flatMap(({ unprotected }) => unprotected ?? [])
  return { remarks: [...remarks, ...failed.map(passedOver)], release }
}

/**
 * The snapshot `id`, from the first source that has a sound manifest of it.
 * @throws `snapshot-not-found`; `damaged`, `newer-format`, … when no manifest of it is sound
 */
export async function findSnapshot(
  repositories: readonly Repository[],
  collection: string,
  id: string,
): Promise<ChosenSnapshot> {
  const errors: OperatingError[] = []
  for (const repository of repositories) {
    try {
      const snapshot = await repository.snapshot(collection, id)
      if (snapshot === undefined) continue
      return { snapshot, repository, remarks: errors.map(passedOver) }
    } catch (error) {
      if (!isOperatingError(error)) throw error
      errors.push(error)
    }
  }
  throw errors[0] ?? (await notFound(repositories, collection, id))
}

/**
 * The newest snapshot of a collection over all sources.
 * @throws `snapshot-not-found`; `damaged` when one that may be newer is sound in no source
 */
export async function findNewest(
  repositories: readonly Repository[],
  collection: string,
  signal?: AbortSignal,
): Promise<ChosenSnapshot> {
  const owners = new Map<StoredSnapshot, Repository>()
  const sound = new Map<string, StoredSnapshot>()
  const unreadable: SnapshotSet['unreadable'][number][] = []
  const { sets, remarks } = await readAll(repositories, collection, signal)
  for (const { repository, set } of sets) {
    for (const snapshot of set.snapshots) {
      if (sound.has(snapshot.key)) continue
      sound.set(snapshot.key, snapshot)
      owners.set(snapshot, repository)
    }
    unreadable.push(...set.unreadable)
  }
  const newest = newestSnapshot([...sound.values()])
  const repository = newest && owners.get(newest)
  const lost = unreadable.find(({ key }) => !sound.has(key))
  if (newest === undefined || repository === undefined) {
    throw lost?.error ?? (await notFound(repositories, collection))
  }
  if (lost !== undefined) {
    const { code, message, place } = lost.error
    const { id, createdAt } = newest.manifest
    throw new OperatingError(
      code,
      `which snapshot of ${collection} is the newest cannot be told: ${message}`,
      `The newest sound one is ${id} of ${createdAt}; name it with --snapshot-id to restore it.`,
      { place, cause: lost.error },
    )
  }
  remarks.push(...unreadable.map(({ error }) => passedOver(error)))
  return { snapshot: newest, repository, remarks }
}

/**
 * The snapshots of every source that answers, and remarks about those that do not.
 * @throws the first one's error when none answers
 */
export async function readAll(
  repositories: readonly Repository[],
  collection: string,
  signal?: AbortSignal,
): Promise<{
  readonly sets: readonly { readonly repository: Repository; readonly set: SnapshotSet }[]
  readonly remarks: string[]
}> {
  const sets: { repository: Repository; set: SnapshotSet }[] = []
  const errors: OperatingError[] = []
  for (const repository of repositories) {
    try {
      sets.push({ repository, set: await readSnapshots(repository, collection, signal) })
    } catch (error) {
      if (!isOperatingError(error) || signal?.aborted === true) throw error
      errors.push(error)
    }
  }
  const [first] = errors
  if (sets.length === 0 && first !== undefined) throw first
  return {
    sets,
    remarks: errors.map((each) => `${passedOver(each)}; newer snapshots may lie there`),
  }
}

async function notFound(
  repositories: readonly Repository[],
  collection: string,
  id?: string,
): Promise<never> {
  const places = repositories.map((each) => each.destination.url).join(', ')
  const keys = await Promise.all(repositories.map((each) => each.snapshotKeys()))
  const all = keys.flatMap((each) => each.snapshots)
  const ofCollection = all.filter((each) => each.collection === collection).map((each) => each.id)
  const collections = all.map((each) => each.collection)
  const hint =
    ofCollection.length > 0
      ? `Of this collection there are: ${some(ofCollection)}.`
      : collections.length > 0
        ? `There are snapshots of: ${some(collections)}.`
        : 'There are no snapshots at all; check the location.'
  const what = id === undefined ? 'no snapshot' : `no snapshot ${id}`
  return fail('snapshot-not-found', `there is ${what} of ${collection} in ${places}`, hint)
}

const shown = 10

function some(names: readonly string[]): string {
  const distinct = [...new Set(names)].sort()
  return distinct.slice(0, shown).join(', ') + (distinct.length > shown ? ', …' : '')
}
