/**
 * The lines of a ledger file, as many at once as a read brings, each with its SHA-256 and whether it is canonical.
 *
 * Of a long file a thread finds these out, one read ahead of whoever takes the lines: with the values that are
 * parsed meanwhile it is the whole proof.
 */
import { besideModule, type DiskFile, KiB, MiB, ThreadPool } from '../../engine/index.ts'
import { maxLineBytes } from './ledger-line.ts'
import { type LineProofs, type ProofTask, proveLines } from './line-proofs.ts'

const chunkBytes = 1 * MiB
/** Of a short file no more is made room for than this; it may grow meanwhile. */
const shortBytes = 64 * KiB
/** Below it, starting a thread costs more than what it does. */
const threadBytes = 8 * MiB
const lineFeed = 0x0a

export interface RawLine {
  /** Without its line feed; good until the next ones are read. */
  readonly bytes: Buffer
  /** False for what stands behind the last line feed; nothing is known of it. */
  readonly complete: boolean
  readonly sha256: string
  readonly isCanonical: boolean
}

/** The lines from `offset` on. */
export async function* linesFrom(
  handle: DiskFile,
  offset: number,
): AsyncGenerator<readonly RawLine[]> {
  const lengthBytes = (await handle.sizeBytes()) - offset
  const isLong = lengthBytes >= threadBytes
  const thread = isLong
    ? new ThreadPool(besideModule(import.meta.url, 'proof-worker'), 1)
    : undefined
  const prove = async ({ bytes, ends }: Chunk): Promise<LineProofs> => {
    const task: ProofTask = { bytes, ends }
    return thread === undefined ? proveLines(task) : thread.run<LineProofs>('prove', task)
  }
  const ahead: { readonly chunk: Chunk; readonly proofs: Promise<LineProofs> }[] = []
  const next = async (): Promise<RawLine[]> => {
    const first = ahead.shift()
    return first === undefined ? [] : linesOf(first.chunk, await first.proofs)
  }
  try {
    for await (const chunk of chunksFrom(handle, offset, lengthBytes)) {
      const proofs = prove(chunk)
      // whoever has seen enough does not wait for it
      proofs.catch(() => {})
      ahead.push({ chunk, proofs })
      if (ahead.length > 1) yield await next()
    }
    yield await next()
  } finally {
    await thread?.close()
  }
}

function linesOf({ bytes, ends, rest }: Chunk, { sha256, isCanonical }: LineProofs): RawLine[] {
  let start = 0
  const lines = ends.map((end, index): RawLine => {
    const line = bytes.subarray(start, end)
    start = end + 1
    const proven = { sha256: sha256[index] ?? '', isCanonical: isCanonical[index] === true }
    return { bytes: line, complete: true, ...proven }
  })
  if (rest === undefined) return lines
  return [...lines, { bytes: rest, complete: false, sha256: '', isCanonical: false }]
}

interface Chunk {
  readonly bytes: Buffer
  /** Where each of its lines ends: at its line feed. */
  readonly ends: readonly number[]
  /** What stands behind the last line feed of the file. */
  readonly rest?: Buffer
}

/** Reads on into two buffers in turn: a chunk is good until the one after the next is read. */
async function* chunksFrom(
  handle: DiskFile,
  offset: number,
  lengthBytes: number,
): AsyncGenerator<Chunk> {
  const isShared = lengthBytes >= threadBytes
  const stepBytes = Math.min(chunkBytes, Math.max(shortBytes, lengthBytes))
  const allocate = (size: number): Buffer =>
    isShared ? Buffer.from(new SharedArrayBuffer(size)) : Buffer.alloc(size)
  let [buffer, other]: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)]
  /** The beginning of a line. */
  let rest = buffer
  for (let position = offset; ; ) {
    const filled = rest.length + stepBytes
    ;[buffer, other] = [other, buffer]
    if (buffer.length < filled) buffer = allocate(2 * filled)
    buffer.set(rest)
    const read = await handle.read(buffer.subarray(rest.length, filled), position)
    if (read === 0) break
    position += read
    const bytes = buffer.subarray(0, rest.length + read)
    const ends: number[] = []
    let start = 0
    for (let end = bytes.indexOf(lineFeed, rest.length); end >= 0; ) {
      ends.push(end)
      start = end + 1
      end = bytes.indexOf(lineFeed, start)
    }
    rest = bytes.subarray(start)
    // an endless line is handed on as it is: it fits nowhere
    if (rest.length > maxLineBytes) ends.push(bytes.length)
    yield { bytes, ends }
  }
  if (rest.length > 0) yield { bytes: rest, ends: [], rest }
}
