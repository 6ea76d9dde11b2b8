/**
 * How an encrypted repository stores what it holds: sealed boxes (base/sealed-box.ts), and objects under
 * names that say nothing to whoever lacks the key.
 *
 * All of it hangs on the data key, 32 random bytes made with the repository:
 *
 * | derived by HKDF-SHA256 | for |
 * | --- | --- |
 * | `names` | HMAC-SHA256 of an object's SHA-256 is its name: equal pieces are stored once, and nobody without the key can ask whether a known file is there |
 * | `boxes` | the root key of every sealed box |
 *
 * The label of a box is repository id, part and key, NUL between them. So a box opens in one place only: one
 * that was moved, doubled, put back under another name or brought from elsewhere is refused like a
 * flipped bit. An older box of the same key is not told from a newer one: objects, snapshots and archived
 * log stand for one value for ever, small records such as pins do not.
 */
import { createHmac, hkdfSync } from 'node:crypto'
import { type BoxKey, SEALED_OVERHEAD_BYTES, seal, unseal } from '../base/sealed-box.ts'

/** What of a value a box holds: an object, a whole value, or what comes before its tail and the tail. */
export type SealedPart = 'object' | 'value' | 'head' | 'tail'

const derive = (dataKey: Uint8Array, repositoryId: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', dataKey, repositoryId, `vectra-dr ${purpose} 1`, 32))

/** Names and boxes of one repository. Holds its data key, derived. */
export class Sealing {
  readonly #repositoryId: string
  readonly #nameKey: Buffer
  readonly #rootKey: Buffer

  constructor(repositoryId: string, dataKey: Uint8Array) {
    this.#repositoryId = repositoryId
    this.#nameKey = derive(dataKey, repositoryId, 'names')
    this.#rootKey = derive(dataKey, repositoryId, 'boxes')
  }

  /** The name that stands for a piece, 64 hex digits. */
  objectName(sha256: string): string {
    return createHmac('sha256', this.#nameKey).update(sha256, 'hex').digest('hex')
  }

  seal(part: SealedPart, key: string, plain: Uint8Array): Buffer {
    return seal(this.boxKey(part, key), plain)
  }

  /** The plain bytes, or undefined when the box is not what was sealed as `part` of `key`. */
  unseal(part: SealedPart, key: string, box: Uint8Array): Buffer | undefined {
    const plain = Buffer.allocUnsafeSlow(Math.max(0, box.length - SEALED_OVERHEAD_BYTES))
    return this.unsealInto(part, key, box, plain) ? plain : undefined
  }

  /** @returns whether `target` holds the plain bytes; where not, it is zero */
  unsealInto(part: SealedPart, key: string, box: Uint8Array, target: Uint8Array): boolean {
    return unseal(this.boxKey(part, key), box, target)
  }

  /** What seals and opens `part` of `key`, for threads. */
  boxKey(part: SealedPart, key: string): BoxKey {
    const label = ['vectra-dr', this.#repositoryId, part, key].join('\0')
    return { rootKey: this.#rootKey, label }
  }
}
