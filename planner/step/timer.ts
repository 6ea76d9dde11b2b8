/** Waiting for a time or for a signal. Timers are injected; nothing else in the planner starts one. */
import type { Timer } from '../../engine/index.ts'

/** Resolves after `milliseconds`; rejects with the signal's reason when that comes first. */
export function pause(timer: Timer, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const stop = () => {
      cancel()
      reject(signal.reason)
    }
    const cancel = timer.after(milliseconds, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    signal.addEventListener('abort', stop, { once: true })
  })
}
