/** What a thread does for hash-threads.ts. */
import { sha256Hex } from './checksum.ts'

export interface HashTask {
  readonly bytes: SharedArrayBuffer
  readonly offset: number
  readonly length: number
}

/** The thread's side: tasks by name, for serveThread. */
export const hashTasks = {
  sha256: ({ bytes, offset, length }: HashTask): string =>
    sha256Hex(new Uint8Array(bytes, offset, length)),
}
