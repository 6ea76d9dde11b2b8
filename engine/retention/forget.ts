/**
 * Forgetting snapshots: their manifests go, by rules or by name; their objects stay until a prune finds that
 * nobody needs them. Whoever is reading a forgotten snapshot can go on.
 *
 * The last good snapshot of a collection is never removed, nor one that is pinned; neither by rules nor by
 * name. Nothing is removed while something looks wrong (suspicions.ts), unless forced.
 */

import { Phases, type PhaseTime } from '../backup/phases.ts'
import { type Location, openRepository } from '../backup/sources.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import {
  fail,
  isOperatingError,
  type OperatingError,
  type SerialisedError,
} from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { Timer } from '../base/timer.ts'
import { toInstant } from '../repository/instant.ts'
import { holdRetention, holdShared } from '../repository/locks.ts'
import type { Repository } from '../repository/repository.ts'
import { applyRules, type Decision, type KeepRules } from './keep-rules.ts'
import { readCandidates, type StoredCandidate } from './read-candidates.ts'
import { removeNamed } from './remove-named.ts'
import { suspicions } from './suspicions.ts'

export interface ForgetOptions {
  readonly repository: Location
  /** Default: snapshots of all collections. */
  readonly collection?: string
  /** What stays; or `snapshotIds`. */
  readonly rules?: KeepRules
  /** Exactly these go. With `collection`. */
  readonly snapshotIds?: readonly string[]
  /** IANA name of the zone in which days begin. Default UTC. */
  readonly timezone?: string
  /** Say what would be done, and do nothing. Default false. */
  readonly dryRun?: boolean
  /** Remove although something looks wrong. Default false. */
  readonly force?: boolean
  readonly disk: Disk
  readonly clock: Clock
  readonly timer?: Timer
  readonly signal?: AbortSignal
  /** How long to wait for another forget or prune. Default: a minute. */
  readonly lockWaitMs?: number
  /** Told for whom this waits, once each. */
  readonly onWait?: (sentence: string) => void
}

/** Plain data. Instants are ISO 8601. */
export interface ForgottenSnapshot {
  readonly collection: string
  readonly snapshotId: string
  readonly asOfAt: string
  readonly lsn: number
  readonly tags: readonly string[]
  /** `stays`: it was to be removed, and could not be. */
  readonly outcome: 'kept' | 'removed' | 'would be removed' | 'stays'
  readonly reasons: readonly string[]
}

export interface ForgetResult {
  readonly repository: string
  readonly timezone: string
  readonly dryRun: boolean
  /** By collection, oldest first. */
  readonly snapshots: readonly ForgottenSnapshot[]
  readonly removed: number
  /** What looked wrong, and was overridden, or would stop a run that is no dry one. */
  readonly suspicions: readonly string[]
  /** The first refusal of the store, other than locked objects; null when there was none. */
  readonly refused: SerialisedError | null
  readonly remarks: readonly string[]
  readonly phases: readonly PhaseTime[]
  readonly durationMs: number
}

/**
 * @throws `usage` for an empty set of rules; `suspicious-backup` when something looks wrong; `locked` while
 *   another process removes; `snapshot-not-found`, `snapshot-kept` for a name that may not go
 */
export async function forgetSnapshots(options: ForgetOptions): Promise<ForgetResult> {
  const { clock, disk, timer, signal, dryRun = false, lockWaitMs } = options
  if (options.collection !== undefined) checkName('collection name', options.collection)
  const phases = new Phases(clock)
  const repository = await phases.run('open', () => openRepository(options.repository, disk))
  const request = {
    purpose: 'a forget',
    clock,
    timer,
    signal,
    waitMs: lockWaitMs,
    onWait: options.onWait,
  }
  const lock = await phases.run('lock', () =>
    dryRun ? holdShared(repository, request, 'where-writable') : holdRetention(repository, request),
  )
  try {
    return await forget(repository, phases, options)
  } finally {
    await lock.release()
  }
}

async function forget(
  repository: Repository,
  phases: Phases,
  options: ForgetOptions,
): Promise<ForgetResult> {
  const { clock, signal, timezone = 'UTC', dryRun = false, force = false } = options
  const found = await phases.run('read', () =>
    readCandidates(repository, options.collection, signal),
  )
  const decisions =
    options.snapshotIds === undefined
      ? applyRules(found.snapshots, options.rules ?? {}, timezone)
      : removeNamed(found.snapshots, options.collection, options.snapshotIds)
  const unreadable = found.unreadable.map(({ error }) => error.message)
  const wrong =
    options.snapshotIds === undefined
      ? suspicions(found.snapshots, unreadable, clock.nowMs(), found.recordedMs)
      : []
  const leaving = decisions.filter(({ keep }) => !keep)
  if (wrong.length > 0 && leaving.length > 0 && !force && !dryRun) refuseSuspicious(wrong)
  const removal = await phases.run('remove', async () =>
    dryRun ? noRemoval : remove(repository, leaving, signal),
  )
  return {
    repository: repository.destination.url,
    timezone,
    dryRun,
    snapshots: decisions.map((each) => summarise(each, removal.stays, dryRun)),
    removed: dryRun ? 0 : leaving.length - removal.stays.size,
    suspicions: wrong,
    refused: removal.refused,
    remarks: unreadable.map((each) => `a snapshot that cannot be read stays: ${each}`),
    phases: phases.times,
    durationMs: phases.totalMs,
  }
}

/** @throws `suspicious-backup`, always */
export function refuseSuspicious(wrong: readonly string[]): never {
  const [first = '', ...more] = wrong
  const rest = more.length > 0 ? `, and ${more.length} more` : ''
  return fail(
    'suspicious-backup',
    `nothing was removed, because ${first}${rest}`,
    'Look at the newest snapshots with "backup list" and "backup verify". If all is well, run it again with --force.',
    { details: wrong },
  )
}

interface Removal {
  readonly stays: ReadonlyMap<StoredCandidate, string>
  readonly refused: SerialisedError | null
}

const noRemoval: Removal = { stays: new Map(), refused: null }

/** One after the other, the oldest first: whatever ends this leaves the newer ones. */
async function remove(
  repository: Repository,
  leaving: readonly Decision<StoredCandidate>[],
  signal: AbortSignal | undefined,
): Promise<Removal> {
  const stays = new Map<StoredCandidate, string>()
  let refused: OperatingError | undefined
  for (const { snapshot } of leaving) {
    signal?.throwIfAborted()
    try {
      await repository.deleteSnapshot(snapshot.collection, snapshot.snapshotId)
    } catch (error) {
      if (!isOperatingError(error, 'object-locked', 'credential-refused', 'disk-refused'))
        throw error
      stays.set(snapshot, error.message)
      if (error.code !== 'object-locked') refused ??= error
    }
  }
  await repository.destination.flush()
  return { stays, refused: refused?.toJSON() ?? null }
}

function summarise(
  { snapshot, keep, reasons }: Decision<StoredCandidate>,
  stays: Removal['stays'],
  dryRun: boolean,
): ForgottenSnapshot {
  const { collection, snapshotId, asOfMs, lsn, tags } = snapshot
  const problem = stays.get(snapshot)
  const gone = dryRun ? 'would be removed' : 'removed'
  return {
    collection,
    snapshotId,
    asOfAt: toInstant(asOfMs),
    lsn,
    tags,
    outcome: keep ? 'kept' : problem === undefined ? gone : 'stays',
    reasons: problem === undefined ? reasons : [problem],
  }
}
