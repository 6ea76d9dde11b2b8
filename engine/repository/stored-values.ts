/**
 * Values of a repository's own, plain or sealed: manifests whole, archived log with a tail that can be
 * read alone.
 *
 * | sealed value | is |
 * | --- | --- |
 * | without a tail | one box of the part `value` |
 * | with a tail of t bytes | a box `head` of all bytes before it, then a box `tail` of the last t, or of all where there are fewer |
 */
import { SEALED_OVERHEAD_BYTES } from '../base/sealed-box.ts'
import type { Destination, PutOptions } from '../destination/destination.ts'
import { damaged, wholeOrDamaged } from './read-document.ts'
import type { Sealing } from './sealing.ts'

export interface Tail {
  /** Shorter than asked for only when the value is. */
  readonly bytes: Buffer
  /** Of the whole value. */
  readonly sizeBytes: number
}

/** Reads and writes them at one destination. */
export class StoredValues {
  readonly #destination: Destination
  readonly #sealing: Sealing | undefined

  constructor(destination: Destination, sealing: Sealing | undefined) {
    this.#destination = destination
    this.#sealing = sealing
  }

  /** @throws `damaged` when it is larger than `maxBytes`, or not what was sealed under `key` */
  async read(key: string, maxBytes: number, tailBytes: number): Promise<Buffer | undefined> {
    const sealing = this.#sealing
    if (sealing === undefined) return wholeOrDamaged(this.#destination, key, maxBytes)
    const overheadBytes = SEALED_OVERHEAD_BYTES * (tailBytes > 0 ? 2 : 1)
    const stored = await wholeOrDamaged(this.#destination, key, maxBytes + overheadBytes)
    if (stored === undefined) return undefined
    const plain =
      tailBytes === 0
        ? sealing.unseal('value', key, stored)
        : unsealBoth(sealing, key, stored, tailBytes)
    return plain ?? this.#refuse(key)
  }

  /** @throws `damaged` */
  async readTail(key: string, tailBytes: number): Promise<Tail | undefined> {
    const stored = await this.#destination.head(key)
    if (stored === undefined) return undefined
    const overheadBytes = this.#sealing === undefined ? 0 : SEALED_OVERHEAD_BYTES
    const sizeBytes = Math.max(0, stored.sizeBytes - 2 * overheadBytes)
    const target = Buffer.alloc(Math.min(sizeBytes, tailBytes) + overheadBytes)
    const offset = Math.max(0, stored.sizeBytes - target.length)
    const got = await this.#destination.get(key, target, offset)
    if (got === undefined) return undefined
    const read = target.subarray(0, got.readBytes)
    const bytes = this.#sealing === undefined ? read : this.#sealing.unseal('tail', key, read)
    return { bytes: bytes ?? this.#refuse(key), sizeBytes }
  }

  write(key: string, bytes: Uint8Array, tailBytes: number, options: PutOptions): Promise<boolean> {
    return this.#destination.put(key, this.#toStored(key, bytes, tailBytes), options)
  }

  #toStored(key: string, bytes: Uint8Array, tailBytes: number): Uint8Array {
    const sealing = this.#sealing
    if (sealing === undefined) return bytes
    if (tailBytes === 0) return sealing.seal('value', key, bytes)
    const end = Math.max(0, bytes.length - tailBytes)
    return Buffer.concat([
      sealing.seal('head', key, bytes.subarray(0, end)),
      sealing.seal('tail', key, bytes.subarray(end)),
    ])
  }

  #refuse(key: string): never {
    return damaged(
      this.#destination.locate(key),
      'it was changed, or sealed with another key or for another place',
    )
  }
}

function unsealBoth(
  sealing: Sealing,
  key: string,
  stored: Buffer,
  tailBytes: number,
): Buffer | undefined {
  const plainBytes = stored.length - 2 * SEALED_OVERHEAD_BYTES
  if (plainBytes < 0) return undefined
  const end = stored.length - SEALED_OVERHEAD_BYTES - Math.min(tailBytes, plainBytes)
  const head = sealing.unseal('head', key, stored.subarray(0, end))
  const tail = sealing.unseal('tail', key, stored.subarray(end))
  return head && tail && Buffer.concat([head, tail])
}
