/**
 * Pruning: what no snapshot needs goes. Alone with the repository (locks.ts), so that nobody rests on what
 * is being removed.
 *
 * Mark: every manifest of every collection is read; one that cannot be read ends the prune, for nobody knows
 * what it needs. Sweep: objects that none of them names, archived log that no moment needs, records of
 * verifications that say nothing any more, and what interrupted puts left behind. Manifests are never
 * removed here. Before anything goes, the directories that the manifests stand in are made durable: one that
 * was forgotten must not come back after a power failure, when its objects are gone.
 */

import { Phases, type PhaseTime } from '../backup/phases.ts'
import { type Location, openRepository } from '../backup/sources.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail, type SerialisedError } from '../base/errors.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Timer } from '../base/timer.ts'
import type { UnfinishedPut } from '../destination/destination.ts'
import { holdExclusive, holdShared, type RepositoryLock } from '../repository/locks.ts'
import type { Repository } from '../repository/repository.ts'
import { refuseSuspicious } from './forget.ts'
import { markNeeded, type Unneeded } from './mark.ts'
import { type LockedValue, type Swept, sweep } from './sweep.ts'

export interface PruneOptions {
  readonly repository: Location
  /** Say what would be done, and do nothing. Default false. */
  readonly dryRun?: boolean
  /** Remove although the newest backup of a collection looks wrong. Default false. */
  readonly force?: boolean
  readonly disk: Disk
  readonly clock: Clock
  readonly timer?: Timer
  readonly progress?: Progress
  readonly signal?: AbortSignal
  /** How long to wait for backups and restores to be done. Default: a minute. */
  readonly lockWaitMs?: number
  /** Told for whom this waits, once each. */
  readonly onWait?: (sentence: string) => void
}

export interface Room {
  readonly count: number
  readonly bytes: number
}

/** Plain data. Instants are ISO 8601. */
export interface PruneResult {
  readonly repository: string
  readonly dryRun: boolean
  readonly snapshots: number
  /** What stays because snapshots need it. */
  readonly needed: { readonly objects: Room; readonly log: Room }
  /** What nobody needs; with `dryRun` it is still there. */
  readonly unneeded: { readonly objects: Room; readonly log: Room; readonly records: Room }
  readonly removed: Room
  /** What interrupted puts left behind: removed, or with `dryRun` found. */
  readonly unfinished: number
  /** Not removed: locked in the store. Stays until a later prune. */
  readonly locked: readonly LockedValue[]
  /** Not removed: the store refused. */
  readonly refused: readonly { readonly key: string; readonly error: SerialisedError }[]
  readonly suspicions: readonly string[]
  readonly remarks: readonly string[]
  readonly phases: readonly PhaseTime[]
  readonly durationMs: number
}

/**
 * @throws `damaged` and the like when a manifest cannot be read, with nothing removed; `suspicious-backup`;
 *   `locked` naming who uses the repository
 */
export async function pruneRepository(options: PruneOptions): Promise<PruneResult> {
  const { clock, disk, timer, dryRun = false, lockWaitMs } = options
  const phases = new Phases(clock)
  const repository = await phases.run('open', () => openRepository(options.repository, disk))
  const { signal: stop, onWait } = options
  const request = { purpose: 'a prune', clock, timer, signal: stop, waitMs: lockWaitMs, onWait }
  const lock = await phases.run('lock', () =>
    dryRun ? holdShared(repository, request, 'where-writable') : holdExclusive(repository, request),
  )
  const signal = AbortSignal.any([lock.lost, ...(options.signal ? [options.signal] : [])])
  try {
    return await prune(repository, lock, phases, { ...options, signal })
  } finally {
    await lock.release()
  }
}

async function prune(
  repository: Repository,
  lock: RepositoryLock,
  phases: Phases,
  options: PruneOptions,
): Promise<PruneResult> {
  const { clock, signal, dryRun = false, force = false, progress = noProgress } = options
  const marked = await phases.run('mark', () => markNeeded(repository, clock.nowMs(), signal))
  if (marked.suspicions.length > 0 && !force && !dryRun) refuseSuspicious(marked.suspicions)
  const entries = marked.unneeded.flatMap((each) => each.entries)
  const watch = {
    signal,
    confirm: () => lock.confirm(),
    onRemoved: (done: number) =>
      progress({ phase: 'prune', unit: 'objects', done, total: entries.length }),
  }
  const swept = await phases.run('sweep', async () => {
    if (dryRun) return nothing
    await repository.destination.flush()
    const removed = await sweep(repository.destination, entries, watch)
    await repository.destination.flush()
    return removed
  })
  const unfinished = await phases.run('unfinished', () => removeDead(repository, dryRun))
  const roomOf = (kind: Unneeded['kind']): Room => {
    const found = marked.unneeded.find((each) => each.kind === kind)?.entries ?? []
    return { count: found.length, bytes: found.reduce((sum, each) => sum + each.sizeBytes, 0) }
  }
  return {
    repository: repository.destination.url,
    dryRun,
    snapshots: marked.snapshots,
    needed: marked.needed,
    unneeded: { objects: roomOf('objects'), log: roomOf('log'), records: roomOf('records') },
    removed: { count: swept.removed, bytes: swept.removedBytes },
    unfinished,
    locked: swept.locked,
    refused: swept.refused,
    suspicions: marked.suspicions,
    remarks: marked.remarks,
    phases: phases.times,
    durationMs: phases.totalMs,
  }
}

const nothing: Swept = { removed: 0, removedBytes: 0, locked: [], refused: [] }

async function removeDead({ destination }: Repository, dryRun: boolean): Promise<number> {
  const dead: UnfinishedPut[] = []
  for await (const put of destination.unfinished?.list() ?? []) if (put.isDead) dead.push(put)
  if (!dryRun) for (const put of dead) await destination.unfinished?.remove(put)
  return dead.length
}

/** The error that refusals of the store mean to a caller that must fail. @throws it, when there was one */
export function refuseRefused({ repository, refused }: PruneResult): void {
  const [first] = refused
  if (first === undefined) return
  fail(
    first.error.code,
    `${refused.length} of what nobody needs at ${repository} could not be removed: ${first.error.message}`,
    'What could be removed is gone. Let an account that may delete run the prune.',
    { details: refused },
  )
}
