/**
 * Records that only an old primary has, written to a file that people read and a later command replays.
 *
 * JSON Lines. The first line says what it is: collection, epoch, the LSN after which the histories part. Then
 * one line a record in LSN order, with whole points: float32 values print exactly. The last line holds the
 * SHA-256 of all bytes before it.
 */
import * as path from 'node:path'
import { Sha256 } from '../base/checksum.ts'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import { readOperation } from '../collection/open-files.ts'
import { epochName } from '../format/identity.ts'
import type { Operation } from '../format/operation.ts'
import { readAnyRecord } from '../format/wal-record.ts'

export const lostRecordsFormat = 'vectra-lost-records'
/** Where they stand in a data directory. */
export const lostDirectoryOf = (data: string): string => path.join(data, 'lost')

export interface LostRecords {
  /** Where they were written. */
  readonly file: string
  readonly records: number
  readonly firstLsn: number
  readonly lastLsn: number
  /** Records before these that are not in the log here any more, where nobody knows whether the other history has them. */
  readonly missing: { readonly firstLsn: number; readonly lastLsn: number } | null
}

/**
 * Writes the records of `collection` after `fork` to a file below `directory`, durably.
 * @param fork where the other history parted; undefined when that is not known: everything that is here
 * @returns undefined when there are none
 * @throws `possible-loss` for records after `fork` that are in no log any more: they stand in the segments alone;
 *   `damaged`, `disk-full`
 */
export async function exportLost(
  disk: Disk,
  directory: string,
  collection: Collection,
  fork: { readonly lsn: number; readonly chain: number } | undefined,
): Promise<LostRecords | undefined> {
  await collection.replication.settle()
  const { name, uuid, epoch, config, replication } = collection
  const last = replication.durable.lsn
  if (fork !== undefined && fork.lsn >= last) return undefined
  const reader = replication.reader()
  const oldest = (await reader.oldest()) ?? replication.durable
  const found = fork && (await reader.read(fork, 1))
  let after = found?.kind === 'records' && fork !== undefined ? fork : oldest
  if (fork !== undefined && after.lsn > fork.lsn) {
    fail(
      'possible-loss',
      `LSN ${fork.lsn + 1} to ${after.lsn} of ${name} are in no other history and not in the log here any more, only in the segments`,
      'Nothing was changed. Keep what is here with collections backup or collections export; then drop it here, and let it begin anew: vectra-cli collections replicate.',
    )
  }
  const missing = fork === undefined && after.lsn > 0 ? { firstLsn: 1, lastLsn: after.lsn } : null
  const firstLsn = after.lsn + 1
  await disk.makeDirectory(directory)
  const file = await freeName(disk, path.join(directory, `${name}-${epochName(epoch)}-${firstLsn}`))
  const handle = await disk.open(file, 'create')
  const hash = new Sha256()
  let offset = 0
  let records = 0
  const write = async (line: object, hashed = true) => {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    if (hashed) hash.update(bytes)
    await handle.write(bytes, offset)
    offset += bytes.length
  }
  try {
    const about = { collection: name, uuid, epoch, firstLsn, lastLsn: last, missing }
    await write({ format: lostRecordsFormat, version: 1, ...about })
    while (after.lsn < last) {
      const reading = await reader.read(after, limits.shipBytes)
      if (reading.kind !== 'records' || reading.bytes.length === 0) {
        return fail(
          'damaged',
          `the log of ${name} ends at LSN ${after.lsn} for whoever reads it, and should at LSN ${last}`,
          'Nothing was changed. Try again, or keep what is here with collections export.',
        )
      }
      for (let at = 0; at < reading.bytes.length; ) {
        const next = readAnyRecord(reading.bytes, at, { uuid, epoch })
        if ('problem' in next) throw new Error(`a record that was just read: ${next.problem}`)
        const { record, end } = next
        const operation = readOperation(record, config.dimension, replication.directory)
        const committedAt = new Date(record.committedAtUs / 1000).toISOString()
        if (operation.kind !== 'digest') {
          await write({ lsn: record.lsn, committedAt, ...plain(operation) })
          records++
        }
        at = end
      }
      after = reading.end
    }
    await write({ sha256: hash.hex() }, false)
    await handle.sync()
  } catch (error) {
    // half a file would be taken for all that there is; after a failed fsync nothing is touched
    if (!isOperatingError(error, 'fsync-failed')) await disk.unlink(file).catch(() => {})
    throw error
  } finally {
    await handle.close()
  }
  await disk.syncDirectory(directory)
  await disk.syncDirectory(path.dirname(directory))
  return { file, records, firstLsn, lastLsn: last, missing }
}

function plain(operation: Exclude<Operation, { kind: 'digest' }>): object {
  if (operation.kind === 'delete') return { kind: 'delete', ids: operation.ids }
  const points = operation.points.map(({ id, vector, metadata }) => ({
    id,
    vector: Array.from(vector),
    metadata: JSON.parse(metadata) as unknown,
  }))
  return { kind: 'upsert', points }
}

async function freeName(disk: Disk, stem: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const file = `${stem}${attempt === 1 ? '' : `-${attempt}`}.jsonl`
    if ((await disk.stat(file)) === undefined) return file
  }
}
