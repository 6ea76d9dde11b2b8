/**
 * Cutting a damaged log, for a repair that a person asked for.
 *
 * {@link scanLog} reads as far as records are valid and says where the log would be cut. {@link cutLog}
 * copies what it takes away to files of its own first, durably; then removes the log files after the cut,
 * newest first, and shortens the one that holds it. Killed anywhere, it has left the log as damaged as
 * before or cut, and run again it completes.
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { findRecords } from '../format/find-records.ts'
import type { Identity } from '../format/identity.ts'
import {
  decodeWalHeader,
  readRecord,
  WAL_HEADER_BYTES,
  type WalRecord,
} from '../format/wal-record.ts'
import { isRoom } from './log-room.ts'
import type { LogPosition } from './replay.ts'
import { createWal, listWal, type WalFileName } from './wal-files.ts'

const maxFileBytes = limits.walFileBytes + limits.walPayloadBytes + 4096

/** A log file from `offset` on is taken away. */
interface CutPart {
  readonly file: WalFileName
  readonly offset: number
}

export interface LogScan {
  /** The last record that can be reached from `from` over valid ones. */
  readonly lastValid: LogPosition
  /** After the record that was asked for, when it can be reached. */
  readonly at: LogPosition | undefined
  /** What lies after it, oldest first. */
  readonly parts: readonly CutPart[]
  /** Valid records in `parts`, and the highest LSN among them. */
  readonly lostRecords: number
  readonly lostLsn: number
  readonly lostBytes: number
}

/**
 * Reads the log after `from`; changes nothing.
 * @param visit gets the records after `from` up to `toLsn`
 * @throws `newer-format`, `disk-error`
 */
export async function scanLog(
  disk: Disk,
  directory: string,
  identity: Identity,
  from: LogPosition,
  toLsn: number,
  visit: (record: WalRecord) => void,
): Promise<LogScan> {
  const all = await listWal(disk, directory)
  const files = all.slice(
    Math.max(
      0,
      all.findLastIndex((each) => each.firstLsn <= from.lsn + 1),
    ),
  )
  // the manifest vouches for its own LSN, whatever became of the log
  let last: LogPosition = from
  let at: LogPosition | undefined = toLsn === from.lsn ? from : undefined
  let cut: CutPart | undefined
  let end: LogPosition | undefined
  for (const file of files) {
    const name = path.join(directory, file.name)
    const bytes = await disk.readFile(name, maxFileBytes)
    const header = readHeader(bytes, identity, name)
    if (header === undefined || header.firstLsn !== file.firstLsn) break
    if (end === undefined && header.firstLsn > from.lsn + 1) break
    if (end !== undefined && (header.firstLsn !== end.lsn + 1 || header.chain !== end.chain)) break
    end ??= { lsn: header.firstLsn - 1, chain: header.chain, committedAtUs: 0 }
    let offset = WAL_HEADER_BYTES
    for (;;) {
      if (end.lsn === from.lsn && end.chain !== from.chain) return finish([])
      if (end.lsn >= from.lsn) last = end.lsn === from.lsn ? from : end
      if (end.lsn === toLsn && cut === undefined) {
        at = last
        cut = { file, offset }
      }
      const next = readRecord(bytes, offset, { identity, ...end, lsn: end.lsn + 1 })
      if ('problem' in next) break
      const { record } = next
      end = { lsn: record.lsn, chain: record.checksum, committedAtUs: record.committedAtUs }
      offset = next.end
      if (record.lsn > from.lsn && record.lsn <= toLsn) visit(record)
    }
    if (offset < bytes.length) break
  }
  return finish(cut === undefined ? [] : [cut])

  async function finish(first: readonly CutPart[]): Promise<LogScan> {
    const after = first[0] === undefined ? files : files.slice(files.indexOf(first[0].file) + 1)
    const parts = [...first, ...after.map((file) => ({ file, offset: 0 }))]
    let lostRecords = 0
    let lostLsn = 0
    let lostBytes = 0
    for (const part of parts) {
      const bytes = await disk.readFile(path.join(directory, part.file.name), maxFileBytes)
      if (isRoom(bytes, part.offset)) continue
      lostBytes += bytes.length - part.offset
      for (const { record } of findRecords(bytes, part.offset, identity)) {
        if (record.lsn <= toLsn) continue
        lostRecords++
        lostLsn = Math.max(lostLsn, record.lsn)
      }
    }
    return { lastValid: last, at, parts, lostRecords, lostLsn, lostBytes }
  }
}

/**
 * Cuts the log after `at`, durably.
 * @param aside names the file that keeps what is cut from a log file
 * @returns the files that keep what was cut
 */
export async function cutLog(
  disk: Disk,
  directory: string,
  identity: Identity,
  { at, parts }: { readonly at: LogPosition; readonly parts: readonly CutPart[] },
  aside: (firstLsn: number, attempt: number) => string,
): Promise<string[]> {
  const kept: string[] = []
  for (const { file, offset } of parts) {
    const bytes = await disk.readFile(path.join(directory, file.name), maxFileBytes)
    if (isRoom(bytes, offset)) continue
    kept.push(await keepAside(disk, bytes.subarray(offset), (n) => aside(file.firstLsn, n)))
  }
  for (const { file, offset } of parts.toReversed()) {
    const name = path.join(directory, file.name)
    if (offset === 0) {
      await disk.unlink(name)
      await disk.syncDirectory(directory)
      continue
    }
    const handle = await disk.open(name, 'append')
    try {
      await handle.truncate(offset)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
  const goesOn = parts.some(({ offset }) => offset > 0)
  if (!goesOn) {
    await disk.makeDirectory(directory)
    await disk.syncDirectory(path.dirname(directory))
    await createWal(disk, directory, { identity, firstLsn: at.lsn + 1, chain: at.chain })
  }
  return kept
}

/** Under the first free name; a repair that was cut off may have kept the same bytes already. */
async function keepAside(
  disk: Disk,
  bytes: Buffer,
  name: (attempt: number) => string,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const file = name(attempt)
    if ((await disk.stat(file)) !== undefined) {
      if ((await disk.readFile(file, maxFileBytes)).equals(bytes)) return file
      continue
    }
    await replaceFile(disk, file, bytes)
    return file
  }
}

function readHeader(bytes: Buffer, identity: Identity, file: string) {
  try {
    return decodeWalHeader(bytes, identity, file)
  } catch (error) {
    if (isOperatingError(error, 'damaged')) return undefined
    throw error
  }
}
