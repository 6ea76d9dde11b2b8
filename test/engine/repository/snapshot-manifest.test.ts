import { describe, expect, it } from 'vitest'
import { encodeDocument } from '../../../engine/format/document.ts'
import { decodeSnapshot } from '../../../engine/repository/decode-snapshot.ts'
import {
  checkFits,
  encodeSnapshot,
  parseSnapshotKey,
  type SnapshotManifest,
  snapshotKey,
} from '../../../engine/repository/snapshot-manifest.ts'
import { sampleManifest } from './sample-manifest.ts'

const file = '/repo/snapshots/products/daily_1.json'
const bytes = encodeSnapshot(sampleManifest())

/** Whatever a liar may write, with a valid hash. */
const forge = (body: object, version = 2): Buffer =>
  encodeDocument({ format: 'vectra-snapshot', version }, body)

const codeOf = (input: Uint8Array): string => {
  try {
    decodeSnapshot(input, file)
    return 'accepted'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error) // what is thrown is checked by its code
  }
}

describe('a snapshot manifest', () => {
  it('comes back as it was written', () => {
    expect(decodeSnapshot(bytes, file)).toEqual(sampleManifest())
  })

  it('comes back without golden queries, provenance, commits or parent', () => {
    const manifest = sampleManifest({
      lsn: 0,
      committedAtUs: 0,
      count: 0,
      golden: { k: 10, queries: [], recall: null, latencyMs: null, measuredIn: 'daily_1' },
      provenance: { ...sampleManifest().provenance, embedding: null },
      parent: 'daily_0',
      config: {
        dimension: 1,
        metric: 'ip',
        index: { kind: 'flat' },
        durability: { mode: 'always' },
      },
    })
    expect(decodeSnapshot(encodeSnapshot(manifest), file)).toEqual(manifest)
  })

  describe('with questions that are no stored points', () => {
    const ask = (vector: unknown): SnapshotManifest => {
      const { golden, ...rest } = sampleManifest()
      const queries = golden.queries.map((each) => ({ ...each, vector: vector as string })) // whatever a liar writes
      return { ...rest, golden: { ...golden, queries } }
    }
    const floats = (...values: number[]) =>
      Buffer.from(Float32Array.from(values).buffer).toString('base64')
    const sound = ask(floats(1, 2, 3, -4.5))

    it('comes back as it was written, as version 3, which older readers refuse', () => {
      const written = encodeSnapshot(sound)
      expect(written.toString()).toContain('"version":3}')
      expect(decodeSnapshot(written, file)).toEqual(sound)
    })

    it('is damaged as version 2, and with a vector that is none', () => {
      expect(codeOf(encodeSnapshot(sound, 2))).toBe('damaged')
      const wrong = [7, '', floats(1, 2, 3), floats(1, 2, 3, Number.NaN), `${floats(1, 2, 3, 4)} `]
      expect(wrong.map((each) => codeOf(encodeSnapshot(ask(each), 3)))).toEqual(
        wrong.map(() => 'damaged'),
      )
    })
  })

  it('is one line of canonical JSON', () => {
    expect(bytes.toString()).toMatch(/^\{"aliases":\[\],"asOfAt".*"version":2\}\n$/)
  })

  it('case 13: no single flipped bit passes', () => {
    const accepted: string[] = []
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
        const code = codeOf(damaged)
        if (!['damaged', 'newer-format', 'unsafe-name'].includes(code)) {
          accepted.push(`byte ${at} bit ${bit}: ${code}`)
        }
      }
    }
    expect(accepted).toEqual([])
  })

  it('case 21: no truncation passes, from empty on', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOf(bytes.subarray(0, length)), `${length} bytes`).toBe('damaged')
    }
  })

  it.each(['\n', ' ', '\0', '}', '{}', bytes.toString()])(
    'case 22: trailing %j is refused',
    (garbage) => {
      expect(codeOf(Buffer.concat([bytes, Buffer.from(garbage)]))).toBe('damaged')
      expect(codeOf(Buffer.concat([Buffer.from(garbage), bytes]))).toBe('damaged')
    },
  )

  it('case 23: a newer version is refused, with the hint to upgrade', () => {
    const newer = forge({ ...sampleManifest(), somethingNew: true }, 4)
    expect(() => decodeSnapshot(newer, file)).toThrow(
      expect.objectContaining({
        code: 'newer-format',
        exitCode: 13,
        hint: expect.stringMatching(/upgrade/i),
        place: { file },
      }),
    )
  })

  it('is refused when it is another document', () => {
    expect(
      codeOf(encodeDocument({ format: 'vectra-repository', version: 1 }, sampleManifest())),
    ).toBe('damaged')
  })

  it('is refused with an invalid byte in place of a replacement character', () => {
    const at = bytes.indexOf(Buffer.from('\uFFFD'))
    const invalid = Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from([0xff]),
      bytes.subarray(at + 3),
    ])
    expect(codeOf(invalid)).toBe('damaged')
  })

  it('is known to be too large before anything is stored', () => {
    const tooLarge = { code: 'limit-exceeded' }
    const gib = 1024 ** 3
    expect(() => checkFits([{ sizeBytes: 4096 * gib }])).not.toThrow()
    expect(() => checkFits([{ sizeBytes: 8192 * gib }])).toThrow(expect.objectContaining(tooLarge))
    const many = Array.from({ length: 100_001 }, () => ({ sizeBytes: 1 }))
    expect(() => checkFits(many)).toThrow(expect.objectContaining(tooLarge))
  })

  it('is not written when it could not be read back', () => {
    const neighbours = Array.from({ length: 10_000 }, (_, id) => ({
      id: `${id}`.padEnd(1000, 'x'),
      distance: 1,
    }))
    const queries = Array.from({ length: 4 }, (_, id) => ({ id, neighbours }))
    const golden = { ...sampleManifest().golden, queries }
    expect(() => encodeSnapshot(sampleManifest({ golden }))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    )
  })
})

describe('a forged manifest with a valid hash', () => {
  const withFile = (path: unknown) => ({
    ...sampleManifest(),
    files: [{ path, sizeBytes: 0, pieces: [] }],
    sizes: { totalBytes: 0, addedBytes: 0 },
  })

  it.each([
    '../x',
    '/etc/x',
    'C:\\x',
    'c:/x',
    'a/../../b',
    'segments/../../../x',
    'segments/00000001.vectors\0',
    'segments/00000001.vectors/../x',
    './segments/00000001.vectors',
    'segments//00000001.vectors',
    'segments\\00000001.vectors',
    '\u2024\u2024/x',
    '\uFF0E\uFF0E\uFF0Fx',
    'segments\u2215x',
    'segments\uFF0F00000001.vectors',
    'segments/0000000\u0661.vectors',
    'segments/00000001.vect\u043Ers',
    'segments/00000001.vectors\n',
    'SEGMENTS/00000001.vectors',
    'catalogue.json',
    'LOCK',
    'restore.json',
    'wal',
    'segments/',
    '',
    '.',
    '~/x',
    'CON',
    'watermark',
    'manifest-0000000001.json.tmp',
  ])('case 83: the path %j is refused', (path) => {
    expect(codeOf(forge(withFile(path)))).toBe('unsafe-name')
  })

  it('case 83: paths that a collection has are taken', () => {
    for (const { path } of sampleManifest().files) {
      expect(codeOf(forge(withFile(path)))).toBe('accepted')
    }
  })

  it.each(['../x', '/x', '', '..', 'a b', 'ünïcode', 'con', 'a/b', 'x.'])(
    'case 83: the names %j are refused',
    (name) => {
      const { collection } = sampleManifest()
      expect(codeOf(forge({ ...sampleManifest(), id: name }))).toBe('unsafe-name')
      expect(codeOf(forge({ ...sampleManifest(), parent: name }))).toBe('unsafe-name')
      expect(codeOf(forge({ ...sampleManifest(), aliases: [name] }))).toBe('unsafe-name')
      const renamed = { ...sampleManifest(), collection: { ...collection, name } }
      expect(codeOf(forge(renamed))).toBe('unsafe-name')
    },
  )

  const { files, golden, provenance, config } = sampleManifest()
  const first = files[0]
  const wrong: Record<string, Partial<Record<keyof SnapshotManifest, unknown>> & object> = {
    'an unknown field': { surprise: 1 } as object,
    'a missing field': { digest: undefined },
    'a digest that is none': { digest: 'd'.repeat(63) },
    'upper-case hex': { digest: 'D'.repeat(64) },
    'a negative LSN': { lsn: -1 },
    'an LSN with a fraction': { lsn: 1.5 },
    'a count in text': { count: '2' },
    'an epoch without history': { epoch: { number: 1 } },
    'a local time': { createdAt: '2026-01-01T00:00:02' },
    'another time zone': { asOfAt: '2026-01-01T00:00:02.000+01:00' },
    'an unknown mode': { mode: 'differential' },
    'an unknown index': { config: { ...config, index: { kind: 'ivf' } } },
    'an index beyond bounds': {
      config: { ...config, index: { kind: 'hnsw', m: 1e6, efConstruction: 1, ef: 1 } },
    },
    'a file named twice': {
      files: [...files, first],
      sizes: { totalBytes: 33_554_443, addedBytes: 0 },
    },
    'too few pieces': {
      files: [{ ...first, pieces: [] }],
      sizes: { totalBytes: 16_777_217, addedBytes: 0 },
    },
    'too many pieces': {
      files: [{ ...first, sizeBytes: 1 }],
      sizes: { totalBytes: 1, addedBytes: 0 },
    },
    'a piece with a path for a hash': {
      files: [{ path: 'config.json', sizeBytes: 1, pieces: [{ sha256: '../../../etc/passwd' }] }],
      sizes: { totalBytes: 1, addedBytes: 0 },
    },
    'a size beyond 2^53': { files: [{ ...first, sizeBytes: 2 ** 60 }] },
    'sizes that do not add up': { sizes: { totalBytes: 1, addedBytes: 0 } },
    'a golden query without neighbours': { golden: { ...golden, queries: [{ id: 1 }] } },
    'a golden id that is none': { golden: { ...golden, queries: [{ id: -1, neighbours: [] }] } },
    'a golden distance in text': {
      golden: { ...golden, queries: [{ id: 1, neighbours: [{ id: 2, distance: '0' }] }] },
    },
    'an unknown golden field': {
      golden: { ...golden, queries: [{ id: 1, neighbours: [], weight: 1 }] },
    },
    'a recall above 1': { golden: { ...golden, recall: 1.5 } },
    'k of nothing': { golden: { ...golden, k: 0 } },
    'a very long host': { provenance: { ...provenance, host: 'h'.repeat(1000) } },
    'an embedding of text': { provenance: { ...provenance, embedding: 'model' } },
    'a prototype key': {
      provenance: { ...provenance, embedding: JSON.parse('{"__proto__": {"polluted": 1}}') },
    },
  }

  it.each(Object.entries(wrong))('is refused with %s', (_, change) => {
    expect(codeOf(forge({ ...sampleManifest(), ...change }))).toBe('damaged')
    expect(Object.prototype).not.toHaveProperty('polluted')
  })

  it('is refused with a key given twice', () => {
    const twice = bytes.toString().replace('"lsn":42,', '"lsn":41,"lsn":42,')
    expect(codeOf(Buffer.from(twice))).toBe('damaged')
  })

  const hostile: Record<string, () => Buffer> = {
    'nested 10,000 deep': () => Buffer.from(`${'['.repeat(10_000)}${']'.repeat(10_000)}`),
    'nested 200,000 deep in a field': () =>
      Buffer.from(
        `{"format":"vectra-snapshot","version":1,"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
      ),
    'of 10 million entries': () => Buffer.from(`[${'0,'.repeat(10_000_000)}0]`),
    'of 10 million objects': () => Buffer.from(`[${'{},'.repeat(10_000_000)}{}]`),
    'of 33 MiB of text': () => Buffer.alloc(33 * 1024 * 1024, 'x'),
  }
  it.each(Object.entries(hostile))('case 86: %s is refused within a second', (_, make) => {
    const input = make()
    const before = performance.now()
    expect(codeOf(input)).toBe('damaged')
    expect(performance.now() - before).toBeLessThan(1000)
  })
})

describe('the key of a snapshot', () => {
  it('says which snapshot it is', () => {
    expect(parseSnapshotKey(snapshotKey('products', 'daily_1'))).toEqual({
      collection: 'products',
      id: 'daily_1',
    })
  })

  it.each([
    'snapshots/products',
    'snapshots/products/x.json.tmp',
    'snapshots/a/b/c.json',
    'snapshots/../x.json',
    'snapshots/products/.json',
    'snapshots/p q/x.json',
    'objects/aa/x.json',
    'snapshots/products/x.JSON',
  ])('%j is none', (key) => {
    expect(parseSnapshotKey(key)).toBeUndefined()
  })
})
