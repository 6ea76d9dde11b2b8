/**
 * The write-ahead log: file header and records.
 *
 * File header, 64 bytes, little-endian:
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic `VDRWAL\r\n` |
 * | 8 | 2 | u16 format version |
 * | 10 | 1 | checksum algorithm: 1 = CRC-32/ISO-HDLC |
 * | 11 | 5 | zero |
 * | 16 | 16 | collection UUID |
 * | 32 | 4 | u32 epoch number |
 * | 36 | 8 | history id |
 * | 44 | 4 | u32 chain: header checksum of the record before the first one, 0 at the very start |
 * | 48 | 8 | u64 LSN of the first record |
 * | 56 | 4 | zero |
 * | 60 | 4 | u32 checksum of bytes 0–59 |
 *
 * Record: a 64-byte header, then the payload:
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 4 | u32 checksum of bytes 4–63 |
 * | 4 | 4 | u32 payload length in bytes |
 * | 8 | 4 | u32 payload checksum |
 * | 12 | 4 | u32 chain: header checksum of the record before |
 * | 16 | 8 | u64 LSN, one higher than the record before |
 * | 24 | 8 | u64 commit time, epoch µs, never lower than before |
 * | 32 | 4 | u32 epoch number |
 * | 36 | 8 | history id |
 * | 44 | 1 | kind: 1 upsert, 2 delete, 3 digest |
 * | 45 | 3 | u24 place in its group: 0 for the first record after an fdatasync |
 * | 48 | 16 | collection UUID |
 *
 * The payload is the operation (operation.ts). A header's checksum covers the payload's checksum and the chain, so a record
 * vouches for everything before it.
 *
 * A group is the records that one fdatasync made durable. After a power cut any part of
 * an unsynced group may be on the disk, its last record without its first; only a record of a *later*
 * group proves that an earlier one was durable. The place in the group tells the two apart.
 */
import { CRC32_ALGORITHM, crc32 } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type Identity, UUID_BYTES, uuidToBytes } from './identity.ts'
import { type Operation, writeOperation } from './operation.ts'

export const WAL_HEADER_BYTES = 64
export const RECORD_HEADER_BYTES = 64
export const WAL_VERSION = 1

const magic = Buffer.from('VDRWAL\r\n', 'latin1')
const kindCodes = { upsert: 1, delete: 2, digest: 3 } as const
const wordSpace = 2 ** 32

export interface WalHeader {
  readonly identity: Identity
  readonly firstLsn: number
  readonly chain: number
}

/** Where a record stands in its history. */
export interface RecordStamp {
  readonly lsn: number
  readonly committedAtUs: number
  /** Header checksum of the record before. */
  readonly chain: number
  /** How many records of its group stand before it. */
  readonly place: number
}

export interface WalRecord {
  readonly lsn: number
  readonly committedAtUs: number
  /** How many records of its group stand before it. */
  readonly place: number
  /** This record's own header checksum: the chain value of the next. */
  readonly checksum: number
  readonly kind: Operation['kind']
  readonly payload: Buffer
}

/** The 64 bytes at the start of a log file. */
export function encodeWalHeader(header: WalHeader): Buffer {
  const bytes = Buffer.alloc(WAL_HEADER_BYTES)
  magic.copy(bytes)
  bytes.writeUInt16LE(WAL_VERSION, 8)
  bytes.writeUInt8(CRC32_ALGORITHM, 10)
  writeIdentity(bytes, header.identity, 16, 32)
  bytes.writeUInt32LE(header.chain, 44)
  bytes.writeBigUInt64LE(BigInt(header.firstLsn), 48)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/**
 * @param expected the identity that the file must carry
 * @throws `damaged`, `newer-format`
 */
export function decodeWalHeader(bytes: Buffer, expected: Identity, file: string): WalHeader {
  const damaged = (reason: string): never =>
    fail('damaged', `${file} is damaged at offset 0: ${reason}`, damageHint, {
      place: { file, offset: 0 },
    })
  if (bytes.length < WAL_HEADER_BYTES) damaged(`${bytes.length} bytes are no WAL header`)
  if (!bytes.subarray(0, 8).equals(magic)) damaged('not a WAL file')
  const version = bytes.readUInt16LE(8)
  if (bytes.readUInt32LE(60) !== crc32(bytes.subarray(0, 60))) damaged('header checksum')
  if (version > WAL_VERSION) {
    fail(
      'newer-format',
      `${file} has WAL version ${version}; this build reads up to ${WAL_VERSION}`,
      'Upgrade Vectra DR and run the command again; nothing was changed.',
      { place: { file } },
    )
  }
  if (version !== WAL_VERSION || bytes.readUInt8(10) !== CRC32_ALGORITHM) damaged('unknown layout')
  if (!bytes.subarray(16, 44).equals(identityBytes(expected))) {
    damaged('it belongs to another collection or history')
  }
  return {
    identity: expected,
    chain: bytes.readUInt32LE(44),
    firstLsn: Number(bytes.readBigUInt64LE(48)),
  }
}

/** Bytes that one record takes in the log. */
export const recordBytes = (payloadSize: number): number => RECORD_HEADER_BYTES + payloadSize

/**
 * Writes one record, header and payload, to `target` at `offset`.
 * @param payloadSize what {@link checkedPayloadBytes} said of the operation
 * @returns its header checksum, which is the chain of the next
 */
export function writeRecord(
  target: Buffer,
  offset: number,
  identity: Identity,
  stamp: RecordStamp,
  operation: Operation,
  payloadSize: number,
): number {
  const start = offset + RECORD_HEADER_BYTES
  const payload = target.subarray(start, start + payloadSize)
  writeOperation(payload, operation)
  return writeHeader(target.subarray(offset, start), identity, stamp, operation.kind, payload)
}

/** The header of one record. */
export function encodeRecord(
  identity: Identity,
  stamp: RecordStamp,
  kind: Operation['kind'],
  payload: Buffer,
): { header: Buffer; checksum: number } {
  const header = Buffer.alloc(RECORD_HEADER_BYTES)
  return { header, checksum: writeHeader(header, identity, stamp, kind, payload) }
}

/** Every byte of the header is written. */
function writeHeader(
  header: Buffer,
  identity: Identity,
  stamp: RecordStamp,
  kind: Operation['kind'],
  payload: Buffer,
): number {
  header.writeUInt32LE(payload.length, 4)
  header.writeUInt32LE(crc32(payload), 8)
  header.writeUInt32LE(stamp.chain, 12)
  writeSafe(header, stamp.lsn, 16)
  writeSafe(header, stamp.committedAtUs, 24)
  writeIdentity(header, identity, 48, 32)
  header.writeUInt8(kindCodes[kind], 44)
  header.writeUIntLE(stamp.place, 45, 3)
  const checksum = crc32(header.subarray(4))
  header.writeUInt32LE(checksum, 0)
  return checksum
}

/** Why the bytes at an offset are no record. `end`: fewer bytes than a header. */
export type RecordProblem = 'end' | 'header' | 'identity' | 'sequence' | 'chain' | 'payload'

/** What must hold for the next record. */
export interface RecordExpectation {
  readonly identity: Identity
  readonly lsn: number
  readonly chain: number
  readonly committedAtUs: number
}

/** Why there is no record. `end`: where it would end, when its header is whole and the one expected. */
export interface BadRecord {
  readonly problem: RecordProblem
  readonly end?: number
}

/** Reads the record at `offset`, or says why there is none. Never throws. */
export function readRecord(
  bytes: Buffer,
  offset: number,
  expected: RecordExpectation,
): { record: WalRecord; end: number } | BadRecord {
  const found = readAnyRecord(bytes, offset, expected.identity)
  if ('problem' in found) {
    const { problem, lsn, end } = found
    return lsn === expected.lsn && end !== undefined ? { problem, end } : { problem }
  }
  const { record, chain } = found
  if (record.lsn !== expected.lsn || record.committedAtUs < expected.committedAtUs) {
    return { problem: 'sequence' }
  }
  if (chain !== expected.chain) return { problem: 'chain' }
  return { record, end: found.end }
}

/** The record at `offset`, wherever in the history it stands, or why there is none. Never throws. */
export function readAnyRecord(
  bytes: Buffer,
  offset: number,
  identity: Identity,
): { record: WalRecord; chain: number; end: number } | (BadRecord & { readonly lsn?: number }) {
  const start = offset + RECORD_HEADER_BYTES
  if (start > bytes.length) return { problem: 'end' }
  const header = bytes.subarray(offset, start)
  const checksum = header.readUInt32LE(0)
  if (checksum !== crc32(header.subarray(4))) return { problem: 'header' }
  const length = header.readUInt32LE(4)
  const kind = kindOf(header.readUInt8(44))
  if (kind === undefined || length > limits.walPayloadBytes) return { problem: 'header' }
  const own = identityBytes(identity)
  const ours =
    own.compare(header, 48, 64, 0, UUID_BYTES) === 0 &&
    own.compare(header, 32, 44, UUID_BYTES) === 0
  if (!ours) return { problem: 'identity' }
  const end = start + length
  const lsn = Number(header.readBigUInt64LE(16))
  const payload = bytes.subarray(start, end)
  if (payload.length < length || header.readUInt32LE(8) !== crc32(payload)) {
    return { problem: 'payload', lsn, end }
  }
  const record: WalRecord = {
    lsn,
    committedAtUs: Number(header.readBigUInt64LE(24)),
    place: header.readUIntLE(45, 3),
    checksum,
    kind,
    payload,
  }
  return { record, chain: header.readUInt32LE(12), end }
}

const kindOf = (code: number): Operation['kind'] | undefined => {
  switch (code) {
    case kindCodes.upsert:
      return 'upsert'
    case kindCodes.delete:
      return 'delete'
    case kindCodes.digest:
      return 'digest'
    default:
      return undefined
  }
}

const damageHint =
  'Restore the collection from a backup; nothing was changed. Keep the file: it may be needed to see what happened.'

function writeIdentity(bytes: Buffer, identity: Identity, uuidAt: number, epochAt: number): void {
  const own = identityBytes(identity)
  own.copy(bytes, uuidAt, 0, UUID_BYTES)
  own.copy(bytes, epochAt, UUID_BYTES)
}

const encodedIdentities = new WeakMap<Identity, Buffer>()

/** UUID, epoch number and history id as the file header holds them: bytes 16–43. Encoded once. */
function identityBytes(identity: Identity): Buffer {
  const known = encodedIdentities.get(identity)
  if (known !== undefined) return known
  const { uuid, epoch } = identity
  const bytes = Buffer.alloc(28)
  uuidToBytes(uuid).copy(bytes)
  bytes.writeUInt32LE(epoch.number, UUID_BYTES)
  bytes.write(epoch.history, UUID_BYTES + 4, 'hex')
  encodedIdentities.set(identity, bytes)
  return bytes
}

/** A safe integer as u64, without a BigInt for each. */
function writeSafe(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % wordSpace, at)
  bytes.writeUInt32LE(Math.floor(value / wordSpace), at + 4)
}
