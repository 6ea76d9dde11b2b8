import { join } from 'node:path'
import { expect, it } from 'vitest'
import { serving } from '../../support/serving.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const c = '/vectra/v1/collections/c'

it('a reindex that makes no sense is refused before a job begins', async () => {
  const { ask, served } = await serving(await temporaryDirectory())
  await ask('PUT', c, { dimension: 2 })
  for (const [path, body] of [
    [`${c}/reindex`, { kind: 'tree' }],
    [`${c}/reindex`, { kind: 'hnsw', lists: 4, m: -1 }],
    [`${c}/config`, { dimension: 2, colour: 'red' }],
    [`${c}/repair`, { toLsn: -1 }],
    [`${c}/repair`, {}],
  ] as const) {
    const refused = await ask('POST', path, body)
    expect([refused.status, refused.body.status.error], JSON.stringify(body)).toEqual([
      400,
      expect.any(String),
    ])
  }
  const unknown = await ask('POST', '/vectra/v1/collections/nobody/reindex', { kind: 'flat' })
  expect(unknown.status).toBe(404)
  expect(served.jobs.list()).toEqual([])
})

it('a standby is not reindexed, configured or repaired: it is its primary, byte for byte', async () => {
  const root = await temporaryDirectory()
  const primary = await serving(join(root, 'one'), { name: 'n1' })
  const standby = await serving(join(root, 'two'), { name: 'n2' })
  await primary.ask('PUT', c, { dimension: 2 })
  await primary.ask('POST', `${c}/points`, { points: [{ id: 1, vector: [1, 0] }] })
  const { node } = (await standby.ask('GET', '/vectra/v1/cluster')).body
  await primary.ask('POST', '/vectra/v1/cluster/nodes', node)
  await primary.ask('PUT', `${c}/replicas/n2`, { mode: 'sync' })
  // a synchronous write ends when the standby has it
  await primary.ask('POST', `${c}/points`, { points: [{ id: 2, vector: [0, 1] }] })
  for (const [path, body] of [
    ['reindex', { kind: 'flat' }],
    ['config', { dimension: 2 }],
  ] as const) {
    const refused = await standby.ask('POST', `${c}/${path}`, body)
    expect([refused.status, refused.body.vectra], path).toEqual([
      409,
      expect.objectContaining({ code: 'not-primary', hint: expect.stringContaining(primary.url) }),
    ])
  }
  const { id } = (await standby.ask('POST', `${c}/repair`, { toLsn: 1 })).body
  await standby.ask('GET', `/vectra/v1/jobs/${id}/events`)
  expect(standby.served.jobs.status(id)).toMatchObject({
    state: 'failed',
    error: { code: 'not-primary', message: expect.stringContaining('standby') },
  })
  // it follows on
  await primary.ask('POST', `${c}/points`, { points: [{ id: 3, vector: [1, 1] }] })
  expect((await standby.ask('GET', c)).body).toMatchObject({ lsn: 3, count: 3 })
})
