/**
 * Proving a collection and loading its indexes, in one: the rows of each segment are proven point by
 * point while its index is loaded over them, and neither counts before both hold.
 */
import type { CollectionConfig } from '../format/config.ts'
import type { SealedSegment } from '../segment/sealed-segment.ts'
import { ContentProof } from './content-proof.ts'
import type { CollectionContext } from './context.ts'
import type { LiveSegment } from './live-segment.ts'
import type { AheadOfOpen } from './open-files.ts'
import { indexPart } from './segment-index.ts'
import { type KeepIndex, warmSegment } from './warm.ts'

/** See the head of this file. */
export class WarmProof implements AheadOfOpen {
  readonly #context: CollectionContext
  readonly #proof: ContentProof
  readonly #begun = new Set<LiveSegment>()
  /** Indexes that were damaged and built again: kept once there is a history to note them in. */
  readonly #rebuilt: Parameters<KeepIndex>[] = []

  constructor(context: CollectionContext) {
    this.#context = context
    this.#proof = new ContentProof(context.threads)
  }

  /** Begins with a sealed segment; once is enough. */
  begin(segment: LiveSegment, sealed: SealedSegment, config: CollectionConfig): void {
    if (this.#begun.has(segment)) return
    this.#begun.add(segment)
    const keepIndex: KeepIndex = async (...built) => {
      this.#rebuilt.push(built)
    }
    this.#proof.begin(segment, sealed, async (_, rows) => {
      // a scan has no index to prove, and its rows need not be held for their own proof
      const isScanned = indexPart(config.index, sealed.count) === undefined
      if (segment.warm || (isScanned && 'path' in rows)) return
      await warmSegment({ context: this.#context, config, keepIndex }, segment, sealed, rows)
    })
  }

  /**
   * The digest of the live points of `segments`. Those with an index are warm then; rows that are only
   * scanned are left in their files, so that a restore needs no memory for them.
   * @throws `damaged`, `digest-mismatch` naming the point whose stored bytes are not what was accepted
   */
  async digest(segments: readonly LiveSegment[], keepIndex: KeepIndex): Promise<string> {
    const digest = await this.#proof.digest(segments)
    for (const built of this.#rebuilt.splice(0)) await keepIndex(...built)
    return digest
  }

  /** Waits for all that was begun, whatever came of it. */
  settle(): Promise<void> {
    return this.#proof.settle()
  }
}
