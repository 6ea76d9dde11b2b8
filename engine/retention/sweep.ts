/**
 * Removing many values: each by itself, so that one which is locked or which this account may not delete
 * keeps nothing else from going. Nothing here asks a store to bypass a lock.
 */
import { isOperatingError, type SerialisedError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import type { Destination, StoredEntry } from '../destination/destination.ts'
import { toInstant } from '../repository/instant.ts'

export interface LockedValue {
  readonly key: string
  /** ISO 8601; null when it is held until further notice. */
  readonly lockedUntil: string | null
}

export interface Swept {
  readonly removed: number
  readonly removedBytes: number
  readonly locked: readonly LockedValue[]
  /** Those that the store would not delete. */
  readonly refused: readonly { readonly key: string; readonly error: SerialisedError }[]
}

export interface SweepWatch {
  readonly signal?: AbortSignal | undefined
  /** Called between batches: whether going on is still right. */
  readonly confirm: () => Promise<void>
  readonly onRemoved: (removed: number) => void
}

/** Values removed between two looks at the own lock. */
const batch = 256

/** @throws `locked` when the own lock is lost; what the store says, other than that it may not delete */
export async function sweep(
  destination: Destination,
  entries: readonly StoredEntry[],
  { signal, confirm, onRemoved }: SweepWatch,
): Promise<Swept> {
  const locked: LockedValue[] = []
  const refused: Swept['refused'][number][] = []
  let removed = 0
  let removedBytes = 0
  for (let at = 0; at < entries.length; at += batch) {
    await confirm()
    const part = entries.slice(at, at + batch)
    await inFlight(part, limits.requestsInFlight, signal, async ({ key, sizeBytes }) => {
      try {
        await destination.delete(key)
        removed++
        removedBytes += sizeBytes
        onRemoved(removed)
      } catch (error) {
        if (isOperatingError(error, 'object-locked')) {
          locked.push({ key, lockedUntil: await lockedUntil(destination, key) })
        } else if (isOperatingError(error, 'credential-refused', 'disk-refused', 'unsafe-entry')) {
          refused.push({ key, error: error.toJSON() })
        } else throw error
      }
    })
  }
  return { removed, removedBytes, locked, refused }
}

async function lockedUntil(destination: Destination, key: string): Promise<string | null> {
  const lock = await destination.objectLock?.lockOf(key)
  if (lock?.retention === undefined || lock.legalHold) return null
  return toInstant(lock.retention.untilMs)
}
