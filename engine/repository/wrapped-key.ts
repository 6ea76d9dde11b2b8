/**
 * The data key of an encrypted repository, wrapped by a key that a person holds.
 *
 * A person's key is 32 random bytes (64 hex digits, or base64) or else a passphrase, which scrypt
 * (RFC 7914) makes dear to guess. HKDF-SHA256 over it and a salt of its own gives 64 bytes: the first 32 wrap
 * the data key in a sealed box, the last 32 are stored as the commitment. By it a wrong key is told from a
 * damaged file, and no wrapped key can be made that two keys open. Every use of a data key is derived from
 * it, so wrapping it again changes nothing else.
 */
import { hkdf, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { seal, unseal } from '../base/sealed-box.ts'
import type { Fields } from '../format/fields.ts'
import { instantPattern, toInstant } from './instant.ts'
import { damaged } from './read-document.ts'
import type { RepositoryKey } from './repository-key.ts'

export interface ScryptCost {
  /** CPU and memory cost, a power of two; 128 × n × r bytes of memory. */
  readonly n: number
  readonly r: number
  readonly p: number
}

/** 128 MiB and about half a second. */
const usualCost: ScryptCost = { n: 2 ** 17, r: 8, p: 1 }

export interface WrappedKey {
  /** Which one it is, 16 hex digits, random. */
  readonly id: string
  /** What people call it. */
  readonly label: string
  /** ISO 8601. */
  readonly createdAt: string
  /** null: the key itself is random. */
  readonly scrypt: ScryptCost | null
  /** Hex, 32 bytes each. */
  readonly salt: string
  readonly commitment: string
  /** Hex: the sealed box of the data key. */
  readonly wrapped: string
}

export const DATA_KEY_BYTES = 32
const shortestPassphrase = 16

/** A new data key. Whoever holds it reads the repository. */
export const makeDataKey = (): Buffer => randomBytes(DATA_KEY_BYTES)

/** Wraps `dataKey` for the repository `repositoryId`. @throws `usage` when the key is easily guessed */
export async function wrapDataKey(
  dataKey: Uint8Array,
  repositoryId: string,
  key: RepositoryKey,
  { label, nowMs, cost = usualCost }: { label: string; nowMs: number; cost?: ScryptCost },
): Promise<WrappedKey> {
  const isRandom = randomKeyOf(key) !== undefined
  if (!isRandom && key.reveal().length < shortestPassphrase) {
    fail(
      'usage',
      `the key is neither 32 random bytes in hex or base64 nor a passphrase of at least ${shortestPassphrase} characters`,
      'Make one with "vectra-cli repository key generate", or choose a longer passphrase. Nothing was written.',
    )
  }
  const id = randomBytes(8).toString('hex')
  const salt = randomBytes(32).toString('hex')
  const chosen = isRandom ? null : cost
  const derived = await deriveKeys(key, { scrypt: chosen, salt })
  const wrapped = seal(
    { rootKey: derived.wrapping, label: labelOf(repositoryId, id) },
    dataKey,
  ).toString('hex')
  const commitment = derived.commitment.toString('hex')
  return { id, label, createdAt: toInstant(nowMs), scrypt: chosen, salt, commitment, wrapped }
}

/**
 * The data key, or undefined when `key` is not the one that wrapped it.
 * @throws `damaged` when it is, and the wrapped key was changed
 */
export async function unwrapDataKey(
  entry: WrappedKey,
  repositoryId: string,
  key: RepositoryKey,
  place: string,
): Promise<Buffer | undefined> {
  if ((randomKeyOf(key) !== undefined) !== (entry.scrypt === null)) return undefined
  const { wrapping, commitment } = await deriveKeys(key, entry)
  if (!timingSafeEqual(commitment, Buffer.from(entry.commitment, 'hex'))) return undefined
  const dataKey = Buffer.alloc(DATA_KEY_BYTES)
  const box = Buffer.from(entry.wrapped, 'hex')
  if (unseal({ rootKey: wrapping, label: labelOf(repositoryId, entry.id) }, box, dataKey))
    return dataKey
  return damaged(place, `its key ${entry.id} (${entry.label}) was changed`)
}

/** Reads an entry of `repository.json`; what it may cost to try a key on it is bounded. */
export function readWrappedKey(fields: Fields, file: string): WrappedKey {
  const scryptFields = fields.has('scrypt') ? fields.object('scrypt') : undefined
  const cost = scryptFields && {
    n: scryptFields.integer('n', 2),
    r: scryptFields.integer('r', 1),
    p: scryptFields.integer('p', 1),
  }
  if (cost !== undefined) {
    const isPower = Number.isInteger(Math.log2(cost.n))
    if (!isPower || 128 * cost.n * cost.r * cost.p > limits.scryptBytes) {
      damaged(file, 'its key derivation has parameters that no writer chooses')
    }
  }
  return {
    id: fields.text('id', /^[0-9a-f]{16}$/),
    label: fields.text('label', keyLabelPattern),
    createdAt: fields.text('createdAt', instantPattern),
    scrypt: cost ?? null,
    salt: fields.text('salt', /^[0-9a-f]{64}$/),
    commitment: fields.text('commitment', /^[0-9a-f]{64}$/),
    wrapped: fields.text('wrapped', /^[0-9a-f]{176}$/),
  }
}

/** What a key may be called. */
export const keyLabelPattern = /^[A-Za-z0-9][A-Za-z0-9._@ -]{0,63}$/

const labelOf = (repositoryId: string, keyId: string): string =>
  ['vectra-dr', repositoryId, 'data-key', keyId].join('\0')

const hkdfAsync = promisify(hkdf)
const scryptAsync: (
  secret: Buffer,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer> = promisify(scrypt)

interface DerivedKeys {
  readonly wrapping: Buffer
  readonly commitment: Buffer
}

/** A passphrase is stretched once, however often its repository is opened. */
const known = new WeakMap<RepositoryKey, Map<string, Promise<DerivedKeys>>>()

function deriveKeys(
  key: RepositoryKey,
  from: Pick<WrappedKey, 'scrypt' | 'salt'>,
): Promise<DerivedKeys> {
  const name = JSON.stringify([from.salt, from.scrypt])
  const ofKey = known.get(key) ?? new Map<string, Promise<DerivedKeys>>()
  known.set(key, ofKey)
  const derived = ofKey.get(name) ?? derive(key, from)
  ofKey.set(name, derived)
  return derived
}

async function derive(
  key: RepositoryKey,
  { scrypt: cost, salt }: Pick<WrappedKey, 'scrypt' | 'salt'>,
): Promise<DerivedKeys> {
  const saltBytes = Buffer.from(salt, 'hex')
  const secret = randomKeyOf(key) ?? (await stretch(key.reveal(), saltBytes, cost ?? usualCost))
  const bytes = Buffer.from(await hkdfAsync('sha256', secret, saltBytes, 'vectra-dr key 1', 64))
  return { wrapping: bytes.subarray(0, 32), commitment: bytes.subarray(32) }
}

const stretch = (passphrase: string, salt: Buffer, { n, r, p }: ScryptCost): Promise<Buffer> =>
  scryptAsync(Buffer.from(passphrase.normalize('NFC')), salt, 32, {
    N: n,
    r,
    p,
    maxmem: 2 * limits.scryptBytes,
  })

/** The 32 bytes that a key is, when it is written as such: 64 hex digits, base64 or base64url. */
function randomKeyOf(key: RepositoryKey): Buffer | undefined {
  const text = key.reveal()
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined
  return Buffer.from(text, 'base64') // reads both alphabets
}
