/**
 * Who may ask: where the server may listen, and which requests it listens to.
 *
 * On loopback a token is a choice; elsewhere it is demanded, and TLS with it, or `--insecure-http` said
 * aloud. Without a token only the `Host` header keeps a page in somebody's browser from reaching the server
 * under a name of its own (DNS rebinding), so it must name this machine; with `Origin` a request comes from
 * such a page, and is refused unless it comes from the server's own address.
 */
import { timingSafeEqual } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { sha256Hex } from '../base/checksum.ts'
import { fail, OperatingError } from '../base/errors.ts'

export interface ListenAddress {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

export interface AdmissionRules {
  readonly token?: string | undefined
  readonly tls: boolean
  /** Speak without TLS beyond loopback, because something in front does it. */
  readonly insecureHttp: boolean
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine reaches the host. A name counts as reachable, `localhost` aside. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** @throws `usage` for an address that other machines reach, without a token and without TLS */
export function checkListen({ host }: ListenAddress, rules: AdmissionRules): void {
  if (rules.token !== undefined && rules.token.length < shortestToken) {
    fail(
      'usage',
      `the token has fewer than ${shortestToken} characters`,
      'Make one with: openssl rand -hex 32.',
    )
  }
  if (isLoopback(host)) return
  if (rules.token === undefined) {
    fail(
      'usage',
      `${host} can be reached by other machines, and there is no token`,
      'Set VECTRA_TOKEN or --token, or listen on 127.0.0.1.',
    )
  }
  if (!rules.tls && !rules.insecureHttp) {
    fail(
      'usage',
      `${host} can be reached by other machines, and there is no TLS`,
      'Give --tls-cert and --tls-key, or --insecure-http where something in front speaks TLS.',
    )
  }
}

const shortestToken = 8

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Decides on each request by its headers, before anything of the body is read. */
export class Admission {
  readonly #tokenHash: Buffer | undefined
  readonly #local: boolean

  constructor({ host }: ListenAddress, { token }: AdmissionRules) {
    this.#tokenHash = token === undefined ? undefined : hashOf(token)
    this.#local = isLoopback(host)
  }

  /** @returns why the request is refused; undefined when it is not */
  refusal(headers: Headers, open: boolean): OperatingError | undefined {
    return this.#foreign(headers) ?? (open ? undefined : this.#unknown(headers))
  }

  /** A request that came by a name or a page that is not ours. */
  #foreign({ host, origin }: Headers): OperatingError | undefined {
    const named = typeof host === 'string' ? host : ''
    if (this.#local && !isLoopback(hostOf(named))) {
      return new OperatingError(
        'address-refused',
        `the request is for the host ${JSON.stringify(named.slice(0, 80))}`,
        'This server answers on this machine only: use 127.0.0.1 or localhost.',
      )
    }
    if (origin === undefined || origin === `http://${named}` || origin === `https://${named}`) {
      return undefined
    }
    return new OperatingError(
      'address-refused',
      'the request comes from a page of another origin',
      'Browsers are not served across origins; ask from a program, or through a server of your own.',
    )
  }

  /** A request without the token. Hashes are compared: they have one length, whatever was sent. */
  #unknown(headers: Headers): OperatingError | undefined {
    if (this.#tokenHash === undefined) return undefined
    const { authorization, 'api-key': apiKey } = headers
    const given = typeof apiKey === 'string' ? apiKey : bearerOf(authorization)
    if (timingSafeEqual(hashOf(given), this.#tokenHash)) return undefined
    return new OperatingError(
      'credential-refused',
      given === '' ? 'the server wants a token' : 'the token is not the one of the server',
      'Set VECTRA_TOKEN or --token; programs send "Authorization: Bearer …" or "api-key: …".',
    )
  }
}

const hashOf = (text: string): Buffer => Buffer.from(sha256Hex(text))

const bearerOf = (authorization: string | string[] | undefined): string =>
  typeof authorization === 'string' ? (/^Bearer (.+)$/i.exec(authorization)?.[1] ?? '') : ''

/** `[::1]:7700` → `::1`. */
const hostOf = (header: string): string =>
  /^\[([^\]]+)\](?::\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '')
