import { describe, expect, test } from 'vitest'
import { defaults, limits } from '../../../engine/base/limits.ts'
import {
  type CollectionConfig,
  type ConfigInput,
  decodeConfig,
  encodeConfig,
  indexKinds,
  makeConfig,
  metrics,
} from '../../../engine/format/config.ts'
import { encodeDocument } from '../../../engine/format/document.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'

printSweeps()

const file = '/data/config.json'
const decode = (bytes: Uint8Array) => decodeConfig(bytes, file)
const sealed = (body: object, version = 2) =>
  encodeDocument({ format: 'vectra-config', version }, body)

const hnsw: CollectionConfig = {
  dimension: 384,
  metric: 'cosine',
  index: { kind: 'hnsw', m: 16, efConstruction: 200, ef: 100 },
  durability: { mode: 'always' },
}
const flat: CollectionConfig = {
  dimension: 1,
  metric: 'ip',
  index: { kind: 'flat' },
  durability: { mode: 'interval', intervalMs: 250 },
}

describe('a config', () => {
  test('fills in the defaults', () => {
    const { metric, m, efConstruction, ef } = defaults
    expect(makeConfig({ dimension: 5 })).toEqual({
      dimension: 5,
      metric,
      index: { kind: 'hnsw', m, efConstruction, ef },
      durability: { mode: 'always' },
    })
    expect(makeConfig({ dimension: 5, metric: 'l2', index: 'flat' })).toEqual({
      dimension: 5,
      metric: 'l2',
      index: { kind: 'flat' },
      durability: { mode: 'always' },
    })
  })

  test('is accepted at its bounds', () => {
    const { dimension, hnswM: m, hnswEfConstruction: efConstruction, searchEf: ef } = limits
    expect(makeConfig({ dimension, m, efConstruction, ef }).index).toMatchObject({ m })
    expect(makeConfig({ dimension: 1, m: 2, efConstruction: 1, ef: 1 }).dimension).toBe(1)
  })

  test.each<[string, ConfigInput]>([
    ['dimension', { dimension: 0 }],
    ['dimension', { dimension: -1 }],
    ['dimension', { dimension: 1.5 }],
    ['dimension', { dimension: Number.NaN }],
    ['dimension', { dimension: limits.dimension + 1 }],
    ['metric', { dimension: 1, metric: 'euclidean' }],
    ['metric', { dimension: 1, metric: '' }],
    ['metric', { dimension: 1, metric: 'toString' }],
    ['index', { dimension: 1, index: 'ivfflat' }],
    ['lists', { dimension: 1, index: 'ivf', lists: 0 }],
    ['lists', { dimension: 1, lists: 16 }],
    ['nprobe', { dimension: 1, index: 'ivf', nprobe: limits.ivfLists + 1 }],
    ['m', { dimension: 1, index: 'ivf', m: 16 }],
    ['durability', { dimension: 1, durability: 'never' }],
    ['the interval', { dimension: 1, durability: 'interval', intervalMs: 0 }],
    ['an interval', { dimension: 1, intervalMs: 10 }],
    ['m', { dimension: 1, m: 1 }],
    ['m', { dimension: 1, m: limits.hnswM + 1 }],
    ['efConstruction', { dimension: 1, efConstruction: 0 }],
    ['efConstruction', { dimension: 1, efConstruction: Number.POSITIVE_INFINITY }],
    ['ef', { dimension: 1, ef: limits.searchEf + 1 }],
    ['m', { dimension: 1, index: 'flat', m: 16 }],
    ['efConstruction', { dimension: 1, index: 'flat', efConstruction: 200 }],
    ['ef', { dimension: 1, index: 'flat', ef: 1 }],
  ])('is refused with a wrong %s, which is named', (name, input) => {
    expect(() => makeConfig(input)).toThrow(
      expect.objectContaining({
        code: 'invalid-config',
        exitCode: 2,
        message: expect.stringMatching(new RegExp(`^${name} `)),
      }),
    )
  })

  test('is read back as it was written, whatever its kind', () => {
    for (const metric of metrics) {
      for (const index of indexKinds) {
        const config = makeConfig({ dimension: 3, metric, index })
        expect(decode(encodeConfig(config))).toEqual(config)
      }
    }
  })

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('config, hnsw', file, encodeConfig(hnsw), decode)).toEqual([])
    expect(flipEveryBit('config, flat', file, encodeConfig(flat), decode)).toEqual([])
  })

  test('case 21: is refused when it is cut anywhere or grown', () => {
    const good = encodeConfig(hnsw)
    for (let length = 0; length < good.length; length++) {
      expect(() => decode(good.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file } }),
      )
    }
    expect(() => decode(Buffer.concat([good, Buffer.alloc(1)]))).toThrow(/damaged/)
  })

  test('of version 1 is durable always', () => {
    const { durability: _, ...old } = hnsw
    expect(decode(sealed(old, 1))).toEqual(hnsw)
  })

  test('case 23: of a newer version is refused with the advice to upgrade', () => {
    expect(() => decode(sealed(hnsw, 3))).toThrow(
      expect.objectContaining({ code: 'newer-format', hint: expect.stringMatching(/upgrade/i) }),
    )
  })

  test.each<[string, object]>([
    ['dimension', { ...hnsw, dimension: 0 }],
    ['dimension', { ...hnsw, dimension: limits.dimension + 1 }],
    ['dimension', { ...hnsw, dimension: '384' }],
    ['metric', { ...hnsw, metric: 'l1' }],
    ['index', { dimension: 1, metric: 'l2' }],
    ['index.kind', { ...hnsw, index: { kind: 'tree' } }],
    ['index.nprobe', { ...hnsw, index: { kind: 'ivf', lists: 4, nprobe: 0 } }],
    ['durability.mode', { ...hnsw, durability: { mode: 'never' } }],
    ['durability.intervalMs', { ...hnsw, durability: { mode: 'interval', intervalMs: 1e9 } }],
    ['index.m', { ...hnsw, index: { ...hnsw.index, m: 1 } }],
    ['index.m', { ...hnsw, index: { kind: 'hnsw', efConstruction: 200, ef: 100 } }],
    ['index.efConstruction', { ...hnsw, index: { ...hnsw.index, efConstruction: 1e9 } }],
    ['index.ef', { ...hnsw, index: { ...hnsw.index, ef: 0.5 } }],
  ])('that is sealed but has a wrong %s is damage that names it', (path, body) => {
    expect(() => decode(sealed(body))).toThrow(
      expect.objectContaining({
        code: 'damaged',
        place: { file },
        message: expect.stringContaining(`${path} `),
      }),
    )
  })
})
