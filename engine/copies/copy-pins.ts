/**
 * Pins come along with the snapshots that they protect. One that the target has stays as it is, and none is
 * taken away: a pin is removed where somebody decided so.
 */
import { holdRetention, type LockRequest } from '../repository/locks.ts'
import { type Pin, readPin, writePin } from '../repository/pins.ts'
import type { StoredSnapshot } from '../repository/repository.ts'
import type { CopyEnds } from './copy-objects.ts'

/**
 * @returns how many were written
 * @throws `locked` when snapshots are being removed at the target all the while
 */
export async function copyPins(
  { from, to }: CopyEnds,
  snapshots: readonly StoredSnapshot[],
  request: LockRequest,
): Promise<number> {
  const lacking: Pin[] = []
  for (const { manifest } of snapshots) {
    const collection = manifest.collection.name
    const source = await readPin(from, collection, manifest.id)
    if (source?.pin === undefined) continue
    if ((await readPin(to, collection, manifest.id)) === undefined) lacking.push(source.pin)
  }
  if (lacking.length === 0) return 0
  // not while a run decides what to remove: it has read the pins already
  const lock = await holdRetention(to, request)
  try {
    for (const pin of lacking) await writePin(to, pin)
  } finally {
    await lock.release()
  }
  return lacking.length
}
