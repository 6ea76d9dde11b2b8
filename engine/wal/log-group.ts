/** A group: the records that one write brings to the log, put together in memory that is used again. */
import { limits } from '../base/limits.ts'
import type { Identity } from '../format/identity.ts'
import type { Operation } from '../format/operation.ts'
import { recordBytes, writeRecord } from '../format/wal-record.ts'
import type { LogPosition } from './replay.ts'

export interface SizedOperation {
  readonly operation: Operation
  /** Bytes of its payload, as `checkedPayloadBytes` says. */
  readonly payloadBytes: number
}

/** An operation that has its place in the history. */
export interface Commit extends LogPosition {
  readonly operation: Operation
  /** Points that it changed, once it is applied. */
  changed: number
}

export interface GroupStart {
  readonly identity: Identity
  /** The record before. */
  readonly after: LogPosition
  /** Epoch µs, for all records of the group. */
  readonly committedAtUs: number
  /** Records since the last fdatasync. */
  readonly place: number
}

export class LogGroups {
  #buffer = Buffer.alloc(0)

  /** `bytes` is good until the next group is encoded. */
  encode(
    operations: readonly SizedOperation[],
    { identity, after, committedAtUs, place }: GroupStart,
  ): { commits: Commit[]; bytes: Buffer } {
    const bytes = this.#take(
      operations.reduce((sum, { payloadBytes }) => sum + recordBytes(payloadBytes), 0),
    )
    const commits: Commit[] = []
    let { lsn, chain } = after
    let offset = 0
    for (const [index, { operation, payloadBytes }] of operations.entries()) {
      lsn++
      const stamp = { lsn, committedAtUs, chain, place: place + index }
      chain = writeRecord(bytes, offset, identity, stamp, operation, payloadBytes)
      offset += recordBytes(payloadBytes)
      commits.push({ lsn, chain, committedAtUs, operation, changed: 0 })
    }
    return { commits, bytes }
  }

  /** What is large is let go afterwards. */
  #take(sizeBytes: number): Buffer {
    if (sizeBytes > limits.walBufferBytes) return Buffer.allocUnsafeSlow(sizeBytes)
    if (sizeBytes > this.#buffer.length) {
      const roomBytes = Math.min(limits.walBufferBytes, 2 * sizeBytes)
      this.#buffer = Buffer.allocUnsafeSlow(roomBytes)
    }
    return this.#buffer.subarray(0, sizeBytes)
  }
}
