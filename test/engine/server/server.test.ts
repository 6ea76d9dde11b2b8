import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { servedAddress } from '../../../engine/collection/directory-lock.ts'
import { smallConfig } from '../../support/collections.ts'
import { serving } from '../../support/serving.ts'
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
