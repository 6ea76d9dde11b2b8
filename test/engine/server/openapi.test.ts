/**
 * The document against the routes: every operation in it is asked for over HTTP, and what is answered is held
 * against what it says. An operation without a request here fails.
 */
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonAnswer, Serving } from '../../support/serving.ts'
import { serving } from '../../support/serving.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const suite = suiteDirectory()
let server: Serving
let document: JsonAnswer
const ajv = new Ajv2020({ allowUnionTypes: true })

interface Request {
  readonly operation: string
  readonly path?: string
  readonly body?: object
}

const c = '/collections/{name}'
const v = '/vectra/v1/collections/{name}'
const point = { id: 1, vector: [1, 2] }
const place = () => ({ location: join(suite.path, 'backups') })

/** In an order in which all of them succeed. */
const requests = (): Request[] => [
  { operation: 'GET /' },
  { operation: 'GET /healthz' },
  { operation: 'GET /readyz' },
  { operation: 'GET /metrics' },
  { operation: 'GET /openapi.json' },
  { operation: `PUT ${c}`, body: { vectors: { size: 2, distance: 'Dot' }, shard_number: 1 } },
  { operation: 'GET /collections' },
  { operation: `GET ${c}` },
  { operation: `GET ${c}/exists` },
  { operation: `PUT ${c}/points`, body: { points: [{ ...point, payload: { a: 1 } }] } },
  { operation: `POST ${c}/points`, body: { ids: [1, 2], with_vector: true } },
  { operation: `GET ${c}/points/{id}`, path: '/collections/c/points/1' },
  { operation: `POST ${c}/points/scroll`, body: { limit: 1, with_vector: true } },
  { operation: `POST ${c}/points/count`, body: { filter: {}, exact: true } },
  { operation: `POST ${c}/points/search`, body: { vector: [1, 0], with_payload: true } },
  { operation: `POST ${c}/points/search/batch`, body: { searches: [{ vector: [1, 0] }] } },
  { operation: `POST ${c}/points/query`, body: { query: [1, 0], params: { exact: true } } },
  { operation: `POST ${c}/points/query/batch`, body: { searches: [{ query: null }] } },
  {
    operation: 'POST /collections/aliases',
    body: { actions: [{ create_alias: { collection_name: 'c', alias_name: 'live' } }] },
  },
  { operation: 'GET /aliases' },
  { operation: `GET ${c}/aliases` },
  { operation: `POST ${c}/snapshots` },
  { operation: `GET ${c}/snapshots` },
  { operation: `POST ${c}/points/delete`, body: { points: [1] } },
  { operation: 'GET /vectra/v1/collections' },
  { operation: `PUT ${v}`, path: '/vectra/v1/collections/d', body: { dimension: 2 } },
  { operation: `GET ${v}` },
  { operation: `GET ${v}/stats` },
  { operation: `POST ${v}/points`, body: { points: [point] } },
  { operation: `POST ${v}/points/get`, body: { id: 1 } },
  { operation: `GET ${v}/points` },
  { operation: `POST ${v}/search`, body: { vector: [1, 0], k: 1, filter: { a: 1 } } },
  { operation: `POST ${v}/checkpoint` },
  { operation: `POST ${v}/compact` },
  { operation: `POST ${v}/reindex`, body: { kind: 'flat' } },
  { operation: `POST ${v}/config`, body: { dimension: 2, metric: 'ip' } },
  { operation: `POST ${v}/repair`, body: { toLsn: 1 } },
  { operation: `POST ${v}/mend`, body: { sources: [] } },
  { operation: `POST ${v}/points/delete`, body: { ids: [1] } },
  {
    operation: 'PUT /vectra/v1/aliases/{alias}',
    path: '/vectra/v1/aliases/other',
    body: { collection: 'c' },
  },
  { operation: 'DELETE /vectra/v1/aliases/{alias}', path: '/vectra/v1/aliases/other' },
  {
    operation: 'POST /vectra/v1/backup',
    body: { collection: 'c', destination: place(), snapshotId: 's' },
  },
  { operation: 'GET /vectra/v1/jobs' },
  { operation: 'GET /vectra/v1/jobs/{id}', path: '/vectra/v1/jobs/{job}' },
  { operation: 'GET /vectra/v1/jobs/{id}/events', path: '/vectra/v1/jobs/{job}/events' },
  { operation: 'POST /vectra/v1/jobs/{id}/cancel', path: '/vectra/v1/jobs/{job}/cancel' },
  { operation: 'POST /vectra/v1/archive', body: { collection: 'c', destination: place() } },
  { operation: 'POST /vectra/v1/prove', body: { collection: 'c' } },
  { operation: 'POST /vectra/v1/truth', body: { collection: 'c', sample: 1, k: 1 } },
  { operation: 'POST /vectra/v1/verify', body: { source: place(), depth: 'manifest' } },
  {
    operation: 'POST /vectra/v1/restore',
    body: { collection: 'c', sources: [place()], newName: 'e' },
  },
  { operation: 'GET /vectra/v1/cluster' },
  { operation: 'POST /vectra/v1/cluster/nodes', body: { name: 'n', url: 'http://127.0.0.1:1' } },
  { operation: 'DELETE /vectra/v1/cluster/nodes/{node}', path: '/vectra/v1/cluster/nodes/n' },
  { operation: `DELETE ${v}/replicas/{node}`, path: '/vectra/v1/collections/c/replicas/n' },
  { operation: `PUT ${v}/replication`, body: { whenAlone: 'async' } },
  { operation: `PUT ${c}/snapshots/recover`, body: { location: '{snapshot}' } },
  { operation: `POST ${c}/snapshots` },
  { operation: `DELETE ${c}/snapshots/{snapshot}`, path: '/collections/c/snapshots/{snapshot}' },
  { operation: 'POST /vectra/v1/cluster/fence', body: { collection: 'c' } },
  { operation: `GET ${v}/lost-records` },
  { operation: `DELETE ${c}` },
  { operation: `DELETE ${v}`, path: '/vectra/v1/collections/d' },
]

/** What needs further nodes, or speaks no JSON: test/e2e/cluster.test.ts and step/reconcile.test.ts ask for it. */
const elsewhere = [
  'POST /vectra/v1/replica/messages',
  'POST /vectra/v1/cluster/promote',
  'POST /vectra/v1/cluster/rejoin',
  `GET ${v}/lost-records/{file}`,
  `PUT ${v}/lost-records/{file}/replayed`,
  `PUT ${v}/replicas/{node}`,
]

beforeAll(async () => {
  server = await serving(join(suite.path, 'data'), {}, () => {}) // closed below
  document = (await server.ask('GET', '/openapi.json')).body
})

afterAll(() => server.close())

const operations = (): string[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  )

function operationOf(name: string): JsonAnswer {
  const [method = '', path = ''] = name.split(' ')
  return document.paths[path][method.toLowerCase()]
}

describe('/openapi.json', () => {
  it('has what is asked for below, no more, no less, each under a name of its own', () => {
    expect(
      [...new Set([...requests().map(({ operation }) => operation), ...elsewhere])].sort(),
    ).toEqual(operations().sort())
    const ids = operations().map((name) => operationOf(name).operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('says how each operation is answered', async () => {
    const known: Record<string, string> = { name: 'c' }
    for (const { operation, path, body } of requests()) {
      const [method = '', template = ''] = operation.split(' ')
      const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, key) => known[key] ?? key)
      const sent = body && JSON.parse(fill(JSON.stringify(body)))
      const answered = await server.ask(method, fill(path ?? template), sent)
      const { responses } = operationOf(operation)
      const [status = ''] = Object.keys(responses)
      expect([answered.status, answered.body], operation).toEqual([
        Number(status),
        expect.anything(),
      ])
      const schema = responses[status].content['application/json']?.schema
      if (schema !== undefined) {
        const valid = ajv.compile(schema)
        expect(valid(answered.body), `${operation}: ${ajv.errorsText(valid.errors)}`).toBe(true)
      }
      if (operation === `POST ${c}/snapshots`) known['snapshot'] ??= answered.body.result.name
      if (operation === 'POST /vectra/v1/backup') known['job'] = answered.body.id
      // what follows stands on what the job did
      if (status === '202') await server.ask('GET', `/vectra/v1/jobs/${answered.body.id}/events`)
    }
  })

  it('says which bodies are taken: those with anything else are refused by name', async () => {
    for (const name of operations()) {
      const schema = operationOf(name).requestBody?.content['application/json']?.schema
      if (schema?.additionalProperties !== false) continue
      const [method = '', path = ''] = name.split(' ')
      const refused = await server.ask(method, path.replace(/\{\w+\}/g, 'c'), { nonsense: 1 })
      expect([refused.status, refused.body.status.error], name).toEqual([
        400,
        expect.stringMatching(/nonsense|required/),
      ])
      const error = ajv.compile(document.components.schemas.Error)
      expect(error(refused.body), ajv.errorsText(error.errors)).toBe(true)
    }
  })
})
