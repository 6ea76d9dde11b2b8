/**
 * Long work that the server does: begun by one request, watched and ended by others. Jobs live in memory;
 * those that ended are kept for a while, the newest ones of each kind. What a job does is safe without it: a backup that
 * is cut off is no snapshot, a restore that is cut off has replaced nothing.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { fail, OperatingError, type SerialisedError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Progress, ProgressEvent } from '../base/progress.ts'
import { pause, type Timer } from '../base/timer.ts'

export type JobState = 'running' | 'done' | 'failed' | 'cancelled'

/** Plain data. Instants are ISO 8601. */
export interface JobStatus {
  readonly id: string
  readonly kind: string
  /** What it works on, for people: `products to /mnt/backups`. */
  readonly about: string
  readonly state: JobState
  readonly startedAt: string
  readonly endedAt: string | null
  readonly progress: ProgressEvent | null
  /** What may hurt, told meanwhile. */
  readonly warnings: readonly string[]
  readonly result: object | null
  readonly error: SerialisedError | null
}

/** What the work of a job is given. */
export interface JobWorld {
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly warn: (sentence: string) => void
}

interface Job {
  status: JobStatus
  readonly stop: AbortController
  readonly ended: Promise<void>
  /** Called at each change, once. */
  readonly waiting: Set<() => void>
}

export interface JobsWatch {
  /** Told of what broke a job and is no operating error. */
  readonly onBug: (error: unknown) => void
  /** Told of each job once it has ended. */
  readonly onEnd?: (status: JobStatus) => void
}

export class Jobs {
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #watch: JobsWatch
  readonly #jobs = new Map<string, Job>()

  constructor(clock: Clock, timer: Timer, watch: JobsWatch) {
    this.#clock = clock
    this.#timer = timer
    this.#watch = watch
  }

  /** How many are under way. */
  get running(): number {
    return [...this.#jobs.values()].filter(({ status }) => status.state === 'running').length
  }

  /** Begins `work`. @throws `limit-exceeded` when too many are under way */
  start(kind: string, about: string, work: (world: JobWorld) => Promise<object>): JobStatus {
    if (this.running >= limits.jobsRunning) {
      const hint = 'Wait for one of them, or cancel it: vectra-cli jobs list.'
      fail('limit-exceeded', `${this.running} jobs are under way`, hint)
    }
    const id = `${kind}-${randomBytes(6).toString('hex')}`
    const stop = new AbortController()
    const waiting = new Set<() => void>()
    const change = (part: Partial<JobStatus>) => {
      job.status = { ...job.status, ...part }
      for (const wake of waiting) wake()
      waiting.clear()
    }
    const world: JobWorld = {
      signal: stop.signal,
      progress: (progress) => change({ progress }),
      warn: (sentence) =>
        change({ warnings: [...job.status.warnings, sentence].slice(-limits.jobWarnings) }),
    }
    let begin: () => void = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const job: Job = {
      status: {
        id,
        kind,
        about,
        state: 'running',
        startedAt: this.#now(),
        endedAt: null,
        progress: null,
        warnings: [],
        result: null,
        error: null,
      },
      stop,
      waiting,
      ended: begun
        .then(() => {
          stop.signal.throwIfAborted()
          return work(world)
        })
        .then(
          (result) => change({ state: 'done', result, endedAt: this.#now() }),
          (error) => change({ ...this.#toFailure(error, stop.signal), endedAt: this.#now() }),
        )
        .then(() => this.#watch.onEnd?.(job.status)),
    }
    this.#jobs.set(id, job)
    this.#forgetOld(job.status)
    begin()
    return job.status
  }

  /** Newest first. */
  list(): readonly JobStatus[] {
    return [...this.#jobs.values()].map(({ status }) => status).reverse()
  }

  /** @throws `name-not-found` */
  status(id: string): JobStatus {
    return this.#job(id).status
  }

  /**
   * The status now, and again after changes, until the job has ended or `signal` is given. At least one now
   * and then, so that whoever listens knows that somebody speaks.
   */
  async *follow(id: string, signal: AbortSignal): AsyncGenerator<JobStatus> {
    const job = this.#job(id)
    for (;;) {
      const { status } = job
      yield status
      if (status.state !== 'running') return
      const changed = status === job.status ? this.#change(job, signal) : undefined
      await changed
      // changes that follow closely are told as one
      await pause(this.#timer, limits.jobEventMs, signal).catch(() => {})
      if (signal.aborted) return
    }
  }

  /** Asks a job to stop; it undoes what it began. @throws `name-not-found` */
  cancel(id: string): JobStatus {
    const job = this.#job(id)
    job.stop.abort(
      new OperatingError('interrupted', `the job ${id} was cancelled`, 'Begin it again to go on.'),
    )
    return job.status
  }

  /** Stops all of them with `reason`, and waits until they have undone what they began. */
  async close(reason: unknown): Promise<void> {
    const jobs = [...this.#jobs.values()]
    for (const { stop } of jobs) stop.abort(reason)
    await Promise.all(jobs.map(({ ended }) => ended))
  }

  #job(id: string): Job {
    const job = this.#jobs.get(id)
    if (job !== undefined) return job
    const hint = 'See them with: vectra-cli jobs list. They are forgotten when the server ends.'
    return fail('name-not-found', `there is no job ${JSON.stringify(id)}`, hint)
  }

  /** Resolves at the next change, at the end of a silence, or when the signal is given. */
  #change({ waiting }: Job, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake)
        cancel()
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const cancel = this.#timer.after(limits.jobSilenceMs, wake)
      waiting.add(wake)
      if (signal.aborted) wake()
      else signal.addEventListener('abort', wake, { once: true })
    })
  }

  #toFailure(error: unknown, { aborted }: AbortSignal): Pick<JobStatus, 'state' | 'error'> {
    if (error instanceof OperatingError) {
      const cancelled = aborted && ['interrupted', 'terminated'].includes(error.code)
      return { state: cancelled ? 'cancelled' : 'failed', error: error.toJSON() }
    }
    this.#watch.onBug(error)
    const message = 'an internal error; the log of the server has more'
    const { code, exitCode, hint } = new OperatingError('step-failed', message, '')
    return { state: 'failed', error: { code, message, hint, exitCode } }
  }

  /** Of each kind: an archive that runs every few seconds shall not drive out last night's backup. */
  #forgetOld({ kind }: JobStatus): void {
    const same = [...this.#jobs.values()].filter(({ status }) => status.kind === kind)
    let tooMany = same.length - limits.jobsKept
    for (const { status } of same) {
      if (tooMany <= 0) return
      if (status.state === 'running') continue
      this.#jobs.delete(status.id)
      tooMany--
    }
  }

  readonly #now = (): string => new Date(this.#clock.nowMs()).toISOString()
}
