/** Values of every format, and generators of points, for the tests of formats, log and segments. */
import * as fc from 'fast-check'
import { type CollectionConfig, makeConfig } from '../../../engine/format/config.ts'
import type { Identity } from '../../../engine/format/identity.ts'
import type { FileEntry, Manifest } from '../../../engine/format/manifest.ts'
import { acceptPoint, type PointId, type StoredPoint } from '../../../engine/format/point.ts'

export const identity: Identity = {
  uuid: '00112233-4455-6677-8899-aabbccddeeff',
  epoch: { number: 3, history: '0123456789abcdef' },
}

/** The same collection in another history, and another collection. */
export const strangers: readonly Identity[] = [
  { ...identity, epoch: { number: 3, history: 'fedcba9876543210' } },
  { ...identity, epoch: { number: 4, history: identity.epoch.history } },
  { ...identity, uuid: '00112233-4455-6677-8899-aabbccddeefe' },
]

/** Dimension 3, Euclidean, no index: nothing in the way of odd vectors. */
export const plainConfig: CollectionConfig = makeConfig({
  dimension: 3,
  metric: 'l2',
  index: 'flat',
})

export const pointOf = (id: PointId, metadata: object = {}, vector = [1, 2, 3]): StoredPoint =>
  acceptPoint({ id, vector, metadata }, plainConfig)

const sha256 = (digit: string): string => digit.repeat(64)

export const fileEntry = (path: string, sizeBytes = 64): FileEntry => ({
  path,
  sizeBytes,
  pieces: [sha256('a')],
})

/** Two segments, one with a graph and tombstones, from a restore. */
export const sampleManifest: Manifest = {
  sequence: 7,
  name: 'items',
  ...identity,
  lsn: 41,
  chain: 0xfedcba98,
  committedAtUs: 1_767_225_600_000_001,
  count: 9,
  digest: sha256('d'),
  nextSegment: 4,
  config: sha256('c'),
  segments: [
    {
      number: 1,
      count: 5,
      vectors: fileEntry('segments/00000001.vectors'),
      points: fileEntry('segments/00000001.points'),
      graph: fileEntry('segments/00000001.graph'),
      lists: null,
      truth: fileEntry('segments/00000001.0000000000000007.truth'),
      tombstones: fileEntry('segments/00000001.0000000000000041.tombstones'),
    },
    {
      number: 3,
      count: 6,
      vectors: fileEntry('segments/00000003.vectors'),
      points: fileEntry('segments/00000003.points'),
      graph: null,
      lists: fileEntry('segments/00000003.lists'),
      truth: null,
      tombstones: null,
    },
  ],
  restoredFrom: {
    snapshotId: 'items_1000',
    uuid: identity.uuid,
    epoch: { number: 2, history: '0f0f0f0f0f0f0f0f' },
    lsn: 40,
  },
}

/** Well-formed text of 1 to 1,024 bytes of UTF-8, and unsigned safe integers. */
export const anyId: fc.Arbitrary<PointId> = fc.oneof(
  fc.maxSafeNat(),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
)

/** Any float32 but infinities and NaN, subnormals and −0 included. */
const anyComponent = fc.float({ noNaN: true, min: -Math.fround(1e18), max: Math.fround(1e18) })

export const anyVector = (dimension: number): fc.Arbitrary<number[]> =>
  fc.array(anyComponent, { minLength: dimension, maxLength: dimension })

const anyKey = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key))

/** Metadata as people write it: JSON objects without unsafe integers. */
export const anyMetadata: fc.Arbitrary<object> = fc.dictionary(
  anyKey,
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true, max: 1e9, min: -1e9 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(anyKey, tie('value'), { maxKeys: 4 }),
    ),
  })).value,
  { maxKeys: 5 },
)

/** A point as a caller writes it, for {@link plainConfig}. */
export const anyPointInput = fc.record({
  id: anyId,
  vector: anyVector(plainConfig.dimension),
  metadata: anyMetadata,
})
