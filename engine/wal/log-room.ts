/**
 * Room at the end of the log: zeros that are on the disk before records are written over them.
 *
 * Writing durably to a file that grows also commits its new length and blocks to the file system's journal,
 * which takes longer than the records themselves. Once a log is large enough for that to matter, the next
 * stretch of it is filled with zeros, beside the groups that are written meanwhile. No group is written
 * into a stretch that is being filled.
 *
 * Zeros are no record, so a log that ends in them ends there: a torn tail, which the next opening cuts. An
 * orderly end and a rotation cut them themselves, a rotation durably: only the last file may have a tail.
 */
import type { DiskFile } from '../base/disk.ts'
import { limits, MiB } from '../base/limits.ts'

let zeros: Uint8Array | undefined

export class LogRoom {
  readonly #file: DiskFile
  readonly #onFailure: (error: unknown) => void
  /** Zeros are durable up to here; nothing is known when the log ends behind it. */
  #end = 0
  /** Where the stretch begins that is being filled. */
  #fillsFrom = Number.POSITIVE_INFINITY
  #filling: Promise<void> = Promise.resolve()
  #isRefused = false

  /** @param onFailure told when an fsync failed */
  constructor(file: DiskFile, onFailure: (error: unknown) => void) {
    this.#file = file
    this.#onFailure = onFailure
  }

  /** What a group that ends at `offset` has to wait for; undefined when it may be written at once. */
  reach(offset: number): Promise<void> | undefined {
    return offset > this.#fillsFrom ? this.#filling : undefined
  }

  /** Begins to make room when a log that ends at `offset` has used up most of what it has. */
  extend(offset: number): void {
    if (offset < limits.walRoomFromBytes || this.#isRefused) return
    const stretch = Math.min(offset, limits.walRoomBytes)
    if (this.#fillsFrom < Number.POSITIVE_INFINITY || this.#end - offset > stretch / 2) return
    const from = Math.max(offset, this.#end)
    const to = Math.min(from + stretch, limits.walFileBytes)
    if (to <= from) return
    this.#fillsFrom = from
    this.#filling = this.#fill(from, to).finally(() => {
      this.#fillsFrom = Number.POSITIVE_INFINITY
    })
  }

  /**
   * The file ends with the log, at `offset`, once more. Not synced.
   * @returns false when it did already
   */
  async cut(offset: number): Promise<boolean> {
    await this.#filling
    if (this.#end <= offset) return false
    await this.#file.truncate(offset)
    this.#end = offset
    return true
  }

  /** Nothing is being filled. */
  async settled(): Promise<void> {
    await this.#filling
  }

  /** A disk that refuses costs speed, not records: the file grows with each group then. */
  async #fill(from: number, to: number): Promise<void> {
    zeros ??= new Uint8Array(MiB)
    this.#end = to // also when the disk takes a part of it only
    try {
      for (let at = from; at < to; at += MiB) {
        await this.#file.write(zeros.subarray(0, Math.min(MiB, to - at)), at)
      }
    } catch {
      this.#isRefused = true
      return
    }
    try {
      await this.#file.dataSync()
    } catch (error) {
      this.#isRefused = true
      this.#onFailure(error)
    }
  }
}

const zeroBlock = Buffer.alloc(4096)

/** Nothing was ever written at or after `offset`: room, or the end of the file. */
export function isRoom(bytes: Buffer, offset: number): boolean {
  for (let at = offset; at < bytes.length; at += zeroBlock.length) {
    const block = bytes.subarray(at, at + zeroBlock.length)
    if (!block.equals(zeroBlock.subarray(0, block.length))) return false
  }
  return true
}
