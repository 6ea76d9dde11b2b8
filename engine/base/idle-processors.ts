/** Seeing whether the processors wait: work that may come later begins when what comes first leaves them idle. */
import { availableParallelism } from 'node:os'
import { systemClock } from './clock.ts'
import { pause, systemTimer } from './timer.ts'

/** How long is looked before it is judged: long enough that the start of a thread does not matter. */
const windowMs = 100

/** Used less than this, there is room for more; disks that are written to take the rest now and then. */
const busyShare = 0.6

/**
 * Resolves once this process, all its threads together, has left processors idle for a while, be it that it
 * waits for a disk, for the network, or that it has fewer threads than there are processors.
 * @param usedMs processor time of the process so far
 * @throws the signal's reason
 */
export async function processorsIdle(
  signal: AbortSignal,
  usedMs: () => number = processorTimeMs,
): Promise<void> {
  for (;;) {
    const [used, startedMs] = [usedMs(), systemClock.monotonicMs()]
    await pause(systemTimer, windowMs, signal)
    const elapsedMs = systemClock.monotonicMs() - startedMs
    if (usedMs() - used < busyShare * elapsedMs * availableParallelism()) return
  }
}

function processorTimeMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
