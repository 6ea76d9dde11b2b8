import { describe, expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { encodeDocument } from '../../../engine/format/document.ts'
import {
  decodeManifest,
  encodeManifest,
  filesOf,
  isCollectionPath,
  type Manifest,
  manifestName,
  manifestSequence,
  type SegmentEntry,
  segmentPath,
  truthNumber,
} from '../../../engine/format/manifest.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { fileEntry, sampleManifest } from './samples.ts'

printSweeps()

const file = '/data/manifest-0000000007.json'
const decode = (bytes: Uint8Array) => decodeManifest(bytes, file)
const sealed = (changed: object, version = 2) =>
  encodeDocument({ format: 'vectra-manifest', version }, { ...sampleManifest, ...changed })

const [first, second] = sampleManifest.segments as [SegmentEntry, SegmentEntry] // the sample has two
const withFirst = (changed: object) => ({ segments: [{ ...first, ...changed }, second] })

describe('a manifest', () => {
  test('is read back as it was written', () => {
    const empty: Manifest = {
      ...sampleManifest,
      segments: [],
      restoredFrom: null,
      lsn: 0,
      count: 0,
    }
    for (const manifest of [sampleManifest, empty]) {
      expect(decode(encodeManifest(manifest))).toEqual(manifest)
    }
    expect(sealed({})).toEqual(encodeManifest(sampleManifest))
  })

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('manifest', file, encodeManifest(sampleManifest), decode)).toEqual([])
  })

  test('case 21: is refused when it is cut anywhere', () => {
    const good = encodeManifest(sampleManifest)
    for (let length = 0; length < good.length; length++) {
      expect(() => decode(good.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file } }),
      )
    }
  })

  test('case 22: is refused with garbage after it', () => {
    const good = encodeManifest(sampleManifest)
    for (const garbage of ['\n', '\0', ' ', '{}\n', 'x'.repeat(4096), good.toString()]) {
      expect(() => decode(Buffer.concat([good, Buffer.from(garbage)]))).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file } }),
      )
    }
  })

  test('case 23: of a newer version is refused with the advice to upgrade', () => {
    expect(() => decode(sealed({}, 3))).toThrow(
      expect.objectContaining({
        code: 'newer-format',
        place: { file },
        hint: expect.stringMatching(/upgrade/i),
      }),
    )
  })

  test('case 19: is not taken for a config, nor a config for it', () => {
    const config = encodeDocument({ format: 'vectra-config', version: 1 }, sampleManifest)
    expect(() => decode(config)).toThrow(/not a vectra-manifest/)
  })

  const path = (changed: string) => withFirst({ vectors: fileEntry(changed) })
  test.each<[string, object]>([
    ['sequence', { sequence: 0 }],
    ['name', { name: 5 }],
    ['uuid', { uuid: 'x' }],
    ['epoch', { epoch: 3 }],
    ['epoch.number', { epoch: { number: 0, history: '0'.repeat(16) } }],
    ['epoch.number', { epoch: { number: 2 ** 32, history: '0'.repeat(16) } }],
    ['epoch.history', { epoch: { number: 1, history: '../../..' } }],
    ['lsn', { lsn: -1 }],
    ['lsn', { lsn: 2 ** 53 }],
    ['chain', { chain: 2 ** 32 }],
    ['committedAtUs', { committedAtUs: 1.5 }],
    ['count', { count: null }],
    ['digest', { digest: 'D'.repeat(64) }],
    ['nextSegment', { nextSegment: 0 }],
    ['config', { config: '' }],
    ['segments', { segments: null }],
    ['segments[0]', { segments: [null] }],
    ['segments[0].number', withFirst({ number: 0 })],
    ['segments[0].number', withFirst({ number: 100_000_000 })],
    ['segments[0].count', withFirst({ count: 0 })],
    ['segments[0].count', withFirst({ count: limits.segmentPointsRead + 1 })],
    ['segments[0].vectors', withFirst({ vectors: null })],
    ['segments[0].points', withFirst({ points: 'segments/00000001.points' })],
    ['segments[0].graph', withFirst({ graph: 5 })],
    ['segments[0].vectors.path', path('../../etc/passwd')],
    ['segments[0].vectors.path', path('/segments/00000001.vectors')],
    ['segments[0].vectors.path', path('segments/../00000001.vectors')],
    ['segments[0].vectors.path', path('segments/00000001.vectors\n')],
    ['segments[0].vectors.path', path('segments/1.vectors')],
    ['segments[0].vectors.sizeBytes', withFirst({ vectors: { ...first.vectors, sizeBytes: 0 } })],
    ['segments[0].vectors.pieces', withFirst({ vectors: { ...first.vectors, pieces: [] } })],
    ['segments[0].vectors.pieces[0]', withFirst({ vectors: { ...first.vectors, pieces: ['x'] } })],
    ['restoredFrom', { restoredFrom: 5 }],
    ['restoredFrom.snapshotId', { restoredFrom: {} }],
  ])('that is sealed but has a wrong %s is damage that names it', (field, changed) => {
    expect(() => decode(sealed(changed))).toThrow(
      expect.objectContaining({
        code: 'damaged',
        place: { file },
        message: expect.stringContaining(`: ${field} `),
      }),
    )
  })

  test('case 19: whose paths are of another segment or another part is refused', () => {
    for (const [part, wrong] of [
      ['vectors', 'segments/00000002.vectors'],
      ['vectors', 'segments/00000001.points'],
      ['vectors', 'segments/00000001.0000000000000041.vectors'],
      ['points', 'segments/00000001.vectors'],
      ['graph', 'segments/00000002.graph'],
      ['graph', 'segments/00000001xgraph'],
      ['tombstones', 'segments/00000001.tombstones'],
      ['tombstones', 'segments/00000002.0000000000000041.tombstones'],
      ['tombstones', 'segments/00000001x0000000000000041.tombstones'],
    ] as const) {
      expect(() => decode(sealed(withFirst({ [part]: fileEntry(wrong) }))), wrong).toThrow(
        expect.objectContaining({
          code: 'damaged',
          message: expect.stringContaining(`segments[0].${part}.path `),
        }),
      )
    }
  })

  test('names a hash for each piece of a file, no more and no less', () => {
    const sizeBytes = 2 * limits.pieceBytes + 1
    const pieces = (count: number) =>
      withFirst({
        vectors: { ...first.vectors, sizeBytes, pieces: new Array(count).fill('a'.repeat(64)) },
      })
    expect(decode(sealed(pieces(3))).segments[0]?.vectors.pieces).toHaveLength(3)
    for (const count of [0, 1, 2, 4]) {
      expect(() => decode(sealed(pieces(count))), `${count} pieces`).toThrow(/pieces has/)
    }
  })

  test('whose segment numbers do not rise, or reach the next one, is refused', () => {
    const wrong = [
      { segments: [first, first] },
      { segments: [second, first] },
      { nextSegment: 3 },
      { nextSegment: 1 },
    ]
    for (const changed of wrong) {
      expect(() => decode(sealed(changed))).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file } }),
      )
    }
  })

  test('names every file of its state', () => {
    expect(filesOf(sampleManifest).map(({ path: name }) => name)).toEqual([
      'segments/00000001.vectors',
      'segments/00000001.points',
      'segments/00000001.graph',
      'segments/00000001.0000000000000007.truth',
      'segments/00000001.0000000000000041.tombstones',
      'segments/00000003.vectors',
      'segments/00000003.points',
      'segments/00000003.lists',
    ])
    for (const { path: name } of filesOf(sampleManifest)) expect(isCollectionPath(name)).toBe(true)
  })
})

describe('the names of files', () => {
  test('carry sequence, segment and LSN, and sort as these do', () => {
    expect(manifestName(7)).toBe('manifest-0000000007.json')
    expect(manifestSequence(manifestName(7))).toBe(7)
    expect([manifestName(9), manifestName(10)].sort()).toEqual([manifestName(9), manifestName(10)])
    expect(segmentPath(3, 'graph')).toBe('segments/00000003.graph')
    expect(segmentPath(3, 'tombstones', 41)).toBe('segments/00000003.0000000000000041.tombstones')
    expect(truthNumber(segmentPath(3, 'truth', 41))).toBe(41)
  })

  test('of no manifest have no sequence', () => {
    for (const name of [
      'manifest-7.json',
      'manifest-0000000007.json.tmp',
      'manifest-0000000007.json\n',
      'x/manifest-0000000007.json',
      'manifest-00000000x7.json',
    ]) {
      expect(manifestSequence(name), name).toBeUndefined()
    }
  })

  test('that lead elsewhere are no paths of a collection', () => {
    for (const path of [
      '',
      '.',
      '..',
      '/config.json',
      './config.json',
      '../config.json',
      'config.json/..',
      'config.json\n',
      'CONFIG.JSON',
      'segments/../config.json',
      'segments/00000001.vectors/../../x',
      'segments\\00000001.vectors',
      'segments/00000001.exe',
      'wal/0000000000000001.wal',
      'wal/../../0000000000000001.wal',
      'watermark',
      'segments/00000001.vectors\0',
      'segments/०००००००१.vectors', // digits, but not ASCII
    ]) {
      expect(isCollectionPath(path), JSON.stringify(path)).toBe(false)
    }
  })
})
