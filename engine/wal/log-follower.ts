/**
 * The log of a standby: records of the primary, byte for byte as it logged them.
 *
 * Invariants:
 * - a record is applied after it is fdatasynced, in LSN order, without gaps;
 * - what shared one fdatasync at the primary shares one here, never more: a record of a later group proves
 *   that the earlier one was durable (format/wal-record.ts), and that must be true of this disk too;
 * - a failed write is cut off again, durably, and can be repeated; a failed fsync or cut, and a record that
 *   could not be applied, close the log for good.
 */
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Identity } from '../format/identity.ts'
import type { Operation } from '../format/operation.ts'
import { WAL_HEADER_BYTES } from '../format/wal-record.ts'
import { LogFile } from './log-file.ts'
import type { Commit } from './log-group.ts'
import type { LogWriter } from './log-writer.ts'
import type { LogEnd, LogPosition } from './replay.ts'
import { createWal } from './wal-files.ts'

export interface LogFollowerOptions {
  readonly disk: Disk
  readonly directory: string
  readonly identity: Identity
  /** Applies a record to the state. Called in LSN order, synchronously. Returns how many points it changed. */
  readonly onCommit: (commit: Commit) => number
  /** Called after records are durable and applied: moves the watermark. */
  readonly onDurable: (lsn: number) => Promise<void>
  /** Told once when the log closed for good. */
  readonly onFailure: (error: unknown) => void
}

/** A record that was checked against the position it follows. */
export interface FollowedRecord extends LogPosition {
  readonly operation: Operation
  /** How many records of its group stand before it. */
  readonly place: number
  /** Header and payload, as the primary has them. */
  readonly bytes: Buffer
}

/** See the head of this file. */
export class LogFollower implements LogWriter {
  readonly #options: LogFollowerOptions
  #file: LogFile
  #position: LogPosition
  #turn: Promise<unknown> = Promise.resolve()
  #rotating = false
  #failure: unknown
  #closed = false

  private constructor(options: LogFollowerOptions, file: LogFile, at: LogPosition) {
    this.#options = options
    this.#file = file
    this.#position = at
  }

  /** Goes on where a replay ended: {@link LogFile.resume}. */
  static async open(options: LogFollowerOptions, end: LogEnd): Promise<LogFollower> {
    let follower: LogFollower | undefined
    const file = await LogFile.resume(options.disk, options.directory, end, (error) => {
      if (follower !== undefined) follower.#fail(error)
    })
    const { lsn, chain, committedAtUs } = end
    follower = new LogFollower(options, file, { lsn, chain, committedAtUs })
    return follower
  }

  get position(): LogPosition {
    return this.#position
  }

  get durable(): LogPosition {
    return this.#position
  }

  get tail(): { readonly file: string; readonly offset: number } {
    return { file: this.#file.path, offset: this.#file.endBytes }
  }

  async append(): Promise<never> {
    return fail(
      'not-primary',
      'this copy is a standby: its records come from the primary',
      'Write to the primary.',
    )
  }

  /**
   * Takes records that follow on from the position. Resolves when all are durable and applied.
   * @throws `disk-full`, `disk-error`: those before are kept; `fsync-failed`, `digest-mismatch`: for good
   */
  follow(records: readonly FollowedRecord[]): Promise<void> {
    return this.between(async () => {
      const { lsn } = this.#position
      try {
        let group: FollowedRecord[] = []
        for (const each of records) {
          if (each.place === 0 && group.length > 0) {
            await this.#write(group)
            group = []
          }
          group.push(each)
        }
        if (group.length > 0) await this.#write(group)
      } finally {
        // once for all groups, also for those before one that failed
        if (this.#position.lsn > lsn && this.#failure === undefined) await this.#mark()
      }
    })
  }

  between<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      const refusal = this.#failure ?? (this.#closed ? closedError() : undefined)
      if (refusal !== undefined) throw refusal
      return work()
    })
    this.#turn = result.catch(() => {})
    return result
  }

  async sync(): Promise<void> {}

  async changeDurability(): Promise<void> {}

  async rotate(): Promise<void> {
    if (this.#file.endBytes === WAL_HEADER_BYTES) return
    const { disk, directory, identity } = this.#options
    const { lsn, chain } = this.#position
    this.#rotating = true // the new name may be on the disk: nothing goes to the old file any more
    try {
      await this.#file.finish()
      const path = await createWal(disk, directory, { identity, firstLsn: lsn + 1, chain })
      const previous = this.#file
      this.#file = await LogFile.fresh(disk, path, (error) => this.#fail(error))
      this.#rotating = false
      await previous.close()
    } catch (error) {
      if (isOperatingError(error, 'fsync-failed')) this.#fail(error)
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#turn
    await this.#file.trim()
    await this.#file.close()
  }

  async #write(group: readonly FollowedRecord[]): Promise<void> {
    if (this.#rotating || this.#file.endBytes > limits.walFileBytes) await this.rotate()
    await this.#file.append(Buffer.concat(group.map((each) => each.bytes)), true)
    try {
      for (const { lsn, chain, committedAtUs, operation } of group) {
        this.#position = { lsn, chain, committedAtUs }
        this.#options.onCommit({ lsn, chain, committedAtUs, operation, changed: 0 })
      }
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  async #mark(): Promise<void> {
    try {
      await this.#options.onDurable(this.#position.lsn)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#options.onFailure(error)
  }
}

const closedError = () =>
  new OperatingError('usage', 'the collection is closed', 'Open it again before writing.')
