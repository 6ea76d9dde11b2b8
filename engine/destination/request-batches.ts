/**
 * Requests that are cheap together and dear alone: those that arrive while others are under way wait, and then
 * go all at once, as writers share one fsync. No batch has two requests of one key. Where one request spoils a
 * batch, each is made alone, so that only that one fails.
 */
import { isOfStore, isOperatingError } from '../base/errors.ts'

export interface BatchBounds {
  /** Batches under way at once. */
  readonly lanes: number
  readonly requests: number
  readonly bytes: number
}

interface Waiting<Request, Answer> {
  readonly request: Request
  resolve(answer: Answer): void
  reject(error: unknown): void
}

export interface BatchedRequest {
  readonly key: string
  /** What it weighs against the bound of a batch. */
  readonly weightBytes: number
}

export class RequestBatches<Request extends BatchedRequest, Answer> {
  readonly #work: (requests: readonly Request[]) => Promise<readonly Answer[]>
  readonly #bounds: BatchBounds
  #waiting: Waiting<Request, Answer>[] = []
  #running = 0
  #isDue = false

  /** @param work answers in the order of the requests; what it throws, all of them get, or the one to blame */
  constructor(
    work: (requests: readonly Request[]) => Promise<readonly Answer[]>,
    bounds: BatchBounds,
  ) {
    this.#work = work
    this.#bounds = bounds
  }

  add(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject })
      if (this.#isDue) return
      this.#isDue = true
      queueMicrotask(() => {
        this.#isDue = false
        this.#start()
      })
    })
  }

  #start(): void {
    while (this.#running < this.#bounds.lanes && this.#waiting.length > 0) {
      const batch = this.#take()
      this.#running += 1
      void this.#run(batch).finally(() => {
        this.#running -= 1
        this.#start()
      })
    }
  }

  #take(): Waiting<Request, Answer>[] {
    const batch: Waiting<Request, Answer>[] = []
    const later: Waiting<Request, Answer>[] = []
    const keys = new Set<string>()
    let bytes = 0
    for (const each of this.#waiting) {
      const { key, weightBytes } = each.request
      const fits = batch.length < this.#bounds.requests && bytes + weightBytes <= this.#bounds.bytes
      if (keys.has(key) || (batch.length > 0 && !fits)) {
        later.push(each)
        continue
      }
      keys.add(key)
      bytes += weightBytes
      batch.push(each)
    }
    this.#waiting = later
    return batch
  }

  async #run(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await this.#work(batch.map(({ request }) => request))
      batch.forEach(({ resolve }, index) => {
        resolve(answers[index] as Answer) // one for each: the duty of the work
      })
    } catch (error) {
      if (batch.length === 1 || !isOfOne(error)) for (const { reject } of batch) reject(error)
      else for (const each of batch) await this.#run([each])
    }
  }
}

/** Whether an error can be that of one request among many. */
const isOfOne = (error: unknown): boolean =>
  isOperatingError(error) && !isOfStore(error.code) && error.code !== 'unsupported-destination'
