import { describe, expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import {
  type Catalogue,
  type CatalogueEntry,
  collectionDirectory,
  decodeCatalogue,
  encodeCatalogue,
} from '../../../engine/format/catalogue.ts'
import { encodeDocument } from '../../../engine/format/document.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { identity } from './samples.ts'

printSweeps()

const file = '/data/catalogue.json'
const decode = (bytes: Uint8Array) => decodeCatalogue(bytes, file)

const { uuid, epoch } = identity
const entry: CatalogueEntry = { directory: collectionDirectory(uuid, epoch.history), uuid }
const leftover = collectionDirectory(uuid, 'fedcba9876543210')
const sample: Catalogue = {
  sequence: 5,
  collections: new Map([['items', entry]]),
  aliases: new Map([['items-live', 'items']]),
  leftovers: [leftover],
}
const body = {
  sequence: 5,
  collections: [{ name: 'items', ...entry }],
  aliases: [{ alias: 'items-live', collection: 'items' }],
  leftovers: [leftover],
}
const sealed = (changed: object, version = 2) =>
  encodeDocument({ format: 'vectra-catalogue', version }, { ...body, ...changed })

describe('a catalogue', () => {
  test('is read back as it was written', () => {
    expect(decode(encodeCatalogue(sample))).toEqual(sample)
    const empty: Catalogue = {
      sequence: 1,
      collections: new Map(),
      aliases: new Map(),
      leftovers: [],
    }
    expect(decode(encodeCatalogue(empty))).toEqual(empty)
    expect(sealed({})).toEqual(encodeCatalogue(sample))
  })

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('catalogue', file, encodeCatalogue(sample), decode)).toEqual([])
  })

  test('case 21, case 22: is refused when it is cut anywhere, or followed by anything', () => {
    const good = encodeCatalogue(sample)
    for (let length = 0; length < good.length; length++) {
      expect(() => decode(good.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'damaged', place: { file } }),
      )
    }
    expect(() => decode(Buffer.concat([good, good]))).toThrow(/damaged/)
  })

  test('case 23: of a newer version is refused with the advice to upgrade', () => {
    expect(() => decode(sealed({}, 3))).toThrow(
      expect.objectContaining({ code: 'newer-format', hint: expect.stringMatching(/upgrade/i) }),
    )
  })

  test('keeps names that are properties of every object', () => {
    const names = ['toString', 'hasOwnProperty', '__proto__', '_']
    const collections = new Map(names.map((name) => [name, entry]))
    const aliases = new Map([['constructor', '__proto__']])
    const decoded = decode(encodeCatalogue({ ...sample, collections, aliases }))
    expect([...decoded.aliases]).toEqual([...aliases])
    expect([...decoded.collections.keys()]).toEqual(names)
    expect(decoded.collections.get('constructor')).toBeUndefined()
  })

  test('of version 1 has no aliases', () => {
    const { aliases: _, ...old } = body
    expect(decode(encodeDocument({ format: 'vectra-catalogue', version: 1 }, old))).toEqual({
      ...sample,
      aliases: new Map(),
    })
  })

  const aliased = (alias: unknown, collection: unknown = 'items') => ({
    aliases: [{ alias, collection }],
  })
  const named = (name: unknown) => ({ collections: [{ name, ...entry }] })
  const inDirectory = (directory: unknown) => ({ collections: [{ name: 'a', uuid, directory }] })
  test.each<[string, object]>([
    ['a name with ..', named('..')],
    ['a name with a slash', named('a/b')],
    ['an empty name', named('')],
    ['a device as its name', named('con')],
    ['a number as its name', named(5)],
    ['one name twice', { collections: [...body.collections, ...body.collections] }],
    ['a directory elsewhere', inDirectory('../../etc')],
    ['a directory further down', inDirectory(`${entry.directory}/x`)],
    ['an absolute directory', inDirectory(`/${entry.directory}`)],
    ['no directory', inDirectory(null)],
    ['a wrong UUID', { collections: [{ name: 'a', ...entry, uuid: 'x' }] }],
    ['a leftover elsewhere', { leftovers: ['..'] }],
    ['an alias with a slash', aliased('a/b')],
    ['an alias that is a collection', aliased('items')],
    ['an alias of nothing', aliased('live', 'gone')],
    ['one alias twice', { aliases: [...body.aliases, ...body.aliases] }],
    ['a leftover that is no text', { leftovers: [5] }],
    ['no leftovers', { leftovers: null }],
    ['no sequence', { sequence: 0 }],
    ['no list of collections', { collections: {} }],
  ])('that is sealed but holds %s is damage', (_, changed) => {
    expect(() => decode(sealed(changed))).toThrow(
      expect.objectContaining({ code: 'damaged', exitCode: 13, place: { file } }),
    )
  })

  test('above its bounds is not written: it could not be read back', () => {
    const entries = (count: number) =>
      new Map(Array.from({ length: count }, (_, index) => [`c${index}`, entry]))
    const full: Catalogue = {
      sequence: 1,
      collections: entries(limits.collections),
      aliases: new Map(),
      leftovers: new Array(limits.collections).fill(leftover),
    }
    expect(decode(encodeCatalogue(full)).collections.size).toBe(limits.collections)
    for (const changed of [
      { collections: entries(limits.collections + 1) },
      { leftovers: [...full.leftovers, leftover] },
    ]) {
      expect(() => encodeCatalogue({ ...full, ...changed })).toThrow(
        expect.objectContaining({ code: 'limit-exceeded', hint: expect.stringMatching(/./) }),
      )
    }
  })
})
