/**
 * Messages between nodes over HTTP: one POST a message. Failures of the network are `unreachable`. Whoever holds the
 * token may name a node; nothing is sent to where clouds hand out credentials, whatever it is called.
 */
import { fail } from '../base/errors.ts'
import { limits, MiB } from '../base/limits.ts'
import { isForbidden } from '../base/reach.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import type { SendOptions, Transport } from '../replica/transport.ts'

export const messagePath = '/vectra/v1/replica/messages'

/** An answer holds a piece of a base, or shipped log of which a single record may be as large as any. */
const answerBytes = limits.walPayloadBytes + 8 * MiB

export class NodeTransport implements Transport {
  readonly #token: string | undefined

  /** @param token what every node of the cluster asks for */
  constructor(token: string | undefined) {
    this.#token = token
  }

  async send(
    to: NodeAddress,
    message: Buffer,
    { timeoutMs, signal }: SendOptions,
  ): Promise<Buffer> {
    if (isForbidden(new URL(to.url).hostname)) {
      fail(
        'address-refused',
        `${to.name} is said to be at ${to.url}, a link-local or metadata address`,
        'Give the node the address of its machine.',
      )
    }
    const timeout = AbortSignal.timeout(timeoutMs)
    const ended = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
    let response: Response
    try {
      response = await fetch(`${to.url.replace(/\/+$/, '')}${messagePath}`, {
        method: 'POST',
        body: new Uint8Array(message),
        redirect: 'error', // a token goes nowhere else
        signal: ended,
        headers: {
          'content-type': 'application/octet-stream',
          ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
        },
      })
      if (response.ok) return await bodyOf(response)
    } catch (error) {
      const { cause, message: what } = error as Error // fetch fails with errors only
      const code = (cause as NodeJS.ErrnoException | undefined)?.code
      return fail(
        'unreachable',
        `${to.name} at ${to.url} does not answer: ${code ?? what}`,
        'Check that vectra-cli serve runs there, the address, and the network in between.',
        { cause: error },
      )
    }
    await response.body?.cancel()
    if (response.status === 401 || response.status === 403) {
      return fail(
        'credential-refused',
        `${to.name} at ${to.url} refuses the token of this node`,
        'All nodes of a cluster have one token: VECTRA_TOKEN.',
      )
    }
    return fail(
      'unreachable',
      `${to.name} at ${to.url} answers ${response.status}`,
      'Check that it is a node of this version.',
    )
  }
}

async function bodyOf(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > answerBytes) throw new Error(`more than ${answerBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
