/** Collections in Qdrant's shapes. */
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import { type Metric, makeConfig } from '../format/config.ts'
import {
  closed,
  count,
  flag,
  ignoredQuery,
  listOf,
  payload,
  qdrantRoute,
  text,
} from './qdrant-shapes.ts'
import type { Route, Schema, Served } from './route.ts'
import { withCollection } from './with-collection.ts'

const metricOf: Readonly<Record<string, Metric>> = { Cosine: 'cosine', Dot: 'ip', Euclid: 'l2' }

/** The name that Qdrant has for a metric. */
const distanceOf = (metric: Metric): string =>
  Object.entries(metricOf).find(([, each]) => each === metric)?.[0] ?? metric

const hnswConfig = closed({
  m: { ...count, maximum: limits.hnswM, description: '0: no graph, every search is exact' },
  ef_construct: { ...count, minimum: 1, maximum: limits.hnswEfConstruction },
  full_scan_threshold: { ...count, description: 'without effect' },
  max_indexing_threads: { ...count, description: 'without effect' },
  on_disk: { ...flag, description: 'without effect' },
  payload_m: { ...count, description: 'without effect: payloads have no graphs' },
})

interface HnswBody {
  readonly m?: number
  readonly ef_construct?: number
}

/** How something is stored; no answer depends on it. */
const hint = (type: 'object' | 'boolean'): Schema => ({ type, description: 'without effect' })
const one: Schema = { const: 1, description: 'there is one node' }

const createBody = closed(
  {
    vectors: closed(
      {
        size: { type: 'integer', minimum: 1, maximum: limits.dimension },
        distance: { enum: Object.keys(metricOf) },
        hnsw_config: hnswConfig,
        on_disk: hint('boolean'),
        datatype: { const: 'float32' },
      },
      ['size', 'distance'],
    ),
    hnsw_config: hnswConfig,
    on_disk_payload: hint('boolean'),
    optimizers_config: hint('object'),
    wal_config: hint('object'),
    shard_number: one,
    replication_factor: one,
    write_consistency_factor: one,
  },
  ['vectors'],
)

interface CreateBody {
  readonly vectors: {
    readonly size: number
    readonly distance: string
    readonly hnsw_config?: HnswBody
  }
  readonly hnsw_config?: HnswBody
}

/** See the head of this file. */
export function qdrantCollections(served: Served): Route[] {
  const { directory } = served
  const path = '/collections/:name'
  const query = { timeout: ignoredQuery.timeout }
  return [
    qdrantRoute(
      served,
      {
        method: 'GET',
        path: '/collections',
        summary: 'Names of the collections.',
        answer: closed({ collections: listOf(closed({ name: text })) }),
      },
      async () => ({ collections: directory.names().map((name) => ({ name })) }),
    ),
    qdrantRoute(
      served,
      { method: 'GET', path, summary: 'Size and settings of a collection.', answer: payload },
      ({ params: { name = '' } }) =>
        withCollection(directory, name, async (collection) => describe(collection)),
    ),
    qdrantRoute(
      served,
      {
        method: 'GET',
        path: `${path}/exists`,
        summary: 'Whether there is a collection, or an alias, of that name.',
        answer: closed({ exists: flag }),
      },
      async ({ params: { name = '' } }) => ({ exists: directory.has(name) }),
    ),
    qdrantRoute(
      served,
      {
        method: 'PUT',
        path,
        query,
        summary: 'Makes an empty collection of one unnamed vector a point.',
        body: createBody,
        answer: flag,
        writes: true,
      },
      async ({ params: { name = '' }, body }) => {
        await directory.create(name, toConfig(body as CreateBody)) // checked against createBody
        return true
      },
    ),
    qdrantRoute(
      served,
      {
        method: 'DELETE',
        path,
        query,
        summary: 'Drops a collection, its data and its aliases. False when there was none.',
        answer: flag,
        writes: true,
      },
      async ({ params: { name = '' } }) => directory.drop(name, { ifExists: true }),
    ),
  ]
}

function toConfig({ vectors, hnsw_config }: CreateBody) {
  const { size, distance, hnsw_config: own } = vectors
  const { m, ef_construct } = { ...hnsw_config, ...own }
  const metric = metricOf[distance]
  if (m === 0) return makeConfig({ dimension: size, metric, index: 'flat' })
  if (m === 1) fail('invalid-config', 'hnsw_config.m is 1', 'Use 0 for no graph, or 2 and more.')
  return makeConfig({ dimension: size, metric, m, efConstruction: ef_construct })
}

function describe(collection: Collection) {
  const { config, count: points } = collection
  const { segments, compaction } = collection.stats()
  const indexed = segments
    .filter(({ index }) => index === 'graph' || index === 'lists')
    .reduce((sum, each) => sum + each.points - each.deleted, 0)
  const { index } = config
  return {
    status: 'green',
    optimizer_status: 'ok',
    points_count: points,
    indexed_vectors_count: indexed,
    segments_count: segments.length,
    config: {
      params: {
        vectors: { size: config.dimension, distance: distanceOf(config.metric) },
        shard_number: 1,
        replication_factor: 1,
        write_consistency_factor: 1,
        on_disk_payload: false,
      },
      hnsw_config: {
        m: index.kind === 'hnsw' ? index.m : 0,
        ef_construct: index.kind === 'hnsw' ? index.efConstruction : 0,
        full_scan_threshold: 0,
      },
      optimizer_config: { default_segment_number: 0, flush_interval_sec: 0 },
    },
    payload_schema: {},
    vectra: { config, compaction },
  }
}
