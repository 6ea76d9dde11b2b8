/**
 * Where copies live: the contract every store fulfils, one conformance suite for all.
 *
 * A destination maps keys to immutable byte strings of at most a few MiB. Nothing in it is a path: a
 * key is checked by {@link checkKey} before it reaches a store. Duties of every implementation:
 *
 * - **Atomic**: a reader sees the whole value of a `put` or none of it, never a part, whatever crashes.
 * - **One winner**: of any number of `put`s with `ifAbsent` to one key, also from several machines,
 *   exactly one returns true. A store that cannot promise this must refuse to be opened for writing.
 * - **Read your writes**: `get` and `head` see what this process has put. `list` may lag behind on
 *   some stores, so nothing may depend on it alone: it finds candidates, `get` and `head` decide.
 * - **Durable after `flush`**: when `flush` resolves, everything put before, and everything that
 *   `head` or a lost `put` found present before, survives a power failure under its key.
 * - **Absent is an answer, failure is not**: a key that does not exist gives `undefined`; an error of
 *   the store, the network or the disk always throws and is never reported as absence.
 * - **Stay inside**: no link, device or pipe below the root is followed, read or replaced.
 * - Keys come back from `list` in the order of their UTF-8 bytes. What an interrupted `put` left
 *   behind is never listed.
 *
 * A key and another one that continues it with `/` (`a` and `a/b`) cannot both be stored.
 *
 * Some stores can **lock** a value until an instant (`objectLock`). Until then nobody's `delete` takes it
 * away: it is refused with `object-locked`. A lock may be prolonged, never shortened, and nothing here ever
 * asks a store to bypass one. A locked value can still be replaced under its key, as stores with locks keep
 * the old one as a version. A store that takes a lock and does not keep it must refuse the `put`.
 */
import { fail } from '../base/errors.ts'

/** `governance` can be lifted by accounts with a special right, `compliance` by nobody. */
export const lockModes = ['governance', 'compliance'] as const
export type LockMode = (typeof lockModes)[number]

export interface ObjectLock {
  readonly mode: LockMode
  /** Epoch ms. */
  readonly untilMs: number
}

/** What holds a value in place. */
export interface StoredLock {
  /** The retention, also one that has run out; undefined where only a legal hold was ever placed. */
  readonly retention?: ObjectLock
  /** Somebody holds the value until further notice, whatever the retention says. */
  readonly legalHold: boolean
}

/** How values are locked, where the store can. */
export interface ObjectLocking {
  /** The lock on a value; undefined when it has none, or there is no such value. */
  lockOf(key: string): Promise<StoredLock | undefined>
  /**
   * Locks a value that stands, or prolongs its lock. A lock that lasts as long, in a mode as strict, stays
   * as it is.
   * @throws `file-not-found` when there is no such value
   */
  extend(key: string, lock: ObjectLock): Promise<void>
  /** Whether this bucket says that it keeps locks. Asked of the store once. */
  isHonoured(): Promise<boolean>
  /**
   * Tries to destroy a locked value, as somebody would who wants it gone, without the right to bypass.
   * @returns whether it is still there
   */
  resists(key: string): Promise<boolean>
}

export interface PutOptions {
  /** Store only where nothing stands. Default false: replaces what is there, atomically. */
  readonly ifAbsent?: boolean
  /**
   * Locks the value with the same step that stores it.
   * @throws `unsupported-destination` where there are no locks, with nothing stored
   */
  readonly lock?: ObjectLock
  /** Holds the value until further notice, in the same step. */
  readonly legalHold?: boolean
}

export interface StoredRange {
  /** Bytes copied into the target: less than asked for only at the end of the value. */
  readonly readBytes: number
  /** Size of the whole value, whatever part of it was asked for. */
  readonly sizeBytes: number
}

/** A value in a file of its own. */
export interface StoredFile {
  readonly path: string
  readonly sizeBytes: number
}

export interface StoredEntry {
  readonly key: string
  readonly sizeBytes: number
}

/** What an interrupted `put` left behind: invisible, but it takes space. */
export interface UnfinishedPut {
  readonly key: string
  readonly id: string
  /** Epoch ms. */
  readonly startedAt: number
  /** Older than any put takes: nobody is still at it. */
  readonly isDead: boolean
}

export interface UnfinishedPuts {
  list(): AsyncIterable<UnfinishedPut>
  /** Absent is fine. */
  remove(put: UnfinishedPut): Promise<void>
}

/** An empty file beside the values, for threads to fill; then it becomes a value or goes. Once. */
export interface StagedFile {
  readonly path: string
  /** As `put`, with what the file holds now. */
  commit(key: string, options?: Pick<PutOptions, 'ifAbsent'>): Promise<boolean>
  discard(): Promise<void>
}

export interface Destination {
  /** How people name it, without credentials. */
  readonly url: string
  /** Where `key` stands, for messages: a path, an object's URL. */
  locate(key: string): string
  /** Stores `bytes`, which may change again once it resolves. @returns false: `ifAbsent` and present */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean>
  /** Fills `target` from `offset` on. Never reads more than `target` holds. */
  get(key: string, target: Uint8Array, offset?: number): Promise<StoredRange | undefined>
  head(key: string): Promise<{ readonly sizeBytes: number } | undefined>
  /**
   * A file that holds exactly the value, for threads that read it by `nodeDisk`; undefined where there is
   * none, or where only `get` can tell. What `get` refuses is refused here too.
   */
  threadFile(key: string): Promise<StoredFile | undefined>
  /** A file for threads to fill by `nodeDisk`. Undefined where there are none: `put` does it. */
  stageFile?(): Promise<StagedFile | undefined>
  /** Every key that starts with `prefix`, also what `get` will refuse, such as a link. */
  list(prefix: string): AsyncIterable<StoredEntry>
  /**
   * Absent is fine.
   * @throws `object-locked` with the instant until which it stays; `credential-refused` where an
   *   append-only role may not delete
   */
  delete(key: string): Promise<void>
  flush(): Promise<void>
  /**
   * Removes a value with all its old versions. Undefined where there are none: `delete` does it.
   * @throws `object-locked` when one of them is
   */
  purge?(key: string): Promise<void>
  /** Undefined where the store has no locks at all; `isHonoured` tells what the bucket makes of them. */
  readonly objectLock?: ObjectLocking
  /** Undefined where nothing can be left behind, or it cannot be told. */
  readonly unfinished?: UnfinishedPuts
  /**
   * Copies a value inside the store, without its bytes passing here. With `ifAbsent` a value that stands
   * is kept; of several racers more than one may win, so it is for values that are the same whoever copies.
   * @returns as `put`; undefined when it cannot (another store, too large, no such value): stream instead
   */
  copyFrom?(source: Destination, key: string, options?: PutOptions): Promise<boolean | undefined>
}

/** @throws `unsupported-destination`, always: this store has no locks */
export function refuseLock(url: string): never {
  return fail(
    'unsupported-destination',
    `${url} cannot lock what is stored in it`,
    'Leave --object-lock away, or use a bucket that was created with object lock.',
  )
}

/** Whether a lock holds at `nowMs`. */
export const isLocked = (lock: StoredLock | undefined, nowMs: number): boolean =>
  lock !== undefined && (lock.legalHold || (lock.retention?.untilMs ?? 0) > nowMs)

/** @throws `object-locked` when the lock holds at `nowMs` */
export function refuseWhileLocked(
  place: string,
  lock: StoredLock | undefined,
  nowMs: number,
): void {
  if (lock === undefined || !isLocked(lock, nowMs)) return
  const { retention, legalHold } = lock
  const until = legalHold
    ? 'under a legal hold'
    : `locked (${retention?.mode}) until ${new Date(retention?.untilMs ?? 0).toISOString()}`
  fail('object-locked', `${place} is ${until}`, 'It stays; remove it when the lock has run out.', {
    place: { file: place },
  })
}

/** Whether `standing` already promises all of `wanted`. */
export const coversLock = (standing: StoredLock | undefined, wanted: ObjectLock): boolean =>
  standing?.retention !== undefined &&
  standing.retention.untilMs >= wanted.untilMs &&
  (standing.retention.mode === wanted.mode || standing.retention.mode === 'compliance')

const keyBytes = 1_024
const elementBytes = 255

/** Why `key` cannot be a key; undefined when it can. Elements are separated by `/`. */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (!key.isWellFormed()) return 'is not valid Unicode'
  if (Buffer.byteLength(key) > keyBytes) return `is longer than ${keyBytes} bytes`
  for (const element of key.split('/')) {
    if (element === '') return 'has an empty element'
    if (element === '.' || element === '..') return `has the element "${element}"`
    if (Buffer.byteLength(element) > elementBytes) {
      return `has an element longer than ${elementBytes} bytes`
    }
    for (const character of element) {
      const code = character.codePointAt(0) ?? 0
      if (code < 0x20 || code === 0x7f) return 'has a control character'
    }
  }
  return undefined
}

/** @throws `unsafe-name` */
export function checkKey(key: string): string {
  const problem = keyProblem(key)
  if (problem !== undefined) {
    fail(
      'unsafe-name',
      `the key ${JSON.stringify(key.slice(0, 200))} ${problem}`,
      'Keys are relative names; nothing was read or written.',
    )
  }
  return key
}

/**
 * The whole value of `key`, refused before it is read when it is longer than `maxBytes`.
 * @throws `limit-exceeded`
 */
export async function getWhole(
  destination: Destination,
  key: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const stored = await destination.head(key)
  if (stored === undefined) return undefined
  if (stored.sizeBytes > maxBytes) {
    const place = destination.locate(key)
    fail(
      'limit-exceeded',
      `${place} is ${stored.sizeBytes} bytes, more than the ${maxBytes} that are read`,
      'This is not a file the product wrote; check what stands there.',
      { place: { file: place } },
    )
  }
  const target = Buffer.alloc(stored.sizeBytes)
  const got = await destination.get(key, target)
  return got === undefined ? undefined : target.subarray(0, got.readBytes)
}

/** Orders keys by their UTF-8 bytes, as object stores do. */
export const compareKeys = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))
