/**
 * Steps that run beside those that follow, until a disaster has happened or the steps are over.
 *
 * Each is a step like any other: it ends with its record. Whoever starts one ends it: `end` is called
 * also after a failure and a wish to stop, and waits.
 */
import type { StepRecord } from '../step/record.ts'

export class Companions {
  #over = new AbortController()
  #running: Promise<StepRecord>[] = []

  /**
   * Starts a step that may call `beside`.
   * @returns its record, or undefined as soon as it runs beside
   */
  async start(
    run: (beside: () => AbortSignal) => Promise<StepRecord>,
  ): Promise<StepRecord | undefined> {
    let goOn = () => {}
    const isBeside = new Promise<undefined>((resolve) => {
      goOn = () => resolve(undefined)
    })
    const record = run(() => {
      goOn()
      return this.#over.signal
    })
    const first = await Promise.race([record, isBeside])
    if (first === undefined) this.#running.push(record)
    return first
  }

  /** Tells all to end, and waits until their records are written. */
  async end(): Promise<readonly StepRecord[]> {
    this.#over.abort()
    const records = await Promise.all(this.#running)
    this.#over = new AbortController()
    this.#running = []
    return records
  }
}
