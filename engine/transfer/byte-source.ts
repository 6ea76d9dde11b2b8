/**
 * Where imported bytes come from: a file, or any stream of chunks (standard input).
 *
 * A source is read once, in chunks of any size; a reader never holds more of it than one line or one
 * row. The name stands in every message.
 */
import type { Disk, DiskFile, EntryKind } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

export interface ByteSource {
  /** How messages call it: the path as given, or `standard input`. */
  readonly name: string
  /** Known for files. */
  readonly sizeBytes: number | undefined
  /** The bytes, once. */
  chunks(): AsyncIterable<Uint8Array>
  /** Lets go of the file or stream, read to its end or not. Whoever made the source calls it. */
  close(): Promise<void>
}

const otherKinds: Record<Exclude<EntryKind, 'file'>, string> = {
  directory: 'a directory',
  link: 'a symbolic link, which is not followed',
  other: 'a pipe, a socket or a device',
}

/**
 * A regular file, opened when it is read.
 * @throws `file-not-found`, `invalid-input-file`
 */
export async function fileSource(disk: Disk, file: string): Promise<ByteSource> {
  const stat = await disk.stat(file)
  if (stat === undefined) {
    return fail('file-not-found', `there is no file ${file}`, 'Check the path.', {
      place: { file },
    })
  }
  if (stat.kind !== 'file') {
    return fail(
      'invalid-input-file',
      `${file} is ${otherKinds[stat.kind]}, not a file`,
      'Give the file itself, or read it from standard input: "-" and "< FILE".',
      { place: { file } },
    )
  }
  let handle: DiskFile | undefined
  return {
    name: file,
    sizeBytes: stat.sizeBytes,
    async *chunks() {
      handle = await disk.open(file, 'read')
      for (let position = 0; ; ) {
        const chunk = Buffer.allocUnsafe(limits.importChunkBytes)
        const read = await handle.read(chunk, position)
        if (read === 0) return
        position += read
        yield chunk.subarray(0, read)
      }
    },
    async close() {
      await handle?.close()
      handle = undefined
    },
  }
}

/** A stream of chunks, such as standard input. */
export function streamSource(name: string, stream: AsyncIterable<Uint8Array>): ByteSource {
  const chunks = stream[Symbol.asyncIterator]()
  return {
    name,
    sizeBytes: undefined,
    chunks: () => ({ [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) }),
    async close() {
      // not awaited: a stream that is being waited for ends only with its next chunk
      chunks.return?.().catch(() => {})
    },
  }
}

/**
 * `source` as one that tells `onRead` the size of each chunk, and that ends with the signal's reason as
 * soon as the signal is given, even while a chunk is being waited for.
 */
export function watchSource(
  source: ByteSource,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): ByteSource {
  return {
    name: source.name,
    sizeBytes: source.sizeBytes,
    async *chunks() {
      const chunks = source.chunks()[Symbol.asyncIterator]()
      for (;;) {
        const next = await orAborted(chunks.next(), signal)
        if (next.done === true) return
        onRead(next.value.length)
        yield next.value
      }
    },
    close: () => source.close(),
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([aborted, work])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
