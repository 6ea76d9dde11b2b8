/**
 * Taking a snapshot: pin the state, record what a restore must prove, store the bytes, publish.
 *
 * Writes go on all the while; the snapshot is exactly the state at its LSN. Nothing is listed before
 * its manifest stands, and the manifest comes after everything it needs is durable.
 */
import { hostname } from 'node:os'
import { canonicalJson, checkJson, type JsonObject } from '../base/canonical-json.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Timer } from '../base/timer.ts'
import { version } from '../base/version.ts'
import type { PinnedFile, PinnedState } from '../collection/pinned-state.ts'
import { toInstant } from '../repository/instant.ts'
import { holdShared, type RepositoryLock } from '../repository/locks.ts'
import { repositoryHint } from '../repository/read-document.ts'
import { newestSnapshot, readSnapshots } from '../repository/read-snapshots.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import {
  type BackupMode,
  checkFits,
  type Golden,
  type SnapshotManifest,
} from '../repository/snapshot-manifest.ts'
import { type BackupResult, toBackupResult } from './backup-result.ts'
import { carriedRecall } from './carried-recall.ts'
import { checkObjects, objectsOf } from './check-objects.ts'
import { checkGoldenRequest, type GoldenRequest, recordGolden, type Searched } from './golden.ts'
import { keepLocked } from './keep-locked.ts'
import { Phases } from './phases.ts'
import { type Location, openOrCreateRepository } from './sources.ts'
import { FileStore, type StoredFiles } from './store-files.ts'

/** What is backed up: a collection. */
export interface BackupSource extends Searched {
  readonly name: string
  /** Whether searches load nothing any more. */
  readonly isWarm: boolean
  pin(): Promise<PinnedState>
}

export interface BackupOptions {
  /** A URL, a path, an open destination, or one of these with keys. */
  readonly destination: Location
  readonly snapshotId: string
  /** `full` reads and writes everything again. Default `incremental`. */
  readonly mode?: BackupMode
  readonly disk: Disk
  readonly clock: Clock
  /** Renews the lock on the repository. Default: the system's. */
  readonly timer?: Timer
  readonly progress?: Progress
  readonly signal?: AbortSignal
  readonly golden?: GoldenRequest
  readonly provenance?: { readonly embedding?: JsonObject }
  /** For retention rules. Default none. */
  readonly tags?: readonly string[]
}

/**
 * Backs `source` up under `snapshotId`. The same id with the same state succeeds without writing.
 * @throws `snapshot-exists` when the id stands for another state; `invalid-name`, `usage`,
 *   `unsupported-destination`; `locked` while a prune runs; `damaged`, `missing-file`, `newer-format`,
 *   `unsafe-entry` for what stands at the destination; `damaged` when the source's own files are;
 *   `disk-full`, `disk-refused`
 */
export async function createBackup(
  source: BackupSource,
  options: BackupOptions,
): Promise<BackupResult> {
  const { clock, disk, mode = 'incremental', progress = noProgress, timer } = options
  const snapshotId = checkName('snapshot id', options.snapshotId)
  const goldenRequest = checkGoldenRequest(options.golden ?? {})
  const embedding = options.provenance?.embedding ?? null
  if (embedding !== null) checkJson(embedding, 'provenance.embedding')
  const tags = [...new Set(options.tags)].map((tag) => checkName('tag', tag)).sort()
  if (tags.length > limits.snapshotTags) {
    fail('usage', `${tags.length} tags are given`, `Give at most ${limits.snapshotTags}.`)
  }
  const phases = new Phases(clock)

  const repository = await phases.run('open', () =>
    openOrCreateRepository(options.destination, disk, clock),
  )
  const request = { purpose: `backup of ${source.name}`, clock, timer, signal: options.signal }
  const lock = await phases.run('lock', () => holdShared(repository, request))
  const signal = AbortSignal.any([lock.lost, ...(options.signal ? [options.signal] : [])])
  const watch = { clock, progress, signal }
  const pinned = phases.run('pin', () => source.pin())
  const state = await pinned.catch((error) => lock.release().then(() => Promise.reject(error)))
  const protect = async (sha256s: readonly string[], more: readonly string[] = []) =>
    repository.lockPolicy &&
    phases.run('protect', () => keepLocked(repository, sha256s, more, clock, signal))
  try {
    const standing = await repository.snapshot(state.collection.name, snapshotId)
    if (standing !== undefined) {
      refuseOtherState(standing, state)
      await phases.run('check', () => refuseMissingObjects(repository, standing))
      const needed = objectsOf([standing]).map(({ sha256 }) => sha256)
      const objectLock = await protect(needed, [standing.key])
      const known = { repository, state, snapshot: standing, objectLock, phases }
      return toBackupResult({ ...known, unchanged: true })
    }
    checkFits(state.files)
    const earlier = await phases.run('compare', () => readEarlier(repository, state, signal))
    const carried = mode === 'full' ? undefined : carriedRecall(state, goldenRequest, earlier)
    const files = new FileStore(repository, mode, watch)
    const drawn = phases.run('golden', () =>
      recordGolden(state, source, { ...goldenRequest, snapshotId }, watch, carried),
    )
    // latency is measured while nothing else is done; the upload need not wait for the rest
    if (carried === undefined) await drawn
    const { golden, stored } = await phases.run('upload', async () => {
      const finished = drawn.then((finish) => finish())
      const golden = await beside(finished, files.store(state.files.filter(isSettled)))
      await files.store(state.files)
      return { golden, stored: files.result(state.files) }
    })
    const needed = stored.files.flatMap(({ pieces }) => pieces.map(({ sha256 }) => sha256))
    const objectLock = await protect(needed)
    const published = await phases.run('publish', async () => {
      const parent = newestSnapshot(earlier)?.manifest.id ?? null
      const text = { state, snapshotId, mode, golden, stored, embedding, tags, parent, clock }
      return publishOrFind(repository, state, describe(text), lock)
    })
    const { objects } = stored
    return toBackupResult({ repository, state, ...published, objectLock, phases, objects })
  } finally {
    await state.release().finally(() => lock.release())
  }
}

/** Whether golden queries do not change a file: they add truth, and name it in the manifest. */
const isSettled = ({ path }: PinnedFile): boolean =>
  path.startsWith('segments/') && !path.endsWith('.truth')

/** The result of `first`, once both are done; whichever failed, both have ended. */
async function beside<T>(first: Promise<T>, second: Promise<unknown>): Promise<T> {
  const [settled, other] = await Promise.allSettled([first, second])
  if (settled.status === 'rejected') throw settled.reason
  if (other.status === 'rejected') throw other.reason
  return settled.value
}

/**
 * Somebody else may have taken the id while we were writing: the same question as at the start. Without the
 * lock, objects that were found in the repository may have gone: then there is no snapshot.
 */
async function publishOrFind(
  repository: Repository,
  state: PinnedState,
  manifest: SnapshotManifest,
  lock: RepositoryLock,
): Promise<{ snapshot: StoredSnapshot; unchanged: boolean }> {
  await lock.confirm()
  const snapshot = await repository.publish(manifest)
  if (snapshot !== undefined) {
    try {
      await lock.confirm()
    } catch (error) {
      await repository.deleteSnapshot(manifest.collection.name, manifest.id)
      throw error
    }
    return { snapshot, unchanged: false }
  }
  const other = await repository.snapshot(manifest.collection.name, manifest.id)
  if (other === undefined) {
    const problem = `snapshot ${manifest.id} was taken and removed by somebody else meanwhile`
    return fail('locked', problem, 'Run the backup again.')
  }
  refuseOtherState(other, state)
  return { snapshot: other, unchanged: true }
}

function refuseOtherState({ manifest, place }: StoredSnapshot, state: PinnedState): void {
  const identity = (each: PinnedState | SnapshotManifest) => {
    const { collection, epoch, lsn, digest, config, aliases } = each
    return canonicalJson({ uuid: collection.uuid, epoch, lsn, digest, config, aliases })
  }
  if (identity(manifest) === identity(state)) return
  fail(
    'snapshot-exists',
    `the snapshot ${manifest.id} of ${manifest.collection.name} exists already, with another state (LSN ${manifest.lsn}, now ${state.lsn})`,
    'Choose another snapshot id; a snapshot is never overwritten.',
    { place: { file: place } },
  )
}

/** An id that stands for the same state is good only while the snapshot is. */
async function refuseMissingObjects(
  repository: Repository,
  snapshot: StoredSnapshot,
): Promise<void> {
  const { problems } = await checkObjects(repository, objectsOf([snapshot]), 'size', {})
  const first = problems[0]
  if (first === undefined) return
  fail(
    'damaged',
    `the snapshot ${snapshot.manifest.id} exists already, but ${first.place} ${first.problem}`,
    `Back up under another id, with mode full. ${repositoryHint}`,
    { place: { file: first.place }, details: problems },
  )
}

/** Earlier snapshots of the same history. Unreadable ones are for `verify` to report. */
async function readEarlier(
  repository: Repository,
  state: PinnedState,
  signal: AbortSignal | undefined,
): Promise<readonly StoredSnapshot[]> {
  const { snapshots } = await readSnapshots(repository, state.collection.name, signal)
  return snapshots.filter(
    ({ manifest }) =>
      manifest.collection.uuid === state.collection.uuid &&
      manifest.epoch.history === state.epoch.history &&
      manifest.lsn <= state.lsn,
  )
}

function describe(parts: {
  readonly state: PinnedState
  readonly snapshotId: string
  readonly mode: BackupMode
  readonly golden: Golden
  readonly stored: StoredFiles
  readonly embedding: JsonObject | null
  readonly tags: readonly string[]
  readonly parent: string | null
  readonly clock: Clock
}): SnapshotManifest {
  const { state, stored } = parts
  return {
    id: parts.snapshotId,
    collection: { uuid: state.collection.uuid, name: state.collection.name },
    epoch: { number: state.epoch.number, history: state.epoch.history },
    lsn: state.lsn,
    committedAtUs: state.committedAtUs,
    asOfAt: toInstant(state.pinnedAt),
    createdAt: toInstant(parts.clock.nowMs()),
    count: state.count,
    digest: state.digest,
    config: state.config,
    aliases: state.aliases,
    tags: parts.tags,
    files: stored.files,
    golden: parts.golden,
    provenance: {
      embedding: parts.embedding,
      engine: version,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      host: hostname(),
    },
    parent: parts.parent,
    mode: parts.mode,
    sizes: { totalBytes: stored.totalBytes, addedBytes: stored.addedBytes },
  }
}
