/**
 * A small pool of worker threads around one worker module.
 *
 * The worker module calls {@link serveThread} with its tasks; the owner calls {@link ThreadPool.run}.
 * Data moves as transferred or shared buffers, never copied text. A worker that dies fails the task it
 * had and is replaced, and so is one that exceeds a task's time limit or the pool's memory limit;
 * operating errors cross the boundary whole.
 */
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { parentPort, type ResourceLimits, type Transferable, Worker } from 'node:worker_threads'
import { fromSerialised, OperatingError, type SerialisedError } from './errors.ts'

interface Request {
  readonly id: number
  readonly task: string
  readonly input: unknown
}

type Reply =
  | { readonly id: number; readonly kind: 'started' }
  | { readonly id: number; readonly kind: 'progress'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'done'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'operating-error'; readonly error: SerialisedError }
  | { readonly id: number; readonly kind: 'bug'; readonly message: string; readonly stack: string }

interface Job {
  readonly request: Request
  readonly rank: number
  readonly transfer: readonly Transferable[]
  readonly onProgress: (value: unknown) => void
  readonly timeLimitMs: number | undefined
  /** For a task that must come to its own end: told once it has. */
  readonly ended: Ended | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Ended {
  readonly promise: Promise<void>
  readonly tell: () => void
}

interface Slot {
  readonly worker: Worker
  job: Job | undefined
  timer: NodeJS.Timeout | undefined
}

/** Which of the tasks that wait goes first. */
const ranks = ['first', 'soon', 'usual', 'last'] as const

export interface RunOptions {
  /** Of one rank the task that came first goes first. Default `usual`. */
  readonly rank?: (typeof ranks)[number]
  readonly transfer?: readonly Transferable[]
  readonly onProgress?: (value: unknown) => void
  /**
   * The task fails with `limit-exceeded` when the thread works on it for longer, and the thread is
   * ended. Counts from when the thread took the task up: starting a thread is not its fault.
   */
  readonly timeLimitMs?: number
  /**
   * Set for a task that calls a native addon: `close` waits until it has ended by itself, since ending
   * its thread inside such a call aborts the process. Whoever closes the pool asks the task to end first.
   */
  readonly endsItself?: boolean
}

/** The URL of the module `name` beside `importMetaUrl`: `.js` when built, `.ts` from source. */
export const besideModule = (importMetaUrl: string, name: string): URL =>
  new URL(`./${name}${extname(new URL(importMetaUrl).pathname)}`, importMetaUrl)

/** Threads are started on demand, at most `size`, and do not keep the process alive. */
export class ThreadPool {
  readonly #module: URL
  readonly #size: number
  readonly #resourceLimits: ResourceLimits | undefined
  readonly #slots: Slot[] = []
  readonly #queue: Job[] = []
  #nextId = 1
  #closed = false

  /** A thread that outgrows `resourceLimits` fails its task with `limit-exceeded` and is replaced. */
  constructor(module: URL, size = availableParallelism(), resourceLimits?: ResourceLimits) {
    this.#module = module
    this.#size = Math.max(1, size)
    this.#resourceLimits = resourceLimits
  }

  get size(): number {
    return this.#size
  }

  /** Starts all threads now: for work that is about to come, so that it need not wait for them. */
  start(): void {
    if (this.#closed) return
    for (let slot = this.#start(); slot !== undefined; slot = this.#start()) slot.worker.unref()
  }

  /** Ends the threads that have nothing to do; a task that comes later starts one. */
  rest(): void {
    for (const slot of this.#slots.filter(({ job }) => job === undefined)) {
      this.#slots.splice(this.#slots.indexOf(slot), 1)
      void slot.worker.terminate()
    }
  }

  /** Whether a thread was started: the next task does not wait for one to start. */
  get isRunning(): boolean {
    return this.#slots.length > 0
  }

  /** Runs `task` on a free thread; resolves with what the task returned. */
  run<Result>(task: string, input: unknown, options: RunOptions = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#closed) {
        reject(closedError())
        return
      }
      const job: Job = {
        request: { id: this.#nextId++, task, input },
        rank: ranks.indexOf(options.rank ?? 'usual'),
        transfer: options.transfer ?? [],
        onProgress: options.onProgress ?? (() => {}),
        timeLimitMs: options.timeLimitMs,
        ended: options.endsItself === true ? ended() : undefined,
        resolve: (value) => resolve(value as Result), // the worker module defines the task's result
        reject,
      }
      this.#queue.splice(this.#queue.findLastIndex(({ rank }) => rank <= job.rank) + 1, 0, job)
      this.#dispatch()
    })
  }

  /**
   * Ends all threads; tasks that run, wait or come later are rejected, but for those that end themselves:
   * they are waited for and answer as ever.
   */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#queue.splice(0)) job.reject(closedError())
    await Promise.all(
      this.#slots.map(async (slot) => {
        await slot.job?.ended?.promise
        await slot.worker.terminate()
      }),
    )
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const slot = this.#slots.find((each) => each.job === undefined) ?? this.#start()
      if (slot === undefined) return
      const job = this.#queue.shift()
      if (job === undefined) return
      this.#hand(slot, job)
    }
  }

  #hand(slot: Slot, job: Job): void {
    try {
      slot.worker.postMessage(job.request, [...job.transfer])
    } catch (error) {
      // what cannot be cloned or transferred never left; the thread is as free as before
      slot.worker.unref()
      job.reject(error)
      return
    }
    slot.job = job
    slot.worker.ref()
  }

  #start(): Slot | undefined {
    if (this.#slots.length >= this.#size) return undefined
    const worker = new Worker(this.#module, {
      // built modules need none of the loaders that this process may have been started with
      ...(this.#module.pathname.endsWith('.js') && { execArgv: [] }),
      ...(this.#resourceLimits && { resourceLimits: this.#resourceLimits }),
    })
    const slot: Slot = { worker, job: undefined, timer: undefined }
    this.#slots.push(slot)
    worker.on('message', (reply: Reply) => this.#settle(slot, reply))
    worker.on('error', (error) => this.#lose(slot, error))
    worker.on('exit', (code) => this.#lose(slot, new Error(`worker thread exited with ${code}`)))
    return slot
  }

  #settle(slot: Slot, reply: Reply): void {
    const job = slot.job
    if (job === undefined || job.request.id !== reply.id) return
    if (reply.kind === 'started') {
      this.#startTimer(slot, job.timeLimitMs)
      return
    }
    if (reply.kind === 'progress') {
      job.onProgress(reply.value)
      return
    }
    clearTimeout(slot.timer)
    slot.job = undefined
    slot.worker.unref()
    job.ended?.tell()
    if (reply.kind === 'done') job.resolve(reply.value)
    else if (reply.kind === 'operating-error') job.reject(fromSerialised(reply.error))
    else job.reject(Object.assign(new Error(reply.message), { stack: reply.stack }))
    this.#dispatch()
  }

  #startTimer(slot: Slot, timeLimitMs: number | undefined): void {
    if (timeLimitMs === undefined) return
    slot.timer = setTimeout(() => {
      this.#lose(slot, timeLimitError(timeLimitMs))
      void slot.worker.terminate()
    }, timeLimitMs)
  }

  #lose(slot: Slot, error: unknown): void {
    clearTimeout(slot.timer)
    const index = this.#slots.indexOf(slot)
    if (index >= 0) this.#slots.splice(index, 1)
    const job = slot.job
    slot.job = undefined
    job?.ended?.tell()
    job?.reject(isOutOfMemory(error) ? memoryLimitError(error) : error)
    this.#dispatch()
  }
}

const limitHint = 'The input asks for more work than it should; check where it comes from.'

const timeLimitError = (timeLimitMs: number): OperatingError =>
  new OperatingError('limit-exceeded', `the work took longer than ${timeLimitMs} ms`, limitHint)

const memoryLimitError = (cause: unknown): OperatingError =>
  new OperatingError('limit-exceeded', 'the work needed more memory than it may have', limitHint, {
    cause,
  })

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'

function ended(): Ended {
  let tell = () => {}
  const promise = new Promise<void>((resolve) => {
    tell = resolve
  })
  return { promise, tell }
}

const closedError = (): Error => new Error('the threads were closed')

/** A task of a worker module. `progress` posts to the owner's `onProgress`. */
export type ThreadTask = (input: never, progress: (value: unknown) => void) => unknown

/** A task's result that moves `transfer` instead of copying it. */
export class Transfer {
  readonly value: unknown
  readonly transfer: readonly Transferable[]
  constructor(value: unknown, transfer: readonly Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/** Called once by a worker module: answers the pool's requests with `tasks`. */
export function serveThread(tasks: Readonly<Record<string, ThreadTask>>): void {
  const port = parentPort
  if (port === null) throw new Error('serveThread must run in a worker thread')
  const answer = async (request: Request): Promise<void> => {
    const { id } = request
    port.postMessage({ id, kind: 'started' } satisfies Reply)
    try {
      const task = tasks[request.task]
      if (task === undefined) throw new Error(`no thread task ${request.task}`)
      const progress = (value: unknown) =>
        port.postMessage({ id, kind: 'progress', value } satisfies Reply)
      // the owner of the module calls run() with the input that its task declares
      const value = await task(request.input as never, progress)
      if (value instanceof Transfer) {
        port.postMessage({ id, kind: 'done', value: value.value } satisfies Reply, [
          ...value.transfer,
        ])
      } else {
        port.postMessage({ id, kind: 'done', value } satisfies Reply)
      }
    } catch (error) {
      port.postMessage(toReply(id, error))
    }
  }
  port.on('message', (request: Request) => void answer(request))
}

function toReply(id: number, error: unknown): Reply {
  if (error instanceof OperatingError) return { id, kind: 'operating-error', error: error.toJSON() }
  const bug = error instanceof Error ? error : new Error(String(error))
  return { id, kind: 'bug', message: bug.message, stack: bug.stack ?? '' }
}
