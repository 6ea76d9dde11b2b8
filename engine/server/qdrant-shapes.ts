/** What the routes with Qdrant's shapes share: the envelope of answers, schemas, points and scores. */
import type { JsonObject, JsonValue } from '../base/canonical-json.ts'
import { isJsonObject } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import type { Metric } from '../format/config.ts'
import type { PointId } from '../format/point.ts'
import { json, type Route, type RouteRequest, type Schema, type Served } from './route.ts'

/** A route whose answer is `{"result": …, "status": "ok", "time": seconds}`. */
export function qdrantRoute(
  { clock }: Served,
  route: Omit<Route, 'handle' | 'tag'>,
  result: (request: RouteRequest) => Promise<unknown>,
): Route {
  return {
    ...route,
    tag: 'Qdrant',
    answer: {
      type: 'object',
      properties: { result: route.answer ?? {}, status: { const: 'ok' }, time: { type: 'number' } },
      required: ['result', 'status', 'time'],
    },
    async handle(request) {
      const value = await result(request)
      const time = (clock.monotonicMs() - request.startedMs) / 1_000
      return json({ result: value, status: 'ok', time })
    },
  }
}

/** An object with these properties and no others. */
export const closed = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema => ({ type: 'object', properties, required, additionalProperties: false })

export const text: Schema = { type: 'string' }
export const flag: Schema = { type: 'boolean' }
export const count: Schema = { type: 'integer', minimum: 0 }
export const listOf = (items: Schema): Schema => ({ type: 'array', items })
export const pointId: Schema = {
  type: ['integer', 'string'],
  description: 'an unsigned integer below 2^53, or text: a UUID or any other',
}
export const vector: Schema = { type: 'array', items: { type: 'number' } }
export const payload: Schema = { type: 'object' }
export const filter: Schema = {
  type: 'object',
  description: 'must, should, must_not, min_should; see the README for the conditions',
}
export const withPayload: Schema = {
  type: ['boolean', 'array', 'object'],
  description: 'true, false, a list of keys, {"include": […]} or {"exclude": […]}',
}
export const withVector: Schema = flag

/** The query parameters that Qdrant's clients send and that one node keeps to anyway. */
export const ignoredQuery = {
  wait: 'a write is answered when it is durable, whatever this says',
  ordering: 'writes are in one order anyway',
  consistency: 'there is one copy to read from',
  timeout: 'not looked at',
}

/** `Cosine` and `Dot`: the similarity, higher is nearer. `Euclid`: the distance, lower is nearer. */
export const scoreOf = (metric: Metric, distance: number): number =>
  metric === 'l2' ? distance : 1 - distance

/** Whether a score is as good as the threshold. */
export const isWithin = (metric: Metric, score: number, threshold: number): boolean =>
  metric === 'l2' ? score <= threshold : score >= threshold

/** What `with_payload` selects; undefined: nothing was asked for. @throws `usage` */
export function selectPayload(metadata: JsonObject, selector: unknown): JsonObject | undefined {
  if (selector === undefined || selector === false) return undefined
  if (selector === true) return metadata
  if (Array.isArray(selector)) return pick(metadata, toKeys(selector))
  if (isJsonObject(selector)) {
    const { include, exclude, ...others } = selector
    const isOne = (include === undefined) !== (exclude === undefined)
    if (isOne && Object.keys(others).length === 0) {
      if (Array.isArray(include)) return pick(metadata, toKeys(include))
      if (Array.isArray(exclude)) return omit(metadata, toKeys(exclude))
    }
  }
  const hint = 'Write true, false, a list of keys, {"include": […]} or {"exclude": […]}.'
  return fail('usage', 'with_payload says nothing that is understood', hint)
}

const toKeys = (keys: readonly unknown[]): readonly (readonly string[])[] =>
  keys.map((key) =>
    typeof key === 'string'
      ? key.split('.')
      : fail('usage', 'with_payload has a key that is not text', 'Write keys as text: "a.b".'),
  )

/** The parts of `value` at these paths. */
function pick(value: JsonObject, paths: readonly (readonly string[])[]): JsonObject {
  const picked: [string, JsonValue][] = []
  for (const [key, part] of Object.entries(value)) {
    const below = paths.filter(([first]) => first === key).map(([, ...rest]) => rest)
    if (below.some((path) => path.length === 0)) picked.push([key, part])
    else if (below.length > 0 && isJsonObject(part)) picked.push([key, pick(part, below)])
  }
  return Object.fromEntries(picked)
}

/** `value` without the parts at these paths. */
function omit(value: JsonObject, paths: readonly (readonly string[])[]): JsonObject {
  const left: [string, JsonValue][] = []
  for (const [key, part] of Object.entries(value)) {
    const below = paths.filter(([first]) => first === key).map(([, ...rest]) => rest)
    if (below.some((path) => path.length === 0)) continue
    left.push([key, below.length > 0 && isJsonObject(part) ? omit(part, below) : part])
  }
  return Object.fromEntries(left)
}

/** A point as Qdrant answers it. */
export const toRecord = (
  {
    id,
    metadata,
    vector,
  }: { id: PointId; metadata: JsonObject; vector?: Float32Array | undefined },
  selector: unknown,
) => ({
  id,
  payload: selectPayload(metadata, selector) ?? null,
  ...(vector && { vector: Array.from(vector) }),
})
