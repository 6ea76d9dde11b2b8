/**
 * Appending to the log with group commit.
 *
 * Invariants:
 * - an append resolves after its record is written and the commit callback applied it; with the
 *   durability `always` it is fdatasynced before that, with `interval` at most so much later;
 * - LSNs are given when a group is written, in order, without gaps; commit times never go back;
 * - one group is in flight at a time: writers that come meanwhile share the next fdatasync;
 * - the place of a record counts from the last fdatasync, so that no record of the same unsynced
 *   stretch is taken for a proof of another (format/wal-record.ts);
 * - a rotation, an orderly end and whoever asks for {@link WalWriter.sync} sync first: nothing that
 *   refers to an LSN is written before that LSN is durable;
 * - a failed write is cut off the file again, durably, and only its group is rejected;
 * - a failed fsync or cut (the kernel may have dropped the pages: nothing retries it), a record that
 *   could not be applied or a watermark that could not be moved closes the writer for good;
 * - once a new file was begun nothing goes to the old one: a failed rotation is repeated first.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { isOperatingError, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Timer } from '../base/timer.ts'
import type { Durability } from '../format/config.ts'
import type { Identity } from '../format/identity.ts'
import { checkedPayloadBytes, type Operation } from '../format/operation.ts'
import { recordBytes, WAL_HEADER_BYTES } from '../format/wal-record.ts'
import { LogFile } from './log-file.ts'
import { type Commit, LogGroups, type SizedOperation } from './log-group.ts'
import type { LogWriter } from './log-writer.ts'
import type { LogEnd, LogPosition } from './replay.ts'
import { createWal } from './wal-files.ts'

export interface WalWriterOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly directory: string
  readonly identity: Identity
  readonly durability: Durability
  readonly timer: Timer
  /** Applies a record to the state. Called in LSN order, synchronously. Returns how many points it changed. */
  readonly onCommit: (commit: Commit) => number
  /** Called after records are durable and applied: moves the watermark, beside the next group's write. */
  readonly onDurable: (lsn: number) => Promise<void>
  /**
   * Told while records are being written what {@link onCommit} will be asked to apply, in this order, when the
   * disk has them; it may never be. What can be done ahead is done while the disk is busy.
   */
  readonly prepare: (operations: readonly Operation[]) => void
  /** Asked before each group: an operation to log first (a digest of the state), or undefined. */
  readonly before: () => Operation | undefined
  /** Told once when the writer closed for good, with what every later append is refused with. */
  readonly onFailure: (error: unknown) => void
}

interface Waiting extends SizedOperation {
  readonly resolve: (commit: Commit) => void
  readonly reject: (error: unknown) => void
}

export class WalWriter implements LogWriter {
  readonly #options: WalWriterOptions
  #durability: Durability
  #file: LogFile
  /** After the newest applied record. */
  #position: LogPosition
  /** After the newest durable record, and the length of the file up to it. */
  #durable: LogPosition
  #durableOffset: number
  /** Records written since the last fdatasync. */
  #unsynced = 0
  /** Cancels the fdatasync that is due. */
  #cancelSync: (() => void) | undefined
  #waiting: Waiting[] = []
  readonly #groups = new LogGroups()
  /** Groups, rotations and other exclusive work, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #groupScheduled = false
  /** The watermark moves. */
  #telling: Promise<void> = Promise.resolve()
  /** A rotation was begun and is not finished. */
  #rotating = false
  #failure: unknown
  #closed = false

  private constructor(options: WalWriterOptions, file: LogFile, at: LogPosition) {
    this.#options = options
    this.#durability = options.durability
    this.#file = file
    this.#durableOffset = file.endBytes
    this.#position = at
    this.#durable = at
  }

  /** Goes on where a replay ended: {@link LogFile.resume}. */
  static async open(options: WalWriterOptions, end: LogEnd): Promise<WalWriter> {
    const { disk, directory } = options
    let writer: WalWriter | undefined
    const file = await LogFile.resume(disk, directory, end, (error) => {
      if (writer !== undefined) writer.#fail(error)
    })
    writer = new WalWriter(options, file, end)
    return writer
  }

  /** After the newest acknowledged record. */
  get position(): LogPosition {
    return this.#position
  }

  /** After the newest durable record: the position, once {@link sync} resolved. */
  get durable(): LogPosition {
    return this.#durable
  }

  /** The current file and its length in durable bytes. */
  get tail(): { readonly file: string; readonly offset: number } {
    return { file: this.#file.path, offset: this.#durableOffset }
  }

  /**
   * Logs one operation.
   * @returns its place in the history, after it is applied and as durable as the config asks for
   * @throws `limit-exceeded`, `disk-full`, `disk-error`: nothing of the operation is kept then;
   *   `fsync-failed`: whether the record is there, only the next replay tells
   */
  append(operation: Operation): Promise<Commit> {
    return new Promise<Commit>((resolve, reject) => {
      const refusal = this.#refusal()
      if (refusal !== undefined) {
        reject(refusal)
        return
      }
      const payloadBytes = checkedPayloadBytes(operation)
      this.#waiting.push({ operation, payloadBytes, resolve, reject })
      this.#scheduleGroup()
    })
  }

  /** Runs `work` while no record is in flight: between two groups, everything before is applied. */
  between<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      await this.#telling
      const refusal = this.#refusal()
      if (refusal !== undefined) throw refusal
      return work()
    })
    this.#turn = result.catch(() => {})
    return result
  }

  /**
   * Makes everything acknowledged durable. Only inside {@link between}.
   * @throws `fsync-failed`: the writer is closed for good
   */
  async sync(): Promise<void> {
    if (this.#durable.lsn === this.#position.lsn) return
    await this.#dataSync()
    await this.#tellDurable()
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * Starts a new file. Only inside {@link between}. An empty file is kept as it is.
   * When it fails, the next group or rotation begins with it again: the new name may be on the disk, and
   * a log that went on in the old file would not fit it.
   */
  async rotate(): Promise<void> {
    if (this.#file.endBytes === WAL_HEADER_BYTES) return
    await this.sync()
    await this.#file.finish()
    this.#rotating = true
    const next = await this.#openNext()
    const previous = this.#file
    this.#file = next
    this.#durableOffset = next.endBytes
    this.#rotating = false
    await previous.close()
  }

  /**
   * Waits for what is under way, makes it durable and closes the file. Appends after it are refused.
   * @throws what closed the writer before, when acknowledged records are not known to be durable
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    while (this.#waiting.length > 0 || this.#groupScheduled) await this.#turn
    await this.#turn
    await this.#telling
    this.#cancelSync?.()
    try {
      if (this.#failure === undefined) await this.sync()
      if (this.#durable.lsn < this.#position.lsn) throw this.#failure
      await this.#file.trim()
    } finally {
      await this.#file.close()
    }
  }

  #refusal(): unknown {
    return this.#failure ?? (this.#closed ? closedError() : undefined)
  }

  /** Nothing may follow. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#cancelSync?.()
    this.#options.onFailure(error)
  }

  /** A new file that goes on after the position. */
  async #openNext(): Promise<LogFile> {
    const { disk, directory, identity } = this.#options
    const { lsn, chain } = this.#position
    try {
      const path = await createWal(disk, directory, { identity, firstLsn: lsn + 1, chain })
      return await LogFile.fresh(disk, path, (error) => this.#fail(error))
    } catch (error) {
      if (isOperatingError(error, 'fsync-failed')) this.#fail(error)
      throw error
    }
  }

  #scheduleGroup(): void {
    if (this.#groupScheduled) return
    this.#groupScheduled = true
    this.#turn = this.#turn.then(async () => {
      this.#groupScheduled = false
      await this.#writeGroup()
      if (this.#waiting.length > 0) this.#scheduleGroup()
    })
  }

  /** Takes waiting operations up to the group bound, at least one. */
  #takeGroup(): Waiting[] {
    let bytes = 0
    let taken = 0
    for (const each of this.#waiting) {
      bytes += recordBytes(each.payloadBytes)
      if (taken > 0 && bytes > limits.walGroupBytes) break
      taken++
    }
    return this.#waiting.splice(0, taken)
  }

  async #writeGroup(): Promise<void> {
    const group = this.#takeGroup()
    if (group.length === 0) return
    try {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#rotating || this.#file.endBytes > limits.walFileBytes) await this.rotate()
      if (this.#unsynced > limits.walUnsyncedRecords) await this.sync()
      const first = this.#options.before()
      const added =
        first === undefined ? [] : [{ operation: first, payloadBytes: checkedPayloadBytes(first) }]
      const { commits, bytes } = this.#encode([...added, ...group])
      const writing = this.#write(bytes, commits)
      this.#prepare(commits)
      await writing
      this.#apply(commits)
      const own = commits.slice(added.length)
      group.forEach((each, index) => {
        const commit = own[index]
        if (commit !== undefined) each.resolve(commit)
      })
    } catch (error) {
      for (const each of group) each.reject(error)
      return
    }
    if (!this.#isAlways) return this.#syncLater()
    await this.#telling
    this.#telling = this.#tellDurable()
  }

  /** Another durability for the writes to come; what was acknowledged before is durable on return. */
  async changeDurability(durability: Durability): Promise<void> {
    await this.between(async () => {
      await this.sync()
      this.#durability = durability
    })
  }

  get #isAlways(): boolean {
    return this.#durability.mode === 'always'
  }

  async #tellDurable(): Promise<void> {
    try {
      await this.#options.onDurable(this.#durable.lsn)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Makes sure that an fdatasync is due within the interval. */
  #syncLater(): void {
    const { timer } = this.#options
    const durability = this.#durability
    if (durability.mode === 'always' || this.#cancelSync !== undefined) return
    const cancel = timer.after(durability.intervalMs, () => {
      this.#cancelSync = undefined
      // a failure is told through onFailure, and to whoever comes next
      if (!this.#closed) this.between(() => this.sync()).catch(() => {})
    })
    this.#cancelSync = () => {
      this.#cancelSync = undefined
      cancel()
    }
  }

  /** Whatever goes wrong here goes wrong again when the records are applied, and is told then. */
  #prepare(commits: readonly Commit[]): void {
    try {
      this.#options.prepare(commits.map(({ operation }) => operation))
    } catch {
      // the write is under way, and its outcome is what the writers wait for
    }
  }

  /** Applies records. When that fails the state is no longer the log's: nothing may follow. */
  #apply(commits: readonly Commit[]): void {
    try {
      for (const commit of commits) {
        const { lsn, chain, committedAtUs } = commit
        this.#position = { lsn, chain, committedAtUs }
        commit.changed = this.#options.onCommit(commit)
      }
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  #encode(operations: readonly SizedOperation[]): { commits: Commit[]; bytes: Buffer } {
    const { clock, identity } = this.#options
    const committedAtUs = Math.max(clock.nowUs(), this.#position.committedAtUs)
    return this.#groups.encode(operations, {
      identity,
      after: this.#position,
      committedAtUs,
      place: this.#unsynced,
    })
  }

  async #write(bytes: Buffer, commits: readonly Commit[]): Promise<void> {
    const isDurable = this.#isAlways
    await this.#file.append(bytes, isDurable)
    this.#unsynced += commits.length
    if (isDurable) this.#isDurableUpTo(commits.at(-1) ?? this.#position)
  }

  /** Makes all that is written durable; the position is the last of it. */
  async #dataSync(): Promise<void> {
    await this.#file.dataSync()
    this.#isDurableUpTo(this.#position)
  }

  #isDurableUpTo({ lsn, chain, committedAtUs }: LogPosition): void {
    this.#durable = { lsn, chain, committedAtUs }
    this.#durableOffset = this.#file.endBytes
    this.#unsynced = 0
  }
}

const closedError = () =>
  new OperatingError('usage', 'the collection is closed', 'Open it again before writing.')
