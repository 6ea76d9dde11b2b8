/** Real sockets on loopback, with bounds of milliseconds. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { systemTimer } from '../../../engine/base/timer.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import {
  type HttpBounds,
  type HttpServerOptions,
  openHttpServer,
} from '../../../engine/server/http-server.ts'
import { Jobs } from '../../../engine/server/jobs.ts'
import { ServerMetrics } from '../../../engine/server/metrics.ts'
import { json, type Route, type Served } from '../../../engine/server/route.ts'

const rules = { tls: false, insecureHttp: false }

async function serve(
  routes: readonly Partial<Route>[],
  options: Partial<HttpServerOptions> & { bounds?: Partial<HttpBounds> } = {},
) {
  const warnings: string[] = []
  const stop = new AbortController()
  const served: Served = {
    directory: {} as DataDirectory, // no route here asks it
    disk: nodeDisk,
    clock: systemClock,
    timer: systemTimer,
    node: () => undefined,
    snapshots: '',
    metrics: new ServerMetrics(),
    jobs: new Jobs(systemClock, systemTimer, { onBug: () => {} }),
    onCopied: () => {},
    stopping: stop.signal,
    refuseWrites: () => undefined,
    notReady: () => undefined,
    warn: (sentence) => warnings.push(sentence),
  }
  const whole = routes.map(
    (route): Route => ({
      method: 'GET',
      path: '/',
      summary: '',
      tag: '',
      handle: async () => json({}),
      ...route,
    }),
  )
  const listen = { host: '127.0.0.1', port: 0 }
  const server = await openHttpServer(whole, served, { listen, rules, ...options })
  onTestFinished(() => server.close())
  return { ...server, served, stop, warnings }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests that know their shape
const jsonOf = (response: Response): Promise<any> => response.json()

const post = (url: string, body: string, type = 'application/json') =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': type } })

async function socketTo(url: string): Promise<{ socket: Socket; ended: Promise<string> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {}) // a connection that is cut may say so
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  await once(socket, 'connect')
  return { socket, ended }
}

async function* oneLine() {
  yield Buffer.from('too late')
}

it('an answer for somebody who has gone is no bug', async () => {
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const late: Partial<Route> = {
    method: 'POST',
    path: '/late',
    body: 'stream',
    handle: async ({ signal, stream }) => {
      for await (const part of stream) expect(part).toEqual(Buffer.from('{}'))
      begin()
      await once(signal, 'abort')
      return { kind: 'stream', contentType: 'text/plain', chunks: oneLine() }
    },
  }
  const { url, warnings } = await serve([late, {}])
  const { socket } = await socketTo(url)
  const headers = ['Host: localhost', 'Content-Type: application/octet-stream', 'Content-Length: 2']
  socket.write(['POST /late HTTP/1.1', ...headers, '', '{}'].join('\r\n'))
  await begun
  socket.destroy()
  for (let asked = 0; asked < 5; asked++) expect((await fetch(url)).status).toBe(200)
  expect(warnings).toEqual([])
})

const sized = {
  method: 'POST',
  body: { type: 'object', properties: { n: { type: 'integer' } }, additionalProperties: false },
  handle: async ({ body }: { body: unknown }) => json({ body }),
} as const

describe('a body', () => {
  it('is checked against its schema; null is absent', async () => {
    const { url } = await serve([sized])
    expect(await (await post(url, '{"n":3}')).json()).toEqual({ body: { n: 3 } })
    expect(await (await post(url, '{"n":null,"other":null}')).json()).toEqual({ body: {} })
    const wrong = await post(url, '{"n":"3"}')
    expect([wrong.status, (await jsonOf(wrong)).status.error]).toEqual([
      400,
      'body.n must be integer. See /openapi.json for what is expected.',
    ])
    const unknown = await post(url, '{"m":1}')
    expect((await jsonOf(unknown)).status.error).toMatch(/^body has "m", which is not supported/)
  })

  it('is refused where it is no JSON, no UTF-8 or of another type', async () => {
    const { url } = await serve([sized])
    const told = async (response: Response) => [
      response.status,
      (await jsonOf(response)).vectra.message,
    ]
    expect(await told(await post(url, '{'))).toEqual([
      400,
      expect.stringMatching(/^the body is not JSON/),
    ])
    const bytes = new Uint8Array([0x22, 0xff, 0x22])
    const response = await fetch(url, {
      method: 'POST',
      body: bytes,
      headers: { 'content-type': 'application/json' },
    })
    expect(await told(response)).toEqual([400, 'the body is not UTF-8'])
    expect((await post(url, 'n=3', 'application/x-www-form-urlencoded')).status).toBe(415)
  })

  it('case 95: above its bound is answered 413, parsed or streamed', async () => {
    const drain: Route['handle'] = async ({ stream }) => {
      let bytes = 0
      for await (const chunk of stream) bytes += (chunk as Buffer).length
      return json({ bytes })
    }
    const { url } = await serve([
      { ...sized, bodyBytes: 100 },
      { method: 'POST', path: '/stream', body: 'stream', bodyBytes: 100, handle: drain },
    ])
    expect((await post(url, `"${'x'.repeat(200)}"`)).status).toBe(413)
    const within = await post(`${url}/stream`, 'x'.repeat(100), 'application/x-ndjson')
    expect(await within.json()).toEqual({ bytes: 100 })
    const above = await post(`${url}/stream`, 'x'.repeat(101), 'application/x-ndjson')
    expect((await jsonOf(above)).vectra.code).toBe('request-too-large')
  })

  it('case 95: waits in memory for no more bytes of others than may be held', async () => {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const handle: Route['handle'] = async () => {
      await finished
      return json({})
    }
    const { url } = await serve([{ method: 'POST', body: { type: 'object' }, handle }], {
      bounds: { bodiesBytes: 100 },
    })
    const large = JSON.stringify({ text: 'x'.repeat(60) })
    const first = post(url, large)
    // once the first one is held, this one is not even looked at
    const ask = () => post(url, `${large}, no JSON`)
    let second = await ask()
    while (second.status === 400) second = await ask()
    expect(second.status).toBe(503)
    expect((await jsonOf(second)).vectra.hint).toMatch(/^Ask again/)
    finish()
    expect((await first).status).toBe(200)
    expect((await post(url, large)).status).toBe(200)
  })

  it('case 95: is not read before the token is seen', async () => {
    const { url } = await serve([sized], { rules: { ...rules, token: 'of eight or more' } })
    const { socket, ended } = await socketTo(url)
    // a body is announced and never sent: the answer comes all the same
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n')
    socket.write('Content-Type: application/json\r\n\r\n')
    expect(await ended).toMatch(/^HTTP\/1.1 401 [\s\S]*connection: close[\s\S]*wants a token/)
  })

  it('of what writes is refused while nothing may be written', async () => {
    const { url, served } = await serve([{ ...sized, writes: true }])
    served.refuseWrites = () => new OperatingError('locked', 'a standby writes nothing', 'Ask it.')
    const refused = await post(url, '{}')
    expect([refused.status, (await jsonOf(refused)).vectra.code]).toEqual([409, 'locked'])
    served.refuseWrites = () => undefined
    expect((await post(url, '{}')).status).toBe(200)
  })
})

describe('a connection', () => {
  it('case 95: is cut when its headers or its body are slow', async () => {
    const bounds = { headersMs: 100, requestMs: 200, connectionCheckMs: 20 }
    const { url } = await serve([sized], { bounds })
    const slowHeaders = await socketTo(url)
    slowHeaders.socket.write('GET / HTTP/1.1\r\nHost: local')
    const slowBody = await socketTo(url)
    slowBody.socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n')
    slowBody.socket.write('Content-Type: application/json\r\n\r\n{"n"')
    const idle = await socketTo(url)
    for (const { ended } of [slowHeaders, slowBody]) {
      expect(await ended).toMatch(/^HTTP\/1.1 408 [\s\S]*\{"status":\{"error":".*in time/)
    }
    expect(await idle.ended).toMatch(/^(HTTP\/1.1 408 |$)/)
  })

  it('case 95: above the bound of connections is closed, the others are served', async () => {
    const { url } = await serve([{}], { bounds: { connections: 2 } })
    const first = await socketTo(url)
    await socketTo(url)
    const third = await socketTo(url)
    expect(await third.ended).toBe('')
    first.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(await first.ended).toMatch(/^HTTP\/1.1 200 /)
  })

  it('that the client gives up is told to the handler', async () => {
    let begun: (signal: AbortSignal) => void = () => {}
    const seen = new Promise<AbortSignal>((resolve) => {
      begun = resolve
    })
    const handle: Route['handle'] = ({ signal }) => {
      begun(signal)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    }
    const { url } = await serve([{ handle }])
    const { socket } = await socketTo(url)
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const signal = await seen
    const aborted = once(signal, 'abort')
    socket.destroy()
    await aborted
    expect(signal.reason).toMatchObject({ message: 'the client has gone' })
  })
})

describe('an answer', () => {
  it('may stream for as long as it wishes, and ends when the server is stopped', async () => {
    const { url, stop } = await serve([
      {
        handle: async ({ signal }) => ({
          kind: 'stream',
          contentType: 'application/x-ndjson',
          chunks: (async function* () {
            yield '{"first":true}\n'
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
            yield '{"last":true}\n'
          })(),
        }),
      },
    ])
    const reader = (await fetch(url)).body?.getReader()
    const text = async () => new TextDecoder().decode((await reader?.read())?.value)
    expect(await text()).toBe('{"first":true}\n')
    stop.abort()
    expect(await text()).toBe('{"last":true}\n')
    expect((await reader?.read())?.done).toBe(true)
  })

  it('to a bug is 500 without its words, which the log has', async () => {
    const broken: Route['handle'] = async () => {
      throw new TypeError('x is undefined')
    }
    const { url, warnings } = await serve([{ handle: broken }])
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.not.stringContaining('undefined'),
    ])
    expect(warnings).toEqual([
      expect.stringMatching(/^a bug, at GET \/: TypeError: x is undefined/),
    ])
  })

  it('under way is waited for when the server closes; what comes behind is refused', async () => {
    let finish: () => void = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    let begun: () => void = () => {}
    const begins = new Promise<void>((resolve) => {
      begun = resolve
    })
    const handle: Route['handle'] = async () => {
      begun()
      await finished
      return json({ done: true })
    }
    const { url, stop, close } = await serve([{ handle }])
    const { socket, ended } = await socketTo(url)
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await begins
    stop.abort(new OperatingError('terminated', 'it is being stopped', ''))
    const late = await fetch(url)
    expect([late.status, (await jsonOf(late)).vectra.code]).toEqual([503, 'terminated'])
    const closing = close()
    finish()
    expect(await ended).toContain('{"done":true}')
    await closing
  })

  it('waits for no connection that is kept open, or was never used', async () => {
    const { url, close } = await serve([{}]) // which would drain for 20 s
    const unused = await socketTo(url)
    const kept = await socketTo(url)
    kept.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(kept.socket, 'data')
    expect((await fetch(url)).status).toBe(200) // fetch keeps one of its own
    await close()
    expect(await unused.ended).toBe('')
    expect(await kept.ended).toContain('keep-alive')
  })

  it('may wait for what answers last, which is refused when all else is answered', async () => {
    let ask: () => void = () => {}
    const asked = new Promise<void>((resolve) => {
      ask = resolve
    })
    let begun: () => void = () => {}
    const begins = new Promise<void>((resolve) => {
      begun = resolve
    })
    const waiting: Route['handle'] = async () => {
      begun()
      await asked
      return json({ done: true })
    }
    const helping: Route['handle'] = async () => {
      ask()
      return json({ helped: true })
    }
    const { url, stop, close } = await serve([
      { path: '/waiting', handle: waiting },
      { path: '/helping', handle: helping, answersLast: true },
    ])
    const answer = fetch(`${url}/waiting`)
    await begins
    stop.abort(new OperatingError('terminated', 'it is being stopped', ''))
    let last = 0
    const closing = close(async () => {
      last = (await fetch(`${url}/helping`)).status
    })
    expect(await jsonOf(await fetch(`${url}/helping`))).toEqual({ helped: true })
    expect(await jsonOf(await answer)).toEqual({ done: true })
    await closing
    expect(last).toBe(503)
  })

  it('that never comes is cut when the bound of draining is over', async () => {
    let begun: () => void = () => {}
    const begins = new Promise<void>((resolve) => {
      begun = resolve
    })
    const handle: Route['handle'] = () => {
      begun()
      return new Promise(() => {})
    }
    const { url, close } = await serve([{ handle }], { bounds: { drainMs: 30 } })
    const { socket, ended } = await socketTo(url)
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await begins
    await close()
    expect(await ended).toBe('')
  })
})

it('an address that is taken is told', async () => {
  const { url } = await serve([{}])
  const listen = { host: '127.0.0.1', port: Number(new URL(url).port) }
  await expect(serve([{}], { listen })).rejects.toThrow(/cannot be served: EADDRINUSE/)
})
