/**
 * Reading a log back: from the record after a manifest to the last valid one.
 *
 * The end of the log is a bad record in the last file with no valid record of a later group after it:
 * a torn tail, which the caller cuts. A bad record with a later group after it, or in any file but the
 * last, is damage: it is named by file, offset and LSN, and nothing is skipped. What was cut although it
 * had been acknowledged, the watermark tells.
 */
import * as path from 'node:path'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { findProof } from '../format/find-records.ts'
import type { Identity } from '../format/identity.ts'
import {
  type BadRecord,
  decodeWalHeader,
  readRecord,
  WAL_HEADER_BYTES,
  type WalRecord,
} from '../format/wal-record.ts'
import { listWal } from './wal-files.ts'

/** A position in a history: after the record `lsn`. */
export interface LogPosition {
  readonly lsn: number
  /** Header checksum of that record, 0 before the first. */
  readonly chain: number
  readonly committedAtUs: number
}

export interface LogEnd extends LogPosition {
  /** The file to go on writing, and where. */
  readonly file: string
  readonly offset: number
  /** Bytes after `offset` that are no record: a torn tail. */
  readonly tornBytes: number
}

const hint =
  'Restore from a backup, or look for the file on a copy of this directory; nothing was changed.'

/** What to do about a log that holds nothing sound after `lsn`. */
export const repairHint = (lsn: number): string =>
  `Restore from a backup, or give up what came after: vectra-cli collections repair NAME --to-lsn ${lsn}. Nothing was changed.`

/**
 * Replays the records after `from`, in order, through `apply`.
 * @throws `missing-file` when there is no log for `from`, `damaged`, `newer-format`
 */
export async function replayWal(
  disk: Disk,
  directory: string,
  identity: Identity,
  from: LogPosition,
  apply: (record: WalRecord) => void,
): Promise<LogEnd> {
  const all = await listWal(disk, directory)
  const first = all.findLastIndex((each) => each.firstLsn <= from.lsn + 1)
  if (first < 0) {
    fail(
      'missing-file',
      `${directory} holds no log from LSN ${from.lsn + 1} on${
        all[0] === undefined ? '' : `; its first is ${all[0].firstLsn}`
      }`,
      hint,
      { place: { file: directory, lsn: from.lsn + 1 } },
    )
  }
  let end: LogEnd | undefined
  const files = all.slice(first)
  for (const [index, each] of files.entries()) {
    const file = path.join(directory, each.name)
    const bytes = await disk.readFile(file, limits.walFileBytes + limits.walPayloadBytes + 4096)
    const header = decodeWalHeader(bytes, identity, file)
    if (header.firstLsn !== each.firstLsn) {
      damaged(file, 48, each.firstLsn, `it starts with LSN ${header.firstLsn}`)
    }
    if (end !== undefined && (header.firstLsn !== end.lsn + 1 || header.chain !== end.chain)) {
      damaged(file, 44, end.lsn + 1, `it does not continue LSN ${end.lsn} of the file before`)
    }
    end = scanFile(file, bytes, identity, from, apply, {
      lsn: header.firstLsn - 1,
      chain: header.chain,
      committedAtUs: end?.committedAtUs ?? 0,
    })
    if (end.tornBytes > 0 && index < files.length - 1) {
      damaged(file, end.offset, end.lsn + 1, 'a bad record is followed by another log file')
    }
  }
  if (end === undefined || end.lsn < from.lsn) {
    return fail(
      'possible-loss',
      `the log in ${directory} ends at LSN ${end?.lsn ?? 0}, before LSN ${from.lsn} of the manifest`,
      repairHint(from.lsn),
      { place: { file: directory, lsn: from.lsn } },
    )
  }
  return end
}

function scanFile(
  file: string,
  bytes: Buffer,
  identity: Identity,
  from: LogPosition,
  apply: (record: WalRecord) => void,
  start: LogPosition,
): LogEnd {
  let { lsn, chain, committedAtUs } = start
  let offset = WAL_HEADER_BYTES
  const checkJoint = () => {
    if (lsn !== from.lsn) return
    if (chain !== from.chain) {
      damaged(file, offset, lsn, 'the log is not the one that the manifest was written with')
    }
    committedAtUs = Math.max(committedAtUs, from.committedAtUs)
  }
  checkJoint()
  while (offset < bytes.length) {
    const next = readRecord(bytes, offset, { identity, lsn: lsn + 1, chain, committedAtUs })
    if ('problem' in next) {
      refuseDamage(file, bytes, offset, identity, lsn + 1, next)
      break
    }
    ;({ lsn, committedAtUs, checksum: chain } = next.record)
    offset = next.end
    checkJoint()
    if (lsn > from.lsn) apply(next.record)
  }
  return { lsn, chain, committedAtUs, file, offset, tornBytes: bytes.length - offset }
}

/** A record of a later group at or after the bad one: the bad one was durable, so this is no torn tail. */
function refuseDamage(
  file: string,
  bytes: Buffer,
  offset: number,
  identity: Identity,
  lsn: number,
  { problem, end }: BadRecord,
): void {
  // what stands inside its payload is a caller's bytes, whatever they look like
  const proof = findProof(bytes, end ?? offset, identity, lsn)
  if (proof !== undefined) {
    damaged(
      file,
      offset,
      lsn,
      `bad record (${problem}) with the valid record ${proof.lsn} at offset ${proof.offset}`,
    )
  }
}

function damaged(file: string, offset: number, lsn: number, reason: string): never {
  const advice = repairHint(lsn - 1)
  fail('damaged', `${file} is damaged at offset ${offset}, LSN ${lsn}: ${reason}`, advice, {
    place: { file, offset, lsn },
  })
}
