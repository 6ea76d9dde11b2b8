/**
 * Whether the holder of a lock is still there, judged from here.
 *
 * On this host, since this start of it, the process table knows. Elsewhere only time does, and clocks are
 * wrong: what was not renewed for a long time by our clock is `expired`, which is a suspicion. It counts as
 * gone only after it was watched over several renewals by the monotonic clock, which nobody sets (see
 * locks.ts). A lock from the future is held: one of the two clocks is wrong, and nobody can tell which.
 */
import { limits } from '../base/limits.ts'
import { processStart } from '../base/process-start.ts'
import type { LockFile, LockOwner } from './lock-file.ts'

export type LockVerdict = 'held' | 'gone' | 'expired'

/** @param self who asks */
export async function judgeLock(
  lock: LockFile,
  self: LockOwner,
  nowMs: number,
): Promise<LockVerdict> {
  if (lock.released) return 'gone'
  const { host, boot, pid, startedAt } = lock.owner
  if (host === self.host && boot !== null && boot === self.boot) {
    const start = await processStart(pid)
    const isSame = start !== undefined && (startedAt === null || startedAt === start)
    return isSame ? 'held' : 'gone'
  }
  const ageMs = nowMs - Date.parse(lock.renewedAt)
  return ageMs > limits.repositoryLockStaleMs ? 'expired' : 'held'
}
