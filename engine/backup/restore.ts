/**
 * Restoring a snapshot: choose it, write its files beside the live collections, prove them, and only
 * then give them the name.
 *
 * Until the last step nothing that was there has changed. A restore that fails removes what it wrote;
 * one that was killed is found again by the next restore of the same snapshot, which goes on.
 */
import { canonicalJson } from '../base/canonical-json.ts'
import { sha256Hex } from '../base/checksum.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import type { HashThreads } from '../base/hash-threads.ts'
import { checkName } from '../base/name.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { StageRequest, Staging } from '../collection/staging.ts'
import type { IndexSettings } from '../format/config.ts'
import type { Epoch } from '../format/identity.ts'
import type { Repository } from '../repository/repository.ts'
import { type SignatureCheck, signatureRemarks } from '../repository/signing.ts'
import type { SnapshotManifest } from '../repository/snapshot-manifest.ts'
import { ArchivedLog, type PieceBound } from './archived-log.ts'
import { toCommittedAt } from './backup-result.ts'
import { type ChosenMoment, chooseMoment } from './choose-moment.ts'
import { type Moment, showMoment } from './moment.ts'
import { Phases, type PhaseTime } from './phases.ts'
import { describeMoment, type RecoveredMoment } from './recovered-moment.ts'
import {
  type ChosenSnapshot,
  findNewest,
  findSnapshot,
  holdSources,
  type Location,
  type OpenedSources,
  openSources,
} from './sources.ts'
import { startWriting } from './write-files.ts'
import type { LostFile, WrittenFiles } from './written-files.ts'

/** Where a collection is restored to: a data directory. */
export interface RestoreTarget {
  /** @throws `collection-exists` when a restore may not take `name` */
  refuseTaken(name: string, replace: boolean): void
  readonly hashes?: HashThreads
  stage(request: StageRequest): Promise<Staging>
}

export interface RestoreOptions {
  /** The name that the collection had when it was backed up. */
  readonly collection: string
  /** One or several repositories, asked in this order for every piece. */
  readonly source: Location | readonly Location[]
  /** Default: the newest. */
  readonly snapshotId?: string
  /** Go on from a snapshot through the archived log, to this moment. Not together with `snapshotId`. */
  readonly at?: Moment
  /** With `at`: which history, by its number, its id or both. Default: the one that holds the moment. */
  readonly epoch?: string
  /** With `at`: how much log is replayed at once. Default: one log file, or one memory segment. */
  readonly replayAtOnce?: PieceBound
  /** Default: the name it had. Under another name it becomes a clone with a UUID of its own. */
  readonly newName?: string
  /** Put it in place of a collection of that name, which stays until then. Default false. */
  readonly replace?: boolean
  /** Leave the saved graphs and build new ones. Default false. */
  readonly reindex?: boolean
  /** Another index than the saved one: it is built anew. */
  readonly index?: IndexSettings
  /** Awaited when it is chosen what comes back, before anything is written. */
  readonly onChosen?: (chosen: ChosenRestore) => Promise<void>
  /** Load what searches need before returning, so that graphs are known to be good. Default true. */
  readonly warm?: boolean
  readonly disk: Disk
  readonly clock: Clock
  /** Renews the locks on the sources. Default: the system's. */
  readonly timer?: Timer
  readonly progress?: Progress
  readonly signal?: AbortSignal
}

/** What a restore is about to bring back. Instants are ISO 8601. */
export interface ChosenRestore {
  readonly snapshotId: string
  /** The repository whose manifest is used. */
  readonly source: string
  /** State of the snapshot, which a restore with `at` goes on from. */
  readonly uuid: string
  readonly epoch: Epoch
  readonly lsn: number
  readonly asOfAt: string
  readonly count: number
  readonly digest: string
  readonly bytes: number
}

/** Plain data. Instants are ISO 8601. */
export interface RestoreResult {
  readonly name: string
  readonly uuid: string
  /** The new history that the restore began. */
  readonly epoch: Epoch
  readonly snapshotId: string
  /** The repository whose manifest was used. */
  readonly source: string
  readonly manifest: { readonly path: string; readonly sha256: string }
  /** Of the manifest. With trust it is `trusted`, or nothing is restored. */
  readonly signature: SignatureCheck
  /** The state that came back, as a position in the source's history. */
  readonly recoveryPoint: {
    readonly collection: string
    readonly uuid: string
    readonly epoch: Epoch
    readonly lsn: number
    readonly committedAt: string | null
    readonly asOfAt: string
  }
  /** How the moment was reached; null without `at`. */
  readonly moment: RecoveredMoment | null
  readonly count: number
  /**
   * Recomputed from every restored byte, and equal to the one recorded; after a replay that ends where
   * none was recorded, equal to the one that the replay led to.
   */
  readonly digest: string
  /** Further names that mean it, after a restore in place also those that it had. */
  readonly aliases: readonly string[]
  readonly bytes: number
  /** Whether it went on where an interrupted restore had stopped. */
  readonly resumed: boolean
  readonly files: { readonly written: number; readonly reused: number }
  readonly sources: WrittenFiles['sources']
  readonly fallbacks: WrittenFiles['fallbacks']
  /** Graphs, or lists. `kept`: all are the saved ones. `none`: the collection has none. */
  readonly graphs: 'kept' | 'rebuilt' | 'none'
  readonly graphFiles: { readonly kept: number; readonly rebuilt: number }
  readonly remarks: readonly string[]
  readonly phases: readonly PhaseTime[]
  /** From the beginning until every byte was written, hashed and durable, while the proof went on beside it. */
  readonly durableMs: number
  readonly durationMs: number
}

/**
 * Restores a collection into `target`.
 * @throws `collection-exists` before any work without `replace`; `repository-not-found`,
 *   `snapshot-not-found`; `damaged`, `missing-file`, `unsafe-name`, `unsafe-entry`, `newer-format`,
 *   `digest-mismatch`; `disk-full`. Nothing half-written stays.
 */
export async function restoreSnapshot(
  target: RestoreTarget,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const collection = checkName('collection name', options.collection)
  const name = checkName('collection name', options.newName ?? collection)
  if (options.snapshotId !== undefined) checkName('snapshot id', options.snapshotId)
  target.refuseTaken(name, options.replace ?? false)
  const phases = new Phases(options.clock)
  target.hashes?.start()

  const opened = await phases.run('open', () => openSources(listOf(options.source), options.disk))
  const purpose = `a restore of ${collection}`
  const locks = await phases.run('lock', () =>
    holdSources(opened.repositories, { ...options, purpose }),
  )
  try {
    const remarks = [...opened.remarks, ...locks.remarks]
    return await restoreFrom({ ...opened, remarks }, target, { ...options, name, phases })
  } finally {
    await locks.release()
  }
}

async function restoreFrom(
  opened: OpenedSources,
  target: RestoreTarget,
  options: RestoreOptions & { readonly name: string; readonly phases: Phases },
): Promise<RestoreResult> {
  const { clock, disk, signal, progress = noProgress, replace = false } = options
  const { collection, name, phases } = options
  const watch = { clock, progress, signal }
  const { repositories } = opened
  const { chosen, moment } = await phases.run('choose', () =>
    choose(repositories, collection, options),
  )
  const log = moment && new ArchivedLog(moment, signal, options.replayAtOnce)
  const { manifest } = chosen.snapshot
  await options.onChosen?.({
    snapshotId: manifest.id,
    source: chosen.repository.destination.url,
    uuid: manifest.collection.uuid,
    epoch: manifest.epoch,
    lsn: manifest.lsn,
    asOfAt: manifest.asOfAt,
    count: manifest.count,
    digest: manifest.digest,
    bytes: manifest.sizes.totalBytes,
  })
  const staging = await phases.run('stage', () =>
    target.stage(toStageRequest(chosen, name, options)),
  )
  const { directory, resumed } = staging
  const { hashes } = target
  const files = { files: manifest.files, directory, resumed }
  const writing = startWriting({ disk, repositories, ...files, hashes }, watch)
  // a clone under another name takes none of the names that mean the original
  const aliases = name === collection ? manifest.aliases : []
  const remarks: string[] = []
  let restored: Collection
  let written: WrittenFiles
  let durableMs = 0
  try {
    // what is there is opened and proven while the rest is being written: this phase is what is left then
    restored = await phases.run('prove', async () => {
      const whole = phases.run('write', () => writing.written)
      whole.catch(() => {}) // told to whoever awaits it
      await writing.prepared
      const all = async () => {
        const { lost } = await whole
        signal?.throwIfAborted()
        return lost.map((file) => file.path)
      }
      const onRemark = (text: string) => void remarks.push(text)
      const timed = <T>(phase: string, work: () => Promise<T>) => phases.run(phase, work)
      const durable = writing.durable().then(() => {
        durableMs = phases.totalMs
      })
      durable.catch(() => {}) // told to whoever awaits it
      const arriving = { some: writing.some, all, durable: () => durable }
      const place = { name, replace, aliases, onRemark, timed, ...(log && { replay: log }) }
      return staging.commit({ ...place, arriving })
    })
    written = await writing.written
    remarks.push(...written.lost.map((file) => lostRemark(file, restored)))
  } catch (error) {
    await writing.stop() // nothing is removed under a write or a sync that is under way
    // what cannot be removed now is removed, or gone on with, later; the first error is the one to tell
    // and after a failed fsync nothing is written at all
    if (!isOperatingError(error, 'fsync-failed')) await staging.discard().catch(() => {})
    throw error
  }
  if (options.warm !== false) await phases.run('load', () => restored.warm())
  const { repository, snapshot } = chosen
  const recovered = log && (await describeMoment(log, restored))
  return {
    name,
    uuid: restored.uuid,
    epoch: restored.epoch,
    snapshotId: manifest.id,
    source: repository.destination.url,
    manifest: { path: snapshot.place, sha256: snapshot.sha256 },
    signature: snapshot.signature,
    recoveryPoint: {
      collection: manifest.collection.name,
      uuid: manifest.collection.uuid,
      epoch: manifest.epoch,
      lsn: restored.lsn,
      committedAt: toCommittedAt(restored),
      asOfAt: recovered?.asOfAt ?? manifest.asOfAt,
    },
    moment: recovered?.moment ?? null,
    count: restored.count,
    digest: restored.digest,
    aliases: restored.aliases,
    bytes: manifest.sizes.totalBytes,
    resumed,
    files: { written: written.written, reused: written.reused },
    sources: written.sources,
    fallbacks: written.fallbacks,
    ...compareGraphs(manifest, restored, isReindexed(options), written.lost),
    remarks: [
      ...opened.remarks,
      ...chosen.remarks,
      ...signatureRemarks(`the manifest of snapshot ${manifest.id}`, snapshot.signature),
      ...remarks,
      ...(log?.remarks ?? []),
    ],
    phases: phases.times,
    durableMs,
    durationMs: phases.totalMs,
  }
}

function lostRemark({ path, problem }: LostFile, { manifest }: Collection): string {
  if (path.endsWith('.truth')) {
    return `the file ${path} was left out, because ${problem}; the next backup finds its neighbours anew. "backup verify" lists all damage.`
  }
  const isBuilt = manifest.segments.some(({ graph, lists }) => (graph ?? lists)?.path === path)
  const instead = isBuilt
    ? 'it was built again from the vectors'
    : 'its points are compared one by one'
  return `the index file ${path} was left out, because ${problem}; ${instead}. "backup verify" lists all damage.`
}

function listOf(source: RestoreOptions['source']): readonly Location[] {
  const isOne = typeof source === 'string' || 'put' in source || 'location' in source
  return isOne ? [source] : source
}

/** The snapshot to begin with, and the moment to go on to when there is one. */
async function choose(
  repositories: readonly Repository[],
  collection: string,
  { snapshotId, at, epoch, signal }: RestoreOptions,
): Promise<{ chosen: ChosenSnapshot; moment?: ChosenMoment }> {
  if (at === undefined) {
    return {
      chosen: await (snapshotId === undefined
        ? findNewest(repositories, collection, signal)
        : findSnapshot(repositories, collection, snapshotId)),
    }
  }
  if (snapshotId !== undefined) {
    fail('usage', 'a moment and a snapshot id are given', 'Give one of them.')
  }
  const request = { collection, moment: at, ...(epoch !== undefined && { epoch }) }
  const moment = await chooseMoment(repositories, request, signal)
  return { chosen: moment, moment }
}

/** Whether no saved index is used. */
const isReindexed = ({ reindex = false, index }: RestoreOptions): boolean =>
  reindex || index !== undefined

function toStageRequest(
  { snapshot }: ChosenSnapshot,
  name: string,
  options: RestoreOptions,
): StageRequest {
  const { index, at, epoch: ofEpoch } = options
  const { id, collection, epoch, lsn, count, digest, config, files } = snapshot.manifest
  return {
    // the same snapshot under another name is another restore, with an identity of its own
    key: sha256Hex(
      canonicalJson({
        snapshot: snapshot.sha256,
        name,
        ...(at && { at: showMoment(at), epoch: ofEpoch ?? null }),
      }),
    ),
    snapshotId: id,
    uuid: collection.uuid,
    epoch,
    lsn,
    count,
    digest,
    paths: files.map((file) => file.path),
    newUuid: name !== collection.name,
    ...(options.replace === true && { inPlaceOf: name }),
    ...(isReindexed(options) && { config: { ...config, ...(index && { index }) } }),
  }
}

/** Which graphs and lists of the restored collection are the saved ones, byte for byte. */
function compareGraphs(
  { files }: SnapshotManifest,
  restored: Collection,
  reindexed: boolean,
  lost: readonly LostFile[],
): Pick<RestoreResult, 'graphs' | 'graphFiles'> {
  const saved = new Map(files.map((file) => [file.path, file.pieces.map((piece) => piece.sha256)]))
  let kept = 0
  let rebuilt = 0
  for (const { graph, lists } of restored.manifest.segments) {
    const index = graph ?? lists
    if (index === null) continue
    // building is deterministic: after a reindex equal bytes do not mean that the saved ones were used
    const left = reindexed || lost.some(({ path }) => path === index.path)
    if (!left && index.pieces.join() === saved.get(index.path)?.join()) kept++
    else rebuilt++
  }
  const graphs = rebuilt > 0 ? 'rebuilt' : kept > 0 ? 'kept' : 'none'
  return { graphs, graphFiles: { kept, rebuilt } }
}
