/**
 * What an open collection has loaded for its searches, and when: at the first search, when a segment is
 * sealed after it, and anew when the index settings change.
 */

import { inFlight } from '../base/in-flight.ts'
import type { CollectionConfig } from '../format/config.ts'
import type { Checkpointer } from './checkpoint.ts'
import type { CollectionContext } from './context.ts'
import { holdAll, type LiveSegment } from './live-segment.ts'
import { type KeepIndex, type WarmOptions, warmSegment } from './warm.ts'
import { WarmProof } from './warm-proof.ts'

export interface WarmerOptions {
  readonly context: CollectionContext
  /** Of the history that the collection is in. */
  readonly checkpointer: () => Checkpointer
  readonly segments: () => readonly LiveSegment[]
}

export class Warmer {
  readonly #options: WarmerOptions
  readonly #running = new Map<LiveSegment, Promise<void>>()
  #proof: WarmProof | undefined

  constructor(options: WarmerOptions) {
    this.#options = options
  }

  /** Loads all that searches need. Later seals are loaded as they come. */
  async warm(): Promise<void> {
    this.keepWarm()
    const cold = this.#options.segments().filter((segment) => !segment.warm)
    await this.#each(cold, (segment) => this.#warmOne(segment))
  }

  /** Whether a search can be answered at once, and will be after the next seal. */
  isWarm(): boolean {
    const { checkpointer, segments } = this.#options
    return checkpointer().keepWarm !== undefined && segments().every((segment) => segment.warm)
  }

  /** Takes over what was begun while the collection was being opened. */
  goOn(proof: WarmProof | undefined): void {
    this.#proof = proof
  }

  /**
   * Loads the indexes and proves all in one, reading each vector once.
   * @returns the content digest of what is stored
   * @throws `damaged`, `digest-mismatch` naming the point that is not what was accepted
   */
  async prove(): Promise<string> {
    this.keepWarm()
    const proof = this.#proof ?? new WarmProof(this.#options.context)
    this.#proof = undefined
    const { config, keepIndex } = this.#warmOptions()
    const segments = this.#options.segments()
    for (const segment of segments) {
      if (segment.sealed !== undefined) proof.begin(segment, segment.sealed, config)
    }
    const release = holdAll(segments)
    return proof.digest(segments, keepIndex).finally(release)
  }

  /** Exchanges what was loaded for other settings; until then it goes on answering. */
  async warmAnew(): Promise<void> {
    await this.settle()
    const loaded = this.#options.segments().filter(({ warm, sealed }) => warm && sealed)
    await this.#each(loaded, async (segment) => {
      const { sealed } = segment
      if (sealed !== undefined) await warmSegment(this.#warmOptions(), segment, sealed)
    })
  }

  /** From now on a new segment is loaded when it is sealed: its manifest is being written by then. */
  keepWarm(): void {
    this.#options.checkpointer().keepWarm ??= (segment, sealed, rows) =>
      warmSegment(
        this.#warmOptions(async () => {}),
        segment,
        sealed,
        rows,
      )
  }

  /** Waits for what is being loaded. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#running.values(), this.#proof?.settle()])
  }

  /** Once, whoever asks. */
  async #warmOne(segment: LiveSegment): Promise<void> {
    const { sealed } = segment
    if (segment.warm || segment.retired || sealed === undefined) return
    const running = this.#running.get(segment) ?? warmSegment(this.#warmOptions(), segment, sealed)
    this.#running.set(segment, running)
    await running.finally(() => this.#running.delete(segment))
  }

  #each(segments: readonly LiveSegment[], work: (segment: LiveSegment) => Promise<void>) {
    const release = holdAll(segments)
    return inFlight(segments, this.#options.context.threads.size, undefined, work).finally(release)
  }

  #warmOptions(keepIndex?: KeepIndex): WarmOptions {
    const checkpointer = this.#options.checkpointer()
    const config: CollectionConfig = checkpointer.config
    return {
      context: this.#options.context,
      config,
      keepIndex: keepIndex ?? ((segment, built) => checkpointer.replaceIndex(segment, built)),
    }
  }
}
