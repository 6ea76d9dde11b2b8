/** Collections, points and aliases below `/vectra/v1/`, in the engine's own words: what `vectra-cli` asks. */
import { isJsonObject } from '../base/canonical-json.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import { parseFilter } from '../collection/filter.ts'
import type { SearchOptions } from '../collection/search.ts'
import { parseConfigText } from '../format/config-text.ts'
import { acceptId, type PointInput } from '../format/point.ts'
import { toLine } from '../transfer/export-points.ts'
import { json, type Route, type RouteRequest, type Schema, type Served } from './route.ts'
import { withCollection } from './with-collection.ts'

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0 }
const anything: Schema = { type: 'object' }

const object = (properties: Record<string, Schema>, required: readonly string[]): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})

const searchBody = object(
  {
    vector: { type: 'array' },
    k: count,
    ef: count,
    nprobe: count,
    exact: { type: 'boolean' },
    filter: { type: 'object', description: 'in the language of vectra-cli search --filter' },
    exclude: {},
  },
  ['vector'],
)

/** See the head of this file. */
export function vectraCollections(served: Served): Route[] {
  const { directory } = served
  const { aliases } = directory
  const tag = 'Collections'
  const base = '/vectra/v1/collections'
  const path = `${base}/:name`
  const nameOf = ({ params: { name = '' } }: RouteRequest) => name
  const open = (request: RouteRequest) => directory.open(nameOf(request))
  /** Answers with what `work` returns. */
  const on = async (request: RouteRequest, work: (collection: Collection) => Promise<object>) =>
    json(await withCollection(directory, nameOf(request), work))
  return [
    {
      method: 'GET',
      path: base,
      tag,
      summary: 'All collections and aliases. A collection that cannot be opened has an error.',
      answer: anything,
      handle: async () => json(await list(served)),
    },
    {
      method: 'GET',
      path,
      tag,
      summary: 'A collection: identity, settings, count, LSN, digest.',
      answer: anything,
      handle: (request) => on(request, async (collection) => collection.describe()),
    },
    {
      method: 'GET',
      path: `${path}/stats`,
      tag,
      summary: 'How a collection lies on disk.',
      answer: anything,
      handle: (request) => on(request, async (collection) => collection.stats()),
    },
    {
      method: 'PUT',
      path,
      tag,
      summary: 'Makes an empty collection, from what "collections config export" writes.',
      body: anything,
      answer: anything,
      status: 201,
      writes: true,
      handle: async (request) => {
        const config = parseConfigText(JSON.stringify(request.body), 'the body')
        return json((await directory.create(nameOf(request), config)).describe())
      },
    },
    {
      method: 'DELETE',
      path,
      tag,
      summary: 'Drops a collection, its data and its aliases.',
      query: { ifExists: 'true: it is no error when there is none' },
      answer: object({ dropped: { type: 'boolean' } }, ['dropped']),
      writes: true,
      handle: async (request) => {
        const ifExists = request.query['ifExists'] === 'true'
        return json({ dropped: await directory.drop(nameOf(request), { ifExists }) })
      },
    },
    {
      method: 'POST',
      path: `${path}/points`,
      tag,
      summary: 'Inserts or overwrites points, all or none; answered when they are durable.',
      body: object({ points: { type: 'array', maxItems: limits.batchPoints } }, ['points']),
      answer: object({ lsn: count, count }, ['lsn', 'count']),
      writes: true,
      handle: async (request) => {
        const { points } = request.body as { points: readonly PointInput[] } // each is checked by the engine
        refuseOtherKeys(points)
        return on(request, (collection) => collection.upsert(points))
      },
    },
    {
      method: 'POST',
      path: `${path}/points/delete`,
      tag,
      summary: 'Deletes points by id; those that are not there are passed over.',
      body: object({ ids: { type: 'array' } }, ['ids']),
      answer: object({ lsn: count, deleted: count }, ['lsn', 'deleted']),
      writes: true,
      handle: async (request) => {
        const { ids } = request.body as { ids: readonly unknown[] }
        return on(request, (collection) => collection.delete(ids))
      },
    },
    {
      method: 'POST',
      path: `${path}/points/get`,
      tag,
      summary: 'One point, or null.',
      body: object({ id: {} }, ['id']),
      answer: object({ point: { type: ['object', 'null'] } }, ['point']),
      handle: async (request) => {
        const { id } = request.body as { id: unknown }
        return on(request, async (collection) => {
          const point = await collection.get(acceptId(id))
          return { point: point ? { ...point, vector: Array.from(point.vector) } : null }
        })
      },
    },
    {
      method: 'GET',
      path: `${path}/points`,
      tag,
      summary: 'Every point as a line of JSON, as they stand when it begins.',
      answerType: 'application/x-ndjson',
      handle: async (request) => ({
        kind: 'stream',
        contentType: 'application/x-ndjson',
        chunks: exportChunks(await open(request)),
      }),
    },
    {
      method: 'POST',
      path: `${path}/search`,
      tag,
      summary: 'The nearest points to a vector, with their distances, nearest first.',
      body: searchBody,
      answer: object({ neighbours: { type: 'array' } }, ['neighbours']),
      handle: async (request) => {
        const { vector, filter, exclude, ...rest } = request.body as SearchBody
        const options: SearchOptions = {
          ...rest,
          ...(filter !== undefined && { filter: parseFilter(filter) }),
          ...(exclude !== undefined && { exclude: acceptId(exclude) }),
        }
        return on(request, async (collection) => ({
          neighbours: await collection.search(vector, options),
        }))
      },
    },
    {
      method: 'PUT',
      path: '/vectra/v1/aliases/:alias',
      tag,
      summary: 'Lets an alias mean a collection, from one moment to the next.',
      body: object({ collection: text }, ['collection']),
      answer: object({ before: { type: ['string', 'null'] } }, ['before']),
      writes: true,
      handle: async ({ params: { alias = '' }, body }) => {
        const { collection } = body as { collection: string }
        return json({ before: (await aliases.set(alias, collection)) ?? null })
      },
    },
    {
      method: 'DELETE',
      path: '/vectra/v1/aliases/:alias',
      tag,
      summary: 'Removes an alias, not what it means.',
      answer: object({ collection: text }, ['collection']),
      writes: true,
      handle: async ({ params: { alias = '' } }) =>
        json({ collection: await aliases.delete(alias) }),
    },
  ]
}

/**
 * Refuses what would be dropped, as imports do: a payload that was not kept would be found missing only after a
 * disaster. @throws `invalid-point`
 */
function refuseOtherKeys(points: readonly unknown[]): void {
  for (const [index, point] of points.entries()) {
    if (!isJsonObject(point)) continue // told by the engine
    for (const key in point) {
      if (pointKeys.has(key)) continue
      fail(
        'invalid-point',
        `body.points.${index} has ${JSON.stringify(key)}, which is not a key of a point`,
        'A point has "id", "vector" and "metadata"; put other fields inside "metadata".',
      )
    }
  }
}

const pointKeys = new Set(['id', 'vector', 'metadata'])

interface SearchBody extends Omit<SearchOptions, 'filter' | 'exclude'> {
  readonly vector: unknown
  readonly filter?: unknown
  readonly exclude?: unknown
}

async function list({ directory }: Served) {
  const collections: object[] = []
  for (const name of directory.names()) {
    try {
      const { count: points, config } = await directory.open(name)
      collections.push({ name, count: points, config })
    } catch (error) {
      if (!isOperatingError(error)) throw error
      collections.push({ name, error: error.toJSON() })
    }
  }
  return { data: directory.path, collections, aliases: directory.aliases.list() }
}

/** Lines by the hundred: a chunk a point would cost more than the points. */
async function* exportChunks(collection: Collection): AsyncGenerator<string> {
  let lines = ''
  for await (const point of collection.points()) {
    lines += toLine(point)
    if (lines.length < limits.exportChunkChars) continue
    yield lines
    lines = ''
  }
  yield lines
}
