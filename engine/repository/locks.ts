/**
 * Who is using a repository: what a prune must not take away from under a backup, copy, restore or
 * verification, and which of two of them may go on. See lock-file.ts for the kinds.
 *
 * **Write, then look.** Everybody writes the own lock first and lists all locks afterwards; who sees a
 * conflicting one backs off, or waits with the own lock in place. Of two that conflict at least one sees the
 * other: if A's listing lacks B's lock, B wrote it after A listed, so after A wrote, and then B lists later
 * still and sees A. No store needs conditional writes for that, only a listing that shows what was written
 * before. Nothing else can be tested here, so the own lock must show up in it: where it does not, whoever
 * removes things refuses.
 *
 * **Who waits.** An exclusive one keeps its lock while it waits for shared ones, and new shared ones stand
 * back: prune gets its turn. Two exclusive ones both stand back, for random times.
 *
 * **Dead holders** are proven dead on the same host. Elsewhere a lock must look expired by the clock, and
 * then stay unrenewed while it is watched, by a clock that nobody sets; then it is removed and all are
 * looked at again. A holder that was only asleep finds its lock gone and stops (held-lock.ts). What cannot
 * be judged, or not be read, is never removed.
 *
 * **Archiving takes no lock.** It only adds files that are newer than all others of their history, and prune
 * removes only files that it listed, older than a snapshot it keeps, and never the newest.
 */
import { randomInt } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError, type OperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import { pause, systemTimer, type Timer } from '../base/timer.ts'
import { type Destination, getWhole } from '../destination/destination.ts'
import { HeldLock, type LockWorld, removeLock } from './held-lock.ts'
import { judgeLock } from './judge-lock.ts'
import {
  conflicts,
  decodeLock,
  type LockFile,
  type LockKind,
  type LockName,
  type LockOwner,
  lockKey,
  lockPrefix,
  parseLockKey,
  thisOwner,
} from './lock-file.ts'

/** What is locked: a repository. */
export interface Lockable {
  readonly destination: Destination
}

/**
 * What happens to somebody who only reads and cannot be protected from a prune.
 * - `required`: fails; for whoever writes.
 * - `where-writable`: goes on where nothing may be written, and fails while a prune runs.
 * - `preferred`: goes on in both cases, and says so; for a restore, which nothing shall keep waiting.
 */
export type Protection = 'required' | 'where-writable' | 'preferred'

export interface LockRequest {
  /** Goes on after "by": `backup of products`. */
  readonly purpose: string
  readonly clock: Clock
  /** Default: the system's. */
  readonly timer?: Timer | undefined
  readonly signal?: AbortSignal | undefined
  /** How long to wait for others to be done. Default: a minute; ten seconds where it is `preferred`. */
  readonly waitMs?: number | undefined
  /** Told for whom this waits, once each. */
  readonly onWait?: ((sentence: string) => void) | undefined
  /** Default: this process. */
  readonly owner?: LockOwner | undefined
}

export interface RepositoryLock {
  /** Why what is read is not protected from a prune; undefined when it is. */
  readonly unprotected: string | undefined
  /** Aborted, with the error to end with, when the lock turns out to be lost. */
  readonly lost: AbortSignal
  /** Until now nobody has taken the lock away. @throws `locked` when somebody has */
  confirm(): Promise<void>
  /** Never throws. */
  release(): Promise<void>
}

/**
 * Keeps everything that is in the repository there until the lock is released.
 * @throws `locked` naming who prunes it; what the destination says
 */
export async function holdShared(
  repository: Lockable,
  request: LockRequest,
  protection: Protection = 'required',
): Promise<RepositoryLock> {
  const usual = protection === 'preferred' ? limits.restoreLockWaitMs : undefined
  try {
    return await acquire(repository, 'shared', { ...request, waitMs: request.waitMs ?? usual })
  } catch (error) {
    const passing = passed[protection].some((code) => isOperatingError(error, code))
    if (!passing || !isOperatingError(error)) throw error
    return unprotectedLock(error)
  }
}

const refusals = ['disk-refused', 'credential-refused'] as const
const passed = {
  required: [],
  'where-writable': refusals,
  preferred: [...refusals, 'locked', 'disk-full'],
} as const

/** Alone in taking snapshots away; others may read and write. @throws `locked` naming the other one */
export const holdRetention = (repository: Lockable, request: LockRequest) =>
  acquire(repository, 'retention', request)

/**
 * Alone with the repository: nobody rests on anything in it.
 * @throws `locked` naming who uses it; `unsupported-destination` where a listing does not show what was
 *   just written
 */
export const holdExclusive = (repository: Lockable, request: LockRequest) =>
  acquire(repository, 'exclusive', request)

/** The locks that stand, whoever holds them, and keys that are none. */
export async function listLocks({ destination }: Lockable): Promise<readonly LockName[]> {
  const names: LockName[] = []
  for await (const { key } of destination.list(lockPrefix)) {
    const name = parseLockKey(key)
    if (name !== undefined) names.push(name)
  }
  return names
}

function unprotectedLock({ message }: OperatingError): RepositoryLock {
  return {
    unprotected: `this is not protected from a prune that runs at the same time: ${message}`,
    lost: new AbortController().signal,
    confirm: async () => {},
    release: async () => {},
  }
}

async function acquire(
  { destination }: Lockable,
  kind: LockKind,
  request: LockRequest,
): Promise<RepositoryLock> {
  const { clock, purpose, signal, timer = systemTimer } = request
  const owner = request.owner ?? (await thisOwner())
  const world = { clock, timer, owner, purpose }
  const look = new Look(destination, kind, world)
  const until = clock.monotonicMs() + (request.waitMs ?? limits.repositoryLockWaitMs)
  const told = new Set<string>()
  let own: HeldLock | undefined
  try {
    for (;;) {
      signal?.throwIfAborted()
      own ??= await HeldLock.put(destination, kind, world)
      const blocking = await look.around(own)
      if (blocking.length === 0) {
        const { lost } = own
        const held = own
        own = undefined
        return {
          unprotected: undefined,
          lost,
          confirm: () => held.confirm(),
          release: () => held.release(),
        }
      }
      const waits = kind === 'exclusive' && blocking.every(({ name }) => name.kind !== 'exclusive')
      if (!waits) {
        await own.release()
        own = undefined
      }
      // what looks expired is known to be gone, or not, when it has been watched
      const settled = blocking.filter(({ watched }) => !watched)
      const [first] = settled
      if (first !== undefined && clock.monotonicMs() >= until) refuse(destination, first)
      for (const each of blocking) {
        if (told.has(each.name.holder)) continue
        told.add(each.name.holder)
        request.onWait?.(`waiting: ${destination.url} is in use ${whose(each)}`)
      }
      const pollMs = randomInt(limits.repositoryLockPollMs / 2, limits.repositoryLockPollMs)
      await pause(timer, pollMs, signal)
    }
  } finally {
    await own?.release()
  }
}

interface Blocking {
  readonly name: LockName
  /** undefined when it cannot be read. */
  readonly lock: LockFile | undefined
  readonly problem: string | undefined
  /** Whether it looks expired and is being watched. */
  readonly watched: boolean
}

/** Finds those that are in the way, and removes what is left of dead ones. */
class Look {
  readonly #destination: Destination
  readonly #kind: LockKind
  readonly #world: LockWorld
  /** Since when an expired lock has been seen, by the monotonic clock. */
  readonly #seenSince = new Map<string, number>()

  constructor(destination: Destination, kind: LockKind, world: LockWorld) {
    this.#destination = destination
    this.#kind = kind
    this.#world = world
  }

  async around(own: HeldLock): Promise<readonly Blocking[]> {
    for (;;) {
      const names = await listLocks({ destination: this.#destination })
      if (this.#kind !== 'shared' && !names.some((each) => each.holder === own.holder)) {
        this.#refuseLagging()
      }
      const others = names.filter(
        (each) => each.holder !== own.holder && conflicts(this.#kind, each.kind),
      )
      const blocking: Blocking[] = []
      let removed = false
      await inFlight(others, limits.requestsInFlight, undefined, async (name) => {
        const found = await this.#judge(name)
        if (found === 'removed') removed = true
        else if (found !== 'gone') blocking.push(found)
      })
      // one that was taken for gone by the clock may have been renewed at the last moment: look again
      if (!removed) return blocking
    }
  }

  async #judge(name: LockName): Promise<Blocking | 'gone' | 'removed'> {
    const key = lockKey(name)
    const place = this.#destination.locate(key)
    let lock: LockFile
    try {
      const bytes = await getWhole(this.#destination, key, limits.repositoryLockBytes)
      if (bytes === undefined) return 'gone'
      lock = decodeLock(bytes, name, place)
    } catch (error) {
      if (!isOperatingError(error) || error.code === 'unreachable') throw error
      return { name, lock: undefined, problem: error.message, watched: false }
    }
    const { clock, owner } = this.#world
    const verdict = await judgeLock(lock, owner, clock.nowMs())
    if (verdict === 'held') return { name, lock, problem: undefined, watched: false }
    if (verdict === 'gone') {
      await removeLock(this.#destination, key).catch(ignoreOperating)
      return 'gone'
    }
    const since = this.#seenSince.get(key) ?? clock.monotonicMs()
    this.#seenSince.set(key, since)
    if (clock.monotonicMs() - since < limits.repositoryLockWatchMs) {
      return { name, lock, problem: undefined, watched: true }
    }
    await removeLock(this.#destination, key)
    return 'removed'
  }

  #refuseLagging(): never {
    const { url } = this.#destination
    fail(
      'unsupported-destination',
      `a listing of ${url} does not show what was just written: who else uses the repository cannot be told`,
      'Nothing is removed from such a store. Backups and restores work; remove old snapshots by making a new repository.',
    )
  }
}

const whose = ({ lock, problem }: Blocking): string =>
  lock === undefined
    ? `by somebody whose lock cannot be read: ${problem}`
    : `by ${lock.purpose} in process ${lock.owner.pid} on host ${lock.owner.host} since ${lock.since}`

function refuse(destination: Destination, blocking: Blocking): never {
  const place = destination.locate(lockKey(blocking.name))
  fail(
    'locked',
    `${destination.url} is in use ${whose(blocking)}`,
    `Wait until that is done, or stop it. If it is gone for good, remove ${place}.`,
    { place: { file: place } },
  )
}

function ignoreOperating(error: unknown): void {
  if (!isOperatingError(error)) throw error
}
