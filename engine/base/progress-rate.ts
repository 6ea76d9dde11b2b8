/** How fast a phase goes, and how long it will take at that rate: from its first event to the newest. */
import type { Clock } from './clock.ts'
import type { ProgressEvent } from './progress.ts'

/** Over a shorter time a rate is noise. */
const shortestMs = 1_000

export interface Rate {
  readonly bytesPerSecond: number
  /** Milliseconds left at this rate; undefined where the end is not known. */
  readonly leftMs: number | undefined
}

/** Watches the events of one piece of work; phases that run side by side are told apart. */
export class ProgressRate {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #begun = new Map<
    string,
    { readonly atMs: number; readonly done: number; last: number }
  >()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Takes an event in. @returns undefined as long as nothing can be said, and for other units than bytes */
  note({ phase, unit, done, total }: ProgressEvent): Rate | undefined {
    if (unit !== 'bytes') return undefined
    const nowMs = this.#clock.monotonicMs()
    const begun = this.#begun.get(phase)
    if (begun === undefined || done < begun.last) {
      this.#begun.set(phase, { atMs: nowMs, done, last: done }) // or begun again
      return undefined
    }
    begun.last = done
    const tookMs = nowMs - begun.atMs
    const moved = done - begun.done
    if (tookMs < shortestMs || moved === 0) return undefined
    const bytesPerSecond = (1_000 * moved) / tookMs
    const leftMs = total === undefined ? undefined : (1_000 * (total - done)) / bytesPerSecond
    return { bytesPerSecond, leftMs }
  }
}
