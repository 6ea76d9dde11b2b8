/**
 * What a prune may remove. A listing finds candidates; that nothing needed is among them is known from the
 * manifests. So a listing that hides a manifest must be found out: each snapshot that another one, a pin or
 * the record of a verification names is asked for by its name.
 */
import { fail, type OperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import type { StoredEntry } from '../destination/destination.ts'
import { listCopyRecords } from '../repository/copy-record.ts'
import { readPins } from '../repository/pins.ts'
import type { Repository } from '../repository/repository.ts'
import { snapshotKey } from '../repository/snapshot-manifest.ts'
import { listVerifications, readVerifications } from '../repository/verifications.ts'
import { archiveKey, listArchive } from '../repository/wal-archive.ts'
import { neededLog, neededObjects } from './needed.ts'
import { readCandidates, type StoredCandidate } from './read-candidates.ts'
import { suspicions } from './suspicions.ts'

export interface Unneeded {
  readonly kind: 'objects' | 'log' | 'records'
  readonly entries: readonly StoredEntry[]
}

interface Sum {
  readonly count: number
  readonly bytes: number
}

export interface Marked {
  readonly snapshots: number
  readonly needed: { readonly objects: Sum; readonly log: Sum }
  readonly unneeded: readonly Unneeded[]
  readonly suspicions: readonly string[]
  readonly remarks: readonly string[]
}

/** @throws when a manifest cannot be read, or the listing hides one; what the destination says */
export async function markNeeded(
  repository: Repository,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<Marked> {
  const { snapshots, unreadable, recordedMs } = await readCandidates(repository, undefined, signal)
  refuseUnreadable(unreadable)
  await refuseHidden(repository, snapshots, signal)
  const manifests = snapshots.map(({ stored }) => stored.manifest)
  const remarks: string[] = []

  const needs = neededObjects(manifests, (sha256) => repository.objectKey(sha256))
  const objects: StoredEntry[] = []
  const neededObjectsSum = { count: 0, bytes: 0 }
  for await (const { key, sizeBytes, isOurs } of repository.listObjects()) {
    if (!isOurs) remarks.push(`${key} was not written by vectra, and stays`)
    else if (needs.has(key)) add(neededObjectsSum, sizeBytes)
    else objects.push({ key, sizeBytes })
  }

  const archive = await listArchive(repository)
  const { removable, withoutSnapshot } = neededLog(archive.files, manifests)
  for (const history of withoutSnapshot) {
    remarks.push(
      `wal/${history} stays: no snapshot of it is here, but another repository may have one`,
    )
  }
  const goneLog = new Set(removable.map(archiveKey))
  const log: StoredEntry[] = []
  const neededLogSum = { count: 0, bytes: 0 }
  for await (const { key, sizeBytes } of repository.destination.list('wal/')) {
    if (goneLog.has(key)) log.push({ key, sizeBytes })
    else add(neededLogSum, sizeBytes)
  }
  return {
    snapshots: snapshots.length,
    needed: { objects: neededObjectsSum, log: neededLogSum },
    unneeded: [
      { kind: 'objects', entries: objects },
      { kind: 'log', entries: log },
      { kind: 'records', entries: await oldRecords(repository, snapshots, signal) },
    ],
    suspicions: suspicions(snapshots, [], nowMs, recordedMs),
    remarks,
  }
}

function add(sum: { count: number; bytes: number }, bytes: number): void {
  sum.count++
  sum.bytes += bytes
}

function refuseUnreadable(unreadable: readonly { readonly error: OperatingError }[]): void {
  const [first] = unreadable
  if (first === undefined) return
  const { code, message, place } = first.error
  fail(
    code,
    `nothing was removed, because what a snapshot needs cannot be told: ${message}`,
    'Put it back from another copy of the repository, or remove that manifest if the snapshot is given up.',
    { place, details: unreadable.map(({ error }) => error.toJSON()) },
  )
}

async function refuseHidden(
  repository: Repository,
  snapshots: readonly StoredCandidate[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const listed = new Set(snapshots.map(({ stored }) => stored.key))
  const mentioned = new Set<string>()
  for (const { collection, stored } of snapshots) {
    const { parent, golden } = stored.manifest
    for (const id of [parent, golden.measuredIn]) {
      if (id !== null) mentioned.add(snapshotKey(collection, id))
    }
  }
  for (const each of await readPins(repository)) {
    mentioned.add(snapshotKey(each.collection, each.snapshotId))
  }
  for (const each of await listVerifications(repository)) {
    mentioned.add(snapshotKey(each.collection, each.snapshotId))
  }
  const unlisted = [...mentioned].filter((key) => !listed.has(key))
  await inFlight(unlisted, limits.requestsInFlight, signal, async (key) => {
    if ((await repository.destination.head(key)) === undefined) return
    const place = repository.destination.locate(key)
    fail(
      'unsupported-destination',
      `nothing was removed, because a listing does not show ${place}, which is there`,
      'The store is behind with its listings, or something changes snapshots. Run it again later.',
      { place: { file: place } },
    )
  })
}

/** Records of snapshots that are gone, and those that a newer one of the same kind has replaced. */
async function oldRecords(
  repository: Repository,
  snapshots: readonly StoredCandidate[],
  signal: AbortSignal | undefined,
): Promise<readonly StoredEntry[]> {
  const current = new Map(snapshots.map((each) => [each.stored.key, each.stored.sha256]))
  const names = await listVerifications(repository)
  const old = new Set<string>()
  const newest = new Map<string, string>()
  for (const { key, verification } of await readVerifications(repository, names, signal)) {
    const { collection, snapshotId, depth, ok, readShare, manifestSha256 } = verification
    const snapshot = snapshotKey(collection, snapshotId)
    if (current.get(snapshot) !== manifestSha256) old.add(key)
    // a failure stands beside a later pass that saw less
    const kind = [snapshot, depth, ok, readShare === 1].join(' ')
    const before = newest.get(kind)
    if (before !== undefined) old.add(before)
    newest.set(kind, key)
  }
  const entries: StoredEntry[] = []
  for await (const entry of repository.destination.list('verified/')) {
    if (old.has(entry.key)) entries.push(entry)
  }
  for await (const { key, sizeBytes, collection, snapshotId } of listCopyRecords(repository)) {
    if (!current.has(snapshotKey(collection, snapshotId))) entries.push({ key, sizeBytes })
  }
  return entries
}
