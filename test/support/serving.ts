/** A server over a data directory of its own, on a free port of loopback; closed with the test. */
import { onTestFinished } from 'vitest'
import { systemClock } from '../../engine/base/clock.ts'
import { nodeDisk } from '../../engine/base/disk.ts'
import { openServer, type Server, type ServerOptions } from '../../engine/server/server.ts'

export interface Serving extends Server {
  readonly warnings: readonly string[]
  /** Asks, with a JSON body where there is one; the answer's body is parsed. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ readonly status: number; readonly body: JsonAnswer }>
}

// answers are looked into by tests that know their shape
// biome-ignore lint/suspicious/noExplicitAny: see above
export type JsonAnswer = any

/** @param atEnd takes what closes it; in a test it need not be given */
export async function serving(
  data: string,
  options: Partial<ServerOptions> = {},
  atEnd: (close: () => Promise<void>) => void = onTestFinished,
): Promise<Serving> {
  const warnings: string[] = []
  const server = await openServer({
    data,
    disk: nodeDisk,
    clock: systemClock,
    listen: { host: '127.0.0.1', port: 0 },
    rules: { tls: false, insecureHttp: false },
    warn: (sentence) => warnings.push(sentence),
    ...options,
  })
  let closed: Promise<void> | undefined
  const close = () => (closed ??= server.close())
  atEnd(close)
  return {
    ...server,
    warnings,
    close,
    async ask(method, path, body, headers = {}) {
      const response = await fetch(server.url + path, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
      return { status: response.status, body: isJson ? JSON.parse(text) : text }
    },
  }
}
