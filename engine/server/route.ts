/**
 * What the server answers, as values: one {@link Route} an operation. Nothing of the HTTP framework shows here.
 *
 * **To add routes**, write a file beside this one that exports a function from {@link Served} to `Route[]`
 * and name it in `routes.ts`; routes of ours lie below `/vectra/v1/`. The rest follows from the value:
 *
 * - Who may ask is settled before (token, `Host`, `Origin`): a handler runs only for who may.
 * - `body` is a JSON Schema that the body was checked against, or `'stream'`: then `request.stream` is the
 *   body as it arrives, of any content type, at most `bodyBytes` long. All of a request must arrive within
 *   `limits.requestMs`; what takes longer is asked for by its receiver, as an answer that streams.
 * - An answer is a value for JSON, or a stream of chunks that may go on for as long as both sides wish; it
 *   should end when `request.signal` says so: the client has gone, or the server is being stopped.
 * - What a handler throws is told in one place, `error-answer.ts`: an `OperatingError` with its status,
 *   message and hint, anything else as a bug. A stream that throws is cut, which its reader notices.
 * - `writes: true` marks what changes data. It is not begun while {@link Served.refuseWrites} has a reason.
 * - What is worth watching becomes a value of `served.metrics.gauge(…)`.
 * - Each route stands in `/openapi.json` with what is said of it here.
 */
import type { Readable } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { OperatingError } from '../base/errors.ts'
import type { Timer } from '../base/timer.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import type { Copied } from './backup-times.ts'
import type { Jobs } from './jobs.ts'
import type { ServerMetrics } from './metrics.ts'
import type { ServedNode } from './served-node.ts'

/** What handlers work with. One for all of them; fields may be added. */
export interface Served {
  readonly directory: DataDirectory
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
  /** The repository of snapshots that are asked for in Qdrant's shapes: a path or URL. */
  readonly snapshots: string
  readonly jobs: Jobs
  readonly metrics: ServerMetrics
  /** Told of each backup and archive run that succeeded: the collection's UUID, and the as-of time. */
  readonly onCopied: (what: Copied, uuid: string, asOfAt: string) => void
  /** This server as a node of a cluster; undefined while it starts. */
  readonly node: () => ServedNode | undefined
  /** Given when the server is being stopped. */
  readonly stopping: AbortSignal
  /** Why nothing may be written now (a standby, a fenced primary); undefined: it may. May be replaced. */
  refuseWrites: () => OperatingError | undefined
  /** Why `/readyz` says no; undefined: ready. May be replaced. */
  notReady: () => string | undefined
  /** For whoever watches the server: something may hurt. */
  readonly warn: (sentence: string) => void
}

/** JSON Schema 2020-12, as far as OpenAPI 3.1 takes it. */
export type Schema = Readonly<Record<string, unknown>>

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One operation. */
export interface Route {
  readonly method: Method
  /** With parameters as `:name`. */
  readonly path: string
  /** One sentence for `/openapi.json`. */
  readonly summary: string
  /** Groups routes in `/openapi.json`. */
  readonly tag: string
  /** Parameters of the query, by name; all are optional text. */
  readonly query?: Readonly<Record<string, string>>
  /** What the body must be; `'stream'`: bytes. Default: a body is not looked at. */
  readonly body?: Schema | 'stream'
  /** Whether a body may be left out. Default false. */
  readonly bodyOptional?: boolean
  /** Bytes that a body may have. Default `limits.requestBodyBytes`. */
  readonly bodyBytes?: number
  /** What the answer looks like, its status where it is not 200, its type where it is not JSON. */
  readonly answer?: Schema
  readonly status?: number
  readonly answerType?: string
  /** Whether it changes data. */
  readonly writes?: boolean
  /**
   * Whether a server that is being stopped still answers it until all other requests are answered, because
   * they may wait for it. Default false.
   */
  readonly answersLast?: boolean
  /** Answered to anybody who reaches the server, without a token. Default false. */
  readonly open?: boolean
  handle(request: RouteRequest): Promise<Answer>
}

export interface RouteRequest {
  /** Parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The checked JSON; undefined where there was none. Keys that are null are left out (without-nulls.ts). */
  readonly body: unknown
  /** The body of a route with `body: 'stream'`. */
  readonly stream: Readable
  /** Given when the client has gone or the server is being stopped. */
  readonly signal: AbortSignal
  /** When it began, by `clock.monotonicMs`. */
  readonly startedMs: number
}

export type Answer =
  | { readonly kind: 'json'; readonly status?: number; readonly value: unknown }
  | {
      readonly kind: 'text'
      readonly status?: number
      readonly contentType: string
      readonly text: string
    }
  | { readonly kind: 'bytes'; readonly contentType: string; readonly bytes: Buffer }
  | {
      readonly kind: 'stream'
      readonly contentType: string
      readonly headers?: Readonly<Record<string, string>>
      readonly chunks: AsyncIterable<string | Uint8Array>
    }

/** An answer of JSON. */
export const json = (value: unknown, status?: number): Answer => ({
  kind: 'json',
  value,
  ...(status !== undefined && { status }),
})
