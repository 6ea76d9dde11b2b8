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
import type { Tombstones } from '../format/tombstones-file.ts'
import type { MemorySegment } from '../segment/memory-segment.ts'
import type { SealedSegment } from '../segment/sealed-segment.ts'
import { holdAll, type LiveSegment } from './live-segment.ts'
import { type ProofResult, type ProofTask, proveRange } from './prove-range.ts'

/** Fewer points are proven on the calling thread: starting threads takes longer. */
const threadedFrom = 5_000

/** Native code loads a graph on one thread: two segments at once keep two processors busy. */
const segmentsAtOnce = 2

/** Parts of a proof for each thread: small enough to even out, few enough to cost nothing. */
const partsPerThread = 8

/** What is done with the rows of a sealed segment beside their proof. */
export type UseRows = (sealed: SealedSegment, rows: RowSource) => Promise<void>

/**
 * The digest of all live points of `segments`, 64 hex digits.
 * @throws `damaged`, `digest-mismatch` naming the point whose stored bytes are not what was accepted; the
 *   signal's reason
 */
export const proveContent = (
  segments: readonly LiveSegment[],
  threads: ThreadPool,
  signal?: AbortSignal,
): Promise<string> => {
  const release = holdAll(segments)
  return new ContentProof(threads, signal).digest(segments).finally(release)
}

/** A sealed segment under proof: what was alive when it began, and the sums of its parts. */
interface Begun {
  readonly tombstones: Tombstones
  readonly sums: Promise<readonly Buffer[]>
}

/**
 * A proof that may begin before all segments are there: while a collection is being opened, its first
 * segments are proven already. Points that die meanwhile are taken out of the sum at the end.
 */
export class ContentProof {
  readonly #threads: ThreadPool
  readonly #signal: AbortSignal | undefined
  readonly #begun = new Map<LiveSegment, Begun>()

  constructor(threads: ThreadPool, signal?: AbortSignal) {
    this.#threads = threads
    this.#signal = signal
  }

  /** Begins with a sealed segment; `use` is told about its rows at the same time. */
  begin(segment: LiveSegment, sealed: SealedSegment, use: UseRows = async () => {}): void {
    const before = [...this.#begun.values()].at(-segmentsAtOnce)?.sums
    const tombstones = segment.tombstones.copy()
    const sums = (async () => {
      await before?.catch(() => {}) // told by digest(), and it need not hold up the others
      this.#signal?.throwIfAborted()
      const rows = sealed.rowsFile ?? (await sealed.readRows())
      // use first: others wait for it, and the proof fills the threads that it leaves
      const [used, parts] = await Promise.allSettled([
        use(sealed, rows),
        proveSealed(this.#threads, { segment, sealed, rows, tombstones, signal: this.#signal }),
      ])
      if (parts.status === 'rejected') throw parts.reason
      if (used.status === 'rejected') throw used.reason
      return parts.value
    })()
    sums.catch(() => {}) // told by digest()
    this.#begun.set(segment, { tombstones, sums })
  }

  /**
   * The digest of the points of `segments` that are alive now; what was not begun is begun.
   * @throws `damaged`, `digest-mismatch` naming the point whose stored bytes are not what was accepted
   */
  async digest(segments: readonly LiveSegment[]): Promise<string> {
    for (const segment of segments) {
      if (segment.sealed !== undefined && !this.#begun.has(segment)) {
        this.begin(segment, segment.sealed)
      }
    }
    await this.settle()
    this.#signal?.throwIfAborted()
    const digest = new ContentDigest()
    for (const segment of segments) {
      const begun = this.#begun.get(segment)
      if (begun !== undefined) {
        for (const part of await begun.sums) digest.add(part)
        for (const ordinal of segment.tombstones.ordinals(segment.table.count)) {
          if (begun.tombstones.has(ordinal)) continue
          const { bytes, offset } = segment.table.hash(ordinal)
          digest.subtract(bytes, offset)
        }
      } else if (segment.memory !== undefined) {
        for (const part of proveMemory(segment, segment.memory)) digest.add(part)
      }
    }
    return digest.toString()
  }

  /** Waits for all that was begun, whatever came of it: files may be closed then. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#begun.values()].map((each) => each.sums))
  }
}

async function proveSealed(
  threads: ThreadPool,
  {
    segment,
    sealed,
    rows,
    tombstones,
    signal,
  }: {
    readonly segment: LiveSegment
    readonly sealed: SealedSegment
    readonly rows: RowSource
    readonly tombstones: Tombstones
    readonly signal: AbortSignal | undefined
  },
): Promise<Buffer[]> {
  const whole: ProofTask = {
    rows,
    points: sealed.pointsBytes.buffer,
    tombstones: tombstones.toShared(rows.count),
    from: 0,
    to: rows.count,
  }
  const results: ProofResult[] = []
  if (rows.count < threadedFrom) {
    results.push(await proveRange(whole))
  } else {
    // one part a thread at a time, so that whatever else is waiting for a thread soon gets one
    const parts = split(whole, partsPerThread * threads.size)
    await inFlight(parts, threads.size, signal, async (part) => {
      results.push(await threads.run<ProofResult>('prove', part, { rank: 'last' }))
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
