/**
 * Compaction: merging segments beside the traffic, one merge at a time, and at somebody's request.
 *
 * In the background it looks for something to merge after each checkpoint, and waits while segments wait
 * to be sealed, for writers wait for those. A failed merge changes nothing: it is told as a warning and
 * tried again after the next checkpoint. Closing gives up what is under way.
 */
import { limits } from '../base/limits.ts'
import type { Checkpointer } from './checkpoint.ts'
import { type Mergeable, planFull, planMerge } from './compaction-plan.ts'
import { merge } from './merge.ts'
import type { SealPlace } from './seal-segment.ts'

/** What a compaction at somebody's request did. */
export interface CompactionResult {
  readonly segments: { readonly before: number; readonly after: number }
  readonly sizeBytes: { readonly before: number; readonly after: number }
  /** Deleted and overwritten points that lay in the segments and are gone. */
  readonly deletedDropped: number
}

export interface CompactionStats {
  readonly mode: 'background' | 'manual'
  /** Whether segments are being merged now. */
  readonly running: boolean
  /** Merges since the collection was opened, and those that failed. */
  readonly merges: number
  readonly failures: number
}

/** Why a merge in the background was given up. */
const givenUp = new Error('the merge was given up')

export class Compactor {
  readonly #place: Omit<SealPlace, 'config'>
  readonly #checkpointer: Checkpointer
  readonly #stop = new AbortController()
  /** The merge in the background, when one is under way. */
  #background: AbortController | undefined
  /** Merges, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #requests = 0
  #running = false
  #merges = 0
  #failures = 0

  constructor(place: Omit<SealPlace, 'config'>, checkpointer: Checkpointer) {
    this.#place = place
    this.#checkpointer = checkpointer
  }

  /** Something changed: begins to merge when there is something to merge. */
  consider(): void {
    const { context } = this.#place
    if (context.compaction === 'manual' || this.#background !== undefined || this.#requests > 0)
      return
    if (this.#stop.signal.aborted) return
    const background = new AbortController()
    this.#background = background
    void this.#inTurn(() => this.#mergeAll(background.signal))
      .catch((error: unknown) => {
        if (background.signal.aborted) return
        this.#failures++
        context.onWarning(`segments could not be merged; they stay as they are: ${String(error)}`)
      })
      .finally(() => {
        this.#background = undefined
      })
  }

  /**
   * Merges all sealed segments into one, or as few as the bounds of one segment allow; what is in memory
   * is sealed first. Resolves when the old files are gone, but for those that a pin or a search keeps.
   * @throws `damaged`, `disk-full`, `disk-error`; the signal's reason, and nothing has changed then but
   *   that some segments may be merged already
   */
  async compact(signal?: AbortSignal): Promise<CompactionResult> {
    this.#requests++
    this.#background?.abort(givenUp)
    const signals = signal === undefined ? [] : [signal]
    const either = AbortSignal.any([this.#stop.signal, ...signals])
    try {
      return await this.#inTurn(() => this.#compact(either))
    } finally {
      this.#requests--
    }
  }

  /** Gives up what is under way and begins nothing more. */
  async stop(): Promise<void> {
    this.#stop.abort(givenUp)
    this.#background?.abort(givenUp)
    await this.#turn
  }

  stats(): CompactionStats {
    return {
      mode: this.#place.context.compaction,
      running: this.#running,
      merges: this.#merges,
      failures: this.#failures,
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      this.#running = true
      try {
        return await work()
      } finally {
        this.#running = false
      }
    })
    this.#turn = result.catch(() => {})
    return result
  }

  /** As long as there is something to merge and nobody waits. */
  async #mergeAll(signal: AbortSignal): Promise<void> {
    const { dimension } = this.#checkpointer.config
    const plan = (segments: readonly Mergeable[]) => {
      const mustWait = this.#checkpointer.pending > 0 && segments.length < limits.segmentsOverdue
      return mustWait ? [] : planMerge(segments, dimension)
    }
    while ((await this.#mergeOnce(plan, signal)) !== undefined) signal.throwIfAborted()
  }

  async #compact(signal: AbortSignal): Promise<CompactionResult> {
    const { dimension } = this.#checkpointer.config
    await this.#checkpointer.run()
    const before = this.#checkpointer.merges.mergeables
    let deletedDropped = 0
    for (const group of planFull(before, dimension)) {
      signal.throwIfAborted()
      deletedDropped += (await this.#mergeOnce(() => group, signal)) ?? 0
    }
    await this.#checkpointer.tidied()
    const after = this.#checkpointer.merges.mergeables
    return {
      segments: { before: before.length, after: after.length },
      sizeBytes: { before: totalBytes(before), after: totalBytes(after) },
      deletedDropped,
    }
  }

  /** @returns how many dead points were left out; undefined when `choose` found nothing to merge */
  async #mergeOnce(
    choose: (segments: readonly Mergeable[]) => readonly number[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    for (;;) {
      signal.throwIfAborted()
      const start = await this.#checkpointer.merges.begin(choose)
      if (start === undefined) return undefined
      try {
        const { config, merges } = this.#checkpointer
        const made = await merge(
          { ...this.#place, config },
          start,
          signal,
          // asked when the merge is made: a search may have come meanwhile
          async (...loaded) => this.#checkpointer.keepWarm?.(...loaded),
        )
        // other index settings since: what they were built for is made anew
        if (!(await merges.commit(made))) continue
        this.#merges++
        return start.sources.reduce((sum, { tombstones }) => sum + tombstones.count, 0)
      } finally {
        await start.end()
      }
    }
  }
}

const totalBytes = (segments: readonly Mergeable[]): number =>
  segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
