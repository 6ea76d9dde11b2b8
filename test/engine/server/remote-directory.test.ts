import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { VectraClient } from '../../../engine/server/client.ts'
import { RemoteCollection } from '../../../engine/server/remote-directory.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { serving } from '../../support/serving.ts'

test('what is too large for one request is sent in several, and all of it is there', async () => {
  const server = await serving('/data', { disk: new MemoryDisk() })
  await server.ask('PUT', '/vectra/v1/collections/c', { dimension: 2, index: { kind: 'flat' } })
  const client = new VectraClient({
    endpoint: server.url,
    token: undefined,
    signal: new AbortController().signal,
  })
  const remote = await RemoteCollection.open(client, 'c')
  const text = 'x'.repeat(limits.metadataBytes - 100)
  const count = Math.ceil(limits.upsertRequestBytes / text.length) + 1
  const points = Array.from({ length: count }, (_, id) => ({
    id,
    vector: Float32Array.from([1, id]),
    metadata: { text },
  }))
  expect(await remote.upsert(points)).toMatchObject({ count })
  expect((await server.ask('GET', '/vectra/v1/collections/c')).body).toMatchObject({ count })
  const metrics = (await server.ask('GET', '/metrics')).body
  expect(metrics).toContain(
    'vectra_http_requests_total{route="/vectra/v1/collections/:name/points",method="POST",status="200"} 2',
  )
  expect(await remote.upsert([])).toMatchObject({ count: 0 })
})

test('a server that answers without an end is not listened to for ever', async () => {
  const piece = Buffer.alloc(4 * 1024 * 1024)
  function* endless() {
    for (;;) yield piece
  }
  const server = http.createServer((_, answer) => {
    Readable.from(endless()).pipe(answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo // it listens on TCP
    const client = new VectraClient({ endpoint: `http://127.0.0.1:${port}` })
    await expect(client.bytes('/endless')).rejects.toMatchObject({
      code: 'unexpected-answer',
      message: expect.stringContaining(`more than ${limits.wholeAnswerBytes} bytes`),
    })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
