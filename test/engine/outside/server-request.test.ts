import type { LookupFunction } from 'node:net'
import { expect, test } from 'vitest'
import { ServerRequests } from '../../../engine/outside/server-request.ts'
import { VectraClient } from '../../../engine/server/client.ts'
import { NodeTransport } from '../../../engine/server/node-transport.ts'
import { webServer } from '../../support/web-server.ts'

/** A name service in which every name has these addresses. */
const names =
  (...addresses: readonly string[]): LookupFunction =>
  (_name, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

const forbidden: readonly string[][] = [
  ['169.254.169.254'],
  ['127.0.0.1', 'fd00:ec2::254'],
  ['fe80::1'],
]

test.each(forbidden)(
  'case 93: nothing is sent to a name that leads to %j',
  async (...addresses) => {
    const { port, received } = await webServer((response) => response.end('{}'))
    const url = `http://node-2.example:${port}`
    const lookup = names(...addresses)
    const requests = new ServerRequests(lookup)
    const refused = { code: 'address-refused', exitCode: 2 }
    await expect(requests.send({ url, method: 'GET', headers: {} })).rejects.toMatchObject(refused)
    const client = new VectraClient({ endpoint: url, token: 'swordfish', requests })
    await expect(client.ask('GET', '/vectra/v1/cluster')).rejects.toMatchObject(refused)
    const transport = new NodeTransport({ token: 'swordfish', lookup })
    const sent = transport.send({ name: 'node-2', url }, Buffer.from('x'), { timeoutMs: 1_000 })
    await expect(sent).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining(`node-2 is said to be at ${url}`),
    })
    expect(received).toEqual([])
  },
)

test('case 93: an address that is spelt out is refused in any spelling, also as an endpoint', async () => {
  for (const host of [
    '169.254.169.254',
    '0xa9fea9fe',
    '[::ffff:169.254.169.254]',
    '100.100.100.200',
  ]) {
    const client = new VectraClient({ endpoint: `http://${host}:7700` })
    await expect(client.ask('GET', '/')).rejects.toMatchObject({ code: 'address-refused' })
  }
})

test('a name that leads elsewhere is asked, its connection is kept, and no redirect is followed', async () => {
  const inner = await webServer((response) => response.end('{}'))
  const ports = new Set<number | undefined>()
  const { port, received } = await webServer((response, { url }) => {
    ports.add(response.socket?.remotePort)
    if (url === '/away') response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/` })
    response.end('{"here":true}')
  })
  const requests = new ServerRequests(names('127.0.0.1'))
  const client = new VectraClient({
    ...{ endpoint: `http://node-2.example:${port}`, token: 'swordfish', requests },
  })
  expect(await client.ask('POST', '/a', { n: 1 })).toEqual({ here: true })
  expect(await client.ask('DELETE', '/b', { n: 2 })).toEqual({ here: true })
  expect(received).toMatchObject([
    { method: 'POST', body: '{"n":1}', headers: { authorization: 'Bearer swordfish' } },
    { method: 'DELETE', body: '{"n":2}' },
  ])
  expect(ports.size).toBe(1)
  await expect(client.ask('GET', '/away')).rejects.toMatchObject({
    code: 'unexpected-answer',
    message: expect.stringContaining('answered 307'),
  })
  expect(inner.received).toEqual([])
})

test.each(['before it answers', 'amid its answer'])(
  'a server that falls silent %s is given up',
  async (when) => {
    const { port } = await webServer((response) => {
      if (when === 'amid its answer') response.writeHead(200).write('{"here":')
    })
    const requests = new ServerRequests(undefined, 100)
    const client = new VectraClient({ endpoint: `http://127.0.0.1:${port}`, requests })
    await expect(client.ask('GET', '/')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('does not answer: it said nothing for 0.1 s'),
    })
  },
)

test('who is patient bears the silence', async () => {
  const { port } = await webServer((response) => {
    setTimeout(() => response.end('{"late":true}'), 250)
  })
  const requests = new ServerRequests(undefined, 50)
  const client = new VectraClient({ endpoint: `http://127.0.0.1:${port}`, requests })
  expect(await client.patient().ask('GET', '/')).toEqual({ late: true })
  await expect(client.ask('GET', '/')).rejects.toMatchObject({ code: 'unreachable' })
})
