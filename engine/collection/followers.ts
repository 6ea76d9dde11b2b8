/**
 * The standbys of a primary, as it sees them: how far each has the log, when each was last heard of, and
 * which writes wait for them.
 *
 * A synchronous write is acknowledged once *every* synchronous standby has it on its disk, so that whichever
 * of them is promoted has everything that was acknowledged. While one is not there the stated choice holds:
 * `block` waits, and fails the write when it waited too long; `async` goes on without that standby, says so
 * once, and counts it in again when it is within one round trip of the newest record.
 */
import type { Clock } from '../base/clock.ts'
import { fail, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Timer } from '../base/timer.ts'
import {
  noHistory,
  type PromisedEpoch,
  type ReplicaMember,
  type ReplicaState,
} from './replica-file.ts'

export interface FollowersOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly state: () => ReplicaState
  readonly onWarning: (text: string) => void
}

/** A standby as its primary sees it. */
export interface FollowerStatus extends ReplicaMember {
  /** It has the log on its disk up to here; null when it was not heard of since this process started. */
  readonly lsn: number | null
  /** Milliseconds since it was last heard of. */
  readonly silentMs: number | null
  readonly there: boolean
  /** It lacks records, and has not had everything for `limits.standbyLateMs`. */
  readonly late: boolean
  /** Whether acknowledgements wait for it now. */
  readonly inSync: boolean
}

interface Live {
  lsn: number
  heardMs: number
  /** The newest record when it last asked. */
  seenLsn: number
  /** When it last had everything. */
  evenMs: number
  joined: boolean
}

interface Waiter {
  readonly lsn: number
  settle(error?: unknown): void
}

export class Followers {
  readonly #options: FollowersOptions
  readonly #live = new Map<string, Live>()
  readonly #waiters = new Set<Waiter>()
  #stopWatch: (() => void) | undefined
  #toldAlone = false
  readonly #holds = new Set<symbol>()
  readonly #sinceMs: number
  #newestLsn = 0
  /** Names of the standbys that were told to be late. */
  readonly #toldLate = new Set<string>()

  constructor(options: FollowersOptions) {
    this.#options = options
    this.#sinceMs = options.clock.monotonicMs()
  }

  /** Log records after this LSN are wanted by a standby; undefined when there is none. */
  get keepAfter(): number | undefined {
    const { members } = this.#options.state()
    if (this.#holds.size > 0) return 0
    if (members.length === 0) return undefined
    return Math.min(...members.map(({ name }) => this.#live.get(name)?.lsn ?? 0))
  }

  /** Wants all log that is there while a standby begins, which is none yet. @returns what ends it */
  hold(): () => void {
    const hold = Symbol('a standby begins')
    this.#holds.add(hold)
    return () => void this.#holds.delete(hold)
  }

  /** When any standby was last heard of, on the monotonic clock; undefined: never. */
  get heardMs(): number | undefined {
    const times = [...this.#live.values()].map((each) => each.heardMs)
    return times.length === 0 ? undefined : Math.max(...times)
  }

  /** Whether synchronous writes are acknowledged without a synchronous standby now. */
  get alone(): boolean {
    return this.#toldAlone
  }

  status(): FollowerStatus[] {
    const now = this.#options.clock.monotonicMs()
    return this.#options.state().members.map((member) => {
      const live = this.#live.get(member.name)
      const silentMs = live === undefined ? null : Math.max(0, now - live.heardMs)
      const inSync = member.mode === 'sync' && this.#waitsFor(member)
      const [there, late] = [this.#isThere(member), this.#isLate(member)]
      return { ...member, lsn: live?.lsn ?? null, silentMs, there, late, inSync }
    })
  }

  /**
   * A standby asked for what follows `lsn`, which was proven to be a record of this log that it has on its disk.
   * @param position LSN of the newest durable record
   */
  heard(node: string, lsn: number, position: number): void {
    const { clock, state } = this.#options
    if (!state().members.some(({ name }) => name === node)) return
    const before = this.#live.get(node)
    const caughtUp = lsn >= position || (before !== undefined && lsn >= before.seenLsn)
    const heardMs = clock.monotonicMs()
    // with all that was there when it asked before, it had everything at that moment
    const evenMs = lsn >= position ? heardMs : caughtUp ? before?.heardMs : before?.evenMs
    this.#live.set(node, {
      lsn,
      heardMs,
      seenLsn: position,
      evenMs: evenMs ?? this.#sinceMs,
      joined: caughtUp || before?.joined === true,
    })
    this.#newestLsn = Math.max(this.#newestLsn, position)
    this.#tellLate()
    this.#evaluate()
  }

  /**
   * Resolves when the record may be acknowledged; undefined when it may at once.
   * @throws `not-confirmed`: it is durable here, and a synchronous standby has not confirmed it
   */
  confirmed(lsn: number): Promise<void> | undefined {
    this.#newestLsn = Math.max(this.#newestLsn, lsn)
    this.#tellLate()
    if (this.#isConfirmed(lsn)) return undefined
    return new Promise<void>((resolve, reject) => {
      const cancel = this.#options.timer.after(limits.syncWaitMs, () =>
        waiter.settle(notConfirmed(this.#missing(lsn))),
      )
      const waiter: Waiter = {
        lsn,
        settle: (error) => {
          cancel()
          this.#waiters.delete(waiter)
          if (error === undefined) resolve()
          else reject(error)
        },
      }
      this.#waiters.add(waiter)
      this.#watch()
    })
  }

  /** Ends every wait: this copy writes no more, or is being closed. */
  release(error: unknown): void {
    this.#stopWatch?.()
    this.#stopWatch = undefined
    for (const waiter of [...this.#waiters]) waiter.settle(error)
  }

  /** After a change of the members or of the choice. */
  changed(): void {
    const names = new Set(this.#options.state().members.map(({ name }) => name))
    for (const name of this.#live.keys()) if (!names.has(name)) this.#live.delete(name)
    this.#evaluate()
  }

  #isThere({ name }: ReplicaMember): boolean {
    const live = this.#live.get(name)
    if (live === undefined) return false
    return this.#options.clock.monotonicMs() - live.heardMs < limits.standbyGoneMs
  }

  #isLate({ name }: ReplicaMember): boolean {
    const live = this.#live.get(name)
    if ((live?.lsn ?? 0) >= this.#newestLsn) return false
    const evenMs = live?.evenMs ?? this.#sinceMs
    return this.#options.clock.monotonicMs() - evenMs > limits.standbyLateMs
  }

  #tellLate(): void {
    const { state, onWarning } = this.#options
    for (const member of state().members) {
      const { name } = member
      const late = this.#isLate(member)
      if (late === this.#toldLate.has(name)) continue
      if (late) this.#toldLate.add(name)
      else this.#toldLate.delete(name)
      onWarning(
        late
          ? `standby ${name} is behind: it has LSN ${this.#live.get(name)?.lsn ?? 0} of ${this.#newestLsn}, and has not had everything for ${limits.standbyLateMs / 1000} s; writes go on, and log is kept for it up to a bound`
          : `standby ${name} has caught up`,
      )
    }
  }

  #waitsFor(member: ReplicaMember): boolean {
    if (this.#options.state().whenAlone === 'block') return true
    const live = this.#live.get(member.name)
    if (live !== undefined && !this.#isThere(member)) live.joined = false
    return live?.joined === true
  }

  #isConfirmed(lsn: number): boolean {
    const sync = this.#options.state().members.filter(({ mode }) => mode === 'sync')
    if (sync.length === 0) return true
    const counted = sync.filter((member) => this.#waitsFor(member))
    this.#tell(counted.length === 0)
    return counted.every(({ name }) => (this.#live.get(name)?.lsn ?? 0) >= lsn)
  }

  #missing(lsn: number): string[] {
    return this.#options
      .state()
      .members.filter(({ mode, name }) => mode === 'sync' && (this.#live.get(name)?.lsn ?? 0) < lsn)
      .map(({ name }) => name)
  }

  #tell(alone: boolean): void {
    if (alone === this.#toldAlone) return
    this.#toldAlone = alone
    this.#options.onWarning(
      alone
        ? 'no synchronous standby is there: writes are acknowledged by this node alone, as it was told to (async). What is acknowledged now is lost with this node'
        : 'a synchronous standby is there again: writes wait for it',
    )
  }

  #evaluate(): void {
    for (const waiter of [...this.#waiters]) {
      if (this.#isConfirmed(waiter.lsn)) waiter.settle()
    }
  }

  /** A standby falls away by saying nothing: somebody has to look. */
  #watch(): void {
    if (this.#stopWatch !== undefined) return
    this.#stopWatch = this.#options.timer.after(limits.standbyGoneMs / 4, () => {
      this.#stopWatch = undefined
      this.#evaluate()
      if (this.#waiters.size > 0) this.#watch()
    })
  }
}

const notConfirmed = (missing: readonly string[]): OperatingError =>
  new OperatingError(
    'not-confirmed',
    `the write is durable on this node, and not confirmed by ${missing.join(', ')} within ${limits.syncWaitMs / 1000} s`,
    'It may or may not survive a failover. Start the standby, or let writes go on without it: vectra-cli collections replicate NAME --when-alone async.',
  )

/** @throws `fenced`, always */
export const failFenced = (name: string, { number, history, node }: PromisedEpoch): never =>
  history === noHistory
    ? fail(
        'fenced',
        `${name} was fenced here: nothing is written in it until a copy is promoted`,
        'Promote this one or another one: vectra-cli cluster promote. Where another one writes already, this node joins it: vectra-cli cluster rejoin.',
      )
    : fail(
        'fenced',
        `${name} takes no writes here: epoch ${number} was begun by ${node.name} (${node.url})`,
        `Write to ${node.url}. This node joins again with: vectra-cli cluster rejoin.`,
      )
