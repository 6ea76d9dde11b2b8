/** Searching in Qdrant's shapes: `search`, `query`, and several of them at once. */
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import type { SearchOptions } from '../collection/search.ts'
import { acceptId, type PointId, showId } from '../format/point.ts'
import { parseOptional } from './qdrant-points.ts'
import {
  closed,
  count,
  filter,
  flag,
  ignoredQuery,
  isWithin,
  listOf,
  pointId,
  qdrantRoute,
  scoreOf,
  toRecord,
  vector,
  withPayload,
  withVector,
} from './qdrant-shapes.ts'
import type { Route, Schema, Served } from './route.ts'
import { withCollection } from './with-collection.ts'

const common = {
  filter,
  limit: { ...count, minimum: 1, description: 'default 10' },
  offset: count,
  with_payload: withPayload,
  with_vector: withVector,
  score_threshold: { type: 'number' },
  params: closed({
    hnsw_ef: { ...count, minimum: 1 },
    exact: flag,
    indexed_only: { const: false, description: 'points are searched from the moment they stand' },
  }),
}
const searchBody = closed({ vector, ...common }, ['vector'])
const queryBody = closed({
  query: {
    description: 'a vector, the id of a point, or {"nearest": one of them}; without it, by id',
  },
  ...common,
})
const scored = closed({
  id: pointId,
  version: { const: 0, description: 'points have no versions of their own here' },
  score: { type: 'number' },
  payload: { type: ['object', 'null'] },
  vector,
})

interface SearchBody {
  readonly vector?: unknown
  readonly query?: unknown
  readonly filter?: unknown
  readonly limit?: number
  readonly offset?: number
  readonly with_payload?: unknown
  readonly with_vector?: boolean
  readonly score_threshold?: number
  readonly params?: { readonly hnsw_ef?: number; readonly exact?: boolean }
}

/** See the head of this file. */
export function qdrantSearch(served: Served): Route[] {
  const base = '/collections/:name/points'
  const route = (
    path: string,
    summary: string,
    body: Schema,
    answer: Schema,
    result: (collection: Collection, body: SearchBody & BatchBody) => Promise<unknown>,
  ) =>
    qdrantRoute(
      served,
      { method: 'POST', path: base + path, query: ignoredQuery, summary, body, answer },
      // the body was checked against its schema
      ({ params: { name = '' }, body: given }) =>
        withCollection(served.directory, name, (collection) =>
          result(collection, given as SearchBody & BatchBody),
        ),
    )
  const pointsOf = closed({ points: listOf(scored) })
  return [
    route(
      '/search',
      'The nearest points to a vector, best first.',
      searchBody,
      listOf(scored),
      (collection, body) => search(collection, body.vector, undefined, body),
    ),
    route(
      '/search/batch',
      'Several searches.',
      closed({ searches: listOf(searchBody) }, ['searches']),
      listOf(listOf(scored)),
      (collection, { searches }) =>
        eachOf(searches, (body) => search(collection, body.vector, undefined, body)),
    ),
    route(
      '/query',
      'The nearest points to a vector or to a stored point, best first.',
      queryBody,
      pointsOf,
      query,
    ),
    route(
      '/query/batch',
      'Several queries.',
      closed({ searches: listOf(queryBody) }, ['searches']),
      listOf(pointsOf),
      (collection, { searches }) => eachOf(searches, (body) => query(collection, body)),
    ),
  ]
}

interface BatchBody {
  readonly searches: readonly SearchBody[]
}

/** One after the other: each takes the thread for itself anyway. */
async function eachOf<T>(
  searches: readonly SearchBody[],
  ask: (body: SearchBody) => Promise<T>,
): Promise<T[]> {
  if (searches.length > limits.searchesAtOnce) {
    const hint = `Ask at most ${limits.searchesAtOnce} at once.`
    fail('limit-exceeded', `${searches.length} searches`, hint)
  }
  const answers: T[] = []
  for (const body of searches) answers.push(await ask(body))
  return answers
}

async function query(collection: Collection, body: SearchBody) {
  const { query: given, limit = 10, offset = 0, with_payload = false, with_vector } = body
  const wanted = nearestOf(given)
  if (wanted === undefined) {
    const page = collection.matching(parseOptional(body.filter)).page(bounded(limit + offset))
    const points = page.points.slice(offset).map((each) => ({ ...each, score: 0 }))
    return { points: await answer(collection, points, with_payload, with_vector) }
  }
  const rest = { ...body, with_payload }
  if (Array.isArray(wanted)) return { points: await search(collection, wanted, undefined, rest) }
  const id = acceptId(wanted)
  const point = await collection.get(id)
  if (point === undefined) {
    const hint = 'Check the spelling; ids are case-sensitive.'
    return fail('point-not-found', `${collection.name} has no point ${showId(id)}`, hint)
  }
  return { points: await search(collection, point.vector, id, rest) }
}

/** A vector or an id; undefined where nothing is asked for. */
function nearestOf(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const [[kind, operand] = ['', undefined], ...others] = Object.entries(given)
  if (kind === 'nearest' && others.length === 0 && operand !== null) return nearestOf(operand)
  return fail(
    'usage',
    `the query ${JSON.stringify(kind)} is not supported`,
    'Supported are a vector, the id of a point, and {"nearest": one of them}.',
  )
}

async function search(
  collection: Collection,
  values: unknown,
  exclude: PointId | undefined,
  body: SearchBody,
) {
  const { limit = 10, offset = 0, params = {}, score_threshold: threshold } = body
  const { metric } = collection.config
  const passing = parseOptional(body.filter)
  const options: SearchOptions = {
    k: bounded(limit + offset),
    ...(params.hnsw_ef !== undefined && { ef: params.hnsw_ef }),
    ...(params.exact !== undefined && { exact: params.exact }),
    ...(passing && { filter: passing }),
    ...(exclude !== undefined && { exclude }),
  }
  const found = (await collection.search(values, options))
    .slice(offset)
    .map(({ id, distance, metadata }) => ({ id, metadata, score: scoreOf(metric, distance) }))
    .filter(({ score }) => threshold === undefined || isWithin(metric, score, threshold))
  return answer(collection, found, body.with_payload ?? false, body.with_vector)
}

function bounded(k: number): number {
  if (k <= limits.searchK) return k
  const hint = `Ask for at most ${limits.searchK}; scroll goes through all points.`
  return fail('limit-exceeded', `limit and offset come to ${k}`, hint)
}

type Found = { readonly id: PointId; readonly score: number } & Parameters<typeof toRecord>[0]

function answer(
  collection: Collection,
  found: readonly Found[],
  selector: unknown,
  withVectors: boolean | undefined,
) {
  return Promise.all(
    found.map(async ({ id, score, metadata }) => {
      const point = withVectors === true ? await collection.get(id) : undefined
      const shown = toRecord({ id, metadata, vector: point?.vector }, selector)
      return { ...shown, version: 0, score }
    }),
  )
}
