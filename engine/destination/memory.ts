/**
 * A destination in memory: what tests hold the others against, and what small tools build on.
 *
 * With `locks` it keeps object locks as a bucket with object lock does.
 */
import { type Clock, systemClock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import {
  checkKey,
  compareKeys,
  coversLock,
  type Destination,
  type ObjectLock,
  type ObjectLocking,
  type PutOptions,
  refuseLock,
  refuseWhileLocked,
  type StoredEntry,
  type StoredLock,
  type StoredRange,
} from './destination.ts'

interface Value {
  readonly bytes: Buffer
  readonly lock?: StoredLock
}

export class MemoryDestination implements Destination {
  readonly url: string
  readonly objectLock?: ObjectLocking
  readonly #clock: Clock
  readonly #values = new Map<string, Value>()

  /** @param locks keeps object locks, by this clock; without it there are none */
  constructor(name = 'memory', locks?: Clock) {
    this.url = `memory:${name}`
    this.#clock = locks ?? systemClock
    if (locks !== undefined) this.objectLock = this.#locking()
  }

  locate(key: string): string {
    return `${this.url}/${key}`
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    checkKey(key)
    const lock = toLock(options)
    if (lock !== undefined && this.objectLock === undefined) refuseLock(this.url)
    if (options.ifAbsent === true && this.#values.has(key)) return false
    this.#values.set(key, { bytes: Buffer.from(bytes), ...(lock && { lock }) })
    return true
  }

  async get(key: string, target: Uint8Array, offset = 0): Promise<StoredRange | undefined> {
    const value = this.#values.get(checkKey(key))
    if (value === undefined) return undefined
    const part = value.bytes.subarray(offset, offset + target.length)
    target.set(part)
    return { readBytes: part.length, sizeBytes: value.bytes.length }
  }

  async head(key: string): Promise<{ sizeBytes: number } | undefined> {
    const value = this.#values.get(checkKey(key))
    return value && { sizeBytes: value.bytes.length }
  }

  async threadFile(key: string): Promise<undefined> {
    checkKey(key)
  }

  async *list(prefix: string): AsyncIterable<StoredEntry> {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys)
    for (const key of keys) {
      const value = this.#values.get(key)
      if (value !== undefined) yield { key, sizeBytes: value.bytes.length }
    }
  }

  async delete(key: string): Promise<void> {
    const value = this.#values.get(checkKey(key))
    refuseWhileLocked(this.locate(key), value?.lock, this.#clock.nowMs())
    this.#values.delete(key)
  }

  async flush(): Promise<void> {}

  async copyFrom(
    source: Destination,
    key: string,
    options: PutOptions = {},
  ): Promise<boolean | undefined> {
    const value = source instanceof MemoryDestination ? source.#values.get(key) : undefined
    return value && this.put(key, value.bytes, options)
  }

  #locking(): ObjectLocking {
    return {
      lockOf: async (key) => this.#values.get(checkKey(key))?.lock,
      extend: async (key, lock) => this.#extend(key, lock),
      isHonoured: async () => true,
      resists: async (key) => {
        await this.delete(key).catch(() => {}) // refused, as it should be
        return this.#values.has(key)
      },
    }
  }

  #extend(key: string, lock: ObjectLock): void {
    const value = this.#values.get(checkKey(key))
    if (value === undefined) {
      fail('file-not-found', `${this.locate(key)} is not there to be locked`, 'Store it first.')
    }
    if (coversLock(value.lock, lock)) return
    const standing = value.lock?.retention
    const mode = standing?.mode === 'compliance' ? 'compliance' : lock.mode
    const untilMs = Math.max(standing?.untilMs ?? 0, lock.untilMs)
    const legalHold = value.lock?.legalHold === true
    this.#values.set(key, { ...value, lock: { retention: { mode, untilMs }, legalHold } })
  }
}

function toLock({ lock, legalHold = false }: PutOptions): StoredLock | undefined {
  if (lock === undefined && !legalHold) return undefined
  return { legalHold, ...(lock && { retention: lock }) }
}
