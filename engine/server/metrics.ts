/**
 * What the server says of itself at `/metrics`, in the text format of Prometheus; the only file that knows
 * prom-client. Names of collections and of routes are labels; nothing of what is stored or asked for is told.
 * What was never measured is not there.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds. From a page of the cache to a disk that is in trouble. */
const syncBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const answerBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]

const isSearch = (route: string): boolean => /\/(search|query)$/.test(route)

export type Labels = Readonly<Record<string, string>>

/** One registry a server. */
export class ServerMetrics {
  readonly #registry = new Registry()
  readonly #answers: Counter<'route' | 'method' | 'status'>
  readonly #searches: Histogram
  readonly #answerTimes: Histogram
  readonly #syncs: Histogram
  readonly #jobs: Counter<'kind' | 'state'>

  constructor() {
    const registers = [this.#registry]
    this.#answers = new Counter({
      name: 'vectra_http_requests_total',
      help: 'Requests answered, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    })
    this.#answerTimes = new Histogram({
      name: 'vectra_http_request_duration_seconds',
      help: 'From the headers of a request to the end of its answer; streams included.',
      buckets: answerBuckets,
      registers,
    })
    this.#searches = new Histogram({
      name: 'vectra_search_duration_seconds',
      help: 'The same, of single searches and queries that succeeded.',
      buckets: answerBuckets,
      registers,
    })
    this.#syncs = new Histogram({
      name: 'vectra_wal_fsync_duration_seconds',
      help: 'Each fdatasync of the log, or write that is durable at once: what acknowledged writes wait for.',
      buckets: syncBuckets,
      registers,
    })
    this.#jobs = new Counter({
      name: 'vectra_jobs_ended_total',
      help: 'Jobs that ended, by kind (backup, restore, …) and state (done, failed, cancelled).',
      labelNames: ['kind', 'state'],
      registers,
    })
  }

  /** Notes a job that has ended. */
  jobEnded({ kind, state }: { readonly kind: string; readonly state: string }): void {
    this.#jobs.inc({ kind, state })
  }

  /** Notes an answer. */
  answered(route: string, method: string, status: number, tookMs: number): void {
    this.#answers.inc({ route, method, status: String(status) })
    this.#answerTimes.observe(tookMs / 1_000)
    if (status === 200 && isSearch(route)) this.#searches.observe(tookMs / 1_000)
  }

  /** Notes an fdatasync of the log. */
  synced(tookMs: number): void {
    this.#syncs.observe(tookMs / 1_000)
  }

  /**
   * A value that is read at each scrape: `read` returns it by its labels, none for what is not known.
   * @param labelNames all that any of its labels have
   */
  gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => Iterable<readonly [Labels, number]> | Promise<Iterable<readonly [Labels, number]>>,
  ): void {
    const gauge: Gauge<string> = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      async collect() {
        gauge.reset()
        // without labels a reset gauge stands at 0, which would be a claim
        if (labelNames.length === 0) gauge.remove()
        for (const [labels, value] of await read()) gauge.set(labels, value)
      },
    })
  }

  /** The whole exposition. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }
}
