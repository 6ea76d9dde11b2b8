/** Looking for records in bytes that are no log any more: what tells damage from a torn tail. */
import { type Identity, UUID_BYTES, uuidToBytes } from './identity.ts'
import { RECORD_HEADER_BYTES, readAnyRecord, type WalRecord } from './wal-record.ts'

/**
 * The first whole valid record of this history at or after `from` that proves the record `lsn`, which
 * cannot be read, to have been durable: it is of a later group, or it is `lsn` itself. Its presence
 * tells damage from a torn tail.
 */
export function findProof(
  bytes: Buffer,
  from: number,
  identity: Identity,
  lsn: number,
): { offset: number; lsn: number } | undefined {
  for (const { offset, record } of findRecords(bytes, from, identity)) {
    if (record.lsn === lsn || record.lsn - record.place > lsn) return { offset, lsn: record.lsn }
  }
  return undefined
}

/** Whole valid records of this history at or after `from`, wherever they stand; not those inside one. */
export function* findRecords(
  bytes: Buffer,
  from: number,
  identity: Identity,
): Generator<{ readonly offset: number; readonly record: WalRecord }> {
  const uuid = uuidToBytes(identity.uuid)
  const uuidOffset = RECORD_HEADER_BYTES - UUID_BYTES
  for (let at = from; ; ) {
    const hit = bytes.indexOf(uuid, at + uuidOffset)
    if (hit < 0) return
    at = hit - uuidOffset
    const found = readAnyRecord(bytes, at, identity)
    if ('record' in found) {
      yield { offset: at, record: found.record }
      at = found.end
    } else {
      at++
    }
  }
}
