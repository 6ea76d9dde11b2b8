/**
 * A destination as somebody sees it who locks what is written: objects, manifests, archived log and
 * repository.json. What has to go again, such as the locks under `locks/`, is never locked.
 */
import type { Clock } from '../base/clock.ts'
import type {
  Destination,
  ObjectLocking,
  PutOptions,
  StoredEntry,
  StoredFile,
  StoredRange,
  UnfinishedPuts,
} from '../destination/destination.ts'
import { refuseLock } from '../destination/destination.ts'
import { type LockPolicy, toLock } from './lock-policy.ts'

const kept = /^(?:objects|snapshots|wal)\/|^repository\.json$/

/** @throws `unsupported-destination` when the store does not honour locks */
export async function mustLock(destination: Destination): Promise<void> {
  if (!(await destination.objectLock?.isHonoured())) refuseLock(destination.url)
}

/** See the head of this file. */
export class LockingDestination implements Destination {
  readonly url: string
  readonly objectLock?: ObjectLocking
  readonly unfinished?: UnfinishedPuts
  readonly #inner: Destination
  readonly #policy: LockPolicy
  readonly #clock: Clock

  constructor(inner: Destination, policy: LockPolicy, clock: Clock) {
    this.url = inner.url
    this.#inner = inner
    this.#policy = policy
    this.#clock = clock
    if (inner.objectLock !== undefined) this.objectLock = inner.objectLock
    if (inner.unfinished !== undefined) this.unfinished = inner.unfinished
  }

  locate(key: string): string {
    return this.#inner.locate(key)
  }

  put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    return this.#inner.put(key, bytes, this.#locked(key, options))
  }

  get(key: string, target: Uint8Array, offset?: number): Promise<StoredRange | undefined> {
    return this.#inner.get(key, target, offset)
  }

  head(key: string): Promise<{ readonly sizeBytes: number } | undefined> {
    return this.#inner.head(key)
  }

  threadFile(key: string): Promise<StoredFile | undefined> {
    return this.#inner.threadFile(key)
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

  purge(key: string): Promise<void> {
    return this.#inner.purge?.(key) ?? this.#inner.delete(key)
  }

  async copyFrom(
    source: Destination,
    key: string,
    options: PutOptions = {},
  ): Promise<boolean | undefined> {
    const from = source instanceof LockingDestination ? source.#inner : source
    return this.#inner.copyFrom?.(from, key, this.#locked(key, options))
  }

  #locked(key: string, options: PutOptions): PutOptions {
    if (!kept.test(key) || options.lock !== undefined) return options
    return { ...options, lock: toLock(this.#policy, this.#clock.nowMs()) }
  }
}
