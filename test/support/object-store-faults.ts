/**
 * What can be made to go wrong in the object store of the tests (object-store.ts).
 *
 * A rule says which requests it is for and what happens to them:
 *
 * | fault | what the client sees |
 * | --- | --- |
 * | `status` | an error document with this HTTP status and code; nothing was done |
 * | `reset`, `before` | the connection breaks as soon as the headers have come |
 * | `reset`, `body` | it breaks while the request's body is being sent |
 * | `reset`, `after` | the request is carried out, then the connection breaks without an answer |
 * | `reset`, `answer` | it breaks in the middle of the answer's body |
 * | `silence`, `before` or `after` | no answer at all, before or after it was carried out |
 * | `truncate` | the answer's body ends after so many bytes, and looks whole: no Content-Length |
 * | `corrupt` | one bit of the body is wrong: of what is answered, or of what is stored |
 * | `header` | the answer has another value of this header |
 * | `error-body` | HTTP 200 with an error document; nothing was done |
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code: string }
  | { readonly kind: 'reset'; readonly stage: 'before' | 'body' | 'after' | 'answer' }
  | { readonly kind: 'silence'; readonly stage: 'before' | 'after' }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'corrupt' }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'error-body'; readonly code: string }

/** A request, as rules and tests see it. */
export interface SeenRequest {
  /** 1 for the first request of the server. */
  readonly number: number
  readonly method: string
  /** S3's own word: `PutObject`, `GetObject`, `HeadObject`, `ListObjectsV2`, … */
  readonly operation: string
  readonly bucket: string
  /** Name in the bucket; empty for requests about the bucket. */
  readonly name: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface FaultRule {
  readonly fault: Fault
  /** Which requests. Default: all. */
  readonly when?: (request: SeenRequest) => boolean
  /** Only every nth of those, the nth first. Default 1. */
  readonly every?: number
  /** Those before are spared. Default 0. */
  readonly after?: number
  /** At most so often. Default: always. */
  readonly times?: number
}

export class Faults {
  readonly #rules: { readonly rule: FaultRule; seen: number; hits: number }[] = []

  /** @returns how often the rule has struck, to be asked later */
  add(rule: FaultRule): () => number {
    const entry = { rule, seen: 0, hits: 0 }
    this.#rules.push(entry)
    return () => entry.hits
  }

  clear(): void {
    this.#rules.length = 0
  }

  /** The fault for a request: of the first rule that strikes. */
  of(request: SeenRequest): Fault | undefined {
    for (const entry of this.#rules) {
      const { when, every = 1, after = 0, times = Number.POSITIVE_INFINITY, fault } = entry.rule
      if (when?.(request) === false) continue
      entry.seen++
      const isDue = entry.seen > after && (entry.seen - after) % every === 0
      if (!isDue || entry.hits >= times) continue
      entry.hits++
      return fault
    }
    return undefined
  }
}
