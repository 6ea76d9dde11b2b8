/**
 * The content proof: every live point's hash computed again from the bytes that are stored, compared
 * with the hash kept beside it, and summed. What comes out is the content digest of what is really
 * there, not of what was once written.
 */
import { fail } from '../base/errors.ts'
import type { ThreadPool } from '../base/thread-pool.ts'
import { ContentDigest } from '../format/content-digest.ts'
import { encodePoint, hashPoint } from '../format/point.ts'
import type { MemorySegment } from '../segment/memory-segment.ts'
import type { LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import type { LiveSegment } from './live-segment.ts'
import { type ProofResult, type ProofTask, proveRange } from './prove-range.ts'

/** Fewer points are proven on the calling thread: starting threads takes longer. */
const threadedFrom = 5_000

/** What is done with the rows of a segment while they are in memory for their proof. */
export type UseRows = (
  segment: LiveSegment,
  sealed: SealedSegment,
  rows: LoadedRows,
) => Promise<void>

/**
 * The digest of all live points of `segments`, 64 hex digits.
 * @throws `damaged`, `digest-mismatch` naming the point whose stored bytes are not what was accepted
 */
export async function proveContent(
  segments: readonly LiveSegment[],
  threads: ThreadPool,
  useRows: UseRows = async () => {},
): Promise<string> {
  const digest = new ContentDigest()
  for (const segment of segments) {
    const { memory, sealed } = segment
    if (sealed !== undefined) {
      const rows = await sealed.readRows()
      const [parts] = await Promise.all([
        proveSealed(threads, segment, sealed, rows),
        useRows(segment, sealed, rows),
      ])
      for (const part of parts) digest.add(part)
    } else if (memory !== undefined) {
      for (const part of proveMemory(segment, memory)) digest.add(part)
    }
  }
  return digest.toString()
}

async function proveSealed(
  threads: ThreadPool,
  segment: LiveSegment,
  sealed: SealedSegment,
  rows: LoadedRows,
): Promise<Buffer[]> {
  const tombstones = segment.tombstones.toShared(rows.count)
  const share = Math.ceil(rows.count / threads.size)
  const tasks: Promise<ProofResult>[] = []
  for (let from = 0; from < rows.count; from += share) {
    const task: ProofTask = {
      vectors: rows.vectors,
      byteOffset: rows.byteOffset,
      points: sealed.pointsBytes.buffer,
      file: sealed.entry.points.path,
      number: segment.number,
      count: rows.count,
      dimension: rows.dimension,
      tombstones,
      from,
      to: Math.min(from + share, rows.count),
    }
    const threaded = rows.count >= threadedFrom
    tasks.push(
      threaded ? threads.run<ProofResult>('prove', task) : Promise.resolve(proveRange(task)),
    )
  }
  return (await Promise.all(tasks)).map(({ digest, bad }) => {
    if (bad >= 0) refuse(segment, bad)
    return Buffer.from(digest, 'hex')
  })
}

/** Few points: on this thread. */
function* proveMemory(segment: LiveSegment, memory: MemorySegment): Generator<Buffer> {
  const { rows, dimension } = memory
  for (let ordinal = 0; ordinal < memory.count; ordinal++) {
    if (segment.tombstones.has(ordinal)) continue
    const vector = rows.subarray(ordinal * dimension, (ordinal + 1) * dimension)
    const hash = hashPoint({
      bytes: encodePoint(memory.id(ordinal), vector, memory.metadata(ordinal)),
    })
    const stored = memory.hash(ordinal)
    if (hash.compare(stored.bytes, stored.offset, stored.offset + hash.length) !== 0) {
      refuse(segment, ordinal)
    }
    yield hash
  }
}

function refuse(segment: LiveSegment, ordinal: number): never {
  fail(
    'digest-mismatch',
    `point ${JSON.stringify(segment.id(ordinal))} in segment ${segment.number} is not what was accepted`,
    'Restore the collection from a backup, and keep this directory for analysis.',
  )
}
