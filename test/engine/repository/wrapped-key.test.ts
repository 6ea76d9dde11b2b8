import { describe, expect, it } from 'vitest'
import { Fields } from '../../../engine/format/fields.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import {
  makeDataKey,
  readWrappedKey,
  unwrapDataKey,
  type WrappedKey,
  wrapDataKey,
} from '../../../engine/repository/wrapped-key.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const random = seededRandom(17)
const repository = '5d9ee454-b8d6-452d-ba2a-69bfa0f3a4eb'
const place = '/backups/repository.json'
const cost = { n: 16, r: 8, p: 1 }
const naming = { label: 'mine', nowMs: 0, cost }
const bytes = random.bytes(32)
const randomKey = new RepositoryKey(bytes.toString('base64'))
const passphrase = new RepositoryKey('correct horse battery staple')
const dataKey = makeDataKey()

const wrap = (key: RepositoryKey) => wrapDataKey(dataKey, repository, key, naming)
const unwrap = (entry: WrappedKey, key: RepositoryKey, id = repository) =>
  unwrapDataKey(entry, id, key, place)

describe('a wrapped data key', () => {
  it('is opened by its key only, random or passphrase', async () => {
    for (const key of [randomKey, passphrase]) {
      const entry = await wrap(key)
      expect(entry.scrypt).toEqual(key === randomKey ? null : cost)
      expect(await unwrap(entry, key)).toEqual(dataKey)
      for (const other of [
        new RepositoryKey(random.bytes(32).toString('hex')),
        new RepositoryKey('correct horse battery stapler'),
        new RepositoryKey(''),
      ]) {
        expect(await unwrap(entry, other)).toBeUndefined()
      }
    }
  })

  it('takes a random key in hex, base64 and base64url alike', async () => {
    const entry = await wrap(randomKey)
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(await unwrap(entry, new RepositoryKey(bytes.toString(encoding)))).toEqual(dataKey)
    }
    expect(await unwrap(entry, new RepositoryKey(bytes.toString('hex').toUpperCase()))).toEqual(
      dataKey,
    )
  })

  it('takes a passphrase however its accents are composed', async () => {
    const entry = await wrap(new RepositoryKey('ein Schlüssel für alle'))
    const decomposed = new RepositoryKey('ein Schlüssel für alle'.normalize('NFD'))
    expect(await unwrap(entry, decomposed)).toEqual(dataKey)
  })

  it('refuses a passphrase that is easily guessed', async () => {
    await expect(wrap(new RepositoryKey('too short'))).rejects.toMatchObject({ code: 'usage' })
  })

  it('hides the data key and the key, and is another one each time', async () => {
    const texts = await Promise.all([wrap(randomKey), wrap(randomKey)])
    expect(texts[0]?.wrapped).not.toBe(texts[1]?.wrapped)
    const all = JSON.stringify(texts)
    for (const secret of [dataKey, bytes]) {
      expect(all).not.toContain(secret.toString('hex'))
      expect(all).not.toContain(secret.toString('base64'))
    }
  })

  it('case 88: is damaged when any bit of it was changed, or it is of another repository', async () => {
    const entry = await wrap(randomKey)
    const other = 'e1e49202-68fa-47c6-bc6a-07c37495bd8b'
    await expect(unwrap(entry, randomKey, other)).rejects.toMatchObject({ code: 'damaged' })
    for (let bit = 0; bit < entry.wrapped.length * 4; bit++) {
      const box = Buffer.from(entry.wrapped, 'hex')
      box.writeUInt8(box.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const changed = { ...entry, wrapped: box.toString('hex') }
      await expect(unwrap(changed, randomKey), `bit ${bit}`).rejects.toMatchObject({
        code: 'damaged',
        place: { file: place },
      })
    }
    const salted = { ...entry, salt: random.bytes(32).toString('hex') }
    expect(await unwrap(salted, randomKey)).toBeUndefined()
  })

  it('case 86: costs no more to try than a writer may ask for', async () => {
    const entry = await wrap(passphrase)
    const read = (scrypt: object) =>
      readWrappedKey(new Fields({ ...entry, scrypt: { ...scrypt } }, place), place)
    expect(read(cost)).toEqual(entry)
    for (const bad of [
      { ...cost, n: 2 ** 40 },
      { ...cost, n: 2 ** 20, r: 64 },
      { ...cost, n: 1_000 },
      { ...cost, n: 1 },
      { ...cost, p: 1_000_000 },
      { n: 2 ** 17, r: 8, p: 3 },
      { ...cost, r: 0 },
    ]) {
      expect(() => read(bad)).toThrow(expect.objectContaining({ code: 'damaged' }))
    }
  })
})

describe('a key', () => {
  it('case 94: does not turn into text by itself', async () => {
    const { inspect } = await import('node:util')
    const secret = 'canary-5f1d9a77-secret'
    const key = new RepositoryKey(secret)
    const texts = [String(key), `${key}`, JSON.stringify({ key }), inspect({ key }, { depth: 9 })]
    for (const text of texts) expect(text).not.toContain('canary')
    expect(key.reveal()).toBe(secret)
  })
})
