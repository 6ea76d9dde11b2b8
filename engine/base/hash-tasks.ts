/** What a thread does for hash-threads.ts. */
import { Sha256, sha256Hex } from './checksum.ts'
import { type DiskFile, nodeDisk } from './disk.ts'
import { MiB } from './limits.ts'

export interface HashTask {
  readonly bytes: SharedArrayBuffer
  readonly offset: number
  readonly length: number
}

export interface HashFileTask {
  readonly path: string
  readonly offset: number
  readonly length: number
  /** Also write what is read into this file, which stands there, from `offset` on. */
  readonly copyTo?: { readonly path: string; readonly offset: number } | undefined
}

/** Read at once, into memory that is used again and again. */
const chunkBytes = 1 * MiB

/** Fewer bytes than `length` are hashed when the file ends before: the hash is then another one. */
async function hashFile({ path, offset, length, copyTo }: HashFileTask): Promise<string> {
  const source = await nodeDisk.open(path, 'read')
  let target: DiskFile | undefined
  try {
    target = copyTo && (await nodeDisk.open(copyTo.path, 'append'))
    const hash = new Sha256()
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, length))
    for (let done = 0; done < length; done += chunk.length) {
      const part = chunk.subarray(0, Math.min(chunk.length, length - done))
      const read = part.subarray(0, await source.read(part, offset + done))
      const written = target?.write(read, (copyTo?.offset ?? 0) + done)
      hash.update(read) // while it is being written
      await written
      if (read.length < part.length) break
    }
    return hash.hex()
  } finally {
    await source.close()
    await target?.close()
  }
}

/** The thread's side: tasks by name, for serveThread. */
export const hashTasks = {
  sha256: ({ bytes, offset, length }: HashTask): string =>
    sha256Hex(new Uint8Array(bytes, offset, length)),
  sha256File: hashFile,
}
