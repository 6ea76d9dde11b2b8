/**
 * Messages between nodes over HTTP: one POST a message. Failures of the network are `unreachable`. Whoever holds the
 * token may name a node; nothing is sent to where clouds hand out credentials, whatever it is called.
 */
import type { LookupFunction } from 'node:net'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits, MiB } from '../base/limits.ts'
import { systemTimer, type Timer } from '../base/timer.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import {
  networkProblem,
  type ServerAnswer,
  ServerRequests,
  serverRequests,
} from '../outside/server-request.ts'
import type { SendOptions, Transport } from '../replica/transport.ts'

export const messagePath = '/vectra/v1/replica/messages'

/** An answer holds a piece of a base, or shipped log of which a single record may be as large as any. */
const answerBytes = limits.walPayloadBytes + 8 * MiB

export interface NodeTransportOptions {
  /** What every node of the cluster asks for. */
  readonly token?: string | undefined
  readonly timer?: Timer
  /** How names become addresses; the system's way unless it is given. */
  readonly lookup?: LookupFunction
}

export class NodeTransport implements Transport {
  readonly #token: string | undefined
  readonly #timer: Timer
  readonly #requests: ServerRequests

  constructor({ token, timer = systemTimer, lookup }: NodeTransportOptions) {
    this.#token = token
    this.#timer = timer
    this.#requests = lookup === undefined ? serverRequests : new ServerRequests(lookup)
  }

  async send(
    to: NodeAddress,
    message: Buffer,
    { timeoutMs, signal }: SendOptions,
  ): Promise<Buffer> {
    const late = new AbortController()
    const cancel = this.#timer.after(timeoutMs, () => late.abort())
    const ended = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal])
    let answer: ServerAnswer
    try {
      answer = await this.#requests.send({
        url: `${to.url.replace(/\/+$/, '')}${messagePath}`,
        method: 'POST',
        body: message,
        signal: ended,
        headers: {
          'content-type': 'application/octet-stream',
          ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
        },
      })
      if (answer.status >= 200 && answer.status <= 299) return await bodyOf(answer)
    } catch (error) {
      const { aborted: isLate } = late.signal
      if (isOperatingError(error, 'address-refused')) {
        const problem = `${to.name} is said to be at ${to.url}: ${error.message}`
        return fail('address-refused', problem, 'Give the node the address of its machine.')
      }
      if (isLate) this.#requests.closeIdle()
      const problem = isLate ? `nothing within ${timeoutMs / 1_000} s` : networkProblem(error)
      return fail(
        'unreachable',
        `${to.name} at ${to.url} does not answer: ${problem}`,
        'Check that vectra-cli serve runs there, the address, and the network in between.',
        { cause: error },
      )
    } finally {
      cancel()
    }
    const { status, body } = answer
    body.resume()
    if (status === 401 || status === 403) {
      return fail(
        'credential-refused',
        `${to.name} at ${to.url} refuses the token of this node`,
        'All nodes of a cluster have one token: VECTRA_TOKEN.',
      )
    }
    return fail(
      'unreachable',
      `${to.name} at ${to.url} answers ${status}`,
      'Check that it is a node of this version.',
    )
  }
}

async function bodyOf({ body }: ServerAnswer): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > answerBytes) throw new Error(`more than ${answerBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
