/**
 * A lock that this process holds: renewed by a timer, given back at the end.
 *
 * Renewing writes the next lock, then looks whether the one before still stands. If it does, nobody has
 * taken us for gone: whoever removes a lock looks at all locks again afterwards, and would see the new one.
 * If it does not, the lock is lost, for good: what rested on it may have been pruned.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { isOperatingError, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Timer } from '../base/timer.ts'
import type { Destination } from '../destination/destination.ts'
import { toInstant } from './instant.ts'
import { encodeLock, type LockFile, type LockKind, type LockOwner, lockKey } from './lock-file.ts'

export interface LockWorld {
  readonly clock: Clock
  readonly timer: Timer
  readonly owner: LockOwner
  readonly purpose: string
}

/** Removes a lock, with the old versions that a store keeps: nobody will ask for them. */
export async function removeLock(destination: Destination, key: string): Promise<void> {
  try {
    if (destination.purge !== undefined) return await destination.purge(key)
  } catch (error) {
    if (!isOperatingError(error)) throw error // an account may delete and not purge
  }
  await destination.delete(key)
}

export class HeldLock {
  readonly holder: string
  readonly kind: LockKind
  readonly #destination: Destination
  readonly #world: LockWorld
  readonly #since: string
  readonly #lost = new AbortController()
  #renewal = 0
  /** Renewals that may stand at the destination. */
  readonly #standing = new Set<number>()
  #cancelTimer: () => void = () => {}
  #released = false
  /** One thing at a time. */
  #queue: Promise<void> = Promise.resolve()

  private constructor(destination: Destination, kind: LockKind, world: LockWorld) {
    this.#destination = destination
    this.kind = kind
    this.#world = world
    this.#since = toInstant(world.clock.nowMs())
    this.holder = randomBytes(16).toString('hex')
  }

  /** Writes a lock, whoever else has one: the caller looks for them afterwards. */
  static async put(destination: Destination, kind: LockKind, world: LockWorld): Promise<HeldLock> {
    const lock = new HeldLock(destination, kind, world)
    await lock.#write(0)
    lock.#schedule()
    return lock
  }

  /** Aborted when the lock is found lost. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Until now nobody has taken the lock away. @throws `locked` when somebody has */
  confirm(): Promise<void> {
    return this.#inTurn(async () => {
      this.#lost.signal.throwIfAborted()
      if (!(await this.#stands())) this.#lose()
    })
  }

  /** Gives it back. Never throws: what cannot be removed is found stale by others. */
  release(): Promise<void> {
    this.#released = true
    this.#cancelTimer()
    return this.#inTurn(async () => {
      for (const renewal of this.#standing) await this.#remove(renewal)
    }).catch(() => {})
  }

  #schedule(): void {
    if (this.#released || this.#lost.signal.aborted) return
    this.#cancelTimer = this.#world.timer.after(limits.repositoryLockRenewMs, () => {
      // a store that is away now may be back at the next renewal, long before others take over
      void this.#inTurn(() => this.#renew())
        .catch(() => {})
        .finally(() => this.#schedule())
    })
  }

  async #renew(): Promise<void> {
    if (this.#released) return
    const next = this.#renewal + 1
    await this.#write(next)
    if (!(await this.#stands())) {
      await this.#remove(next)
      this.#lose()
    }
    const before = this.#renewal
    this.#renewal = next
    await this.#remove(before)
  }

  #lose(): never {
    const { url } = this.#destination
    const error = new OperatingError(
      'locked',
      `the lock on ${url} was taken away while it was in use: this process did not renew it for so long that another took it for gone`,
      'Run the command again. If the clocks of the hosts differ, set them right first.',
    )
    this.#lost.abort(error)
    throw error
  }

  async #stands(): Promise<boolean> {
    return (await this.#destination.head(this.#key(this.#renewal))) !== undefined
  }

  #key(renewal: number): string {
    return lockKey({ kind: this.kind, holder: this.holder, renewal })
  }

  async #write(renewal: number, released = false): Promise<void> {
    const { owner, purpose, clock } = this.#world
    const lock: LockFile = {
      kind: this.kind,
      holder: this.holder,
      renewal,
      purpose,
      owner,
      since: this.#since,
      renewedAt: toInstant(clock.nowMs()),
      released,
    }
    this.#standing.add(renewal)
    await this.#destination.put(this.#key(renewal), encodeLock(lock))
  }

  async #remove(renewal: number): Promise<void> {
    try {
      await removeLock(this.#destination, this.#key(renewal))
    } catch (error) {
      if (!isOperatingError(error)) throw error
      await this.#write(renewal, true) // an account that may not delete says so instead
    }
    this.#standing.delete(renewal)
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.#queue.then(work)
    this.#queue = run.catch(() => {})
    return run
  }
}
