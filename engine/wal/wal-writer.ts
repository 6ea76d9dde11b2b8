/**
 * Appending to the log with group commit.
 *
 * Invariants:
 * - an append resolves after its record is fdatasynced and the commit callback applied it;
 * - LSNs are given when a group is written, in order, without gaps; commit times never go back;
 * - one group is in flight at a time: writers that come meanwhile share the next fdatasync;
 * - a failed write is cut off the file again, durably, and only its group is rejected;
 * - a failed fsync or cut (the kernel may have dropped the pages: nothing retries it), a record that
 *   could not be applied or a watermark that could not be moved closes the writer for good;
 * - once a new file was begun nothing goes to the old one: a failed rotation is repeated first.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import { OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Identity } from '../format/identity.ts'
import {
  encodeOperation,
  encodeRecord,
  type Operation,
  recordBytes,
  WAL_HEADER_BYTES,
} from '../format/wal-record.ts'
import type { LogEnd, LogPosition } from './replay.ts'
import { createWal } from './wal-files.ts'

export interface Commit extends LogPosition {
  readonly operation: Operation
}

export interface WalWriterOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly directory: string
  readonly identity: Identity
  /** Applies a durable record to the state. Called in LSN order, synchronously. */
  readonly onCommit: (commit: Commit) => void
  /** Called after each group is durable and applied, before the next: moves the watermark. */
  readonly onDurable: (lsn: number) => Promise<void>
  /** Asked before each group: an operation to log first (a digest of the state), or undefined. */
  readonly before: () => Operation | undefined
}

interface Waiting {
  readonly operation: Operation
  readonly payload: Buffer
  readonly resolve: (commit: Commit) => void
  readonly reject: (error: unknown) => void
}

export class WalWriter {
  readonly #options: WalWriterOptions
  #file: DiskFile
  #offset: number
  #position: LogPosition
  #waiting: Waiting[] = []
  /** Groups, rotations and other exclusive work, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #groupScheduled = false
  /** A rotation was begun and is not finished. */
  #rotating = false
  #failure: unknown

  private constructor(options: WalWriterOptions, file: DiskFile, offset: number, at: LogPosition) {
    this.#options = options
    this.#file = file
    this.#offset = offset
    this.#position = at
  }

  /** Goes on where a replay ended; a torn tail is cut off, durably, first. */
  static async open(options: WalWriterOptions, end: LogEnd): Promise<WalWriter> {
    const file = await options.disk.open(end.file, 'append')
    try {
      if (end.tornBytes > 0) {
        await file.truncate(end.offset)
        await file.sync()
      }
    } catch (error) {
      await file.close()
      throw error
    }
    return new WalWriter(options, file, end.offset, end)
  }

  /** After the last durable record. */
  get position(): LogPosition {
    return this.#position
  }

  /** The current file and its length in durable bytes. */
  get tail(): { readonly file: string; readonly offset: number } {
    return { file: this.#file.path, offset: this.#offset }
  }

  /**
   * Logs one operation.
   * @returns its place in the history, after it is durable and applied
   * @throws `limit-exceeded`, `disk-full`, `disk-error`. Nothing of the operation is kept then, but
   *   after a failed fsync: whether the record is there, only the next replay tells.
   */
  append(operation: Operation): Promise<Commit> {
    return new Promise<Commit>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const payload = encodeOperation(operation)
      this.#waiting.push({ operation, payload, resolve, reject })
      this.#scheduleGroup()
    })
  }

  /** Runs `work` while no record is in flight: between two groups, everything before is applied. */
  between<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      if (this.#failure !== undefined) throw this.#failure
      return work()
    })
    this.#turn = result.catch(() => {})
    return result
  }

  /**
   * Starts a new file. Only inside {@link between}. An empty file is kept as it is.
   * When it fails, the next group or rotation begins with it again: the new name may be on the disk, and
   * a log that went on in the old file would not fit it.
   */
  async rotate(): Promise<void> {
    if (this.#offset === WAL_HEADER_BYTES) return
    this.#rotating = true
    const { disk, directory, identity } = this.#options
    const path = await createWal(disk, directory, {
      identity,
      firstLsn: this.#position.lsn + 1,
      chain: this.#position.chain,
    })
    const next = await disk.open(path, 'append')
    const previous = this.#file
    this.#file = next
    this.#offset = WAL_HEADER_BYTES
    this.#rotating = false
    await previous.close()
  }

  /** Waits for what is under way and closes the file. Appends after it are refused. */
  async close(): Promise<void> {
    while (this.#waiting.length > 0 || this.#groupScheduled) await this.#turn
    await this.#turn
    this.#failure ??= new OperatingError(
      'usage',
      'the collection is closed',
      'Open it again before writing.',
    )
    await this.#file.close()
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
      bytes += recordBytes(each.payload)
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
      if (this.#rotating || this.#offset > limits.walFileBytes) await this.rotate()
      const first = this.#options.before()
      const operations =
        first === undefined ? [] : [{ operation: first, payload: encodeOperation(first) }]
      const { commits, bytes } = this.#encode([...operations, ...group])
      await this.#writeDurably(bytes)
      this.#apply(commits)
      const own = commits.slice(operations.length)
      group.forEach((each, index) => {
        const commit = own[index]
        if (commit !== undefined) each.resolve(commit)
      })
    } catch (error) {
      for (const each of group) each.reject(error)
      return
    }
    try {
      await this.#options.onDurable(this.#position.lsn)
    } catch (error) {
      this.#failure ??= error
    }
  }

  /** Applies durable records. When that fails the state is no longer the log's: nothing may follow. */
  #apply(commits: readonly Commit[]): void {
    try {
      for (const commit of commits) {
        const { lsn, chain, committedAtUs } = commit
        this.#position = { lsn, chain, committedAtUs }
        this.#options.onCommit(commit)
      }
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  #encode(group: readonly { operation: Operation; payload: Buffer }[]): {
    commits: Commit[]
    bytes: Buffer
  } {
    const committedAtUs = Math.max(this.#options.clock.nowUs(), this.#position.committedAtUs)
    const parts: Buffer[] = []
    const commits: Commit[] = []
    let { lsn, chain } = this.#position
    for (const [place, { operation, payload }] of group.entries()) {
      lsn++
      const { header, checksum } = encodeRecord(
        this.#options.identity,
        { lsn, committedAtUs, chain, place },
        operation.kind,
        payload,
      )
      parts.push(header, payload)
      chain = checksum
      commits.push({ lsn, chain, committedAtUs, operation })
    }
    return { commits, bytes: Buffer.concat(parts) }
  }

  async #writeDurably(bytes: Buffer): Promise<void> {
    try {
      await this.#file.write(bytes, this.#offset)
    } catch (error) {
      await this.#cutBack(error)
      throw error
    }
    try {
      await this.#file.dataSync()
    } catch (error) {
      this.#failure = error
      throw error
    }
    this.#offset += bytes.length
  }

  /** After a failed write: the file must end where the last durable record ends, also after a power cut. */
  async #cutBack(cause: unknown): Promise<void> {
    try {
      await this.#file.truncate(this.#offset)
      await this.#file.dataSync()
    } catch {
      this.#failure = cause
    }
  }
}
