/** A destination in memory: what tests hold the others against, and what small tools build on. */
import {
  checkKey,
  compareKeys,
  type Destination,
  type PutOptions,
  type StoredEntry,
  type StoredRange,
} from './destination.ts'

export class MemoryDestination implements Destination {
  readonly url: string
  readonly #values = new Map<string, Buffer>()

  constructor(name = 'memory') {
    this.url = `memory:${name}`
  }

  locate(key: string): string {
    return `${this.url}/${key}`
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    checkKey(key)
    if (options.ifAbsent === true && this.#values.has(key)) return false
    this.#values.set(key, Buffer.from(bytes))
    return true
  }

  async get(key: string, target: Uint8Array, offset = 0): Promise<StoredRange | undefined> {
    const value = this.#values.get(checkKey(key))
    if (value === undefined) return undefined
    const part = value.subarray(offset, offset + target.length)
    target.set(part)
    return { readBytes: part.length, sizeBytes: value.length }
  }

  async head(key: string): Promise<{ sizeBytes: number } | undefined> {
    const value = this.#values.get(checkKey(key))
    return value && { sizeBytes: value.length }
  }

  async threadFile(key: string): Promise<undefined> {
    checkKey(key)
  }

  async *list(prefix: string): AsyncIterable<StoredEntry> {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys)
    for (const key of keys) {
      const value = this.#values.get(key)
      if (value !== undefined) yield { key, sizeBytes: value.length }
    }
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(checkKey(key))
  }

  async flush(): Promise<void> {}
}
