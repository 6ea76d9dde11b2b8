/**
 * The content proof: every live point's hash computed again from the bytes that are stored, compared
 * with the hash kept beside it, and summed. What comes out is the content digest of what is really
 * there, not of what was once written.
 */
import { availableParallelism } from 'node:os'
import { fail } from '../base/errors.ts'
import type { HashThreads } from '../base/hash-threads.ts'
import { besideModule, ThreadPool } from '../base/thread-pool.ts'
import { ContentDigest } from '../format/content-digest.ts'
import { encodePoint, hashPoint } from '../format/point.ts'
import type { MemorySegment } from '../segment/memory-segment.ts'
import type { SealedSegment } from '../segment/sealed-segment.ts'
import type { LiveSegment } from './live-segment.ts'
import { type ProofResult, type ProofTask, proveRange } from './prove-range.ts'

/** Fewer points are proven on the calling thread: starting threads takes longer. */
const threadedFrom = 5_000

/**
 * The digest of all live points of `segments`, 64 hex digits.
 * @throws `damaged` naming the segment and ordinal whose stored bytes are not what was accepted
 */
export async function proveContent(
  segments: readonly LiveSegment[],
  hashes: HashThreads,
): Promise<string> {
  const threads = new ThreadPool(besideModule(import.meta.url, 'digest-worker'))
  const digest = new ContentDigest()
  try {
    for (const segment of segments) {
      const { memory, sealed } = segment
      if (sealed !== undefined) {
        for (const part of await proveSealed(threads, segment, sealed, hashes)) digest.add(part)
      } else if (memory !== undefined) {
        for (const part of proveMemory(segment, memory)) digest.add(part)
      }
    }
  } finally {
    await threads.close()
  }
  return digest.toString()
}

async function proveSealed(
  threads: ThreadPool,
  segment: LiveSegment,
  sealed: SealedSegment,
  hashes: HashThreads,
): Promise<Buffer[]> {
  const rows = await sealed.loadRows(hashes)
  const tombstones = segment.tombstones.toShared(rows.count)
  const share = Math.ceil(rows.count / availableParallelism())
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
