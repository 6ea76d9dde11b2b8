/**
 * Programs that we start get process groups of their own, so that all they start ends with them. When our own
 * process ends first, whatever is still running ends with it.
 */

/** What a group of ours is told when our process ends before it. */
type Farewell = 'SIGTERM' | 'SIGKILL'

const running = new Map<number, Farewell>()
let isWatching = false

/** Waits for the child that leads the group `pid`; when our process ends before, the group gets `farewell`. */
export async function untilEnd<T>(
  child: PromiseLike<T>,
  pid: number | undefined,
  farewell: Farewell,
): Promise<T> {
  if (!isWatching) process.once('exit', endAll)
  isWatching = true
  if (pid === undefined) return child // it was not started, and says so
  running.set(pid, farewell)
  try {
    return await child
  } finally {
    running.delete(pid)
  }
}

/** Sends a signal to a whole group; nothing happens when it is gone already. */
export function killGroup(pid: number, name: Farewell): void {
  try {
    process.kill(-pid, name)
  } catch {
    // gone
  }
}

function endAll(): void {
  for (const [pid, farewell] of running) killGroup(pid, farewell)
}
