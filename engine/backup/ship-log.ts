/**
 * Shipping a pinned log: records become archived files, cut where the state is known.
 *
 * A file ends at a digest record, at the last checkpoint or at the pinned LSN, for only there is the
 * content digest known that every file carries. It is durable before the next one is begun, and what was
 * written was read back and is sound: an archive that nobody has read proves nothing.
 */
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { KnownState, PinnedLog } from '../collection/pinned-log.ts'
import { decodeOperation } from '../format/operation.ts'
import { type ArchiveName, encodeArchive } from '../repository/archive-file.ts'
import type { Repository } from '../repository/repository.ts'
import { archiveKey, diverges, putArchive, readArchive } from '../repository/wal-archive.ts'
import { joinRanges, type LsnRange } from './coverage.ts'
import { type LoggedRecord, type LogStart, pinnedRecords } from './pinned-records.ts'

export interface Shipment {
  readonly repository: Repository
  readonly log: PinnedLog
  readonly start: LogStart
  /** The archive reached up to here before. */
  readonly previousLsn: number
  /** What the archive holds already. */
  readonly covered: readonly LsnRange[]
  readonly signal: AbortSignal | undefined
}

export interface Shipped {
  readonly name: ArchiveName
  readonly records: number
  readonly bytes: number
  /** Where the log goes on. */
  readonly end: LogStart
}

/** @param onShipped told after each file is durable at the destination */
export async function shipLog(
  shipment: Shipment,
  onShipped: (shipped: Shipped) => Promise<void>,
): Promise<void> {
  const { log, start, signal } = shipment
  if (start.lsn >= log.lsn) return
  const covered = joinRanges(shipment.covered)
  let { previousLsn } = shipment
  let pending: LoggedRecord[] = []
  let pendingBytes = 0
  for await (const each of pinnedRecords(log, start)) {
    if (each.afterHole) {
      pending = [] // the state after them is not known, and they lead nowhere
      pendingBytes = 0
    }
    const { lsn } = each.record
    if (pending.length === 0 && covered.some((run) => run.firstLsn <= lsn && lsn <= run.lastLsn)) {
      previousLsn = lsn
      continue
    }
    pending.push(each)
    pendingBytes += each.bytes.length
    const state = knownState(log, each)
    const isDue = lsn === log.lsn || pendingBytes >= limits.archiveFileBytes
    if (state !== undefined && isDue) {
      signal?.throwIfAborted()
      const [first = each, ...rest] = pending
      const shipped = await shipFile(shipment, [first, ...rest], state, previousLsn)
      previousLsn = lsn
      pending = []
      pendingBytes = 0
      await onShipped(shipped)
    } else if (pendingBytes > limits.archiveReadBytes / 2) {
      fail(
        'limit-exceeded',
        `LSN ${pending[0]?.record.lsn} to ${lsn} of ${log.name} are ${pendingBytes} bytes without a known digest`,
        `Run "vectra-cli collections checkpoint ${log.name}", take a new snapshot, and archive again.`,
        { place: { lsn } },
      )
    }
  }
}

/** The state after a record, where it is known. */
function knownState(log: PinnedLog, { record }: LoggedRecord): KnownState | undefined {
  const { lsn } = record
  if (lsn === log.lsn) return log
  if (lsn === log.checkpoint.lsn) return log.checkpoint
  if (record.kind !== 'digest') return undefined
  const operation = decodeOperation(record, 1) // a digest record has no vectors
  if (operation.kind !== 'digest') return undefined
  return { lsn, count: operation.count, digest: operation.digest }
}

async function shipFile(
  { repository, log }: Shipment,
  records: readonly [LoggedRecord, ...LoggedRecord[]],
  { lsn, count, digest }: KnownState,
  previousLsn: number,
): Promise<Shipped> {
  const [first] = records
  const last = records.at(-1) ?? first
  const name = { identity: log.identity, firstLsn: first.record.lsn, lastLsn: lsn }
  const { checksum: chain, committedAtUs } = last.record
  const bytes = encodeArchive(
    log.identity,
    first.chainBefore,
    records.map((each) => each.bytes),
    {
      firstLsn: name.firstLsn,
      lastLsn: lsn,
      previousLsn,
      firstCommittedAtUs: first.record.committedAtUs,
      lastCommittedAtUs: committedAtUs,
      // the clock may have been set back since
      asOfUs: lsn === log.lsn ? Math.max(log.pinnedAtUs, committedAtUs) : committedAtUs,
      count,
      digest,
      chain,
    },
    repository.signer,
  )
  await putArchive(repository, name, bytes, chain)
  await readBack(repository, name, chain)
  return {
    name,
    records: records.length,
    bytes: bytes.length,
    end: { lsn, chain, at: last.next },
  }
}

/** @throws `damaged` when it is not there or not sound, `divergence` when it is another file */
async function readBack(repository: Repository, name: ArchiveName, chain: number): Promise<void> {
  const place = repository.destination.locate(archiveKey(name))
  const standing = await readArchive(repository, name)
  if (standing === undefined) {
    fail(
      'damaged',
      `${place} was written and is not there`,
      'Archive again, and look at the store.',
      {
        place: { file: place, lsn: name.firstLsn },
      },
    )
  }
  if (standing.trailer.chain !== chain) diverges(place, name.lastLsn)
}
