/**
 * The content proof: every live point's hash computed again from the bytes that are stored, compared
 * with the hash kept beside it, and summed. What comes out is the content digest of what is really
 * there, not of what was once written.
 */
import type { RowSource } from '../ann/row-source.ts'
import { fail } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import type { ThreadPool } from '../base/thread-pool.ts'
import { ContentDigest } from '../format/content-digest.ts'
import { encodePoint, hashPoint } from '../format/point.ts'
import type { MemorySegment } from '../segment/memory-segment.ts'
import type { SealedSegment } from '../segment/sealed-segment.ts'
import type { LiveSegment } from './live-segment.ts'
import { type ProofResult, type ProofTask, proveRange } from './prove-range.ts'

/** Fewer points are proven on the calling thread: starting threads takes longer. */
const threadedFrom = 5_000

/** Native code loads a graph on one thread: two segments at once keep two processors busy. */
const segmentsAtOnce = 2

/** Parts of a proof for each thread: small enough to even out, few enough to cost nothing. */
const partsPerThread = 8

/** What is done with the rows of a segment beside their proof. */
export type UseRows = (
  segment: LiveSegment,
  sealed: SealedSegment,
  rows: RowSource,
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
  await inFlight(segments, segmentsAtOnce, undefined, async (segment) => {
    const { memory, sealed } = segment
    if (sealed !== undefined) {
      const rows = sealed.rowsFile ?? (await sealed.readRows())
      // use first: others wait for it, and the proof fills the threads that it leaves
      const [used, parts] = await Promise.allSettled([
        useRows(segment, sealed, rows),
        proveSealed(threads, segment, sealed, rows),
      ])
      if (parts.status === 'rejected') throw parts.reason
      if (used.status === 'rejected') throw used.reason
      for (const part of parts.value) digest.add(part)
    } else if (memory !== undefined) {
      for (const part of proveMemory(segment, memory)) digest.add(part)
    }
  })
  return digest.toString()
}

async function proveSealed(
  threads: ThreadPool,
  segment: LiveSegment,
  sealed: SealedSegment,
  rows: RowSource,
): Promise<Buffer[]> {
  const whole: ProofTask = {
    rows,
    points: sealed.pointsBytes.buffer,
    tombstones: segment.tombstones.toShared(rows.count),
    from: 0,
    to: rows.count,
  }
  const results: ProofResult[] = []
  if (rows.count < threadedFrom) {
    results.push(await proveRange(whole))
  } else {
    // one part a thread at a time, so that whatever else is waiting for a thread soon gets one
    const parts = split(whole, partsPerThread * threads.size)
    await inFlight(parts, threads.size, undefined, async (part) => {
      results.push(await threads.run<ProofResult>('prove', part))
    })
  }
  return results.map(({ digest, bad }) => {
    if (bad >= 0) refuse(segment, bad)
    return Buffer.from(digest, 'hex')
  })
}

/** The same task over `parts` ranges of ordinals. */
function split(whole: ProofTask, parts: number): ProofTask[] {
  const { count } = whole.rows
  const share = Math.ceil(count / parts)
  return Array.from({ length: Math.ceil(count / share) }, (_, index) => ({
    ...whole,
    from: index * share,
    to: Math.min((index + 1) * share, count),
  }))
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
