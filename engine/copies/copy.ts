/**
 * Copying snapshots from one repository to another: a second copy in a second place.
 *
 * Only what the target lacks is brought: objects first, each proven there, and the manifest last, so that
 * a copy that breaks off at any moment leaves whole snapshots and no half ones; the next one goes on.
 * Manifests are brought byte for byte, and with them signatures and tags; archived log and pins come along.
 * A copy is a repository of its own, with an id and, where it is encrypted, a data key of its own: neither
 * an archive that is shipped to both nor a stolen key mistakes one for the other.
 *
 * One damaged object does not hold up the other snapshots: what could not be copied is in the result.
 */
import { hostname } from 'node:os'
import { type NeededObject, objectsOf } from '../backup/check-objects.ts'
import { keepLocked } from '../backup/keep-locked.ts'
import { Phases, type PhaseTime } from '../backup/phases.ts'
import { type Location, openOrCreateRepository, openRepository } from '../backup/sources.ts'
import { sha256Hex } from '../base/checksum.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError, OperatingError, type SerialisedError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Timer } from '../base/timer.ts'
import { writeCopyRecord } from '../repository/copy-record.ts'
import { toInstant } from '../repository/instant.ts'
import { holdShared, type RepositoryLock } from '../repository/locks.ts'
import { readSnapshots } from '../repository/read-snapshots.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { writeVerification } from '../repository/verifications.ts'
import { type CopiedArchive, copyArchive } from './copy-archive.ts'
import {
  type CopyEnds,
  type CopyProof,
  type CopyWatch,
  ObjectCopier,
  type ObjectCounts,
} from './copy-objects.ts'
import { copyPins } from './copy-pins.ts'
import { untrustedAt, withoutSigner } from './signatures.ts'

export interface CopyOptions {
  readonly from: Location
  /** An empty place becomes a repository, encrypted when keys come with it. */
  readonly to: Location
  /** Default: snapshots of all collections. */
  readonly collection?: string
  /** Default: all snapshots. */
  readonly snapshotIds?: readonly string[]
  /** Default `written`. `all` also reads what the target had before, and brings anew what is damaged. */
  readonly proof?: CopyProof
  readonly disk: Disk
  readonly clock: Clock
  readonly timer?: Timer
  readonly progress?: Progress
  readonly signal?: AbortSignal
}

export interface CopiedSnapshot {
  readonly collection: string
  readonly snapshotId: string
  /** Empty when it cannot be read. */
  readonly manifestSha256: string
  /** `present`: the target had it, and lacked nothing of it. */
  readonly outcome: 'copied' | 'present' | 'failed'
  readonly totalBytes: number
  /** Of objects that were brought for it. */
  readonly copiedBytes: number
  /** Share of its bytes that this run read back and hashed at the target, 0 to 1. */
  readonly readShare: number
  readonly error: SerialisedError | null
}

/** Plain data. */
export interface CopyResult {
  readonly ok: boolean
  readonly from: string
  readonly to: string
  /** By collection, then oldest first. */
  readonly snapshots: readonly CopiedSnapshot[]
  readonly objects: {
    readonly needed: ObjectCounts
    /** `serverSide`: of them, copied by the store itself. */
    readonly copied: ObjectCounts & { readonly serverSide: number }
    readonly verified: ObjectCounts
  }
  readonly archive: CopiedArchive
  /** Snapshots that were pinned at the target because they are at the source. */
  readonly pins: number
  readonly phases: readonly PhaseTime[]
  readonly durationMs: number
}

/**
 * Copies snapshots. What is wrong with single snapshots does not throw: see {@link copyError}.
 * @throws `snapshot-not-found`, `repository-not-found`; `locked` while either end is pruned; `key-refused`;
 *   what either store says about itself
 */
export async function copySnapshots(options: CopyOptions): Promise<CopyResult> {
  const { clock, disk, timer, progress = noProgress, proof = 'written' } = options
  if (options.collection !== undefined) checkName('collection name', options.collection)
  for (const id of options.snapshotIds ?? []) checkName('snapshot id', id)
  const phases = new Phases(clock)
  const from = await phases.run('open', () => openRepository(options.from, disk))
  const request = { purpose: 'a copy', clock, timer, signal: options.signal }
  // the source is only read: where it cannot be written to, nobody prunes it from here either
  const locks = [await phases.run('lock', () => holdShared(from, request, 'where-writable'))]
  let objects: ObjectCopier | undefined
  try {
    // nothing is made of the target for a snapshot that is not there
    const wanted = await phases.run('choose', () => choose(from, options))
    const target = withoutSigner(options.to)
    const to = await phases.run('open', () => openOrCreateRepository(target, disk, clock))
    const ends = { from, to }
    refuseItself(ends)
    locks.push(await phases.run('lock', () => holdShared(to, request)))
    const lost = locks.map((each) => each.lost)
    const signal = AbortSignal.any([...lost, ...(options.signal ? [options.signal] : [])])
    const watch = { progress, signal }
    const copier = new ObjectCopier(ends, watch)
    objects = copier
    const run = new CopyRun({ ends, objects, locks, clock, watch })
    await phases.run('compare', () => copier.compare(objectsOf(wanted.sound), proof))
    const snapshots: CopiedSnapshot[] = [...wanted.failed]
    for (const snapshot of wanted.sound) {
      snapshots.push(await phases.run('copy', () => run.copy(snapshot)))
    }
    const archive = await phases.run('archive', () => copyArchive(ends, wanted.sound, watch))
    const arrived = new Set(snapshots.filter(isThere).map(nameOf))
    const held = wanted.sound.filter(({ manifest }) => arrived.has(nameOfManifest(manifest)))
    const pins = await phases.run('pins', () => copyPins(ends, held, request))
    await phases.run('record', () => run.record(snapshots.filter(isThere)))
    const isWhole = snapshots.every((each) => each.outcome !== 'failed')
    return {
      ok: isWhole && archive.problems.length === 0,
      from: from.destination.url,
      to: to.destination.url,
      snapshots,
      objects: { needed: copier.needed, copied: copier.copied, verified: copier.verified },
      archive,
      pins,
      phases: phases.times,
      durationMs: phases.totalMs,
    }
  } finally {
    await objects?.close()
    await Promise.all(locks.map((each) => each.release()))
  }
}

/** The error that a result means in which something was not copied. */
export function copyError({ snapshots, archive, to }: CopyResult): OperatingError {
  const errors = [
    ...snapshots.flatMap(({ error }) => error ?? []),
    ...archive.problems.map(({ error }) => error),
  ]
  const [first] = errors
  const rest = errors.length > 1 ? `, and ${errors.length - 1} more` : ''
  return new OperatingError(
    first?.code ?? 'damaged',
    `not all was copied to ${to}: ${first?.message ?? 'nothing was'}${rest}`,
    first?.hint ?? 'Verify both repositories.',
    { ...(first?.place && { place: first.place }), details: errors },
  )
}

interface Wanted {
  readonly sound: readonly StoredSnapshot[]
  readonly failed: readonly CopiedSnapshot[]
}

/** The snapshots to copy; those that are named are asked for, the others are found by a listing. */
async function choose(
  from: Repository,
  { to, collection, snapshotIds, signal }: CopyOptions,
): Promise<Wanted> {
  const set = await readSnapshots(from, collection, signal)
  const isWanted = (id: string) => snapshotIds === undefined || snapshotIds.includes(id)
  const sound = set.snapshots.filter(({ manifest }) => isWanted(manifest.id))
  const unreadable = set.unreadable.filter(({ id }) => isWanted(id))
  const found = new Set([
    ...sound.map(({ manifest }) => manifest.id),
    ...unreadable.map((e) => e.id),
  ])
  for (const id of snapshotIds ?? []) {
    if (found.has(id)) continue
    // a listing may lag behind
    const asked = collection === undefined ? undefined : await from.snapshot(collection, id)
    if (asked === undefined) refuseUnknown(from, id, collection)
    sound.push(asked)
  }
  if (sound.length + unreadable.length === 0) refuseUnknown(from, undefined, collection)
  const failed = unreadable.map(({ collection, id, error }) =>
    toFailed({ collection, snapshotId: id, manifestSha256: '', totalBytes: 0 }, error),
  )
  const welcome = sound.filter((snapshot) => {
    const problem = untrustedAt(to, snapshot)
    if (problem !== undefined) failed.push(toFailed(namesOf(snapshot), problem))
    return problem === undefined
  })
  return { sound: welcome, failed }
}

function refuseUnknown(from: Repository, id: string | undefined, collection?: string): never {
  const what = id === undefined ? 'no snapshot' : `no snapshot ${id}`
  const whose = collection === undefined ? '' : ` of ${collection}`
  return fail(
    'snapshot-not-found',
    `there is ${what}${whose} in ${from.destination.url}; nothing was copied`,
    'Check the names with "collections backup list".',
  )
}

function refuseItself({ from, to }: CopyEnds): void {
  if (from.destination.url !== to.destination.url) return
  fail('usage', `${to.destination.url} would be copied to itself`, 'Name another place as target.')
}

const isThere = ({ outcome }: CopiedSnapshot): boolean => outcome !== 'failed'
const nameOf = (each: CopiedSnapshot): string => `${each.collection}/${each.snapshotId}`
const nameOfManifest = ({ collection, id }: StoredSnapshot['manifest']): string =>
  `${collection.name}/${id}`

class CopyRun {
  readonly #ends: CopyEnds
  readonly #objects: ObjectCopier
  readonly #locks: readonly RepositoryLock[]
  readonly #clock: Clock
  readonly #watch: CopyWatch

  constructor(parts: {
    readonly ends: CopyEnds
    readonly objects: ObjectCopier
    readonly locks: readonly RepositoryLock[]
    readonly clock: Clock
    readonly watch: CopyWatch
  }) {
    this.#ends = parts.ends
    this.#objects = parts.objects
    this.#locks = parts.locks
    this.#clock = parts.clock
    this.#watch = parts.watch
  }

  /** Notes at the target what was proven there. */
  async record(snapshots: readonly CopiedSnapshot[]): Promise<void> {
    const { to } = this.#ends
    for (const { collection, snapshotId, manifestSha256, readShare } of snapshots) {
      if (readShare === 0) continue
      const verifiedAt = toInstant(this.#clock.nowMs())
      const found = { depth: 'copy', ok: true, problem: null, readShare, verifiedAt } as const
      const named = { collection, snapshotId, manifestSha256, host: hostname() }
      await writeVerification(to, { ...named, ...found })
    }
    await to.destination.flush()
  }

  async copy(snapshot: StoredSnapshot): Promise<CopiedSnapshot> {
    this.#watch.signal.throwIfAborted()
    const named = namesOf(snapshot)
    const needed = objectsOf([snapshot])
    const copiedBytes = this.#objects.lackingBytes(needed)
    try {
      const isThere = await this.#stands(snapshot)
      await this.#bring(snapshot, needed)
      if (!isThere) await this.#publish(snapshot)
      const outcome = isThere && copiedBytes === 0 ? 'present' : 'copied'
      const readShare = this.#objects.readShare(needed)
      return { ...named, outcome, copiedBytes, readShare, error: null }
    } catch (error) {
      if (!(error instanceof SnapshotProblem)) throw error
      return toFailed(named, error.error)
    }
  }

  /** Whether the target has this very snapshot. */
  async #stands(snapshot: StoredSnapshot): Promise<boolean> {
    const { to } = this.#ends
    const { collection, id } = snapshot.manifest
    const standing = await ofOne(() => to.snapshot(collection.name, id))
    if (standing === undefined) return false
    if (standing.sha256 === snapshot.sha256) return true
    throw new SnapshotProblem(
      new OperatingError(
        'snapshot-exists',
        `${standing.place} is another snapshot of the same name`,
        'A snapshot is never overwritten. Copy to another repository, or forget the one that stands there.',
        { place: { file: standing.place } },
      ),
    )
  }

  async #bring({ manifest }: StoredSnapshot, needed: readonly NeededObject[]): Promise<void> {
    const problems = await this.#objects.bring(needed)
    const [first] = problems
    if (first === undefined) return
    const rest = problems.length > 1 ? `, and ${problems.length - 1} more of its objects` : ''
    throw new SnapshotProblem(
      new OperatingError(
        'damaged',
        `the snapshot ${manifest.id} of ${manifest.collection.name} cannot be copied: ${first.problem}${rest}`,
        'Refill the source from another copy with "repository repair", or copy from that one.',
        { details: problems },
      ),
    )
  }

  /** Its objects are there: the manifest may say so. Proven, too, by reading it back. */
  async #publish(snapshot: StoredSnapshot): Promise<void> {
    const { from, to } = this.#ends
    const { collection, id } = snapshot.manifest
    const bytes = await ofOne(() => from.readValue(snapshot.key, limits.snapshotManifestBytes))
    if (bytes === undefined || sha256Hex(bytes) !== snapshot.sha256) {
      const problem = `${snapshot.place} was changed or removed while it was copied`
      throw new SnapshotProblem(new OperatingError('damaged', problem, 'Run the copy again.'))
    }
    await writeCopyRecord(to, {
      collection: collection.name,
      snapshotId: id,
      manifestSha256: snapshot.sha256,
      from: { id: from.file.id, url: from.destination.url },
      copiedAt: toInstant(this.#clock.nowMs()),
      host: hostname(),
    })
    const pieces = objectsOf([snapshot]).map(({ sha256 }) => sha256)
    await keepLocked(to, pieces, [], this.#clock, this.#watch.signal)
    await to.destination.flush()
    await this.#confirm()
    if (await to.writeValue(snapshot.key, bytes, { ifAbsent: true })) {
      await to.destination.flush()
      try {
        await this.#confirm()
      } catch (error) {
        await to.deleteSnapshot(collection.name, id) // what it needs may have been pruned meanwhile
        throw error
      }
    }
    if (await this.#stands(snapshot)) return
    const problem = `${to.destination.locate(snapshot.key)} was written and is not there`
    throw new SnapshotProblem(new OperatingError('damaged', problem, 'Run the copy again.'))
  }

  async #confirm(): Promise<void> {
    for (const lock of this.#locks) await lock.confirm()
  }
}

/** Marks what is wrong with one snapshot; other errors go on up as they are. */
class SnapshotProblem extends Error {
  readonly error: OperatingError

  constructor(error: OperatingError) {
    super(error.message, { cause: error })
    this.error = error
  }
}

/** What reading says of one manifest is that snapshot's problem. */
async function ofOne<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const codes = ['damaged', 'newer-format', 'unsafe-name', 'unsafe-entry'] as const
    if (!isOperatingError(error, ...codes, 'signature-refused')) throw error
    throw new SnapshotProblem(error)
  }
}

type Names = Pick<CopiedSnapshot, 'collection' | 'snapshotId' | 'manifestSha256' | 'totalBytes'>

const namesOf = ({ manifest, sha256 }: StoredSnapshot): Names => ({
  collection: manifest.collection.name,
  snapshotId: manifest.id,
  manifestSha256: sha256,
  totalBytes: manifest.sizes.totalBytes,
})

const toFailed = (named: Names, error: OperatingError): CopiedSnapshot => ({
  ...named,
  outcome: 'failed',
  copiedBytes: 0,
  readShare: 0,
  error: error.toJSON(),
})
