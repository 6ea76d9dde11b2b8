/** Writing, reading, scrolling and counting points in Qdrant's shapes. */
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import type { Filter } from '../collection/filter.ts'
import { acceptId, type PointId, type PointInput } from '../format/point.ts'
import { parseQdrantFilter } from './qdrant-filter.ts'
import {
  closed,
  count,
  filter,
  flag,
  ignoredQuery,
  listOf,
  pointId,
  qdrantRoute,
  text,
  toRecord,
  vector,
  withPayload,
  withVector,
} from './qdrant-shapes.ts'
import type { Route, RouteRequest, Served } from './route.ts'
import { withCollection } from './with-collection.ts'

const record = closed({ id: pointId, payload: { type: ['object', 'null'] }, vector }, ['id'])
const updated = closed({ operation_id: count, status: text }, ['status'])
const read = { with_payload: withPayload, with_vector: withVector }

/** `vector` is checked by the engine, which names the point that is wrong. */
const pointBody = closed({ id: {}, vector: {}, payload: {} }, ['id', 'vector'])
const upsertBody = closed({
  points: listOf(pointBody),
  batch: closed({ ids: listOf({}), vectors: listOf({}), payloads: listOf({}) }, ['ids', 'vectors']),
})

interface UpsertBody {
  readonly points?: readonly { id: unknown; vector: unknown; payload?: unknown }[]
  readonly batch?: {
    readonly ids: readonly unknown[]
    readonly vectors: readonly unknown[]
    readonly payloads?: readonly unknown[]
  }
}

interface ReadBody {
  readonly with_payload?: unknown
  readonly with_vector?: boolean
}

/** See the head of this file. */
export function qdrantPoints(served: Served): Route[] {
  const on = <T>(
    { params: { name = '' } }: RouteRequest,
    work: (collection: Collection) => Promise<T>,
  ): Promise<T> => withCollection(served.directory, name, work)
  const base = '/collections/:name/points'
  const query = ignoredQuery
  return [
    qdrantRoute(
      served,
      {
        method: 'PUT',
        path: base,
        query,
        summary: 'Inserts or overwrites points, all or none; answered when they are durable.',
        body: upsertBody,
        answer: updated,
        writes: true,
      },
      async (request) => {
        const points = toPoints(request.body as UpsertBody) // checked against upsertBody
        const { lsn } = await on(request, (collection) => collection.upsert(points))
        return { operation_id: lsn, status: 'completed' }
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'POST',
        path: `${base}/delete`,
        query,
        summary: 'Deletes points by their ids, or those that pass a filter.',
        body: closed({ points: listOf(pointId), filter }),
        answer: updated,
        writes: true,
      },
      async (request) => {
        const { points, filter: given } = request.body as { points?: PointId[]; filter?: unknown }
        if ((points === undefined) === (given === undefined)) {
          fail('usage', 'body has neither or both of points and filter', 'Give one of them.')
        }
        const filtered = points === undefined ? parseQdrantFilter(given) : undefined
        const { lsn } = await on(request, (collection) =>
          collection.delete(points ?? collection.matching(filtered).ids()),
        )
        return { operation_id: lsn, status: 'completed' }
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'POST',
        path: base,
        query,
        summary: 'The points with these ids; those that are not there are left out.',
        body: closed({ ids: listOf(pointId), ...read }, ['ids']),
        answer: listOf(record),
      },
      async (request) => {
        const { ids, ...body } = request.body as ReadBody & { ids: readonly unknown[] }
        const wanted = { with_payload: true, ...body }
        const found = await on(request, (collection) => recordsOf(collection, ids, wanted))
        return found.filter((each) => each !== undefined)
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'GET',
        path: `${base}/:id`,
        query,
        summary: 'One point, with payload and vector. Digits are an integer id.',
        answer: record,
      },
      async (request) => {
        const { name = '', id = '' } = request.params
        const wanted = /^\d+$/.test(id) ? Number(id) : id
        const all = { with_payload: true, with_vector: true }
        const [found] = await on(request, (collection) => recordsOf(collection, [wanted], all))
        const hint = 'Check the spelling; ids are case-sensitive.'
        return found ?? fail('point-not-found', `${name} has no point ${id}`, hint)
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'POST',
        path: `${base}/scroll`,
        query,
        summary: 'Points in the order of their ids, page by page.',
        body: closed({ offset: pointId, limit: { ...count, minimum: 1 }, filter, ...read }),
        answer: closed({
          points: listOf(record),
          next_page_offset: { type: [...idTypes, 'null'] },
        }),
      },
      (request) => on(request, (collection) => scroll(collection, request.body as ScrollBody)),
    ),
    qdrantRoute(
      served,
      {
        method: 'POST',
        path: `${base}/count`,
        query,
        summary: 'How many points there are, or pass a filter. Always exact.',
        body: closed({ filter, exact: flag }),
        answer: closed({ count }),
      },
      async (request) => {
        const { filter: given } = request.body as { filter?: unknown }
        const passing = parseOptional(given)
        return on(request, async (collection) => ({ count: collection.matching(passing).count() }))
      },
    ),
  ]
}

const idTypes = ['integer', 'string'] as const

interface ScrollBody extends ReadBody {
  readonly offset?: unknown
  readonly limit?: number
  readonly filter?: unknown
}

async function scroll(collection: Collection, body: ScrollBody) {
  const { offset, limit = 10, filter: given, with_payload = true, with_vector } = body
  if (limit > limits.searchK) {
    fail('limit-exceeded', `limit is ${limit}`, `Ask for at most ${limits.searchK} at once.`)
  }
  const from = offset === undefined ? undefined : acceptId(offset)
  const { points, next } = collection.matching(parseOptional(given)).page(limit, from)
  const records = await Promise.all(
    points.map(async (point) => {
      const found = with_vector === true ? await collection.get(point.id) : undefined
      return toRecord({ ...point, ...found }, with_payload)
    }),
  )
  return { points: records, next_page_offset: next ?? null }
}

/** The filter of a body, where it has one. @throws `invalid-filter` */
export const parseOptional = (given: unknown): Filter | undefined =>
  given === undefined ? undefined : parseQdrantFilter(given)

async function recordsOf(
  collection: Collection,
  ids: readonly unknown[],
  { with_payload, with_vector }: ReadBody,
) {
  if (ids.length > limits.batchPoints) {
    fail('limit-exceeded', `${ids.length} ids`, `Ask for at most ${limits.batchPoints} at once.`)
  }
  return Promise.all(
    ids.map(async (each) => {
      const point = await collection.get(acceptId(each))
      if (point === undefined) return undefined
      const { id, metadata, vector: values } = point
      const shown = with_vector === true ? { id, metadata, vector: values } : { id, metadata }
      return toRecord(shown, with_payload)
    }),
  )
}

function toPoints({ points, batch }: UpsertBody): PointInput[] {
  if ((points === undefined) === (batch === undefined)) {
    fail('usage', 'body has neither or both of points and batch', 'Give one of them.')
  }
  if (batch === undefined) {
    return (points ?? []).map((each) => toPoint(each.id, each.vector, each.payload))
  }
  const { ids, vectors, payloads } = batch
  if (vectors.length !== ids.length || (payloads && payloads.length !== ids.length)) {
    fail('usage', 'the lists of the batch have different lengths', 'Give one of each a point.')
  }
  return ids.map((id, index) => toPoint(id, vectors[index], payloads?.[index]))
}

/** A payload of null is none. */
const toPoint = (id: unknown, values: unknown, metadata: unknown): PointInput => ({
  id,
  vector: values,
  ...(metadata !== null && metadata !== undefined && { metadata }),
})
