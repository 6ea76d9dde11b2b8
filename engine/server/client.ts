/**
 * The side of the server that asks: `vectra-cli` where a server has the data, and whoever else speaks to one.
 * Failures come back as the operating errors that they were over there.
 */
import {
  errorCatalogue,
  fail,
  fromSerialised,
  isOperatingError,
  OperatingError,
  type SerialisedError,
} from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { ServerAnswer, ServerRequests } from '../outside/server-request.ts'
import { readLines } from '../transfer/line-reader.ts'
import type { JobStatus } from './jobs.ts'
import type { Method } from './route.ts'

export interface ClientOptions {
  /** `http://127.0.0.1:7700` */
  readonly endpoint: string
  readonly token?: string | undefined
  /** Gives up what is under way, with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Sends it. Default: over the connections that all of this process share. */
  readonly requests?: ServerRequests | undefined
  /** See {@link VectraClient.patient}. */
  readonly patient?: boolean
}

/** Asks one server. Safe to share. */
export class VectraClient {
  readonly endpoint: string
  /** Gives up what is under way. */
  readonly signal: AbortSignal | undefined
  readonly #token: string | undefined
  readonly #options: ClientOptions

  /** @throws `usage` for an endpoint that is no http or https URL */
  constructor(options: ClientOptions) {
    const { endpoint, token, signal } = options
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
    this.#options = options
  }

  /** The same server, asked by one whom no signal stops: for what is short, and bad to do by half. */
  steady(): VectraClient {
    return new VectraClient({ ...this.#options, signal: undefined })
  }

  /** The same server, asked by one who waits as long as its machine is there: a copy may be seeded for hours. */
  patient(): VectraClient {
    return new VectraClient({ ...this.#options, patient: true })
  }

  /**
   * The JSON that the server answers with. @param path below the endpoint, escaped where it holds names
   * @throws what the server says; `unreachable` when it says nothing
   */
  async ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const text = await this.#text(await this.#send(method, path, body))
    // the routes answer with the shapes that their callers name
    return JSON.parse(text) as T
  }

  /** The bytes that the server answers with. @throws as {@link ask} */
  async bytes(path: string): Promise<Buffer> {
    return this.#bytes(await this.#send('GET', path))
  }

  /** The objects of an answer that streams them as lines. @throws as {@link ask} */
  async *lines<T>(path: string): AsyncGenerator<T> {
    const body = await this.#send('GET', path)
    const source = {
      name: `${this.endpoint}${path}`,
      sizeBytes: undefined,
      chunks: () => this.#chunks(body),
      close: async () => {},
    }
    for await (const { text } of readLines(source)) yield JSON.parse(text) as T
  }

  /**
   * A job until it has ended, told of each change. A connection that is cut is made again, for as long as the
   * server answers. @throws as {@link ask}
   */
  async follow(id: string, onChange: (status: JobStatus) => void = () => {}): Promise<JobStatus> {
    let last: JobStatus | undefined
    for (let heard = true; heard; ) {
      heard = false
      try {
        for await (const status of this.lines<JobStatus>(`/vectra/v1/jobs/${escaped(id)}/events`)) {
          onChange(status)
          last = status
          heard = true
        }
      } catch (error) {
        this.signal?.throwIfAborted()
        // of a server that was there before; one that was started anew knows nothing of the job
        const gone = isOperatingError(error, 'unreachable', 'terminated', 'name-not-found')
        if (last === undefined || !gone) throw error
      }
      if (last !== undefined && last.state !== 'running') return last
    }
    return fail(
      'unreachable',
      `the server at ${this.endpoint} stopped while the job ${id} was under way`,
      'When it is back, look at what stands there and begin again.',
    )
  }

  /** The body of an answer that is well. */
  async #send(method: Method, path: string, body?: unknown): Promise<ServerAnswer['body']> {
    // loaded here: a command that asks no server does without
    const { serverRequests } = await import('../outside/server-request.ts')
    const headers = {
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const { requests = serverRequests, patient = false } = this.#options
    const { status, body: answer } = await this.#reading(
      requests.send({
        ...{ url: this.endpoint + path, method, headers, signal: this.signal, patient },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
    if (status >= 200 && status <= 299) return answer
    throw this.#toError(status, await this.#text(answer))
  }

  async #text(body: ServerAnswer['body']): Promise<string> {
    return (await this.#bytes(body)).toString('utf8')
  }

  async #bytes(body: ServerAnswer['body']): Promise<Buffer> {
    const parts: Uint8Array[] = []
    let length = 0
    for await (const part of this.#chunks(body)) {
      length += part.length
      if (length > limits.wholeAnswerBytes) {
        fail(
          'unexpected-answer',
          `${this.endpoint} answered with more than ${limits.wholeAnswerBytes} bytes`,
          'Check that vectra-cli serve of this version is at that address.',
        )
      }
      parts.push(part)
    }
    return Buffer.concat(parts)
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
      if (isOperatingError(error)) throw error
      const { networkProblem } = await import('../outside/server-request.ts')
      return fail(
        'unreachable',
        `the server at ${this.endpoint} does not answer: ${networkProblem(error)}`,
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
