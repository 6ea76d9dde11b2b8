/**
 * Pinning a snapshot, so that no retention rule removes it, and unpinning it. Alone with what removes
 * snapshots: one cannot be removed by rules that were applied just before it was pinned.
 */
import { findSnapshot, type Location, openRepository } from '../backup/sources.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import type { Timer } from '../base/timer.ts'
import { toInstant } from '../repository/instant.ts'
import { holdRetention } from '../repository/locks.ts'
import { type Pin, removePin, writePin } from '../repository/pins.ts'
import type { Repository } from '../repository/repository.ts'

export interface PinOptions {
  readonly repository: Location
  readonly collection: string
  readonly snapshotId: string
  readonly disk: Disk
  readonly clock: Clock
  readonly timer?: Timer
  readonly signal?: AbortSignal
}

/**
 * Pins a snapshot, or gives its pin another reason.
 * @throws `snapshot-not-found`; `usage` for a reason that is too long; `locked` while snapshots are removed
 */
export async function pinSnapshot(
  options: PinOptions & { readonly reason?: string },
): Promise<Pin & { readonly repository: string }> {
  const { collection, snapshotId, clock, reason = null } = options
  if (reason !== null && reason.length > limits.pinReasonLength) {
    const problem = `the reason has ${reason.length} characters`
    fail('usage', problem, `Say it in ${limits.pinReasonLength}.`)
  }
  return alone(options, 'a pin', async (repository) => {
    await findSnapshot([repository], collection, snapshotId)
    const pin = { collection, snapshotId, reason, pinnedAt: toInstant(clock.nowMs()) }
    await writePin(repository, pin)
    return { ...pin, repository: repository.destination.url }
  })
}

/** Takes a pin away, also that of a snapshot that is gone. @returns whether there was one */
export const unpinSnapshot = (
  options: PinOptions,
): Promise<{ readonly repository: string; readonly wasPinned: boolean }> =>
  alone(options, 'an unpin', async (repository) => ({
    repository: repository.destination.url,
    wasPinned: await removePin(repository, options.collection, options.snapshotId),
  }))

async function alone<T>(
  options: PinOptions,
  purpose: string,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  checkName('collection name', options.collection)
  checkName('snapshot id', options.snapshotId)
  const { clock, timer, signal } = options
  const repository = await openRepository(options.repository, options.disk)
  const lock = await holdRetention(repository, { purpose, clock, timer, signal })
  try {
    return await work(repository)
  } finally {
    await lock.release()
  }
}
