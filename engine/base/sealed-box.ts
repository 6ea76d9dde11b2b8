/**
 * A sealed box: bytes that nobody without the key can read, or change unseen (AES-256-GCM).
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic `VDRSEAL` and the version, u8 1 |
 * | 8 | 32 | salt, random |
 * | 40 | n | ciphertext, as long as the plain bytes |
 * | 40 + n | 16 | tag |
 *
 * Every box has a key and a nonce of its own: HKDF-SHA256(root key, salt) gives 32 + 12 bytes. GCM breaks
 * when a nonce comes back under one key. Here that takes two boxes with one salt of 256 random bits: with
 * 2^64 boxes the odds are 2^-129, where random nonces of 96 bits under one key reach 2^-32 after 2^32
 * (NIST SP 800-38D, 8.3). No counter has to survive a crash, and writers need not know of each other. A
 * key seals one message of a few MiB, far below the 2^36 bytes that GCM allows.
 *
 * The label is authenticated and not stored. It says where the box stands and what for, so that a box
 * from elsewhere does not open, whoever made it.
 */
import {
  createCipheriv,
  createDecipheriv,
  type DecipherGCM,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import { MiB } from './limits.ts'

export const SEALED_HEADER_BYTES = 40
export const SEALED_TAG_BYTES = 16
export const SEALED_OVERHEAD_BYTES = SEALED_HEADER_BYTES + SEALED_TAG_BYTES

const magic = Buffer.from('VDRSEAL\x01', 'latin1')
const cipherName = 'aes-256-gcm'
const purpose = 'vectra-dr sealed box 1'
/** Passed through the cipher at once: what it returns is copied and dropped. */
const chunkBytes = MiB / 4

/** What seals and opens a box. */
export interface BoxKey {
  /** 32 random bytes. */
  readonly rootKey: Uint8Array
  readonly label: string
}

/** A box of `plain`, in memory of its own. */
export function seal({ rootKey, label }: BoxKey, plain: Uint8Array): Buffer {
  const box = Buffer.allocUnsafeSlow(plain.length + SEALED_OVERHEAD_BYTES)
  const salt = randomBytes(SEALED_HEADER_BYTES - magic.length)
  magic.copy(box)
  salt.copy(box, magic.length)
  const { key, nonce } = derive(rootKey, salt)
  const cipher = createCipheriv(cipherName, key, nonce)
  cipher.setAAD(Buffer.from(label))
  const body = box.subarray(SEALED_HEADER_BYTES, SEALED_HEADER_BYTES + plain.length)
  for (let at = 0; at < plain.length; at += chunkBytes) {
    body.set(cipher.update(plain.subarray(at, at + chunkBytes)), at)
  }
  cipher.final()
  cipher.getAuthTag().copy(box, SEALED_HEADER_BYTES + plain.length)
  return box
}

/**
 * Opens a box into `target`, which must have room for exactly its plain bytes.
 * @returns whether key, label and every bit are right; where not, `target` is zero
 */
export function unseal(boxKey: BoxKey, box: Uint8Array, target: Uint8Array): boolean {
  const plainBytes = box.length - SEALED_OVERHEAD_BYTES
  let isAuthentic = false
  if (plainBytes === target.length) {
    const opening = new Unsealing(boxKey, box.subarray(0, SEALED_HEADER_BYTES))
    const body = box.subarray(SEALED_HEADER_BYTES, SEALED_HEADER_BYTES + plainBytes)
    for (let at = 0; at < plainBytes; at += chunkBytes) {
      target.set(opening.update(body.subarray(at, at + chunkBytes)), at)
    }
    isAuthentic = opening.end(box.subarray(SEALED_HEADER_BYTES + plainBytes))
  }
  if (!isAuthentic) target.fill(0) // nobody may use what is not authentic
  return isAuthentic
}

/** Opens a box part by part. What it gives counts for nothing until `end` says that all is authentic. */
export class Unsealing {
  readonly #decipher: DecipherGCM | undefined

  /** @param header the first 40 bytes of the box */
  constructor({ rootKey, label }: BoxKey, header: Uint8Array) {
    const isHeader = header.length === SEALED_HEADER_BYTES && startsWithMagic(header)
    if (!isHeader) return
    const { key, nonce } = derive(rootKey, header.subarray(magic.length))
    this.#decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: SEALED_TAG_BYTES })
    this.#decipher.setAAD(Buffer.from(label))
  }

  /** As many plain bytes as `ciphertext` has. */
  update(ciphertext: Uint8Array): Uint8Array {
    return this.#decipher?.update(ciphertext) ?? new Uint8Array(ciphertext.length)
  }

  /** @param tag the last 16 bytes of the box @returns whether key, label and every bit were right */
  end(tag: Uint8Array): boolean {
    if (this.#decipher === undefined || tag.length !== SEALED_TAG_BYTES) return false
    try {
      this.#decipher.setAuthTag(tag)
      this.#decipher.final()
      return true
    } catch {
      return false
    }
  }
}

const startsWithMagic = (header: Uint8Array): boolean =>
  magic.equals(header.subarray(0, magic.length))

function derive(rootKey: Uint8Array, salt: Uint8Array): { key: Buffer; nonce: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', rootKey, salt, purpose, 44))
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32) }
}
