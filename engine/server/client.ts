/**
 * The side of the server that asks: `vectra-cli` where a server has the data, and whoever else speaks to one.
 * Failures come back as the operating errors that they were over there. The only file that fetches.
 */
import {
  errorCatalogue,
  fail,
  fromSerialised,
  OperatingError,
  type SerialisedError,
} from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { readLines } from '../transfer/line-reader.ts'
import type { JobStatus } from './jobs.ts'
import type { Method } from './route.ts'

export interface ClientOptions {
  /** `http://127.0.0.1:7700` */
  readonly endpoint: string
  readonly token?: string | undefined
  /** Gives up what is under way, with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** Asks one server. Safe to share; nothing is kept open. */
export class VectraClient {
  readonly endpoint: string
  /** Gives up what is under way. */
  readonly signal: AbortSignal | undefined
  readonly #token: string | undefined

  /** @throws `usage` for an endpoint that is no http or https URL */
  constructor({ endpoint, token, signal }: ClientOptions) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
    if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
      fail(
        'usage',
        `${JSON.stringify(endpoint)} is no endpoint`,
        'Give a URL such as http://127.0.0.1:7700; the token goes into VECTRA_TOKEN.',
      )
    }
    this.endpoint = endpoint.replace(/\/+$/, '')
    this.#token = token
    this.signal = signal
  }

  /** The same server, asked by one whom no signal stops: for what is short, and bad to do by half. */
  steady(): VectraClient {
    return new VectraClient({ endpoint: this.endpoint, token: this.#token })
  }

  /**
   * The JSON that the server answers with. @param path below the endpoint, escaped where it holds names
   * @throws what the server says; `unreachable` when it says nothing
   */
  async ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, body)
    const text = await this.#reading(response.text())
    // the routes answer with the shapes that their callers name
    return JSON.parse(text) as T
  }

  /** The objects of an answer that streams them as lines. @throws as {@link ask} */
  async *lines<T>(path: string): AsyncGenerator<T> {
    const response = await this.#send('GET', path)
    const { body } = response
    if (body === null) return
    const source = {
      name: `${this.endpoint}${path}`,
      sizeBytes: undefined,
      chunks: () => this.#chunks(body),
      close: async () => {},
    }
    for await (const { text } of readLines(source)) yield JSON.parse(text) as T
  }

  /** A job until it has ended, told of each change. @throws as {@link ask} */
  async follow(id: string, onChange: (status: JobStatus) => void = () => {}): Promise<JobStatus> {
    let last: JobStatus | undefined
    for await (const status of this.lines<JobStatus>(`/vectra/v1/jobs/${escaped(id)}/events`)) {
      onChange(status)
      last = status
    }
    if (last !== undefined && last.state !== 'running') return last
    return fail(
      'unreachable',
      `the server at ${this.endpoint} stopped while the job ${id} was under way`,
      'When it is back, look at what stands there and begin again.',
    )
  }

  async #send(method: Method, path: string, body?: unknown): Promise<Response> {
    const headers = {
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const response = await this.#reading(
      fetch(this.endpoint + path, {
        method,
        headers,
        redirect: 'error', // a token goes nowhere else
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(this.signal && { signal: this.signal }),
      }),
    )
    if (response.ok) return response
    throw this.#toError(response.status, await this.#reading(response.text()))
  }

  async *#chunks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = await this.#reading(chunks.next())
        if (done === true) return
        yield value
      }
    } finally {
      await chunks.return?.()
    }
  }

  /** Something of the network; its failures are told as such. */
  async #reading<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      this.signal?.throwIfAborted()
      const { cause, message } = error as Error // fetch fails with errors only
      const code = (cause as NodeJS.ErrnoException | undefined)?.code
      return fail(
        'unreachable',
        `the server at ${this.endpoint} does not answer: ${code ?? message}`,
        'Check that vectra-cli serve runs there, and the address.',
        { cause: error },
      )
    }
  }

  #toError(status: number, text: string): OperatingError {
    const told = parse(text)
    if (told !== undefined && Object.hasOwn(errorCatalogue, told.code)) return fromSerialised(told)
    return new OperatingError(
      status >= 500 ? 'unreachable' : 'unexpected-answer',
      `${this.endpoint} answered ${status}: ${text.slice(0, limits.shownAnswerChars)}`,
      'Check that vectra-cli serve of this version is at that address; its log may say more.',
    )
  }
}

function parse(text: string): SerialisedError | undefined {
  try {
    return (JSON.parse(text) as { vectra?: SerialisedError }).vectra // of our own server, if it is one
  } catch {
    return undefined
  }
}

/** A name as a part of a path. */
export const escaped = (name: string): string => encodeURIComponent(name)
