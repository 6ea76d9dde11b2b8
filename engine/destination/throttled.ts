/**
 * A destination whose bytes are counted against a bandwidth. Small requests (head, list, delete) are free,
 * and so is what a store copies by itself. Nothing is handed out as a file: threads would read it unbounded.
 */
import {
  checkKey,
  type Destination,
  type ObjectLocking,
  type PutOptions,
  type StoredEntry,
  type StoredRange,
  type UnfinishedPuts,
} from './destination.ts'
import type { Throttle } from './throttle.ts'

export class ThrottledDestination implements Destination {
  readonly url: string
  readonly objectLock?: ObjectLocking
  readonly unfinished?: UnfinishedPuts
  readonly #inner: Destination
  readonly #throttle: Throttle

  /** @param throttle may be shared: its bound is then that of all together */
  constructor(inner: Destination, throttle: Throttle) {
    this.url = inner.url
    this.#inner = inner
    this.#throttle = throttle
    if (inner.objectLock !== undefined) this.objectLock = inner.objectLock
    if (inner.unfinished !== undefined) this.unfinished = inner.unfinished
  }

  locate(key: string): string {
    return this.#inner.locate(key)
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    await this.#throttle.pass(bytes.length)
    return this.#inner.put(key, bytes, options)
  }

  async get(key: string, target: Uint8Array, offset?: number): Promise<StoredRange | undefined> {
    await this.#throttle.pass(target.length)
    return this.#inner.get(key, target, offset)
  }

  head(key: string): Promise<{ readonly sizeBytes: number } | undefined> {
    return this.#inner.head(key)
  }

  async threadFile(key: string): Promise<undefined> {
    checkKey(key)
  }

  list(prefix: string): AsyncIterable<StoredEntry> {
    return this.#inner.list(prefix)
  }

  delete(key: string): Promise<void> {
    return this.#inner.delete(key)
  }

  flush(): Promise<void> {
    return this.#inner.flush()
  }

  async copyFrom(
    source: Destination,
    key: string,
    options?: PutOptions,
  ): Promise<boolean | undefined> {
    const from = source instanceof ThrottledDestination ? source.#inner : source
    return this.#inner.copyFrom?.(from, key, options)
  }
}
