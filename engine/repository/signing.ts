/**
 * Signatures (Ed25519, RFC 8032): who wrote a snapshot, a piece of archived log, a run's end in a ledger or
 * an anchor of one, provable to whoever knows the public half.
 *
 * A public key is the base64 of its SubjectPublicKeyInfo, as `openssl pkey -pubout` has it between its
 * dashes. A signed message begins with what kind of thing it is, so that a signature of one is none of
 * another. Repositories do not stand in it: a copy keeps the signatures of what was copied.
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'

export type SignedKind = 'snapshot' | 'archive' | 'ledger' | 'ledger-anchor'

export interface Signature {
  /** Base64 of the SubjectPublicKeyInfo, 60 characters. */
  readonly publicKey: string
  /** Base64 of 64 bytes. */
  readonly signature: string
}

/** What a signature is worth to a reader. */
export interface SignatureCheck {
  /** `valid`: by a key that nobody has named as trusted. `wrong`: not of these bytes. */
  readonly status: 'unsigned' | 'wrong' | 'valid' | 'trusted'
  readonly publicKey: string | null
}

/** Public keys of which one must have signed whatever is read. At least one. */
export interface Trust {
  readonly publicKeys: readonly string[]
}

const keyFileBytes = 16 * KiB
/** What precedes the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')
export const publicKeyPattern = /^MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=$/
export const signaturePattern = /^[A-Za-z0-9+/]{86}==$/

/** The base64 form of a key of 32 bytes. */
export const toPublicKey = (raw: Uint8Array): string =>
  Buffer.concat([spkiPrefix, raw]).toString('base64')

/** The 32 bytes of a key in its base64 form. */
export const rawPublicKey = (publicKey: string): Buffer =>
  Buffer.from(publicKey, 'base64').subarray(spkiPrefix.length)

const messageOf = (kind: SignedKind, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`vectra-dr ${kind} 1\0`), bytes])

/** The secret half. It shows only the public one. */
export class Signer {
  readonly publicKey: string
  readonly #key: KeyObject

  constructor(key: KeyObject) {
    this.#key = key
    this.publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64')
  }

  sign(kind: SignedKind, bytes: Uint8Array): Signature {
    const signature = signBytes(null, messageOf(kind, bytes), this.#key).toString('base64')
    return { publicKey: this.publicKey, signature }
  }
}

/** What the signature of `bytes` is worth. */
export function checkSignature(
  kind: SignedKind,
  bytes: Uint8Array,
  given: Signature | undefined,
  trust: Trust | undefined,
): SignatureCheck {
  if (given === undefined) return { status: 'unsigned', publicKey: null }
  const { publicKey } = given
  if (!isSigned(kind, bytes, given)) return { status: 'wrong', publicKey }
  const trusted = trust?.publicKeys.includes(publicKey) === true
  return { status: trusted ? 'trusted' : 'valid', publicKey }
}

function isSigned(kind: SignedKind, bytes: Uint8Array, given: Signature): boolean {
  try {
    const key = keyOf(given.publicKey)
    const signature = Buffer.from(given.signature, 'base64')
    return verifyBytes(null, messageOf(kind, bytes), key, signature)
  } catch {
    return false // not a key that anybody could have signed with
  }
}

/** Reading a key takes as long as checking a signature, and many are of one key. */
const knownKeys = new Map<string, KeyObject>()
const mostKnown = 16

function keyOf(publicKey: string): KeyObject {
  const known = knownKeys.get(publicKey)
  if (known !== undefined) return known
  const der = Buffer.from(publicKey, 'base64')
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  if (knownKeys.size >= mostKnown) knownKeys.clear()
  knownKeys.set(publicKey, key)
  return key
}

/** @throws `signature-refused` when trust is asked for and not deserved */
export function refuseUntrusted(
  { status, publicKey }: SignatureCheck,
  trust: Trust | undefined,
  place: string,
): void {
  if (trust === undefined || status === 'trusted') return
  const problem = {
    unsigned: 'is not signed',
    wrong: 'was changed after it was signed: its signature does not fit',
    valid: `is signed by ${publicKey}, which is not a trusted key`,
  }[status]
  fail(
    'signature-refused',
    `${place} ${problem}`,
    'Use a snapshot that a trusted key has signed, or find out who wrote this one. Nothing was restored from it.',
    { place: { file: place } },
  )
}

/** What a result says of a signature where no trust was asked for: a sentence, or none. */
export function signatureRemarks(what: string, { status, publicKey }: SignatureCheck): string[] {
  if (status === 'wrong') {
    return [`${what} was changed after ${publicKey} signed it: its signature does not fit`]
  }
  if (status === 'valid') {
    return [`${what} is signed by ${publicKey}, which nobody named as trusted`]
  }
  return []
}

/** @throws `key-refused` when there is no Ed25519 key in PEM at `file` */
export async function readSigner(file: string, disk: Disk): Promise<Signer> {
  return toSigner(await readKeyFile(file, disk), file)
}

/** @param from what people call the place of the key @throws `key-refused` */
export function toSigner(bytes: Buffer | string, from: string): Signer {
  try {
    const key = createPrivateKey(bytes)
    if (key.asymmetricKeyType === 'ed25519') return new Signer(key)
  } catch {
    // the reason may quote the key
  }
  return fail(
    'key-refused',
    `${from} holds no Ed25519 key without a passphrase in PEM`,
    'Make one with "vectra-cli repository key generate FILE --signing".',
    { place: { file: from } },
  )
}

/**
 * A public key as people give it: its base64 form, or a file that holds that or PEM.
 * @throws `key-refused`, `usage`
 */
export async function readPublicKey(text: string, disk: Disk): Promise<string> {
  if (publicKeyPattern.test(text)) return text
  if (text.startsWith('MCow')) return refusePublicKey(text.slice(0, 80))
  const content = (await readKeyFile(text, disk)).toString('utf8').trim()
  if (publicKeyPattern.test(content)) return content
  if (content.includes('PRIVATE KEY')) {
    return fail(
      'usage',
      `${text} holds a secret key`,
      'Name the public half; the secret one signs.',
    )
  }
  try {
    const der = createPublicKey(content).export({ type: 'spki', format: 'der' }).toString('base64')
    if (publicKeyPattern.test(der)) return der
  } catch {
    // told below
  }
  return refusePublicKey(text)
}

const refusePublicKey = (text: string): never =>
  fail(
    'usage',
    `${text} is no Ed25519 public key`,
    'Give what "repository key generate --signing" printed, MCowBQYDK2VwAyEA…, or a file that holds it.',
  )

async function readKeyFile(file: string, disk: Disk): Promise<Buffer> {
  try {
    return await disk.readFile(file, keyFileBytes)
  } catch (error) {
    if (!isOperatingError(error)) throw error
    const hint = 'Check the path and who may read it.'
    return fail('key-refused', `the key cannot be read: ${error.message}`, hint, {
      place: { file },
    })
  }
}
