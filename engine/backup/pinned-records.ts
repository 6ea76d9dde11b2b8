/** The records of a pinned log, in order, each proven by its checksums and the chain. */
import { fail } from '../base/errors.ts'
import type { PinnedLog, PinnedLogFile } from '../collection/pinned-log.ts'
import {
  decodeWalHeader,
  readRecord,
  WAL_HEADER_BYTES,
  type WalRecord,
} from '../format/wal-record.ts'
import { diverges } from '../repository/wal-archive.ts'

/** Where reading goes on: after the record `lsn`. */
export interface LogStart {
  readonly lsn: number
  /** Header checksum of that record; undefined when it is not known: nothing is held against it. */
  readonly chain: number | undefined
  /** Where the next record stands, when that is known from reading before. */
  readonly at?: LogPlace
}

export interface LogPlace {
  readonly path: string
  readonly offset: number
  readonly committedAtUs: number
}

export interface LoggedRecord {
  readonly record: WalRecord
  /** Header checksum of the record before. */
  readonly chainBefore: number
  readonly bytes: Buffer
  /** Where the next one stands. */
  readonly next: LogPlace
  /** Nothing before it is there: it follows a hole that a crash left among removed files. */
  readonly afterHole: boolean
}

const hint = 'Restore the collection from a backup; what is archived so far is sound.'

/**
 * Yields the records after `start`.
 * @throws `divergence` when the record `start.lsn` of the log is another one; `damaged`
 */
export async function* pinnedRecords(log: PinnedLog, start: LogStart): AsyncIterable<LoggedRecord> {
  const { identity, files } = log
  const known = start.at && files.findIndex((each) => each.path === start.at?.path)
  const found = files.findLastIndex((each) => each.firstLsn <= start.lsn + 1)
  let lsn = 0
  let chain = 0
  let committedAtUs = 0
  for (const file of files.slice(known ?? Math.max(0, found))) {
    const place = start.at?.path === file.path ? start.at : undefined
    let afterHole = false
    if (place !== undefined && start.chain !== undefined) {
      ;({ lsn, chain } = { lsn: start.lsn, chain: start.chain })
      committedAtUs = place.committedAtUs
    } else {
      const header = decodeWalHeader(await read(file, 0, WAL_HEADER_BYTES), identity, file.path)
      if (header.firstLsn !== file.firstLsn) damaged(file, 48, file.firstLsn, 'its header')
      afterHole = lsn !== 0 && header.firstLsn !== lsn + 1
      ;({ lsn, chain } = { lsn: header.firstLsn - 1, chain: header.chain })
      if (lsn === start.lsn && start.chain !== undefined && chain !== start.chain) {
        diverges(file.path, lsn)
      }
    }
    const base = place?.offset ?? WAL_HEADER_BYTES
    const bytes = await read(file, base, file.sizeBytes - base)
    for (let offset = 0; offset < bytes.length; ) {
      const next = readRecord(bytes, offset, { identity, lsn: lsn + 1, chain, committedAtUs })
      if ('problem' in next) {
        return damaged(file, base + offset, lsn + 1, `bad record (${next.problem})`)
      }
      const { record } = next
      const chainBefore = chain
      ;({ lsn, committedAtUs, checksum: chain } = record)
      if (lsn === start.lsn && start.chain !== undefined && chain !== start.chain) {
        diverges(file.path, lsn)
      }
      if (lsn > start.lsn) {
        yield {
          record,
          chainBefore,
          bytes: bytes.subarray(offset, next.end),
          next: { path: file.path, offset: base + next.end, committedAtUs },
          afterHole,
        }
        afterHole = false
      }
      offset = next.end
    }
  }
}

async function read(file: PinnedLogFile, position: number, length: number): Promise<Buffer> {
  const target = Buffer.alloc(Math.max(0, length))
  const readBytes = await file.read(target, position)
  if (readBytes < target.length) damaged(file, position + readBytes, file.firstLsn, 'it is cut off')
  return target
}

function damaged(file: PinnedLogFile, offset: number, lsn: number, problem: string): never {
  const message = `${file.path} is damaged at offset ${offset}, LSN ${lsn}: ${problem}`
  fail('damaged', message, hint, { place: { file: file.path, offset, lsn } })
}
