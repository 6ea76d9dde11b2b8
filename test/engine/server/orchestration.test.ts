import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Serving, serving } from '../../support/serving.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const suite = suiteDirectory()
const c = '/vectra/v1/collections/c'
const questions = [{ id: 'q', vector: [1, 2] }]
let server: Serving

async function ended(id: string) {
  await server.ask('GET', `/vectra/v1/jobs/${id}/events`)
  return server.served.jobs.status(id)
}

// a few points in a sealed segment and one in memory
beforeAll(async () => {
  server = await serving(join(suite.path, 'data'), {}, () => {}) // closed below
  await server.ask('PUT', c, { dimension: 2 })
  const points = Array.from({ length: 20 }, (_, id) => ({ id, vector: [id, 1] }))
  await server.ask('POST', `${c}/points`, { points })
  await ended((await server.ask('POST', `${c}/checkpoint`)).body.id)
  await server.ask('POST', `${c}/points`, { points: [{ id: 'x', vector: [1, 1] }] })
})

afterAll(() => server.close())

it.each([
  ['prove', { collection: 'c' }, 'digest'],
  ['truth', { collection: 'c', k: 3, sample: 5 }, 'queries'],
  ['truth', { collection: 'c', k: 3, questions }, 'queries'],
] as const)('a job %s of %j ends when it is cancelled, also while it computes', async (...row) => {
  const [kind, request, told] = row
  const { ask, served } = server
  const { directory, jobs } = served
  const open = directory.open.bind(directory)
  // the first thing that it does: from here on it computes
  directory.open = async (name) => {
    const collection = await open(name)
    for (const { id, state } of jobs.list()) if (state === 'running') jobs.cancel(id)
    return collection
  }
  const { id } = (await ask('POST', `/vectra/v1/${kind}`, request)).body
  expect(await ended(id)).toMatchObject({ state: 'cancelled', error: { code: 'interrupted' } })
  directory.open = open
  const again = (await ask('POST', `/vectra/v1/${kind}`, request)).body
  expect(await ended(again.id)).toMatchObject({
    state: 'done',
    result: { [told]: expect.anything() },
  })
})
