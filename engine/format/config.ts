/**
 * A collection's config: what its vectors are and how they are indexed. Kept in a document of its own,
 * apart from the data, so that a restore can keep the graph, rebuild it, or change its kind.
 */

import { fail } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from './document.ts'
import { Fields } from './fields.ts'

export const metrics = ['cosine', 'l2', 'ip'] as const
export type Metric = (typeof metrics)[number]

export const indexKinds = ['hnsw', 'flat'] as const
export type IndexKind = (typeof indexKinds)[number]

export type IndexSettings =
  | { readonly kind: 'flat' }
  | {
      readonly kind: 'hnsw'
      /** Links per element and upper level; level 0 has twice as many. 2–256, default 16. */
      readonly m: number
      /** Beam while building: higher is better recall and slower builds. Default 200. */
      readonly efConstruction: number
      /** Default beam of a search; at least k is used. Default 100. */
      readonly ef: number
    }

export interface CollectionConfig {
  readonly dimension: number
  readonly metric: Metric
  readonly index: IndexSettings
}

const kind: DocumentKind = { format: 'vectra-config', version: 1 }

export interface ConfigInput {
  readonly dimension: number
  readonly metric?: string | undefined
  readonly index?: string | undefined
  readonly m?: number | undefined
  readonly efConstruction?: number | undefined
  readonly ef?: number | undefined
}

/**
 * A checked config from what a person wrote, defaults filled in.
 * @throws `invalid-config` naming the value and its bounds
 */
export function makeConfig(input: ConfigInput): CollectionConfig {
  const dimension = bounded('dimension', input.dimension, 1, limits.dimension)
  const metric = choice('metric', input.metric ?? defaults.metric, metrics)
  const indexKind = choice('index', input.index ?? defaults.index, indexKinds)
  if (indexKind === 'flat') {
    for (const name of ['m', 'efConstruction', 'ef'] as const) {
      if (input[name] !== undefined) {
        fail(
          'invalid-config',
          `${name} has no meaning for a flat index`,
          'Leave it out, or use hnsw.',
        )
      }
    }
    return { dimension, metric, index: { kind: 'flat' } }
  }
  return {
    dimension,
    metric,
    index: {
      kind: 'hnsw',
      m: bounded('m', input.m ?? defaults.m, 2, limits.hnswM),
      efConstruction: bounded(
        'efConstruction',
        input.efConstruction ?? defaults.efConstruction,
        1,
        limits.hnswEfConstruction,
      ),
      ef: bounded('ef', input.ef ?? defaults.ef, 1, limits.searchEf),
    },
  }
}

export const encodeConfig = (config: CollectionConfig): Buffer => encodeDocument(kind, config)

/** @throws `damaged`, `newer-format` */
export const decodeConfig = (bytes: Uint8Array, file: string): CollectionConfig =>
  readConfig(new Fields(decodeDocument(kind, bytes, file), file))

/** Reads a config embedded in another document. @throws `damaged` */
export function readConfig(fields: Fields): CollectionConfig {
  const index = fields.object('index')
  return {
    dimension: fields.integer('dimension', 1, limits.dimension),
    metric: fields.oneOf('metric', metrics),
    index:
      index.oneOf('kind', indexKinds) === 'flat'
        ? { kind: 'flat' }
        : {
            kind: 'hnsw',
            m: index.integer('m', 2, limits.hnswM),
            efConstruction: index.integer('efConstruction', 1, limits.hnswEfConstruction),
            ef: index.integer('ef', 1, limits.searchEf),
          },
  }
}

function bounded(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    fail('invalid-config', `${name} is ${value}`, `Give an integer from ${min} to ${max}.`)
  }
  return value
}

function choice<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((each) => each === value)
  return found ?? fail('invalid-config', `${name} is ${value}`, `Use one of: ${values.join(', ')}.`)
}
