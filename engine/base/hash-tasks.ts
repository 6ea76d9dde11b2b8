/** What a thread does for hash-threads.ts. */
import { BlockingFile } from './blocking-file.ts'
import { Sha256, sha256Hex } from './checksum.ts'
import { type DiskFile, nodeDisk, type OpenMode } from './disk.ts'
import { KiB } from './limits.ts'
import {
  type BoxKey,
  SEALED_HEADER_BYTES,
  SEALED_OVERHEAD_BYTES,
  SEALED_TAG_BYTES,
  seal,
  Unsealing,
  unseal,
} from './sealed-box.ts'
import { Transfer } from './thread-pool.ts'

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

/** A file that is a sealed box, whole. */
export interface UnsealFileTask {
  readonly path: string
  /** Of the plain bytes. */
  readonly length: number
  readonly box: BoxKey
  /** Also write the plain bytes there, before it is known that they are authentic. */
  readonly copyTo?: HashFileTask['copyTo']
}

export interface SealTask extends HashTask {
  readonly box: BoxKey
}

/**
 * Read at once: it is still in the processor's cache when it is hashed and written. The page cache of Linux takes
 * a write of 256 KiB at a third of the speed: pages as large are hard to find.
 */
const chunkBytes = 128 * KiB
let chunk: Buffer | undefined

/** Fewer bytes than `length` are hashed when the file ends before: the hash is then another one. */
function hashFile({ path, offset, length, copyTo }: HashFileTask): string {
  chunk ??= Buffer.allocUnsafeSlow(chunkBytes)
  const source = BlockingFile.open(path, 'read')
  let target: BlockingFile | undefined
  try {
    target = copyTo && BlockingFile.open(copyTo.path, 'append')
    const hash = new Sha256()
    for (let done = 0; done < length; done += chunkBytes) {
      const part = chunk.subarray(0, Math.min(chunkBytes, length - done))
      const read = part.subarray(0, source.read(part, offset + done))
      hash.update(read)
      target?.write(read, (copyTo?.offset ?? 0) + done)
      if (read.length < part.length) break
    }
    return hash.hex()
  } finally {
    source.close()
    target?.close()
  }
}

/** SHA-256 of the plain bytes of a sealed file; null when it is not what was sealed. */
function unsealFile({ path, length, box, copyTo }: UnsealFileTask): string | null {
  chunk ??= Buffer.allocUnsafeSlow(chunkBytes)
  const source = BlockingFile.open(path, 'read')
  let target: BlockingFile | undefined
  try {
    target = copyTo && BlockingFile.open(copyTo.path, 'append')
    const header = Buffer.alloc(SEALED_HEADER_BYTES)
    source.read(header, 0)
    const opening = new Unsealing(box, header)
    const hash = new Sha256()
    for (let done = 0; done < length; done += chunkBytes) {
      const part = chunk.subarray(0, Math.min(chunkBytes, length - done))
      if (source.read(part, SEALED_HEADER_BYTES + done) < part.length) return null
      const plain = opening.update(part)
      hash.update(plain)
      target?.write(plain, (copyTo?.offset ?? 0) + done)
    }
    const tag = Buffer.alloc(SEALED_TAG_BYTES)
    source.read(tag, SEALED_HEADER_BYTES + length)
    return opening.end(tag) ? hash.hex() : null
  } finally {
    source.close()
    target?.close()
  }
}

/** The same on the main thread, for a file of few bytes. */
export async function unsealSmallFile(task: UnsealFileTask): Promise<string | null> {
  const { path, length, box, copyTo } = task
  const bytes = Buffer.alloc(length + SEALED_OVERHEAD_BYTES)
  const readBytes = await withFile(path, 'read', (file) => file.read(bytes, 0))
  const plain = Buffer.alloc(length)
  if (!unseal(box, bytes.subarray(0, readBytes), plain)) return null
  if (copyTo !== undefined) {
    await withFile(copyTo.path, 'append', (file) => file.write(plain, copyTo.offset))
  }
  return sha256Hex(plain)
}

export interface UnsealTask {
  readonly box: BoxKey
  readonly sealed: SharedArrayBuffer
  readonly target: SharedArrayBuffer
  /** Of the plain bytes. */
  readonly length: number
}

const unsealBytes = ({ box, sealed, target, length }: UnsealTask): boolean =>
  unseal(box, new Uint8Array(sealed), new Uint8Array(target, 0, length))

function sealBytes({ bytes, offset, length, box }: SealTask): Transfer {
  const sealed = seal(box, new Uint8Array(bytes, offset, length))
  return new Transfer(sealed, [sealed.buffer as ArrayBuffer]) // it has memory of its own
}

/** Hashing on the main thread, for a file of few bytes, which are read at once. */
export async function hashSmallFile({
  path,
  offset,
  length,
  copyTo,
}: HashFileTask): Promise<string> {
  const bytes = Buffer.allocUnsafe(length)
  const read = bytes.subarray(0, await withFile(path, 'read', (file) => file.read(bytes, offset)))
  if (copyTo !== undefined) {
    await withFile(copyTo.path, 'append', (file) => file.write(read, copyTo.offset))
  }
  return sha256Hex(read)
}

async function withFile<T>(path: string, mode: OpenMode, work: (file: DiskFile) => Promise<T>) {
  const file = await nodeDisk.open(path, mode)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

/** The thread's side: tasks by name, for serveThread. */
export const hashTasks = {
  sha256: ({ bytes, offset, length }: HashTask): string =>
    sha256Hex(new Uint8Array(bytes, offset, length)),
  sha256File: hashFile,
  unsealFile,
  seal: sealBytes,
  unseal: unsealBytes,
}
