/**
 * Requests to servers of our own kind: nodes of a cluster, an endpoint of a command or a plan. Connections are kept
 * for the next request. The addresses of a name are judged where they are connected to: link-local and metadata
 * addresses get nothing, whatever they are called. No redirect is followed, so that a token goes nowhere else.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import type { LookupFunction } from 'node:net'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { guardedLookup, isForbidden } from '../base/reach.ts'

export interface ServerRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Gives it up, also while the answer arrives. */
  readonly signal?: AbortSignal | undefined
  /** Bears any silence, as long as the other machine is there, which connections look at by themselves. */
  readonly patient?: boolean
}

export interface ServerAnswer {
  readonly status: number
  /** Has to be read, or let go with `resume()`. */
  readonly body: http.IncomingMessage
}

/** Sends requests over connections of its own. */
export class ServerRequests {
  readonly #plain: http.Agent
  readonly #secure: https.Agent

  readonly #silenceMs: number

  /** @param lookup how names become addresses; the system's way unless it is given */
  constructor(lookup?: LookupFunction, silenceMs: number = limits.serverSilenceMs) {
    this.#silenceMs = silenceMs
    // a connection that nobody uses goes before a server of ours would close it under a request
    const timeout = limits.connectionIdleMs / 2
    const options = { keepAlive: true, timeout, lookup: guardedLookup(lookup) }
    this.#plain = new http.Agent(options)
    this.#secure = new https.Agent(options)
  }

  /** @throws `address-refused`; what the network fails with, as it is, silence among it */
  async send(request: ServerRequest): Promise<ServerAnswer> {
    const { url, method, headers, body, signal, patient = false } = request
    signal?.throwIfAborted()
    const to = new URL(url)
    if (isForbidden(to.hostname)) {
      fail(
        'address-refused',
        `${to.host} is a link-local or metadata address`,
        'Nothing goes there. Name another host.',
      )
    }
    const isSecure = to.protocol === 'https:'
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    return new Promise((resolve, reject) => {
      const sending = (isSecure ? https : http).request(to, {
        method,
        agent: isSecure ? this.#secure : this.#plain,
        headers: { ...headers, ...length },
        ...(signal && { signal }),
      })
      let answer: http.IncomingMessage | undefined
      // a limit of 0 is none; the agent's own is for connections that are kept
      sending.setTimeout(patient ? 0 : this.#silenceMs, () =>
        (answer ?? sending).destroy(new Silence(this.#silenceMs)),
      )
      sending.on('error', reject)
      sending.on('response', (response) => {
        answer = response
        resolve({ status: response.statusCode ?? 0, body: response })
      })
      sending.end(body)
    })
  }

  /** Closes the connections that are kept: after one that was dead the others may be, too. */
  closeIdle(): void {
    for (const { freeSockets } of [this.#plain, this.#secure]) {
      for (const socket of Object.values(freeSockets).flat()) socket?.destroy()
    }
  }
}

class Silence extends Error {
  constructor(silenceMs: number) {
    super(`it said nothing for ${silenceMs / 1_000} s`)
  }
}

/** All of a process share these connections. */
export const serverRequests = new ServerRequests()

/** What the network failed with, in a word. */
export function networkProblem(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return networkProblem(error.errors[0])
  }
  const { code, message } = error as NodeJS.ErrnoException // the network fails with errors
  return code ?? message
}
