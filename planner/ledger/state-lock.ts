/**
 * Locks below the state directory: one run of a plan at a time, one writer of a ledger at a time.
 *
 * The lock file, its owner and the rules for taking over a stale one are the engine's.
 */
import {
  type Clock,
  type Disk,
  isOperatingError,
  OperatingError,
  type Timer,
} from '../../engine/index.ts'
import { DirectoryLock } from '../../engine/operations.ts'
import { pause } from '../step/timer.ts'
import { makeDurableDirectory } from './durable-directory.ts'

export interface HeldLock {
  release(): Promise<void>
}

/**
 * Locks `directory`, making it when it is missing.
 * @param what names the work in the message: `a run of plan products-dr`
 * @throws `locked` naming the process and host that hold it
 */
export async function takeStateLock(
  disk: Disk,
  clock: Clock,
  directory: string,
  what: string,
): Promise<HeldLock> {
  await makeDurableDirectory(disk, directory)
  try {
    return await DirectoryLock.take(disk, clock, directory)
  } catch (error) {
    if (!isOperatingError(error, 'locked')) throw error
    throw new OperatingError(
      'locked',
      `${what} is under way: ${error.message}`,
      'Wait until it is done, or stop it. If its host is gone for good, remove the lock file.',
      { place: error.place },
    )
  }
}

/** Looks again this often while somebody else holds the lock. */
const lookAgainMs = 25

/** The same, waiting up to `patienceMs` for somebody else to be done. */
export async function awaitStateLock(
  disk: Disk,
  clock: Clock,
  timer: Timer,
  directory: string,
  what: string,
  patienceMs: number,
): Promise<HeldLock> {
  const startedMs = clock.monotonicMs()
  for (;;) {
    try {
      return await takeStateLock(disk, clock, directory, what)
    } catch (error) {
      const waitedMs = clock.monotonicMs() - startedMs
      if (!isOperatingError(error, 'locked') || waitedMs >= patienceMs) throw error
      await pause(timer, lookAgainMs, new AbortController().signal)
    }
  }
}
