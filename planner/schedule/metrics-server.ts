/**
 * `/metrics` and `/healthz` over HTTP. Reads nothing that is sent but the request line and one header,
 * changes nothing, and bounds time and size of both.
 *
 * Beyond loopback it wants a bearer token, compared in constant time.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { fail, OperatingError, sha256Hex } from '../../engine/index.ts'
import type { Metrics } from './metrics.ts'

const requestTimeoutMs = 5_000
const headerBytes = 8 * 1024
const connectionsAtOnce = 16

export interface MetricsAddress {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

export interface MetricsServer {
  /** `http://127.0.0.1:9464` */
  readonly url: string
  close(): Promise<void>
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine reaches the host. A name counts as reachable, `localhost` aside. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** @throws `usage` for an address beyond loopback without a token; `unreachable` when it is taken */
export async function openMetricsServer(
  { host, port }: MetricsAddress,
  token: string | undefined,
  metrics: Metrics,
): Promise<MetricsServer> {
  if (token === undefined && !isLoopback(host)) {
    fail(
      'usage',
      `metrics on ${host} could be read by other machines, and there is no token`,
      'Set VECTRA_METRICS_TOKEN, or bind 127.0.0.1.',
    )
  }
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      maxHeaderSize: headerBytes,
    },
    (request, response) => answer(request, response, token, metrics),
  )
  server.maxConnections = connectionsAtOnce
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new OperatingError(
          'unreachable',
          `metrics cannot be served on ${host}:${port}: ${error.code ?? error.message}`,
          'Choose another address with --metrics HOST:PORT.',
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string | undefined,
  metrics: Metrics,
): void {
  const [status, type, text] = pageFor(request, token, metrics)
  const headers = { 'content-type': type, 'x-content-type-options': 'nosniff', connection: 'close' }
  response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : text)
}

type Page = readonly [status: number, contentType: string, text: string]

const plain = 'text/plain; charset=utf-8'

function pageFor(request: IncomingMessage, token: string | undefined, metrics: Metrics): Page {
  if (request.method !== 'GET' && request.method !== 'HEAD') return [405, plain, 'GET only\n']
  if (!isAllowed(request, token)) return [401, plain, 'a bearer token is needed\n']
  switch (request.url) {
    case '/metrics':
      return [200, 'text/plain; version=0.0.4; charset=utf-8', metrics.text()]
    case '/healthz': {
      const health = metrics.health()
      return [health.healthy ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`]
    }
    default:
      return [404, plain, 'there are /metrics and /healthz\n']
  }
}

function isAllowed({ headers }: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true
  // hashes have one length, whatever is sent
  const given = Buffer.from(sha256Hex(headers.authorization ?? ''))
  return timingSafeEqual(given, Buffer.from(sha256Hex(`Bearer ${token}`)))
}
