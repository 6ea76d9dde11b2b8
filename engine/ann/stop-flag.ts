/**
 * Tells the threads of a build or a scan that nobody wants it any more: one u32 that they share. They look at
 * it after every point or tile, because a thread inside hnswlib can only end itself.
 */
export type StopFlag = SharedArrayBuffer

export const stopFlag = (): StopFlag => new SharedArrayBuffer(4)

/** The work is given up. */
export function setStop(flag: StopFlag): void {
  Atomics.store(new Uint32Array(flag), 0, 1)
}

/** A function that throws once the work is given up. It costs some nanoseconds. */
export function goOnUnless(flag: StopFlag): () => void {
  const cell = new Uint32Array(flag)
  return () => {
    if (Atomics.load(cell, 0) !== 0) throw new Error('the work was given up')
  }
}
