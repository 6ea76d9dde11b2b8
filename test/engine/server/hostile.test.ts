/** Requests that nobody should send: each has a clear answer in the shape of all, and the server stays. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits, MiB } from '../../../engine/base/limits.ts'
import { type Serving, serving } from '../../support/serving.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const suite = suiteDirectory()
let server: Serving

beforeAll(async () => {
  server = await serving(join(suite.path, 'data'), {}, () => {}) // closed below
  await server.ask('PUT', '/collections/c', { vectors: { size: 2, distance: 'Dot' } })
})

// whatever was sent: it answers, and nothing of it was a bug
afterAll(async () => {
  const health = await server.ask('GET', '/healthz')
  await server.close()
  expect([health.status, server.warnings]).toEqual([200, []])
})

async function open(): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => {}) // a connection that is cut may say so
  await once(socket, 'connect')
  return socket
}

interface Told {
  readonly status: number
  readonly error: string
  readonly headers: string
}

/** What is answered to these bytes on a connection of their own, up to its end. */
async function send(request: string): Promise<Told> {
  const socket = await open()
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  socket.write(request)
  await once(socket, 'close')
  const [headers = '', body = ''] = text.split('\r\n\r\n')
  const status = Number(headers.split(' ')[1])
  if (status < 400) return { status, error: '', headers }
  const { status: told, vectra } = JSON.parse(body)
  expect(told.error).toContain(vectra.message) // the shape of all failures
  return { status, error: told.error, headers }
}

const host = 'Host: localhost\r\n'
const end = 'Connection: close\r\n\r\n'
const search = '/collections/c/points/search'

const posted = (path: string, body: string, method = 'POST') =>
  `${method} ${path} HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${end}${body}`

const upsert = (body: string) => posted('/collections/c/points', body, 'PUT')
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

describe('a request', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400, /no request of HTTP/],
    ['TLS', '\x16\x03\x01\x02\x00\r\n\r\n', 400, /whether the server speaks TLS/],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, /no request of HTTP/],
    ['of an unknown method', `FOO / HTTP/1.1\r\n${host}${end}`, 400, /no request of HTTP/],
    ['of another method', `TRACE / HTTP/1.1\r\n${host}${end}`, 404, /nothing at TRACE \//],
    ['without a host', `GET / HTTP/1.1\r\n${end}`, 400, /names no host/],
    ['of HTTP/1.0 without a host', 'GET / HTTP/1.0\r\n\r\n', 403, /for the host ""/],
    ['of HTTP/1.0', `GET /healthz HTTP/1.0\r\n${host}\r\n`, 200, /^$/],
    ['for a proxy', `GET http://localhost/healthz HTTP/1.1\r\n${host}${end}`, 200, /^$/],
    ['with large headers', `GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}`, 431, /16384 bytes/],
    ['with a long address', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${host}`, 431, /16384 bytes/],
    [
      'with a long name',
      `GET /collections/${'x'.repeat(2_000)} HTTP/1.1\r\n${host}${end}`,
      414,
      /./,
    ],
    ['with a broken escape', `GET /collections/%E0%A4%A HTTP/1.1\r\n${host}${end}`, 400, /url/],
    [
      'with a path for a name',
      `GET /collections/..%2f..%2fetc HTTP/1.1\r\n${host}${end}`,
      404,
      /./,
    ],
    [
      'with two lengths',
      `POST ${search} HTTP/1.1\r\n${host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`,
      400,
      /no request of HTTP/,
    ],
    [
      'that smuggles another one',
      `POST ${search} HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      /no request of HTTP/,
    ],
    [
      'with broken chunks',
      `POST ${search} HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
      /no request of HTTP/,
    ],
    [
      'with a length beyond all bounds',
      `POST ${search} HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`,
      413,
      /33554432 bytes/,
    ],
    [
      'that expects magic',
      `POST ${search} HTTP/1.1\r\n${host}Expect: magic\r\nContent-Length: 2\r\n${end}{}`,
      415,
      /application\/json/,
    ],
  ])('case 95: %s is answered clearly', async (_, request, status, error) => {
    const told = await send(request)
    expect([told.status, told.error]).toEqual([status, expect.stringMatching(error)])
    expect(told.error.length).toBeLessThan(1_000)
  })
})

describe('a body', () => {
  it.each([
    ['of NaN', posted(search, '{"vector":[NaN,1]}'), /not JSON/],
    ['of infinity', posted(search, '{"vector":[1e999,1]}'), /must be number/],
    ['beyond float32', posted(search, '{"vector":[1e39,1]}'), /not a finite float32/],
    ['of texts', posted(search, '{"vector":["1","2"]}'), /must be number/],
    [
      'of far too many values',
      posted(search, `{"vector":[${'1,'.repeat(99_999)}1]}`),
      /dimension 2/,
    ],
    ['with a huge limit', posted(search, '{"vector":[1,2],"limit":1e15}'), /at most 10000/],
    ['with a limit below 1', posted(search, '{"vector":[1,2],"limit":-1}'), /must be >= 1/],
    ['with a huge offset', posted(search, '{"vector":[1,2],"offset":9007199254740991}'), /10000/],
    ['that is a list', posted(search, '[]'), /must be object/],
    ['that is null', posted(search, 'null'), /must be object/],
    ['that is empty', posted(search, ''), /must be object/],
    ['behind a mark', posted(search, '\ufeff{"vector":[1,2]}'), /not JSON/],
    [
      'that is deep',
      posted(search, `{"vector":[1,2],"filter":${nested(500_000)}}`),
      /deeper than 200/,
    ],
    ['with an unknown field', posted(search, '{"vector":[1,2],"colour":1}'), /"colour"/],
    ['of a prototype', posted(search, '{"__proto__":{"vector":[1,2]}}'), /'vector'|__proto__/],
    [
      'with prototype keys in a payload',
      upsert('{"points":[{"id":1,"vector":[1,2],"payload":{"__proto__":{"x":1}}}]}'),
      /"__proto__"/,
    ],
    [
      'with a deep payload',
      upsert(`{"points":[{"id":1,"vector":[1,2],"payload":{"a":${nested(100)}}}]}`),
      /deeper than 32/,
    ],
    ['with a fraction for an id', upsert('{"points":[{"id":1.5,"vector":[1,2]}]}'), /the id 1.5/],
    ['with an id too large', upsert('{"points":[{"id":1e30,"vector":[1,2]}]}'), /the id 1e\+30/],
    [
      'with a payload where metadata is meant',
      posted(
        '/vectra/v1/collections/c/points',
        '{"points":[{"id":1,"vector":[1,2]},{"id":2,"vector":[1,2],"payload":{"a":1}}]}',
      ),
      /body.points.1 has "payload", which is not a key of a point/,
    ],
    ['with half a character', upsert('{"points":[{"id":"\\ud800","vector":[1,2]}]}'), /Unicode/],
    [
      'with too many points',
      upsert(
        `{"points":[${'{"id":1,"vector":[1,2]},'.repeat(limits.batchPoints)}{"id":1,"vector":[1,2]}]}`,
      ),
      /at most 10000/,
    ],
    [
      'with too many searches',
      posted(
        `${search}/batch`,
        `{"searches":[${'{"vector":[1,2]},'.repeat(1_000)}{"vector":[1,2]}]}`,
      ),
      /at most 1000/,
    ],
    [
      'that makes a huge collection',
      posted('/collections/d', '{"vectors":{"size":100000000,"distance":"Dot"}}', 'PUT'),
      /<= 65536/,
    ],
  ])('case 95: %s is refused, and nothing is written', async (_, request, error) => {
    const told = await send(request)
    expect([told.status, told.error]).toEqual([400, expect.stringMatching(error)])
    expect(told.error.length).toBeLessThan(1_000)
    expect((await server.ask('POST', '/collections/c/points/count', {})).body.result.count).toBe(0)
  })

  it('case 95: whose sender goes away is no bug of the server', async () => {
    const socket = await open()
    socket.write(
      `POST ${search} HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
    )
    await server.ask('GET', '/healthz')
    socket.destroy()
    await server.ask('GET', '/healthz')
  })
})

describe('a connection', () => {
  it('has its requests answered in their order, also those that come together', async () => {
    const socket = await open()
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\n${host}${more}\r\n`
    socket.write(get('/healthz') + get('/nowhere') + get('/readyz', 'Connection: close\r\n'))
    await once(socket, 'close')
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
    expect(text).toMatch(/"ok"[\s\S]*nowhere[\s\S]*"ready"/)
  })

  it('case 95: that sends without reading is not listened to any more', async () => {
    const { jobs } = server.served
    let finish = () => {}
    const { id } = jobs.start('verify', 'long', ({ signal }) => {
      signal.addEventListener('abort', finish)
      return new Promise((resolve) => {
        finish = () => resolve({})
      })
    })
    const socket = await open()
    // an answer that has no end yet, and what comes behind it
    socket.write(`GET /vectra/v1/jobs/${id}/events HTTP/1.1\r\n${host}\r\n`)
    const bytes = 32 * MiB
    const request = `GET /healthz HTTP/1.1\r\n${host}\r\n`
    socket.write(request.repeat(bytes / request.length))
    for (let i = 0; i < 20; i++) await server.ask('GET', '/healthz')
    // what is not in the buffers of the two kernels is still here
    expect(socket.writableLength).toBeGreaterThan(bytes / 2)
    socket.destroy()
    finish()
  })
})
