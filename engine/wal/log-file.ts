/**
 * The file that the log is being written to.
 *
 * - it ends with its last record, or with room after it (log-room.ts);
 * - a failed append is cut off again, durably: nothing of it is there for the next opening;
 * - whoever owns it is told once nothing may be written any more: an fsync failed (the kernel may have
 *   dropped the pages, nothing retries it), or what a failed append left could not be cut off.
 */
import type { Disk, DiskFile } from '../base/disk.ts'
import { isOperatingError } from '../base/errors.ts'
import { WAL_HEADER_BYTES } from '../format/wal-record.ts'
import { LogRoom } from './log-room.ts'
import type { LogEnd } from './replay.ts'

export class LogFile {
  readonly #file: DiskFile
  readonly #onBroken: (error: unknown) => void
  readonly #room: LogRoom
  #endBytes: number

  private constructor(file: DiskFile, endBytes: number, onBroken: (error: unknown) => void) {
    this.#file = file
    this.#endBytes = endBytes
    this.#onBroken = onBroken
    this.#room = new LogRoom(file, onBroken)
  }

  /**
   * Takes a log up where its replay ended; a torn tail is cut off. What a process that died left to the page
   * cache, the file's name among it, is durable when this resolves.
   */
  static async resume(
    disk: Disk,
    directory: string,
    end: LogEnd,
    onBroken: (error: unknown) => void,
  ): Promise<LogFile> {
    const file = await disk.open(end.file, 'append')
    try {
      if (end.tornBytes > 0) await file.truncate(end.offset)
      await file.sync()
      await disk.syncDirectory(directory)
    } catch (error) {
      await file.close()
      throw error
    }
    return new LogFile(file, end.offset, onBroken)
  }

  /** A file that holds its header, durably, and no record. */
  static async fresh(disk: Disk, path: string, onBroken: (error: unknown) => void) {
    return new LogFile(await disk.open(path, 'append'), WAL_HEADER_BYTES, onBroken)
  }

  get path(): string {
    return this.#file.path
  }

  /** Where the next record goes, in bytes from the start of the file. */
  get endBytes(): number {
    return this.#endBytes
  }

  /**
   * The disk is asked before this returns, unless room is being made: what the caller does next is done beside it.
   * @param isDurable whether the records are durable when this resolves
   * @throws `fsync-failed` when whether they are there, only the next replay tells; anything else when they are not
   */
  async append(bytes: Uint8Array, isDurable: boolean): Promise<void> {
    const end = this.#endBytes + bytes.length
    const filled = this.#room.reach(end)
    if (filled !== undefined) await filled
    try {
      if (isDurable) await this.#file.writeDurably(bytes, this.#endBytes)
      else await this.#file.write(bytes, this.#endBytes)
    } catch (error) {
      if (isOperatingError(error, 'fsync-failed')) this.#onBroken(error)
      else await this.#cutBack(error)
      throw error
    }
    this.#endBytes = end
    if (isDurable) this.#room.extend(end)
  }

  /** Makes everything durable. @throws `fsync-failed` */
  async dataSync(): Promise<void> {
    try {
      await this.#file.dataSync()
    } catch (error) {
      this.#onBroken(error)
      throw error
    }
  }

  /** The file ends with its last record, durably: another one may follow it. */
  async finish(): Promise<void> {
    if (await this.#room.cut(this.#endBytes)) await this.dataSync()
  }

  /** The file ends with its last record, if nothing is in the way. */
  async trim(): Promise<void> {
    await this.#room.cut(this.#endBytes)
  }

  async close(): Promise<void> {
    await this.#room.settled()
    await this.#file.close()
  }

  async #cutBack(cause: unknown): Promise<void> {
    try {
      if (!(await this.#room.cut(this.#endBytes))) await this.#file.truncate(this.#endBytes)
      await this.#file.dataSync()
    } catch {
      this.#onBroken(cause)
    }
  }
}
