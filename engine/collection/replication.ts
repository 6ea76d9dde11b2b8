/**
 * An open collection as one of several copies: whether it may write, who has what it wrote, and on a standby
 * the records that come from the primary.
 *
 * This is what the `replica` folder works with; the collection itself asks it before and after each write.
 */
import { fail, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Epoch } from '../format/identity.ts'
import { readAnyRecord } from '../format/wal-record.ts'
import type { FollowedRecord } from '../wal/log-follower.ts'
import type { LogPosition } from '../wal/replay.ts'
import type { CollectionContext } from './context.ts'
import { Damage } from './damage.ts'
import { Followers, failFenced } from './followers.ts'
import type { EpochStart, History } from './history.ts'
import { LogReader } from './log-reader.ts'
import { readOperation, walDirectoryOf } from './open-files.ts'
import {
  isSameEpoch,
  type PromisedEpoch,
  type ReplicaFile,
  type ReplicaState,
  withoutPromise,
  withPromise,
} from './replica-file.ts'
import { completed, intending } from './switch-epoch.ts'

export interface ReplicationSource {
  readonly context: CollectionContext
  readonly directory: string
  readonly replica: ReplicaFile
  readonly history: () => History
  /** Leaves the history and enters another one. */
  readonly enter: (start: EpochStart) => Promise<void>
}

/** Records as they came, and the epoch that they are of. */
export interface FollowBatch {
  readonly epoch: Epoch
  /** Headers and payloads, one after the other. */
  readonly bytes: Buffer
  /** Take them although a newer epoch was promised: this copy catches up before it begins that one. */
  readonly promised?: boolean
}

export class Replication {
  readonly followers: Followers
  readonly damage = new Damage()
  /**
   * Asked before a write when no standby was heard of for a while: looks whether another node took over
   * while this one was away. Set by whoever knows the other nodes.
   */
  beforeWrite: (() => Promise<void> | undefined) | undefined
  /** Told of a write that is refused because another node was promised an epoch: that node may have given it up. */
  whenFenced: (() => void) | undefined
  readonly #source: ReplicationSource
  /** Checksums of the newest records, by LSN: what comes again must be the same. */
  readonly #recent = new Map<number, number>()
  readonly #wakers = new Set<() => void>()
  #beginning = false
  #isBroken = false
  readonly #writes = new Set<Promise<unknown>>()

  constructor(source: ReplicationSource) {
    this.#source = source
    const { clock, timer, onWarning } = source.context
    const state = () => source.replica.current
    this.followers = new Followers({ clock, timer, onWarning, state })
  }

  get state(): ReplicaState {
    return this.#source.replica.current
  }

  /** After the newest durable record. */
  get durable(): LogPosition {
    return this.#source.history().writer.durable
  }

  get isStandby(): boolean {
    return this.state.role === 'standby'
  }

  /** An epoch could not be entered, and the old one may have been left: opened anew it stands on one side. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Whether a newer epoch was promised to somebody: nothing is written or taken in this one. */
  get isFenced(): boolean {
    const { promised } = this.state
    return promised !== null && promised.number > this.#epoch.number
  }

  /** Changes what this copy is to others, durably. */
  async change(change: (now: ReplicaState) => ReplicaState): Promise<void> {
    await this.#source.replica.change(change)
    this.followers.changed()
    if (this.isFenced) this.followers.release(this.#refusal())
    this.wake()
  }

  /** @throws `not-primary`, `fenced` where nothing may be written; what damage says, where some was met */
  admitWrites(): void {
    if (this.isFenced || this.isStandby || this.state.switching !== null) throw this.#refusal()
    this.damage.refuseWrites(this.#source.history().manifest.name)
  }

  /**
   * One write: admitted, logged by `append`, and where a standby has to have it, confirmed.
   * @throws `not-primary`, `fenced`: nothing was logged; `not-confirmed`, `fenced` for what is durable here alone
   */
  async write<T extends { readonly lsn: number }>(append: () => Promise<T>): Promise<T> {
    if (this.isFenced) this.whenFenced?.()
    this.admitWrites()
    if (this.state.members.length === 0) return this.#counted(append)
    const asked = this.beforeWrite?.()
    if (asked !== undefined) await asked
    this.admitWrites()
    return this.#counted(async () => {
      const appended = await append()
      const isSync = this.state.members.some(({ mode }) => mode === 'sync')
      if (isSync && this.isFenced) throw this.#refusal()
      const confirmed = this.followers.confirmed(appended.lsn)
      if (confirmed !== undefined) await confirmed
      return appended
    })
  }

  /**
   * Agrees to a newer epoch, durably: nothing is written or taken in this one from then on, and nothing is
   * under way when this resolves. Of one number the first promise holds; only a copy that is about to begin an
   * epoch itself, and has not, gives way to another history of that number that is higher, so that of two
   * promotions at once one wins.
   * @param expected what a decision rests on: another promise since then ends it
   * @throws `fenced` naming who was promised the epoch, or has begun one as new
   */
  async promise(promised: PromisedEpoch, self: string, expected?: ReplicaState): Promise<void> {
    const { name } = this.#source.history().manifest
    await this.change((now) => {
      const own = this.#epoch
      if (own.number >= promised.number || this.#beginning) {
        return fail(
          'fenced',
          `${name} is in epoch ${own.number} here already`,
          'Look at: vectra-cli cluster status.',
          {
            details: [{ number: Math.max(own.number, now.promised?.number ?? 0) }],
          },
        )
      }
      const before = now.promised
      if (expected !== undefined && before?.history !== expected.promised?.history) {
        return fail(
          'fenced',
          `${name} has promised epoch ${before?.number} to ${before?.node.name} here meanwhile`,
          'Look again, and promote with what is true then.',
        )
      }
      if (before === null || before.number < promised.number) return withPromise(now, promised)
      if (isSameEpoch(before, promised)) return now
      const givesWay =
        before.number === promised.number &&
        before.node.name === self &&
        promised.history > before.history
      if (givesWay) return withPromise(now, promised)
      return fail(
        'fenced',
        `${name} has promised epoch ${before.number} to ${before.node.name} here`,
        'Look at: vectra-cli cluster status.',
        {
          details: [{ number: before.number }],
        },
      )
    })
    await this.settle()
  }

  /** Resolves when no write is under way and everything is durable. */
  async settle(): Promise<void> {
    await this.idle()
    const { writer } = this.#source.history()
    await writer.between(() => writer.sync())
  }

  /** Takes a promise back that nobody will use any more. */
  async release(epoch: Epoch): Promise<void> {
    await this.change((now) => withoutPromise(now, epoch))
  }

  /** Resolves when no write is under way any more; new ones are refused by then, or it may never. */
  async idle(): Promise<void> {
    while (this.#writes.size > 0) await Promise.allSettled([...this.#writes])
  }

  /** The collection is being closed: whoever waits for a standby is told. */
  close(): void {
    this.followers.release(closedError())
  }

  #counted<T>(work: () => Promise<T>): Promise<T> {
    const writing = work()
    this.#writes.add(writing)
    return writing.finally(() => this.#writes.delete(writing))
  }

  /** Where its files are. */
  get directory(): string {
    return this.#source.directory
  }

  /** A reader of the durable log of this epoch. */
  reader(): LogReader {
    const { context, directory, history } = this.#source
    const { manifest, writer } = history()
    const walDirectory = walDirectoryOf(directory, manifest)
    return new LogReader({ disk: context.disk, walDirectory, identity: manifest, writer })
  }

  /** Calls `act` after records became durable, and after each change of the state. @returns what ends it */
  onChange(act: () => void): () => void {
    this.#wakers.add(act)
    return () => this.#wakers.delete(act)
  }

  /** Records became durable. */
  wake(): void {
    for (const act of [...this.#wakers]) act()
  }

  /**
   * Takes records of the primary: those that are here already are passed over, the others must follow on.
   * Resolves when they are durable and applied.
   * @throws `fenced` for records of another epoch, `damaged` for a flipped bit, `log-gap`, `divergence` for
   *   another record under an LSN that is here: nothing of the batch from there on is applied
   */
  async follow({ epoch, bytes, promised = false }: FollowBatch): Promise<void> {
    const history = this.#source.history()
    const { manifest, follower } = history
    const fenced = this.isFenced && !promised
    if (follower === undefined || fenced || !isSameEpoch(this.#epoch, epoch)) {
      const { name } = manifest
      return fail(
        'fenced',
        `${name} takes no records of epoch ${epoch.number} here: it is ${follower === undefined ? 'a primary' : 'a standby'} in epoch ${this.#epoch.number}${this.isFenced ? `, and promised epoch ${this.state.promised?.number}` : ''}`,
        'The node that sent them is no primary any more; it joins again with: vectra-cli cluster rejoin.',
      )
    }
    const records = this.#check(bytes, history)
    await follower.follow(records)
    for (const each of records) this.#recent.set(each.lsn, each.chain)
    for (const lsn of this.#recent.keys()) {
      if (this.#recent.size <= limits.walDigestInterval) break
      this.#recent.delete(lsn)
    }
    if (records.length > 0) history.freezeWhenFull()
  }

  /**
   * Enters `epoch`, which goes on after the newest record here, as its primary or as a standby.
   * @throws `fenced` when another epoch was promised meanwhile: nothing was changed
   */
  async switchEpoch(epoch: Epoch, role: ReplicaState['role']): Promise<void> {
    const { replica, enter, history } = this.#source
    const { uuid, epoch: from, name, restoredFrom } = history().manifest
    const { promised } = this.state
    if (isSameEpoch(from, epoch)) return
    if (this.#beginning) {
      return fail('fenced', `${name} is entering an epoch here already`, 'Try again.')
    }
    if (promised !== null && promised.number >= epoch.number && !isSameEpoch(promised, epoch)) {
      return failFenced(name, promised)
    }
    this.#beginning = true
    try {
      await this.settle()
      const { lsn, chain } = history().position
      const here = { epoch: from, lsn, chain }
      const around = {
        before: () => replica.change((now) => intending(now, here, { epoch, role })),
        after: () => replica.change(completed),
      }
      await enter({ identity: { uuid, epoch }, name, restoredFrom, around })
    } catch (error) {
      this.#isBroken = true
      throw error
    } finally {
      this.#beginning = false
    }
    this.#recent.clear()
    this.followers.changed()
    this.wake()
  }

  get #epoch(): Epoch {
    return this.#source.history().manifest.epoch
  }

  #refusal(): unknown {
    const { name } = this.#source.history().manifest
    const { promised, primary } = this.state
    try {
      if (promised !== null && this.isFenced) return failFenced(name, promised)
      return fail(
        'not-primary',
        `${name} is a standby here; its primary is ${primary === null ? 'not known' : `${primary.name} at ${primary.url}`}`,
        primary === null
          ? 'Find the primary with: vectra-cli cluster status.'
          : `Write to ${primary.url}, or make this node the primary: vectra-cli cluster promote.`,
      )
    } catch (error) {
      return error
    }
  }

  /** The records of a batch that are new here, checked against the newest one. */
  #check(bytes: Buffer, { manifest, position, config }: History): FollowedRecord[] {
    const records: FollowedRecord[] = []
    let { lsn, chain, committedAtUs } = position
    for (let offset = 0; offset < bytes.length; ) {
      const found = readAnyRecord(bytes, offset, manifest)
      if ('problem' in found) {
        return fail(
          found.problem === 'identity' ? 'divergence' : 'damaged',
          `records of ${manifest.name} came damaged (${found.problem}) after LSN ${lsn}, at byte ${offset} of ${bytes.length}; nothing from there on was applied`,
          'They are asked for again.',
          { place: { offset, lsn: lsn + 1 } },
        )
      }
      const { record, end } = found
      if (record.lsn <= lsn) {
        const known = record.lsn === lsn ? chain : this.#recent.get(record.lsn)
        if (known !== undefined && known !== record.checksum) this.#diverged(record.lsn)
      } else if (record.lsn > lsn + 1) {
        return fail(
          'log-gap',
          `records of ${manifest.name} go on at LSN ${record.lsn}, but this copy ends at LSN ${lsn}`,
          'They are asked for again from there.',
          { place: { lsn: lsn + 1 } },
        )
      } else {
        if (found.chain !== chain || record.committedAtUs < committedAtUs) this.#diverged(lsn)
        const operation = readOperation(record, config.dimension, 'what the primary sent')
        ;({ lsn, committedAtUs, checksum: chain } = record)
        const own = Buffer.from(bytes.subarray(offset, end))
        records.push({ lsn, chain, committedAtUs, operation, place: record.place, bytes: own })
      }
      offset = end
    }
    return records
  }

  #diverged(lsn: number): never {
    const { name } = this.#source.history().manifest
    return fail(
      'divergence',
      `LSN ${lsn} of ${name} is another record here than at the node that sent it`,
      'Nothing was applied. Find out which node is right; the other one joins again with: vectra-cli cluster rejoin.',
      { place: { lsn } },
    )
  }
}

const closedError = () =>
  new OperatingError(
    'not-confirmed',
    'the collection was closed before a standby confirmed the write',
    'Look whether it is there before writing it again.',
  )
