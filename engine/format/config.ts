/**
 * A collection's config: what its vectors are, how they are indexed, and when a write is durable. Kept
 * in a document of its own, apart from the data, so that a restore can keep the graph, rebuild it, or
 * change its kind.
 *
 * Version 2 adds `durability` and the index kind `ivf`; version 1 means `always`.
 */

import { fail } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from './document.ts'
import { Fields } from './fields.ts'

export const metrics = ['cosine', 'l2', 'ip'] as const
export type Metric = (typeof metrics)[number]

export const indexKinds = ['hnsw', 'ivf', 'flat'] as const
export type IndexKind = (typeof indexKinds)[number]

export type IndexSettings =
  | { readonly kind: 'flat' }
  | {
      readonly kind: 'ivf'
      /** Lists that k-means divides a segment into; fewer where a segment is small. 1–65,536, default 256. */
      readonly lists: number
      /** Lists that a search looks into. 1–65,536, default 32. */
      readonly nprobe: number
    }
  | {
      readonly kind: 'hnsw'
      /** Links per element and upper level; level 0 has twice as many. 2–256, default 16. */
      readonly m: number
      /** Beam while building: higher is better recall and slower builds. Default 200. */
      readonly efConstruction: number
      /** Default beam of a search; at least k is used. Default 100. */
      readonly ef: number
    }

export const durabilityModes = ['always', 'interval'] as const

/** When a write counts as done. */
export type Durability =
  /** After its log record is fsynced: an acknowledged write survives any crash. */
  | { readonly mode: 'always' }
  /** At once; the log is fsynced at least this often. A power cut loses up to that much, a crash nothing. */
  | { readonly mode: 'interval'; readonly intervalMs: number }

export interface CollectionConfig {
  readonly dimension: number
  readonly metric: Metric
  readonly index: IndexSettings
  readonly durability: Durability
}

const kind: DocumentKind = { format: 'vectra-config', version: 2 }

export interface ConfigInput {
  readonly dimension: number
  readonly metric?: string | undefined
  readonly index?: string | undefined
  readonly m?: number | undefined
  readonly efConstruction?: number | undefined
  readonly ef?: number | undefined
  readonly lists?: number | undefined
  readonly nprobe?: number | undefined
  /** `always` (default) or `interval`. */
  readonly durability?: string | undefined
  /** Milliseconds; for `interval` only. Default 1000. */
  readonly intervalMs?: number | undefined
}

/**
 * A checked config from what a person wrote, defaults filled in.
 * @throws `invalid-config` naming the value and its bounds
 */
export function makeConfig(input: ConfigInput): CollectionConfig {
  return {
    dimension: bounded('dimension', input.dimension, 1, limits.dimension),
    metric: choice('metric', input.metric ?? defaults.metric, metrics),
    index: makeIndex(input),
    durability: makeDurability(input),
  }
}

/** Which parameters each kind of index has. */
const parametersOf = {
  hnsw: ['m', 'efConstruction', 'ef'],
  ivf: ['lists', 'nprobe'],
  flat: [],
} as const satisfies Record<IndexKind, readonly (keyof ConfigInput)[]>

function makeIndex(input: ConfigInput): IndexSettings {
  const index = choice('index', input.index ?? defaults.index, indexKinds)
  const own: readonly (keyof ConfigInput)[] = parametersOf[index]
  for (const name of Object.values(parametersOf).flat()) {
    if (own.includes(name) || input[name] === undefined) continue
    const kinds = indexKinds.filter((each) => (parametersOf[each] as typeof own).includes(name))
    fail(
      'invalid-config',
      `${name} has no meaning for the index ${index}`,
      `Leave it out, or use ${kinds.join(' or ')}.`,
    )
  }
  switch (index) {
    case 'flat':
      return { kind: 'flat' }
    case 'ivf':
      return {
        kind: 'ivf',
        lists: bounded('lists', input.lists ?? defaults.lists, 1, limits.ivfLists),
        nprobe: bounded('nprobe', input.nprobe ?? defaults.nprobe, 1, limits.ivfLists),
      }
    case 'hnsw': {
      const { efConstruction = defaults.efConstruction } = input
      return {
        kind: 'hnsw',
        m: bounded('m', input.m ?? defaults.m, 2, limits.hnswM),
        efConstruction: bounded('efConstruction', efConstruction, 1, limits.hnswEfConstruction),
        ef: bounded('ef', input.ef ?? defaults.ef, 1, limits.searchEf),
      }
    }
    default:
      return index satisfies never
  }
}

/** The index part of what {@link makeConfig} takes, from settings. */
export function indexInputOf({ kind, ...parameters }: IndexSettings): Partial<ConfigInput> {
  return { index: kind, ...parameters }
}

/** Whether an index file built for `one` is one for `other`: they differ in what a search may change. */
export function sameIndexFiles(one: IndexSettings, other: IndexSettings): boolean {
  switch (one.kind) {
    case 'flat':
      return other.kind === 'flat'
    case 'ivf':
      return other.kind === 'ivf' && one.lists === other.lists
    case 'hnsw': {
      const { m, efConstruction } = one
      return other.kind === 'hnsw' && m === other.m && efConstruction === other.efConstruction
    }
    default:
      return one satisfies never
  }
}

function makeDurability({ durability, intervalMs }: ConfigInput): Durability {
  const mode = choice('durability', durability ?? 'always', durabilityModes)
  if (mode === 'always') {
    if (intervalMs === undefined) return { mode }
    return fail(
      'invalid-config',
      'an interval has no meaning for the durability always',
      'Leave it out, or use the durability interval.',
    )
  }
  const value = intervalMs ?? defaults.durabilityIntervalMs
  return { mode, intervalMs: bounded('the interval', value, 1, limits.durabilityIntervalMs) }
}

export const encodeConfig = (config: CollectionConfig): Buffer => encodeDocument(kind, config)

/** @throws `damaged`, `newer-format` */
export const decodeConfig = (bytes: Uint8Array, file: string): CollectionConfig =>
  readConfig(new Fields(decodeDocument(kind, bytes, file), file))

/** Reads a config embedded in another document. @throws `damaged` */
export const readConfig = (fields: Fields): CollectionConfig => ({
  dimension: fields.integer('dimension', 1, limits.dimension),
  metric: fields.oneOf('metric', metrics),
  index: readIndex(fields.object('index')),
  durability: fields.has('durability')
    ? readDurability(fields.object('durability'))
    : { mode: 'always' },
})

/** A config as version 1 of the documents that embed it wrote it. */
export function toConfigVersion1(config: CollectionConfig): Omit<CollectionConfig, 'durability'> {
  const { durability: _, ...old } = config
  return old
}

function readIndex(index: Fields): IndexSettings {
  const indexKind = index.oneOf('kind', indexKinds)
  switch (indexKind) {
    case 'flat':
      return { kind: 'flat' }
    case 'ivf':
      return {
        kind: 'ivf',
        lists: index.integer('lists', 1, limits.ivfLists),
        nprobe: index.integer('nprobe', 1, limits.ivfLists),
      }
    case 'hnsw':
      return {
        kind: 'hnsw',
        m: index.integer('m', 2, limits.hnswM),
        efConstruction: index.integer('efConstruction', 1, limits.hnswEfConstruction),
        ef: index.integer('ef', 1, limits.searchEf),
      }
    default:
      return indexKind satisfies never
  }
}

function readDurability(fields: Fields): Durability {
  const mode = fields.oneOf('mode', durabilityModes)
  if (mode === 'always') return { mode }
  return { mode, intervalMs: fields.integer('intervalMs', 1, limits.durabilityIntervalMs) }
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
