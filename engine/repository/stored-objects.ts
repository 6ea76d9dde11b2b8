/**
 * The objects of a repository, plain or sealed: `objects/<aa>/<name>`, where the name is the SHA-256 of the
 * content, or a keyed hash of that.
 */
import { type BoxKey, SEALED_OVERHEAD_BYTES, seal } from '../base/sealed-box.ts'
import type { Destination, StoredEntry, StoredRange } from '../destination/destination.ts'
import type { Sealing } from './sealing.ts'

const objectFolder = 'objects'

/** The key of a piece with this SHA-256 where names are plain; see {@link Repository.objectKey}. */
export const plainObjectKey = (sha256: string): string =>
  `${objectFolder}/${sha256.slice(0, 2)}/${sha256}`

/** Whether a key below `objects/` can be one that the product wrote. */
export const isObjectKey = (key: string): boolean =>
  /^objects\/([0-9a-f]{2})\/\1[0-9a-f]{62}$/.test(key)

/** A file with an object in it. */
export interface ObjectFile {
  readonly path: string
  /** Of the object, plain. */
  readonly sizeBytes: number
  /** What opens it; absent: the file is the object. */
  readonly box?: BoxKey
}

/** An empty file for the bytes of an object. See `StagedFile`. */
export interface StagedObject {
  readonly path: string
  /** Durable after a publish or a flush. @returns whether it was stored */
  commit(sha256: string, replace: boolean): Promise<boolean>
  discard(): Promise<void>
}

/** Makes a sealed box of bytes, wherever that is done best. */
export type Sealer = (bytes: Uint8Array, box: BoxKey) => Promise<Uint8Array>

/** Opens a box into memory, wherever that is done best. @returns whether it is authentic */
export type Opener = (sealed: SharedArrayBuffer, box: BoxKey) => Promise<boolean>

const sealHere: Sealer = async (bytes, box) => seal(box, bytes)

export interface ObjectRead extends StoredRange {
  /** False: not what was sealed under this name; the target holds nothing then. */
  readonly authentic: boolean
}

const none = Buffer.alloc(0)

/** Reads and writes them at one destination. See the methods of `Repository`. */
export class StoredObjects {
  readonly #destination: Destination
  readonly #sealing: Sealing | undefined

  constructor(destination: Destination, sealing: Sealing | undefined) {
    this.#destination = destination
    this.#sealing = sealing
  }

  /** The key of the piece with this SHA-256. It depends on the repository: never make it by hand. */
  key(sha256: string): string {
    return plainObjectKey(this.#sealing?.objectName(sha256) ?? sha256)
  }

  /** Bytes that an object of `plainBytes` takes at the destination. */
  storedSize(plainBytes: number): number {
    return this.#sealing === undefined ? plainBytes : plainBytes + SEALED_OVERHEAD_BYTES
  }

  /**
   * Plain size of an object, or undefined when it is not there. Its content is not looked at; one that
   * is too short to be sealed has size 0.
   */
  async size(sha256: string): Promise<number | undefined> {
    const stored = await this.#destination.head(this.key(sha256))
    return stored && this.#plainSize(stored.sizeBytes)
  }

  /**
   * Stores an object under the hash of `bytes`. Durable after a publish or a flush.
   * @param sealer seals where a repository is encrypted. Default: this thread
   */
  async put(
    sha256: string,
    bytes: Uint8Array,
    replace: boolean,
    sealer: Sealer = sealHere,
  ): Promise<boolean> {
    const key = this.key(sha256)
    const box = this.#sealing?.boxKey('object', key)
    const stored = box === undefined ? bytes : await sealer(bytes, box)
    return this.#destination.put(key, stored, { ifAbsent: !replace })
  }

  /** A file that becomes an object once threads have filled it; undefined when {@link put} does it. */
  async stage(): Promise<StagedObject | undefined> {
    const file = this.#sealing === undefined ? await this.#destination.stageFile?.() : undefined
    return (
      file && {
        path: file.path,
        commit: (sha256, replace) => file.commit(this.key(sha256), { ifAbsent: !replace }),
        discard: () => file.discard(),
      }
    )
  }

  /** The file that an object stands in, for threads; undefined when `getObject` must be asked. */
  async file(sha256: string): Promise<ObjectFile | undefined> {
    const key = this.key(sha256)
    const file = await this.#destination.threadFile(key)
    if (file === undefined || this.#sealing === undefined) return file
    const sizeBytes = this.#plainSize(file.sizeBytes)
    return { path: file.path, sizeBytes, box: this.#sealing.boxKey('object', key) }
  }

  /**
   * Fills `target` with an object. The caller checks size and hash. Sealed bytes are handed out only when
   * all of them are there and authentic.
   */
  async get(sha256: string, target: Uint8Array, opener?: Opener): Promise<ObjectRead | undefined> {
    const key = this.key(sha256)
    if (this.#sealing === undefined) {
      const got = await this.#destination.get(key, target)
      return got && { ...got, authentic: true }
    }
    const sealed = new SharedArrayBuffer(this.storedSize(target.length))
    const box = new Uint8Array(sealed)
    const got = await this.#destination.get(key, box)
    if (got === undefined) return undefined
    const isWhole = got.readBytes === box.length && got.sizeBytes === box.length
    const authentic =
      isWhole && opener !== undefined
        ? await opener(sealed, this.#sealing.boxKey('object', key))
        : this.#sealing.unsealInto('object', key, isWhole ? box : none, target)
    const sizeBytes = this.#plainSize(got.sizeBytes)
    return { sizeBytes, readBytes: this.#plainSize(got.readBytes), authentic }
  }

  /**
   * Every object that a listing shows, by its key and as many bytes as are stored, whoever needs it.
   * `isOurs` is false for a key that the product does not write.
   */
  async *list(): AsyncIterable<StoredEntry & { readonly isOurs: boolean }> {
    for await (const entry of this.#destination.list(`${objectFolder}/`)) {
      yield { ...entry, isOurs: isObjectKey(entry.key) }
    }
  }

  #plainSize(storedBytes: number): number {
    return Math.max(0, storedBytes - this.storedSize(0))
  }
}
