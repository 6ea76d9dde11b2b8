/**
 * Seeding from a repository: a standby restores a snapshot of the collection, replays archived log behind it
 * where the primary's log does not reach back so far, proves the state, and follows the primary from there.
 *
 * Every object is hashed and the content digest is computed from the stored bytes, so a snapshot needs no
 * earlier verification; one that proves damaged is passed over for the one before it. Right before the copy gets
 * its name the primary is asked whether it has the very record that the copy ends with: it never counts with a
 * gap, nor in another history. After a replay the copy may be cut into other segments than its primary is; its
 * points and its digest are the same.
 */
import { ArchivedLog } from '../backup/archived-log.ts'
import { chooseFiles } from '../backup/choose-moment.ts'
import { findHistories } from '../backup/histories.ts'
import {
  findNewest,
  findSnapshot,
  holdSources,
  type Location,
  openSources,
} from '../backup/sources.ts'
import { startWriting } from '../backup/write-files.ts'
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import type { HashThreads } from '../base/hash-threads.ts'
import { noProgress } from '../base/progress.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import { isSameEpoch, unreplicated, withKnownNodes } from '../collection/replica-file.ts'
import type { Repository } from '../repository/repository.ts'
import { type BaseCandidate, chooseBase, type PrimaryLog } from './base-snapshot.ts'
import { readCopyState } from './copy-state.ts'
import { readAliases, type SeedOptions, stagingKey, stillPromised } from './seed.ts'
import { ask } from './transport.ts'

/** Where a base is taken from instead of the primary. */
export interface BaseSource {
  readonly location: Location
  /** Default: the newest that belongs to the primary's history. */
  readonly snapshotId?: string | undefined
}

export interface RepositorySeedOptions extends SeedOptions {
  readonly base: BaseSource
  readonly clock: Clock
  readonly timer: Timer
  readonly hashes?: HashThreads | undefined
}

/** Where the copy began. Plain data. */
export interface SeededFrom {
  readonly snapshotId: string
  /** URL of the repository. */
  readonly source: string
  readonly snapshotLsn: number
  /** Where it goes on from the primary's log. */
  readonly lsn: number
  readonly remarks: readonly string[]
}

/** How a standby began. Plain data. */
export interface Joined {
  /** `kept`: it had a copy already. `base`: from the primary. `snapshot`: from a repository. */
  readonly how: 'kept' | 'base' | 'snapshot'
  readonly from?: SeededFrom
  /** Why it was not the snapshot that was wanted. */
  readonly instead?: string
}

const askMs = 5_000

/** What makes a snapshot be passed over for another one. */
const isDamage = (error: unknown) =>
  isOperatingError(
    error,
    'damaged',
    'missing-file',
    'digest-mismatch',
    'archive-gap',
    'unsafe-name',
  )

/**
 * @returns what it began with, the collection being a standby now; or why no snapshot leads up to the primary's
 *   log: nothing was put in place then
 * @throws `divergence` when all snapshots are of another collection or history; `snapshot-not-found`,
 *   `repository-not-found`; `damaged` and the like when none that fits is sound; `disk-full`, `unreachable`
 */
export async function seedFromRepository(
  options: RepositorySeedOptions,
): Promise<SeededFrom | { readonly short: string }> {
  const { base, disk, name, primary, signal } = options
  const log = await primaryLog(options)
  const { repositories, remarks } = await openSources([base.location], disk)
  const purpose = `a standby that begins with ${name}`
  const locks = await holdSources(repositories, { ...options, purpose })
  try {
    const { histories, remarks: unread } = await findHistories(repositories, name, signal)
    const choice = chooseBase(histories, log, base.snapshotId)
    const passedOver: OperatingError[] = []
    for (const candidate of choice.candidates) {
      try {
        const { lsn } = await restoreStandby(candidate, log, repositories, options)
        const { manifest } = candidate.snapshot
        return {
          snapshotId: manifest.id,
          source: candidate.repository.destination.url,
          snapshotLsn: manifest.lsn,
          lsn,
          remarks: [
            ...remarks,
            ...locks.remarks,
            ...unread,
            ...passedOver.map((each) => `a snapshot was passed over: ${each.message}`),
          ],
        }
      } catch (error) {
        if (isOperatingError(error, 'log-gap')) return { short: error.message }
        if (!isOperatingError(error) || !isDamage(error)) throw error
        passedOver.push(error)
      }
    }
    const [damage] = passedOver
    if (damage !== undefined) throw damage
    const [short] = choice.short
    if (short !== undefined) return { short }
    if (choice.foreign.length === 0) {
      const { snapshotId: id } = base
      await (id === undefined
        ? findNewest(repositories, name)
        : findSnapshot(repositories, name, id))
    }
    return fail(
      'divergence',
      `no snapshot of ${name} in ${repositories[0]?.destination.url} belongs to the history of ${primary.name}: ${choice.foreign.slice(0, 3).join('; ')}`,
      'Name the repository that this collection is backed up to, or leave the base to the primary.',
    )
  } finally {
    await locks.release()
  }
}

async function primaryLog({ name, primary, transport, signal }: SeedOptions): Promise<PrimaryLog> {
  const request = { collection: name }
  const to = { timeoutMs: askMs, signal }
  const { fields: copy } = await ask(transport, primary, 'copy', request, to)
  const { fields } = await ask(transport, primary, 'log-start', request, to)
  return {
    state: readCopyState(copy),
    afterLsn: fields.integer('afterLsn'),
    aliases: readAliases(fields),
  }
}

/** @throws `log-gap` when the primary's log does not go on from it any more */
async function restoreStandby(
  candidate: BaseCandidate,
  { state, aliases }: PrimaryLog,
  repositories: readonly Repository[],
  options: RepositorySeedOptions,
): Promise<Collection> {
  const { name, primary, disk, clock, hashes, signal } = options
  const { snapshot, history, toLsn } = candidate
  const { id, collection, epoch, lsn, count, digest, files } = snapshot.manifest
  const replay = await replayOf(candidate, signal)
  const begun = state.lineage.findIndex((each) => isSameEpoch(each.epoch, history.identity.epoch))
  const staging = await options.stage({
    key: stagingKey(collection.uuid, name),
    snapshotId: id,
    uuid: collection.uuid,
    ...{ epoch, lsn, count, digest },
    paths: files.map((each) => each.path),
    newUuid: false,
    standby: withKnownNodes({
      ...unreplicated,
      role: 'standby',
      primary,
      // what comes after its own epoch is added when it enters that
      lineage: begun < 0 ? state.lineage : state.lineage.slice(0, begun),
      members: state.members,
      replaced: state.replaced,
      ...stillPromised(options, epoch.number),
    }),
  })
  const { directory } = staging
  // an earlier seeding of this standby may have left files there: each is taken or replaced
  const request = { disk, repositories, files, directory, resumed: true, hashes }
  const writing = startWriting(request, { clock, progress: noProgress, signal })
  const all = async () => {
    const [lost] = (await writing.written).lost
    if (lost !== undefined) {
      fail('damaged', `${lost.path} of snapshot ${id}: ${lost.problem}`, 'Take another snapshot.')
    }
    signal?.throwIfAborted()
    return []
  }
  try {
    await writing.prepared
    const { some, durable } = writing
    return await staging.commit({
      ...{ name, replace: true, aliases, arriving: { some, all, durable } },
      ...(replay && { replay }),
      admit: (staged) => admit(staged, toLsn, options),
    })
  } catch (error) {
    await writing.stop()
    const goesOn = isOperatingError(error, 'log-gap', 'interrupted', 'unreachable', 'fsync-failed')
    if (!goesOn && isOperatingError(error)) await staging.discard().catch(() => {})
    throw error
  }
}

async function replayOf(
  { snapshot, repository, history, toLsn }: BaseCandidate,
  signal: AbortSignal | undefined,
): Promise<ArchivedLog | undefined> {
  const { lsn } = snapshot.manifest
  if (toLsn === lsn) return undefined
  const moment = { kind: 'lsn', lsn: toLsn } as const
  const { files } = await chooseFiles(history, lsn, moment)
  return new ArchivedLog({ snapshot, repository, history, moment, files, remarks: [] }, signal)
}

/** The last word before the copy counts is the primary's. */
async function admit(
  { uuid, epoch, position: { lsn, chain } }: Collection,
  toLsn: number,
  { name, primary, transport, signal }: SeedOptions,
): Promise<void> {
  if (lsn !== toLsn) {
    fail(
      'archive-gap',
      `the archived log ended at LSN ${lsn}, before LSN ${toLsn}`,
      'Take another snapshot.',
    )
  }
  const request = { collection: name, uuid, epoch, lsn, chain }
  const { fields } = await ask(transport, primary, 'reach', request, { timeoutMs: askMs, signal })
  if (fields.oneOf('kind', ['records', 'switch', 'seed']) !== 'seed') return
  if (fields.oneOf('reason', ['another', 'gone', 'diverged']) === 'gone') {
    throw new OperatingError(
      'log-gap',
      `the log of ${primary.name} does not go on from LSN ${lsn} any more`,
      'A base of the primary is taken instead.',
    )
  }
  fail(
    'divergence',
    `LSN ${lsn} of ${name} is another record in the snapshot than at ${primary.name}`,
    'Nothing was put in place. Find out which of them is right; the base can be taken from the primary: leave --base out.',
    { place: { lsn } },
  )
}
