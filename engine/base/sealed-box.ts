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
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { MiB } from './limits.ts'

export const SEALED_OVERHEAD_BYTES = 56

const magic = Buffer.from('VDRSEAL\x01', 'latin1')
const saltEnd = 40
const tagBytes = 16
const cipherName = 'aes-256-gcm'
const purpose = 'vectra-dr sealed box 1'
/** Passed through the cipher at once: what it returns is copied and dropped. */
const chunkBytes = 1 * MiB

/** @param rootKey 32 random bytes */
export function seal(rootKey: Uint8Array, label: string, plain: Uint8Array): Buffer {
  const box = Buffer.allocUnsafeSlow(plain.length + SEALED_OVERHEAD_BYTES)
  const salt = randomBytes(saltEnd - magic.length)
  magic.copy(box)
  salt.copy(box, magic.length)
  const { key, nonce } = derive(rootKey, salt)
  const cipher = createCipheriv(cipherName, key, nonce)
  cipher.setAAD(Buffer.from(label))
  const body = box.subarray(saltEnd, saltEnd + plain.length)
  for (let at = 0; at < plain.length; at += chunkBytes) {
    body.set(cipher.update(plain.subarray(at, at + chunkBytes)), at)
  }
  cipher.final()
  cipher.getAuthTag().copy(box, saltEnd + plain.length)
  return box
}

/**
 * Opens a box into `target`, which must have room for exactly its plain bytes.
 * @returns whether key, label and every bit are right; where not, `target` is zero
 */
export function unseal(
  rootKey: Uint8Array,
  label: string,
  box: Uint8Array,
  target: Uint8Array,
): boolean {
  const plainBytes = box.length - SEALED_OVERHEAD_BYTES
  const isBox = plainBytes === target.length && magic.equals(box.subarray(0, magic.length))
  if (!isBox) {
    target.fill(0)
    return false
  }
  const { key, nonce } = derive(rootKey, box.subarray(magic.length, saltEnd))
  const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(label))
  decipher.setAuthTag(box.subarray(saltEnd + plainBytes))
  for (let at = 0; at < plainBytes; at += chunkBytes) {
    const end = Math.min(plainBytes, at + chunkBytes)
    target.set(decipher.update(box.subarray(saltEnd + at, saltEnd + end)), at)
  }
  try {
    decipher.final()
    return true
  } catch {
    target.fill(0) // nobody may use what is not authentic
    return false
  }
}

function derive(rootKey: Uint8Array, salt: Uint8Array): { key: Buffer; nonce: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', rootKey, salt, purpose, 44))
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32) }
}
