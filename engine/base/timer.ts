/** Waiting, injected: nothing else starts a timer. */

export interface Timer {
  /** Calls `act` once after `milliseconds`. @returns what cancels it */
  after(milliseconds: number, act: () => void): () => void
}

/** Node fires longer time-outs at once; they are cut to this, which is 24 days. */
const longestMs = 2 ** 31 - 1

export const systemTimer: Timer = {
  after(milliseconds, act) {
    const handle = setTimeout(act, Math.min(milliseconds, longestMs))
    return () => clearTimeout(handle)
  },
}

/** Resolves after `milliseconds`. @throws the signal's reason, at once */
export function pause(timer: Timer, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = timer.after(milliseconds, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
  })
}
