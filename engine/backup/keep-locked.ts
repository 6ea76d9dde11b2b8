/**
 * Object locks of what a snapshot needs: prolonged while it is being taken, and told when it is verified.
 *
 * A new snapshot shares objects with old ones, whose locks run out earlier. Every one that has less than
 * half of its time left is prolonged before the manifest is written, repository.json too.
 */
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import { isLocked } from '../destination/destination.ts'
import { toInstant } from '../repository/instant.ts'
import { isDue, toLock } from '../repository/lock-policy.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { repositoryKey } from '../repository/repository-file.ts'
import { objectsOf } from './check-objects.ts'

/** What a backup did about locks. Plain data. */
export interface KeptLocks {
  readonly mode: string
  /** ISO 8601: nothing that the snapshot needs is free earlier. */
  readonly earliestUntil: string
  /** Values whose lock was prolonged, or placed on something that had none. */
  readonly prolonged: number
}

/**
 * Prolongs what is due, as the repository was opened to do.
 * @param sha256s of the pieces that the snapshot needs
 * @returns undefined when nothing is locked there
 * @throws `object-locked` where a weaker lock cannot be tightened; `file-not-found` when something is gone
 */
export async function keepLocked(
  repository: Repository,
  sha256s: Iterable<string>,
  more: readonly string[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<KeptLocks | undefined> {
  const { lockPolicy: policy, destination } = repository
  const { objectLock: locks } = destination
  if (policy === undefined || locks === undefined) return undefined
  const pieces = [...new Set(sha256s)].map((sha256) => repository.objectKey(sha256))
  let earliestMs = Number.POSITIVE_INFINITY
  let prolonged = 0
  const keys = [...pieces, ...more, repositoryKey]
  await inFlight(keys, limits.requestsInFlight, signal, async (key) => {
    const nowMs = clock.nowMs()
    let lock = await locks.lockOf(key)
    if (isDue(lock, policy, nowMs)) {
      await locks.extend(key, toLock(policy, nowMs))
      lock = await locks.lockOf(key) // what the store says, not what it was asked
      if (isDue(lock, policy, nowMs)) refuseForgotten(destination.locate(key))
      prolonged++
    }
    earliestMs = Math.min(earliestMs, lock?.retention?.untilMs ?? 0)
  })
  return { mode: policy.mode, earliestUntil: toInstant(earliestMs), prolonged }
}

function refuseForgotten(place: string): never {
  fail(
    'unsupported-destination',
    `${place}: the store took a lock and does not keep it`,
    'Leave --object-lock away, or use another store; vectra-cli repository probe tells what it honours.',
    { place: { file: place } },
  )
}

/** How what snapshots need is locked. Plain data. */
export interface LockReport {
  /** Values that are locked now, by retention or legal hold, and such that anybody may delete. */
  readonly locked: number
  readonly unlocked: number
  /** ISO 8601: the first of the locked ones is free then; null when none is locked until an instant. */
  readonly earliestUntil: string | null
  /** Where that one stands. */
  readonly earliest: string | null
}

/** @returns undefined where the store has no locks, or does not say */
export async function reportLocks(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<LockReport | undefined> {
  const { destination } = repository
  const { objectLock: locks } = destination
  if (locks === undefined || !(await isHonoured(repository))) return undefined
  const keys = [
    ...objectsOf(snapshots).map(({ sha256 }) => repository.objectKey(sha256)),
    ...snapshots.map(({ key }) => key),
  ]
  const nowMs = clock.nowMs()
  let locked = 0
  let earliest: { readonly untilMs: number; readonly key: string } | undefined
  await inFlight(keys, limits.requestsInFlight, signal, async (key) => {
    const lock = await locks.lockOf(key)
    if (!isLocked(lock, nowMs)) return
    locked++
    const untilMs = lock?.legalHold ? undefined : lock?.retention?.untilMs
    if (untilMs !== undefined && untilMs < (earliest?.untilMs ?? Number.POSITIVE_INFINITY)) {
      earliest = { untilMs, key }
    }
  })
  return {
    locked,
    unlocked: keys.length - locked,
    earliestUntil: earliest === undefined ? null : toInstant(earliest.untilMs),
    earliest: earliest === undefined ? null : destination.locate(earliest.key),
  }
}

/** A role that may only read backups need not be allowed to ask about the bucket. */
async function isHonoured({ destination }: Repository): Promise<boolean> {
  try {
    return (await destination.objectLock?.isHonoured()) ?? false
  } catch (error) {
    if (!isOperatingError(error, 'credential-refused')) throw error
    return false
  }
}
