import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { servedAddress } from '../../../engine/collection/directory-lock.ts'
import { smallConfig } from '../../support/collections.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { serving } from '../../support/serving.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { testCertificate, testKey } from '../../support/web-server.ts'

it('says in the lock where it answers, and gives the lock back', async () => {
  const data = await temporaryDirectory()
  const server = await serving(data)
  expect(await servedAddress(nodeDisk, data)).toBe(server.url)
  await expect(serving(data)).rejects.toThrow(`which serves it at ${server.url}`)
  await server.close()
  expect(await servedAddress(nodeDisk, data)).toBeUndefined()
})

it('answers for itself without a token, and for nothing else', async () => {
  const rules = { token: 'of eight or more', tls: false, insecureHttp: false }
  const { ask, served } = await serving(await temporaryDirectory(), { rules })
  expect((await ask('GET', '/healthz')).status).toBe(200)
  expect((await ask('GET', '/readyz')).body).toEqual({ status: 'ready' })
  served.notReady = () => 'it seeds itself'
  expect(await ask('GET', '/readyz')).toEqual({
    status: 503,
    body: { status: 'not ready', reason: 'it seeds itself' },
  })
  expect((await ask('GET', '/nowhere')).status).toBe(401)
  const known = { authorization: 'Bearer of eight or more' }
  expect((await ask('GET', '/nowhere', undefined, known)).status).toBe(404)
})

it('checkpoints what is open when it is closed', async () => {
  const data = await temporaryDirectory()
  const server = await serving(data)
  const collection = await server.served.directory.create('c', smallConfig)
  await collection.upsert([{ id: 1, vector: [1, 2, 3, 4, 5, 6, 7, 8] }])
  expect(collection.manifest.lsn).toBe(0)
  await server.close()
  expect(collection.manifest.lsn).toBe(1)
  expect(await readFile(join(data, 'catalogue.json'), 'utf8')).toContain('"c"')
})

it('case 95: does not begin on another address without token and TLS', async () => {
  const data = await temporaryDirectory()
  const listen = { host: '0.0.0.0', port: 0 }
  await expect(serving(data, { listen })).rejects.toThrow('there is no token')
  const rules = { token: 'of eight or more', tls: false, insecureHttp: false }
  await expect(serving(data, { listen, rules })).rejects.toThrow('there is no TLS')
})

it('speaks TLS, and nothing below 1.2', async () => {
  const tls = { cert: Buffer.from(testCertificate), key: Buffer.from(testKey) }
  const rules = { tls: true, insecureHttp: false }
  const { url } = await serving(await temporaryDirectory(), { tls, rules })
  expect(url).toMatch(/^https:/)
  const answered = await new Promise<string>((resolve, reject) => {
    get(`${url}/readyz`, { ca: testCertificate }, (response) => {
      response.setEncoding('utf8').on('data', resolve)
    }).on('error', reject)
  })
  expect(answered).toBe('{"status":"ready"}')
  const old = { ca: testCertificate, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
  const refused = new Promise((resolve) => {
    get(`${url}/readyz`, { ...old, ciphers: 'DEFAULT@SECLEVEL=0' }, resolve).on('error', resolve)
  })
  expect(await refused).toMatchObject({
    message: expect.stringMatching(/protocol version|unsupported/),
  })
})

it('refuses a certificate and a key that do not belong together', async () => {
  const tls = { cert: Buffer.from(testCertificate), key: Buffer.from('no key') }
  const data = await temporaryDirectory()
  const rules = { tls: true, insecureHttp: false }
  await expect(serving(data, { tls, rules })).rejects.toThrow(
    /certificate or its key cannot be used/,
  )
  await serving(data) // the lock was given back
})

it('ends promptly with a standby and without it, and a synchronous write under way is confirmed', async () => {
  const proxy = await TcpProxy.open()
  onTestFinished(() => proxy.close())
  const primary = await serving('/one', {
    name: 'n1',
    disk: new MemoryDisk(),
    advertise: proxy.url,
  })
  proxy.target = Number(new URL(primary.url).port)
  const standbys = []
  for (const name of ['n2', 'n3']) {
    standbys.push(await serving(`/${name}`, { name, disk: new MemoryDisk() }))
  }
  await primary.ask('PUT', '/vectra/v1/collections/c', { dimension: 2 })
  for (const each of standbys) {
    const { node } = (await each.ask('GET', '/vectra/v1/cluster')).body
    await primary.ask('POST', '/vectra/v1/cluster/nodes', node)
    const path = `/vectra/v1/collections/c/replicas/${node.name}`
    const mode = node.name === 'n2' ? 'sync' : 'async'
    expect((await primary.ask('PUT', path, { mode })).status).toBe(200)
  }
  const startedMs = performance.now()
  await standbys[1]?.close() // it followed, and is gone
  proxy.mode = 'delay'
  const before = (await primary.ask('GET', '/vectra/v1/cluster')).body.copies[0].lsn
  const points = [{ id: 1, vector: [1, 0] }]
  const write = primary.ask('POST', '/vectra/v1/collections/c/points', { points })
  const lsn = async () => (await primary.ask('GET', '/vectra/v1/cluster')).body.copies[0].lsn
  while ((await lsn()) === before) await new Promise((resolve) => setImmediate(resolve))
  await primary.close()
  expect((await write).status).toBe(200)
  // either would wait for 20 s if it waited for connections, 10 s for a confirmation that cannot come
  expect(performance.now() - startedMs).toBeLessThan(8_000)
})
