/**
 * One HTTP request to an address that somebody wrote: all that plans and `endpoint switch` send over the web goes out here.
 *
 * - The address that is connected to is judged, not the name: the answer of the name service is judged
 *   once and connected to, so that a name cannot mean another address a moment later. All addresses of
 *   a name must be allowed.
 * - An address that is written out may be private. One behind a name or a variable needs
 *   `allowPrivate`. Link-local and metadata addresses are never gone to.
 * - No redirect is followed, no proxy asked, no connection kept, and certificates are verified.
 * - An answer takes at most ten seconds, and at most 64 KiB of it are read.
 *
 * Errors name the address as it was written: what a variable holds never stands in them.
 */

import * as dns from 'node:dns'
import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { fail, OperatingError } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'
import { reachOf } from '../base/reach.ts'
import type { Timer } from '../base/timer.ts'
import type { WebAddress } from './web-address.ts'

/** From the first packet to the last byte. */
export const answerMs = 10_000
/** Bytes of an answer's body that are read. */
export const answerBytes = 64 * KiB
/** To one of several addresses of a name, before the next is tried beside it. */
const attemptMs = 2_500

export interface WebRequest {
  readonly address: WebAddress
  readonly method: string
  readonly headers?: ReadonlyMap<string, string>
  readonly body?: string
  /** Less than {@link answerMs}, where somebody waits for less. */
  readonly limitMs?: number
}

export interface WebAnswer {
  readonly status: number
  /** UTF-8; what is none is replaced. */
  readonly body: string
  readonly bodyBytes: number
  /** There was more than {@link answerBytes}. */
  readonly isCut: boolean
  /** Whether it points elsewhere, which is not followed. */
  readonly isRedirect: boolean
}

export interface WebWorld {
  readonly timer: Timer
  readonly signal: AbortSignal
  /** How names become addresses; the system's way unless it is given. */
  readonly lookup?: LookupFunction
  /** Certificates trusted instead of the system's. */
  readonly ca?: string
}

/** @throws `address-refused`, `usage`, `unreachable`, the signal's reason */
export async function sendRequest(request: WebRequest, world: WebWorld): Promise<WebAnswer> {
  const { timer, signal } = world
  signal.throwIfAborted()
  const url = readUrl(request.address)
  const limitMs = Math.min(request.limitMs ?? answerMs, answerMs)
  const late = new AbortController()
  const cancel = timer.after(limitMs, () => late.abort())
  try {
    return await exchange(url, request, world, AbortSignal.any([signal, late.signal]))
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (late.signal.aborted) {
      return fail(
        'unreachable',
        `${request.address.shown} did not answer within ${limitMs / 1_000} s`,
        'See whether it runs and whether a firewall is in between.',
      )
    }
    throw error instanceof OperatingError ? error : unreachable(error, request.address)
  } finally {
    cancel()
  }
}

/** @throws `usage` for what is no address of the web, `address-refused` for a literal one that is refused */
function readUrl(address: WebAddress): URL {
  const url = URL.canParse(address.url) ? new URL(address.url) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return fail(
      'usage',
      `${address.shown} is not an http:// or https:// address once it is filled in`,
      'See what its variables hold.',
    )
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) {
    const refused = refusalOf(host, address, address.isWrittenOut || address.allowPrivate)
    if (refused !== undefined) throw refused
  }
  return url
}

function refusalOf(
  ip: string,
  { shown, isWrittenOut, permission }: WebAddress,
  mayBePrivate: boolean,
): OperatingError | undefined {
  const reach = reachOf(ip)
  if (reach === 'public' || (reach === 'private' && mayBePrivate)) return undefined
  const where = isWrittenOut ? ` (${ip})` : ''
  return reach === 'private'
    ? new OperatingError(
        'address-refused',
        `${shown} leads to a private address${where}`,
        `If that is meant, write ${permission}, or write the address itself out.`,
      )
    : new OperatingError(
        'address-refused',
        `${shown} leads to a link-local or metadata address${where}`,
        'Nothing goes there. Use another address.',
      )
}

/** Looks a name up once, and gives what was judged to whoever connects. */
function judgedLookup(address: WebAddress, lookup: LookupFunction): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }]
      const refused = all
        .map((each) => refusalOf(each.address, address, address.allowPrivate))
        .find((each) => each !== undefined)
      const [first] = all
      if (refused !== undefined) return callback(refused, [])
      if (options.all === true || first === undefined) return callback(null, all)
      callback(null, first.address, first.family)
    })
  }
}

function exchange(
  url: URL,
  { address, method, headers = new Map(), body }: WebRequest,
  { lookup = dns.lookup, ca }: WebWorld,
  signal: AbortSignal,
): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const options: https.RequestOptions & { autoSelectFamilyAttemptTimeout: number } = {
      method,
      signal,
      agent: false,
      lookup: judgedLookup(address, lookup),
      autoSelectFamilyAttemptTimeout: attemptMs,
      headers: {
        'user-agent': 'vectra-dr',
        ...Object.fromEntries(headers),
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      },
      rejectUnauthorized: true, // whatever the environment says
      ...(ca !== undefined && { ca }),
    }
    const request = (url.protocol === 'https:' ? https : http).request(url, options)
    request.on('error', reject)
    request.on('response', (response) => {
      readBody(response).then(resolve, reject)
    })
    request.end(body)
  })
}

async function readBody(response: http.IncomingMessage): Promise<WebAnswer> {
  const chunks: Buffer[] = []
  let read = 0
  for await (const chunk of response) {
    chunks.push(chunk)
    read += chunk.length
    if (read > answerBytes) break // which ends the connection
  }
  const status = response.statusCode ?? 0
  return {
    status,
    body: Buffer.concat(chunks).subarray(0, answerBytes).toString('utf8'),
    bodyBytes: Math.min(read, answerBytes),
    isCut: read > answerBytes,
    isRedirect: status >= 300 && status < 400 && response.headers.location !== undefined,
  }
}

/** Messages of the platform hold addresses, which may be secrets; their codes do not. */
function unreachable(error: unknown, { shown }: WebAddress): OperatingError {
  const code = codeOf(error)
  if (/CERT|SSL|TLS/.test(code)) {
    return new OperatingError(
      'unreachable',
      `the certificate of ${shown} is not trusted: ${code}`,
      'Renew it, or name the authority that signed it in NODE_EXTRA_CA_CERTS.',
    )
  }
  if (/^ERR_(INVALID|HTTP_INVALID)/.test(code)) {
    return new OperatingError(
      'usage',
      `the request to ${shown} cannot be sent: a header holds what no header may hold`,
      'See what its variables hold; a line break is the usual reason.',
    )
  }
  return new OperatingError(
    'unreachable',
    `${shown} cannot be reached: ${code}`,
    'See whether it runs, and whether name and port are right.',
  )
}

/** Of several attempts at several addresses, that of the first. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'no reason given'
}
