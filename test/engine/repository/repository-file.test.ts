import { describe, expect, it } from 'vitest'
import { encodeDocument } from '../../../engine/format/document.ts'
import { makeEncryption } from '../../../engine/repository/key-ring.ts'
import {
  decodeRepositoryFile,
  encodeRepositoryFile,
} from '../../../engine/repository/repository-file.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { flipEveryBit, printSweeps } from '../format/flip-bits.ts'

const random = seededRandom(23)
const place = '/backups/repository.json'
const id = '5d9ee454-b8d6-452d-ba2a-69bfa0f3a4eb'
const createdAt = '2026-01-01T00:00:00.000Z'
const key = () => new RepositoryKey(random.bytes(32).toString('hex'))
const encryption = await makeEncryption(id, [key(), key()], 0)
const sealed = { id, createdAt, encryption }
const plain = { id, createdAt, encryption: null }

printSweeps()

describe('repository.json', () => {
  it('of an encrypted repository has version 2, and of a plain one still version 1', () => {
    const versionOf = (bytes: Buffer): unknown => JSON.parse(bytes.toString()).version
    expect(versionOf(encodeRepositoryFile(sealed))).toBe(2)
    expect(versionOf(encodeRepositoryFile(plain))).toBe(1)
    for (const file of [sealed, plain]) {
      expect(decodeRepositoryFile(encodeRepositoryFile(file), place)).toEqual(file)
    }
  })

  it('case 13: of an encrypted repository is refused with any bit flipped', () => {
    const bytes = encodeRepositoryFile(sealed)
    const harmless = flipEveryBit('repository.json, encrypted', place, bytes, (changed) =>
      decodeRepositoryFile(changed, place),
    )
    expect(harmless).toEqual([])
  })

  const [first, second] = encryption.keys
  const hostile: [what: string, encryption: unknown][] = [
    ['no keys', { ...encryption, keys: [] }],
    ['the same key twice', { ...encryption, keys: [first, first] }],
    ['two keys of one label', { ...encryption, keys: [first, { ...second, label: first?.label }] }],
    ['a thousand keys', { ...encryption, keys: Array(1_000).fill(first) }],
    ['another cipher', { ...encryption, cipher: 'none' }],
    ['a short wrapped key', { ...encryption, keys: [{ ...first, wrapped: 'ab' }] }],
    ['a label with an escape', { ...encryption, keys: [{ ...first, label: '\u001b[2J' }] }],
    ['an unknown field', { ...encryption, keys: [{ ...first, note: 'x' }] }],
    [
      'dear parameters',
      { ...encryption, keys: [{ ...first, scrypt: { n: 2 ** 30, r: 8, p: 1 } }] },
    ],
    ['a list', []],
    ['text', 'aes-256-gcm'],
  ]
  it.each(hostile)('case 86: hashed again with %s is damaged', (_, forged) => {
    const body = { id, createdAt, encryption: forged }
    const bytes = encodeDocument({ format: 'vectra-repository', version: 2 }, body)
    expect(() => decodeRepositoryFile(bytes, place)).toThrow(
      expect.objectContaining({ code: 'damaged', place: { file: place } }),
    )
  })

  it('of version 1 with encryption is damaged: no writer made it', () => {
    const kind = { format: 'vectra-repository', version: 2 }
    for (const [file, version] of [
      [sealed, 1],
      [plain, 2],
    ] as const) {
      expect(() => decodeRepositoryFile(encodeDocument(kind, file, version), place)).toThrow(
        /damaged/,
      )
    }
  })
})
