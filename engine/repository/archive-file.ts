/**
 * An archived piece of a log: `wal/<collection uuid>/<epoch>/<first LSN>-<last LSN>.wal`.
 *
 * It is a log file as the engine writes it (format/wal-record.ts: 64-byte header, whole records), and
 * behind its records a trailer of 192 bytes that says what the records lead to. It is written once, never
 * changed, and proves itself: header, records and their chain by CRC-32, the whole by SHA-256.
 *
 * Trailer, little-endian, in the last 192 bytes:
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 8 | magic `VDRARC\r\n` |
 * | 8 | 2 | u16 version |
 * | 10 | 6 | zero |
 * | 16 | 8 | u64 LSN of the first record |
 * | 24 | 8 | u64 LSN of the last record |
 * | 32 | 8 | u64 LSN up to which the history was archived before: lower than first − 1 where log was lost |
 * | 40 | 8 | u64 commit time of the first record, epoch µs |
 * | 48 | 8 | u64 commit time of the last record, epoch µs |
 * | 56 | 8 | u64 as-of time, epoch µs: the last record was still the newest then |
 * | 64 | 8 | u64 live points after the last record |
 * | 72 | 32 | content digest after the last record |
 * | 104 | 32 | SHA-256 of all bytes before the trailer |
 * | 136 | 4 | u32 header checksum of the last record: the chain goes on from it |
 * | 140 | 16 | collection UUID |
 * | 156 | 4 | u32 epoch number |
 * | 160 | 8 | history id |
 * | 168 | 20 | zero |
 * | 188 | 4 | u32 CRC-32 of bytes 0–187 |
 *
 * Version 1 is not signed. In version 2 there are 96 bytes between records and trailer: an Ed25519 public
 * key, 32 bytes, and its signature of the trailer, 64 bytes; through the SHA-256 it covers the records too.
 */
import { crc32, sha256 } from '../base/checksum.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { HISTORY_BYTES, type Identity, UUID_BYTES, uuidToBytes } from '../format/identity.ts'
import {
  decodeWalHeader,
  encodeWalHeader,
  readRecord,
  WAL_HEADER_BYTES,
  type WalRecord,
} from '../format/wal-record.ts'
import { repositoryHint } from './read-document.ts'
import { rawPublicKey, type Signature, type Signer, toPublicKey } from './signing.ts'

export const ARCHIVE_TRAILER_BYTES = 192
const magic = 'VDRARC\r\n'
const SIGNATURE_BYTES = 96
/** What of a file a reader asks for to have trailer and signature. */
export const ARCHIVE_TAIL_BYTES = ARCHIVE_TRAILER_BYTES + SIGNATURE_BYTES
const version = 2

/** What a piece of log leads to. */
export interface ArchiveTrailer {
  readonly firstLsn: number
  readonly lastLsn: number
  /** The archive reached up to this LSN when the file was written; 0 when there was none. */
  readonly previousLsn: number
  readonly firstCommittedAtUs: number
  readonly lastCommittedAtUs: number
  /** Epoch µs: when the source was seen with the last record as its newest, or that one's commit time. */
  readonly asOfUs: number
  readonly count: number
  /** Content digest after the last record, 64 hex digits. */
  readonly digest: string
  /** Header checksum of the last record. */
  readonly chain: number
}

/** Which file it must be. */
export interface ArchiveName {
  readonly identity: Identity
  readonly firstLsn: number
  readonly lastLsn: number
}

export interface ArchivedRecord {
  readonly record: WalRecord
  /** Header and payload as they stand in the log. */
  readonly bytes: Buffer
}

/** The end of a file. */
export interface ArchiveTail {
  readonly trailer: ArchiveTrailer
  /** Absent: nobody has signed it. */
  readonly signature?: Signature
  /** What the signature is of. */
  readonly signedBytes: Buffer
}

export interface ArchiveFile extends ArchiveTail {
  /** Header checksum of the record before the first. */
  readonly chainBefore: number
  readonly records: readonly ArchivedRecord[]
}

/**
 * @param chainBefore header checksum of the record before the first, 0 at the very start
 * @param records header and payload of each, in order
 */
export function encodeArchive(
  identity: Identity,
  chainBefore: number,
  records: readonly Uint8Array[],
  trailer: ArchiveTrailer,
  signer?: Signer,
): Buffer {
  const header = encodeWalHeader({ identity, firstLsn: trailer.firstLsn, chain: chainBefore })
  const log = Buffer.concat([header, ...records])
  const end = Buffer.alloc(ARCHIVE_TRAILER_BYTES)
  end.write(magic, 0, 'latin1')
  end.writeUInt16LE(signer === undefined ? 1 : version, 8)
  integers.forEach((key, index) => {
    end.writeBigUInt64LE(BigInt(trailer[key]), 16 + 8 * index)
  })
  end.write(trailer.digest, 72, 'hex')
  sha256(log).copy(end, 104)
  end.writeUInt32LE(trailer.chain, 136)
  identityBytes(identity).copy(end, 140)
  end.writeUInt32LE(crc32(end.subarray(0, 188)), 188)
  if (signer === undefined) return Buffer.concat([log, end])
  const { publicKey, signature } = signer.sign('archive', end)
  return Buffer.concat([log, rawPublicKey(publicKey), Buffer.from(signature, 'base64'), end])
}

/** The fields from offset 16 on, in their order. */
const integers = [
  'firstLsn',
  'lastLsn',
  'previousLsn',
  'firstCommittedAtUs',
  'lastCommittedAtUs',
  'asOfUs',
  'count',
] as const

/**
 * Reads trailer and signature from the last {@link ARCHIVE_TAIL_BYTES} of a file, or all of a shorter one.
 * What the signature is worth is for the caller to ask.
 * @param fileBytes size of the whole file
 * @throws `damaged`, `newer-format`
 */
export function decodeTail(
  tail: Buffer,
  name: ArchiveName,
  place: string,
  fileBytes: number,
): ArchiveTail {
  const bytes = tail.subarray(Math.max(0, tail.length - ARCHIVE_TRAILER_BYTES))
  const offset = Math.max(0, fileBytes - ARCHIVE_TRAILER_BYTES)
  const refuse = (problem: string) => damagedArchive(place, offset, name.lastLsn, problem)
  if (bytes.length !== ARCHIVE_TRAILER_BYTES) refuse('it is too short')
  if (bytes.toString('latin1', 0, 8) !== magic) refuse('it does not end with a trailer')
  if (bytes.readUInt32LE(188) !== crc32(bytes.subarray(0, 188))) refuse('checksum of the trailer')
  const found = bytes.readUInt16LE(8)
  if (found > version) {
    fail(
      'newer-format',
      `${place} has archive version ${found}; this build reads up to ${version}`,
      'Upgrade Vectra DR and run the command again; nothing was changed.',
      { place: { file: place } },
    )
  }
  if (found < 1) refuse('unknown layout')
  if (!bytes.subarray(140, 168).equals(identityBytes(name.identity))) {
    refuse('it belongs to another collection or history')
  }
  const integer = (key: (typeof integers)[number]): number =>
    Number(bytes.readBigUInt64LE(16 + 8 * integers.indexOf(key)))
  const trailer: ArchiveTrailer = {
    firstLsn: integer('firstLsn'),
    lastLsn: integer('lastLsn'),
    previousLsn: integer('previousLsn'),
    firstCommittedAtUs: integer('firstCommittedAtUs'),
    lastCommittedAtUs: integer('lastCommittedAtUs'),
    asOfUs: integer('asOfUs'),
    count: integer('count'),
    digest: bytes.toString('hex', 72, 104),
    chain: bytes.readUInt32LE(136),
  }
  if (trailer.firstLsn !== name.firstLsn || trailer.lastLsn !== name.lastLsn) {
    refuse(`it holds LSN ${trailer.firstLsn} to ${trailer.lastLsn}, not what its name says`)
  }
  if (found === 1) return { trailer, signedBytes: bytes }
  if (tail.length < ARCHIVE_TAIL_BYTES) refuse('it is too short for its signature')
  const block = tail.subarray(tail.length - ARCHIVE_TAIL_BYTES)
  const publicKey = toPublicKey(block.subarray(0, 32))
  const signature = block.toString('base64', 32, SIGNATURE_BYTES)
  return { trailer, signature: { publicKey, signature }, signedBytes: bytes }
}

/**
 * Reads and proves a whole file: trailer, header, every record, the chain, and that they fit each other.
 * @throws `damaged` naming file, offset and LSN; `newer-format`
 */
export function decodeArchive(bytes: Buffer, name: ArchiveName, place: string): ArchiveFile {
  const end = Math.max(0, bytes.length - ARCHIVE_TRAILER_BYTES)
  const tail = bytes.subarray(Math.max(0, bytes.length - ARCHIVE_TAIL_BYTES))
  const decoded = decodeTail(tail, name, place, bytes.length)
  const { trailer, signature } = decoded
  const log = bytes.subarray(0, signature === undefined ? end : end - SIGNATURE_BYTES)
  const header = withPlace(name.firstLsn, () => decodeWalHeader(log, name.identity, place))
  const refuse = (offset: number, lsn: number, problem: string) =>
    damagedArchive(place, offset, lsn, problem)
  if (header.firstLsn !== trailer.firstLsn)
    refuse(48, trailer.firstLsn, 'its header and trailer differ')
  const records: ArchivedRecord[] = []
  let offset = WAL_HEADER_BYTES
  let expected = {
    identity: name.identity,
    lsn: header.firstLsn,
    chain: header.chain,
    committedAtUs: 0,
  }
  while (offset < log.length) {
    const next = readRecord(log, offset, expected)
    if ('problem' in next) return refuse(offset, expected.lsn, `bad record (${next.problem})`)
    const { record } = next
    records.push({ record, bytes: log.subarray(offset, next.end) })
    const { committedAtUs, checksum: chain } = record
    expected = { ...expected, lsn: record.lsn + 1, chain, committedAtUs }
    offset = next.end
  }
  const first = records[0]?.record
  const last = records.at(-1)?.record
  if (first === undefined || last === undefined || last.lsn !== trailer.lastLsn) {
    return refuse(offset, expected.lsn, `its records end before LSN ${trailer.lastLsn}`)
  }
  const fits =
    last.checksum === trailer.chain &&
    first.committedAtUs === trailer.firstCommittedAtUs &&
    last.committedAtUs === trailer.lastCommittedAtUs &&
    bytes.toString('hex', end + 104, end + 136) === sha256(log).toString('hex')
  if (!fits) refuse(end, last.lsn, 'its records are not those that its trailer speaks of')
  return { ...decoded, chainBefore: header.chain, records }
}

/** @throws `damaged`, always */
export function damagedArchive(file: string, offset: number, lsn: number, problem: string): never {
  fail('damaged', `${file} is damaged at offset ${offset}, LSN ${lsn}: ${problem}`, archiveHint, {
    place: { file, offset, lsn },
  })
}

const archiveHint = `Restore to a moment before it, or name another copy of the repository. ${repositoryHint}`

/** A damaged header is told as what it is here: a file of a repository, with the LSN that it begins at. */
function withPlace<T>(lsn: number, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (!isOperatingError(error, 'damaged')) throw error
    const message = `${error.message}, LSN ${lsn} and after`
    return fail('damaged', message, archiveHint, { place: { ...error.place, lsn } })
  }
}

/** UUID, epoch number and history id. */
function identityBytes({ uuid, epoch }: Identity): Buffer {
  const bytes = Buffer.alloc(UUID_BYTES + 4 + HISTORY_BYTES)
  uuidToBytes(uuid).copy(bytes)
  bytes.writeUInt32LE(epoch.number, UUID_BYTES)
  bytes.write(epoch.history, UUID_BYTES + 4, 'hex')
  return bytes
}
