/** Qdrant's own JavaScript client, unchanged, against `vectra-cli serve` as a process. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { QdrantClient } from '@qdrant/js-client-rest'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { type ServedProcess, startServer } from './served.ts'
import { binDirectory, scriptEnvironment } from './vectra-cli.ts'

const suite = suiteDirectory()
let server: ServedProcess | undefined
let client: QdrantClient

beforeAll(async () => {
  const data = join(suite.path, 'data')
  const env = scriptEnvironment(await binDirectory(suite.path), data)
  server = await startServer(env)
  client = new QdrantClient({ url: server.url })
})

afterAll(async () => void (await server?.stop('SIGKILL')))

const cities = [
  { id: 1, vector: [0.05, 0.61, 0.76, 0.74], payload: { city: 'Berlin', people: 3.6 } },
  { id: 2, vector: [0.19, 0.81, 0.75, 0.11], payload: { city: ['Berlin', 'London'] } },
  { id: 3, vector: [0.36, 0.55, 0.47, 0.94], payload: { city: 'Moscow', people: 13 } },
  { id: 4, vector: [0.18, 0.01, 0.85, 0.8], payload: { city: 'London', people: 8.9 } },
  { id: 5, vector: [0.24, 0.18, 0.22, 0.44], payload: { people: null } },
  { id: 'b5a0c7b2-1f2e-4d3c-8a9b-000000000006', vector: [0.35, 0.08, 0.11, 0.44], payload: {} },
]
const query = [0.2, 0.1, 0.9, 0.7]
const idsOf = (points: readonly { id: number | string }[]) => points.map(({ id }) => id)

const cosine = (a: readonly number[], b: readonly number[]) => {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, each, index) => sum + each * (y[index] ?? 0), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

describe('@qdrant/js-client-rest', () => {
  it('makes a collection and writes points', async () => {
    expect(
      await client.createCollection('cities', { vectors: { size: 4, distance: 'Cosine' } }),
    ).toBe(true)
    const written = await client.upsert('cities', { wait: true, points: cities })
    expect(written.status).toBe('completed')
    expect(await client.getCollections()).toEqual({ collections: [{ name: 'cities' }] })
    expect(await client.collectionExists('cities')).toEqual({ exists: true })
    expect(await client.collectionExists('towns')).toEqual({ exists: false })
    expect(await client.getCollection('cities')).toMatchObject({
      status: 'green',
      points_count: 6,
      config: { params: { vectors: { size: 4, distance: 'Cosine' } } },
    })
    await expect(
      client.createCollection('cities', { vectors: { size: 4, distance: 'Cosine' } }),
    ).rejects.toMatchObject({ status: 409 })
  })

  it('searches by similarity, highest first', async () => {
    const found = await client.search('cities', { vector: query, limit: 3, with_vector: true })
    const expected = cities
      .map(({ id, vector }) => ({ id, score: cosine(query, vector) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 3)
    expect(idsOf(found)).toEqual(idsOf(expected))
    for (const [index, { score }] of found.entries()) {
      expect(score).toBeCloseTo(expected[index]?.score ?? 0, 5)
    }
    expect(found[0]).toMatchObject({ id: 4, payload: { city: 'London', people: 8.9 } })
    expect(found[0]?.vector).toEqual(cities[3]?.vector.map(Math.fround))
    const best = found[0]?.score ?? 0
    expect(
      idsOf(await client.search('cities', { vector: query, score_threshold: best - 1e-6 })),
    ).toEqual([4])
    expect(idsOf(await client.search('cities', { vector: query, limit: 2, offset: 1 }))).toEqual(
      idsOf(expected).slice(1),
    )
    const { points } = await client.query('cities', { query, limit: 3, with_payload: ['people'] })
    expect(idsOf(points)).toEqual(idsOf(expected))
    expect(points[0]?.payload).toEqual({ people: 8.9 })
    const like = await client.query('cities', { query: 4, limit: 10 })
    expect(idsOf(like.points)).not.toContain(4)
    const batches = await client.searchBatch('cities', {
      searches: [
        { vector: query, limit: 1 },
        { vector: [0.36, 0.55, 0.47, 0.94], limit: 1 },
      ],
    })
    expect(batches.map(idsOf)).toEqual([[4], [3]])
  })

  it('filters with must, should, must_not, match, range and has_id', async () => {
    const within = async (filter: object) =>
      idsOf(await client.search('cities', { vector: query, filter })).sort()
    expect(await within({ must: [{ key: 'city', match: { value: 'London' } }] })).toEqual([2, 4])
    expect(await within({ must: [{ key: 'people', range: { gte: 3.6, lt: 13 } }] })).toEqual([1, 4])
    expect(
      await within({
        should: [{ key: 'city', match: { any: ['Moscow'] } }, { has_id: [cities[5]?.id] }],
      }),
    ).toEqual([3, cities[5]?.id])
    expect(
      await within({
        must: [{ key: 'city', match: { value: 'Berlin' } }],
        must_not: [{ has_id: [1] }],
      }),
    ).toEqual([2])
    expect(await within({ must: [{ is_null: { key: 'people' } }] })).toEqual([5])
  })

  it('scrolls, counts, retrieves', async () => {
    const seen: (number | string)[] = []
    let offset: number | string | undefined
    do {
      const page = await client.scroll('cities', { limit: 4, ...(offset && { offset }) })
      seen.push(...idsOf(page.points))
      offset = page.next_page_offset as number | string | undefined // ids are numbers or text
    } while (offset)
    expect(seen).toEqual(idsOf(cities))
    expect(await client.count('cities', { exact: true })).toEqual({ count: 6 })
    const filter = { must: [{ key: 'city', match: { value: 'Berlin' } }] }
    expect(await client.count('cities', { filter, exact: true })).toEqual({ count: 2 })
    const found = await client.retrieve('cities', { ids: [5, 1, 99], with_vector: true })
    expect(found.map(({ id, payload }) => [id, payload])).toEqual([
      [5, { people: null }],
      [1, { city: 'Berlin', people: 3.6 }],
    ])
  })

  it('gives Euclidean distances, lowest first', async () => {
    await client.createCollection('plane', { vectors: { size: 2, distance: 'Euclid' } })
    const points = [
      { id: 1, vector: [3, 4] },
      { id: 2, vector: [0, 1] },
    ]
    await client.upsert('plane', { points })
    const found = await client.search('plane', { vector: [0, 0], limit: 5 })
    expect(found.map(({ id, score }) => [id, score])).toEqual([
      [2, 1],
      [1, 5],
    ])
    expect(idsOf(await client.search('plane', { vector: [0, 0], score_threshold: 2 }))).toEqual([2])
    await client.createCollection('products', { vectors: { size: 2, distance: 'Dot' } })
    await client.upsert('products', { points })
    const [best] = await client.search('products', { vector: [1, 1], limit: 1 })
    expect([best?.id, best?.score]).toEqual([1, 7])
    expect(await client.deleteCollection('products')).toBe(true)
  })

  it('switches an alias in one step', async () => {
    await client.updateCollectionAliases({
      actions: [{ create_alias: { collection_name: 'plane', alias_name: 'live' } }],
    })
    expect((await client.getCollection('live')).points_count).toBe(2)
    await client.updateCollectionAliases({
      actions: [
        { delete_alias: { alias_name: 'live' } },
        { create_alias: { collection_name: 'cities', alias_name: 'live' } },
      ],
    })
    expect(await client.getAliases()).toEqual({
      aliases: [{ alias_name: 'live', collection_name: 'cities' }],
    })
    expect(await client.count('live')).toEqual({ count: 6 })
    const half = client.updateCollectionAliases({
      actions: [
        { delete_alias: { alias_name: 'live' } },
        { create_alias: { collection_name: 'nowhere', alias_name: 'live' } },
      ],
    })
    await expect(half).rejects.toMatchObject({ status: 404 })
    expect((await client.getCollectionAliases('cities')).aliases).toHaveLength(1)
  })

  it('takes a snapshot, deletes, and recovers from it', async () => {
    const snapshot = await client.createSnapshot('cities')
    expect(await client.listSnapshots('cities')).toEqual([snapshot])
    await client.delete('cities', { points: [1, 2] })
    const filter = { must: [{ key: 'people', range: { gt: 10 } }] }
    await client.delete('cities', { filter })
    expect(await client.count('cities')).toEqual({ count: 3 })
    await client.recoverSnapshot('cities', { location: snapshot?.name ?? '' })
    expect(await client.count('live')).toEqual({ count: 6 })
    await expect(client.deleteSnapshot('cities', snapshot?.name ?? '')).rejects.toMatchObject({
      status: 409,
    })
    await client.upsert('cities', { points: [{ id: 7, vector: query }] })
    await client.createSnapshot('cities')
    expect(await client.deleteSnapshot('cities', snapshot?.name ?? '')).toBe(true)
    expect(await client.listSnapshots('cities')).toHaveLength(1)
  })

  it('is told what is not supported', async () => {
    const refusals: [() => Promise<unknown>, number, RegExp][] = [
      [() => client.search('cities', { vector: [1, 2] }), 400, /dimension 4/],
      [() => client.search('nowhere', { vector: query }), 404, /no collection \\?"nowhere/],
      [() => client.query('cities', { query: { recommend: { positive: [1] } } }), 400, /recommend/],
      [() => client.query('cities', { prefetch: [], query }), 400, /prefetch.*not supported/],
      [() => client.setPayload('cities', { payload: {}, points: [1] }), 404, /nothing at POST/],
      [
        () => client.createCollection('named', { vectors: { a: { size: 4, distance: 'Dot' } } }),
        400,
        /size|not supported/,
      ],
      [
        () =>
          client.search('cities', {
            vector: query,
            filter: { must: [{ key: 'a', geo_radius: { center: { lon: 1, lat: 1 }, radius: 1 } }] },
          }),
        400,
        /geo_radius/,
      ],
    ]
    for (const [refused, status, words] of refusals) {
      const error = await refused().then(
        () => undefined,
        (reason: { status: number; data: { status: { error: string } } }) => reason,
      )
      expect([error?.status, error?.data.status.error]).toEqual([
        status,
        expect.stringMatching(words),
      ])
    }
  })

  it('sees the server drain, checkpoint and end with 0 at SIGTERM', async () => {
    const ended = await server?.stop()
    expect(ended?.exitCode).toBe(0)
    expect(ended?.stdout).toContain('"outcome":"done"')
    expect(ended?.stderr).toMatch(/^stopping/)
    expect(existsSync(join(suite.path, 'data', 'LOCK'))).toBe(false)
    const env = scriptEnvironment(join(suite.path, 'bin'), join(suite.path, 'data'))
    const { stdout: counted } = await execa('vectra-cli', ['collections', 'count', 'cities'], {
      env,
    })
    expect(counted).toBe('7')
  })
  it('leaves nothing in the way when it is killed: the next one recovers every write', async () => {
    const env = scriptEnvironment(join(suite.path, 'bin'), join(suite.path, 'data'))
    server = await startServer(env)
    const again = new QdrantClient({ url: server.url, checkCompatibility: false })
    await again.upsert('plane', { points: [{ id: 3, vector: [1, 1] }] })
    await server.stop('SIGKILL')
    expect(existsSync(join(suite.path, 'data', 'LOCK'))).toBe(true)
    const count = ['collections', 'count', 'plane']
    expect((await execa('vectra-cli', count, { env })).stdout).toBe('3')
  })
})
