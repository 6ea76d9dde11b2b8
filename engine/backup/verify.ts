/**
 * Verifying a repository: finding out before the worst day.
 *
 * | depth | what is proven |
 * | --- | --- |
 * | manifest | manifests parse, and every object they need is there in the right size |
 * | objects | every object is, byte for byte, what its name says; archived log is whole and without gaps |
 * | content | each snapshot restores, has the recorded digest and count, and answers the golden queries |
 *
 * Each depth includes the ones before. All damage is reported, not the first, with what needs it. With a
 * sample, a part of the objects and of the archived log is read, and with depth content a part of the
 * snapshots restored; that all of it is there is looked at all the same.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail, OperatingError } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Timer } from '../base/timer.ts'
import type { ArchiveName } from '../repository/archive-file.ts'
import { toInstant } from '../repository/instant.ts'
import { holdShared } from '../repository/locks.ts'
import { readSnapshots, type SnapshotSet } from '../repository/read-snapshots.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import type { SignatureCheck } from '../repository/signing.ts'
import { archiveKey } from '../repository/wal-archive.ts'
import { type ArchiveCheck, checkArchive } from './check-archive.ts'
import { checkObjects, type NeededObject, objectsOf } from './check-objects.ts'
import {
  type Damage,
  isDamaged,
  toContentDamage,
  toManifestDamage,
  toObjectDamage,
  toSignatureDamage,
} from './damage.ts'
import { type LockReport, reportLocks } from './keep-locked.ts'
import { Phases, type PhaseTime } from './phases.ts'
import { recordVerifications } from './record-verifications.ts'
import { openSample, type Sample, type SampleRequest } from './sample.ts'
import { findSnapshot, type Location, openRepository } from './sources.ts'
import type { ContentProof } from './verify-content.ts'

export type VerifyDepth = 'manifest' | 'objects' | 'content'

export interface VerifyOptions {
  readonly source: Location
  /** Default: snapshots of all collections. */
  readonly collection?: string
  /** Default: all snapshots. */
  readonly snapshotId?: string
  /** Default `objects`. */
  readonly depth?: VerifyDepth
  readonly disk: Disk
  readonly clock: Clock
  /** Renews the lock on the repository. Default: the system's. */
  readonly timer?: Timer
  readonly progress?: Progress
  readonly signal?: AbortSignal
  /** Read a random part only. Default: all. Not with depth `manifest`, which reads nothing. */
  readonly sample?: SampleRequest
  /** Leave a record of it at the destination. Default true. */
  readonly record?: boolean
  /** Where `content` restores to, and cleans up. Default: the system's temporary directory. */
  readonly scratchDirectory?: string
  readonly onWarning?: (text: string) => void
}

export interface VerifiedSnapshot {
  readonly collection: string
  readonly snapshotId: string
  readonly ok: boolean
  readonly createdAt: string
  readonly lsn: number
  readonly count: number
  readonly digest: string
  readonly files: number
  readonly totalBytes: number
  readonly signature: SignatureCheck
  /** With depth `content`, where the objects were sound. */
  readonly content?: ContentProof
}

/** Plain data. Instants are ISO 8601. */
export interface VerifyResult {
  readonly ok: boolean
  readonly source: string
  readonly depth: VerifyDepth
  readonly verifiedAt: string
  readonly snapshots: readonly VerifiedSnapshot[]
  /** Found in the right size; with depths above `manifest` read and hashed, with a sample those of it. */
  readonly objects: { readonly checked: number; readonly checkedBytes: number }
  /** What was read of what there is; null without a sample. */
  readonly sample: SampleRead | null
  /** Whether a record of it was left at the destination. */
  readonly recorded: boolean
  readonly damage: readonly Damage[]
  /** Archived log; empty when one snapshot was asked for. Its records are counted when they are read. */
  readonly archive: Omit<ArchiveCheck, 'damage' | 'strangers'>
  /** Keys below `snapshots/` and `wal/` that the product did not write. */
  readonly strangers: readonly string[]
  /** Where the store has object locks. */
  readonly locks?: LockReport
  readonly phases: readonly PhaseTime[]
  readonly durationMs: number
}

export interface SampleRead {
  /** As it was asked for, 0 to 1. */
  readonly share: number
  /** Give it again to read the same. */
  readonly seed: number
  readonly objects: { readonly read: number; readonly all: number }
  readonly bytes: { readonly read: number; readonly all: number }
  readonly snapshotsRestored: number
}

/**
 * Verifies snapshots. Damage does not throw: it is in the result; see {@link damageError}.
 * @throws `repository-not-found`, `snapshot-not-found` when there is nothing to verify; `damaged`,
 *   `missing-file`, `newer-format` for repository.json itself; `unreachable`; `locked` while a prune runs;
 *   `usage` for a sample that is none
 */
export async function verifyRepository(options: VerifyOptions): Promise<VerifyResult> {
  const { collection, snapshotId, clock, disk, timer } = options
  if (collection !== undefined) checkName('collection name', collection)
  if (snapshotId !== undefined) checkName('snapshot id', snapshotId)
  const sample = options.sample && openSample(options.sample)
  if (sample !== undefined && options.depth === 'manifest') {
    fail('usage', 'a sample is asked for at depth manifest, which reads nothing', 'Leave it away.')
  }
  const phases = new Phases(clock)

  const repository = await phases.run('open', () => openRepository(options.source, disk))
  const request = { purpose: 'a verification', clock, timer, signal: options.signal }
  const lock = await phases.run('lock', () => holdShared(repository, request, 'where-writable'))
  try {
    if (lock.unprotected !== undefined) options.onWarning?.(lock.unprotected)
    const signal = AbortSignal.any([lock.lost, ...(options.signal ? [options.signal] : [])])
    return await verifyOpened(repository, phases, sample, { ...options, signal })
  } finally {
    await lock.release()
  }
}

async function verifyOpened(
  repository: Repository,
  phases: Phases,
  sample: Sample | undefined,
  options: VerifyOptions,
): Promise<VerifyResult> {
  const { clock, signal, depth = 'objects', progress = noProgress, record = true } = options
  const set = await phases.run('manifests', () => readSet(repository, options))
  const objects = objectsOf(set.snapshots)
  const read = sample?.of(objects, (each) => `${each.sha256} ${each.sizeBytes}`) ?? objects
  const check = await phases.run('objects', async () => {
    const contentOrSize = depth === 'manifest' ? 'size' : 'content'
    const found = await checkObjects(repository, read, contentOrSize, { progress, signal })
    if (sample === undefined) return found
    const isRead = new Set(read)
    const rest = objects.filter((each) => !isRead.has(each))
    const there = await checkObjects(repository, rest, 'size', { signal })
    return { ...found, problems: [...found.problems, ...there.problems] }
  })
  const archive = await phases.run('archive', () => readArchived(repository, set, sample, options))
  const locks = await phases.run('locks', () =>
    reportLocks(repository, set.snapshots, clock, signal),
  )
  const damage = [
    ...archive.damage,
    ...set.unreadable.map((each) => toManifestDamage(repository, each)),
    ...check.problems.map((problem) => toObjectDamage(problem, set.snapshots)),
    ...set.snapshots.flatMap(toSignatureDamage),
  ]
  const proofs = new Map<StoredSnapshot, ContentProof>()
  if (depth === 'content') {
    await phases.run('content', async () => {
      // collections and graphs are loaded for this depth only
      const { proveContent } = await import('./verify-content.ts')
      const restored = sample?.of(set.snapshots, (each) => each.key) ?? set.snapshots
      for (const snapshot of restored) {
        if (isDamaged(snapshot, damage)) continue
        proofs.set(snapshot, await proveContent(snapshot, options))
      }
    })
    for (const [snapshot, proof] of proofs) {
      if (!proof.ok) damage.push(toContentDamage(snapshot, proof))
    }
  }
  const verifiedAt = toInstant(clock.nowMs())
  const unrecorded = await phases.run('record', async () => {
    if (!record) return 'not asked for'
    const hashes = sample && new Set(read.map((each) => each.sha256))
    return recordVerifications(repository, set.snapshots, damage, {
      depth: depth === 'manifest' ? 'manifest' : 'objects',
      read: hashes,
      proven: new Set(proofs.keys()),
      verifiedAt,
    })
  })
  if (record && unrecorded !== undefined) options.onWarning?.(unrecorded)
  return {
    ok: damage.length === 0,
    source: repository.destination.url,
    depth,
    verifiedAt,
    snapshots: set.snapshots.map((snapshot) => summarise(snapshot, damage, proofs.get(snapshot))),
    objects: { checked: check.checked, checkedBytes: check.checkedBytes },
    sample: sample === undefined ? null : sampleRead(sample, objects, read, proofs.size),
    recorded: unrecorded === undefined,
    damage,
    archive: {
      files: archive.files,
      records: archive.records,
      bytes: archive.bytes,
      ranges: archive.ranges,
      remarks: archive.remarks,
    },
    strangers: [...set.strangers, ...archive.strangers],
    ...(locks && { locks }),
    phases: phases.times,
    durationMs: phases.totalMs,
  }
}

const bytesOf = (objects: readonly NeededObject[]): number =>
  objects.reduce((sum, each) => sum + each.sizeBytes, 0)

const sampleRead = (
  { share, seed }: Sample,
  all: readonly NeededObject[],
  read: readonly NeededObject[],
  snapshotsRestored: number,
): SampleRead => ({
  share,
  seed,
  objects: { read: read.length, all: all.length },
  bytes: { read: bytesOf(read), all: bytesOf(all) },
  snapshotsRestored,
})

/** The error that a result with damage means to a caller that must fail: exit code 13. */
export function damageError(result: VerifyResult): OperatingError {
  const [first] = result.damage
  const more = result.damage.length - 1
  const rest = more > 0 ? `, and ${more} more` : ''
  const isPartial = result.damage.every(({ kind }) => kind === 'missing')
  const what = isPartial ? 'incomplete' : 'damaged'
  return new OperatingError(
    'damaged',
    `the repository ${result.source} is ${what}: ${first?.problem ?? 'no sound snapshot'}${rest}`,
    'Back up again with mode full under a new id, or restore from another copy of the repository.',
    { ...(first && { place: { file: first.place } }), details: result.damage },
  )
}

const noArchive: ArchiveCheck = {
  files: 0,
  records: 0,
  bytes: 0,
  ranges: [],
  remarks: [],
  damage: [],
  strangers: [],
}

/** The archived log that goes with the snapshots; one snapshot alone needs none. */
async function readArchived(
  repository: Repository,
  { snapshots }: SnapshotSet,
  sample: Sample | undefined,
  { collection, snapshotId, depth, signal }: VerifyOptions,
): Promise<ArchiveCheck> {
  if (snapshotId !== undefined) return noArchive
  const uuids = collection && new Set(snapshots.map(({ manifest }) => manifest.collection.uuid))
  // every trailer is read; of a sample some files are read whole
  const isRead = (name: ArchiveName) => {
    if (depth === 'manifest') return 'trailer'
    return sample === undefined || sample.takes(archiveKey(name)) ? 'content' : 'trailer'
  }
  return checkArchive(repository, snapshots, uuids || undefined, isRead, signal)
}

async function readSet(
  repository: Repository,
  { collection, snapshotId, signal }: VerifyOptions,
): Promise<SnapshotSet> {
  const all = await readSnapshots(repository, collection, signal)
  const wanted = (id: string) => snapshotId === undefined || id === snapshotId
  const set = {
    ...all,
    snapshots: all.snapshots.filter(({ manifest }) => wanted(manifest.id)),
    unreadable: all.unreadable.filter(({ id }) => wanted(id)),
  }
  if (set.snapshots.length + set.unreadable.length > 0) return set
  // a listing may lag behind: what was named is asked for by its name
  if (collection !== undefined && snapshotId !== undefined) {
    const { snapshot } = await findSnapshot([repository], collection, snapshotId)
    return { ...set, snapshots: [snapshot] }
  }
  const what = snapshotId === undefined ? 'no snapshot' : `no snapshot ${snapshotId}`
  const whose = collection === undefined ? '' : ` of ${collection}`
  throw new OperatingError(
    'snapshot-not-found',
    `there is ${what}${whose} in ${repository.destination.url}, so nothing was verified`,
    'Check the names with "backup list", and the location.',
  )
}

function summarise(
  snapshot: StoredSnapshot,
  damage: readonly Damage[],
  content: ContentProof | undefined,
): VerifiedSnapshot {
  const { manifest } = snapshot
  return {
    collection: manifest.collection.name,
    snapshotId: manifest.id,
    ok: !isDamaged(snapshot, damage),
    createdAt: manifest.createdAt,
    lsn: manifest.lsn,
    count: manifest.count,
    digest: manifest.digest,
    files: manifest.files.length,
    totalBytes: manifest.sizes.totalBytes,
    signature: snapshot.signature,
    ...(content && { content }),
  }
}
