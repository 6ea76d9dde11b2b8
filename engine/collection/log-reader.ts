/**
 * Reading the durable log of an open collection from any record on, again and again: what a primary ships.
 *
 * Where the last reading ended is remembered, so that a standby that keeps up costs one read of what is new.
 * Every record is proven by its checksums and the chain before it leaves.
 */
import * as path from 'node:path'
import type { Disk } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Identity } from '../format/identity.ts'
import {
  decodeWalHeader,
  RECORD_HEADER_BYTES,
  readRecord,
  recordBytes,
  WAL_HEADER_BYTES,
} from '../format/wal-record.ts'
import type { LogWriter } from '../wal/log-writer.ts'
import type { LogPosition } from '../wal/replay.ts'
import { listWal } from '../wal/wal-files.ts'

/** `gone`: the log does not reach back so far. `diverged`: it has another record there, or ends before. */
export type LogReading =
  | { readonly kind: 'records'; readonly bytes: Buffer; readonly end: LogPosition }
  | { readonly kind: 'gone' }
  | { readonly kind: 'diverged' }

interface Place extends LogPosition {
  readonly file: string
  /** Of the next record. */
  readonly offset: number
}

export interface LogReaderSource {
  readonly disk: Disk
  readonly walDirectory: string
  readonly identity: Identity
  readonly writer: LogWriter
}

export class LogReader {
  readonly #source: LogReaderSource
  #last: Place | undefined

  constructor(source: LogReaderSource) {
    this.#source = source
  }

  /**
   * The durable records after `after`, about `maxBytes` of them; none when it is the newest.
   * @throws `damaged`
   */
  async read(after: { lsn: number; chain: number }, maxBytes: number): Promise<LogReading> {
    const { durable } = this.#source.writer
    if (after.lsn > durable.lsn) return { kind: 'diverged' }
    if (after.lsn === durable.lsn) {
      return after.chain === durable.chain
        ? { kind: 'records', bytes: Buffer.alloc(0), end: durable }
        : { kind: 'diverged' }
    }
    const known = this.#last
    const isThere =
      known?.lsn === after.lsn &&
      known.chain === after.chain &&
      (await this.#source.disk.stat(known.file)) !== undefined // it may have been removed since
    const place = isThere ? known : await this.#find(after)
    if (typeof place === 'string') return { kind: place }
    return this.#readFrom(place, maxBytes)
  }

  /** Before the first record that is still here; undefined when there is no log file. */
  async oldest(): Promise<{ lsn: number; chain: number } | undefined> {
    const { disk, walDirectory, identity } = this.#source
    const [first] = await listWal(disk, walDirectory)
    if (first === undefined) return undefined
    const file = path.join(walDirectory, first.name)
    const { firstLsn, chain } = decodeWalHeader(await this.#head(file), identity, file)
    return { lsn: firstLsn - 1, chain }
  }

  /** Log bytes between a record and the newest durable one, as far as they are here. */
  async bytesAfter({ lsn }: { lsn: number }): Promise<number> {
    const { disk, walDirectory, writer } = this.#source
    if (lsn >= writer.durable.lsn) return 0
    const { tail } = writer
    let bytes = 0
    for (const { name, firstLsn } of (await listWal(disk, walDirectory)).toReversed()) {
      const file = path.join(walDirectory, name)
      const sizeBytes = await this.#durableBytes(file, tail)
      const known = this.#last
      if (known?.file === file && known.lsn === lsn) return bytes + sizeBytes - known.offset
      bytes += Math.max(0, sizeBytes - WAL_HEADER_BYTES)
      if (firstLsn <= lsn + 1) break
    }
    return bytes
  }

  async #readFrom(start: Place, maxBytes: number): Promise<LogReading> {
    const parts: Buffer[] = []
    let place = start
    let bytes = 0
    const newest = this.#source.writer.durable.lsn
    while (place.lsn < newest && bytes < maxBytes) {
      const part = await this.#readPart(place, maxBytes - bytes)
      if (part.bytes.length > 0) parts.push(part.bytes)
      bytes += part.bytes.length
      if (part.end.lsn < newest && part.ended) {
        const next = await this.#open(part.end)
        if (next === undefined) break // it is rotated this moment: the next reading finds it
        place = next
      } else {
        place = part.end
      }
    }
    this.#last = place
    return { kind: 'records', bytes: Buffer.concat(parts), end: place }
  }

  /** Whole records of one file, at least one. `ended`: the file has no more. */
  async #readPart(
    place: Place,
    maxBytes: number,
  ): Promise<{ bytes: Buffer; end: Place; ended: boolean }> {
    const { disk, identity, writer } = this.#source
    const sizeBytes = await this.#durableBytes(place.file, writer.tail)
    const left = sizeBytes - place.offset
    if (left <= 0) return { bytes: Buffer.alloc(0), end: place, ended: true }
    const handle = await disk.open(place.file, 'read')
    try {
      let bytes = Buffer.alloc(Math.min(left, Math.max(maxBytes, RECORD_HEADER_BYTES)))
      await handle.read(bytes, place.offset)
      const firstBytes = recordBytes(bytes.readUInt32LE(4))
      if (firstBytes > bytes.length && firstBytes <= left) {
        bytes = Buffer.alloc(firstBytes)
        await handle.read(bytes, place.offset)
      }
      let { lsn, chain, committedAtUs } = place
      let offset = 0
      while (offset < bytes.length) {
        const next = readRecord(bytes, offset, { identity, lsn: lsn + 1, chain, committedAtUs })
        if ('problem' in next) {
          const cut = next.problem === 'end' || next.problem === 'payload'
          if (cut && offset > 0 && bytes.length < left) break // the rest comes with the next reading
          return damaged(place.file, place.offset + offset, lsn + 1, next.problem)
        }
        ;({ lsn, committedAtUs, checksum: chain } = next.record)
        offset = next.end
      }
      const end = { lsn, chain, committedAtUs, file: place.file, offset: place.offset + offset }
      return { bytes: bytes.subarray(0, offset), end, ended: end.offset >= sizeBytes }
    } finally {
      await handle.close()
    }
  }

  /** The start of the file that goes on after a record. */
  async #open({ lsn, chain, committedAtUs }: LogPosition): Promise<Place | undefined> {
    const { disk, walDirectory, identity } = this.#source
    const found = (await listWal(disk, walDirectory)).find((each) => each.firstLsn === lsn + 1)
    if (found === undefined) return undefined
    const file = path.join(walDirectory, found.name)
    const header = decodeWalHeader(await this.#head(file), identity, file)
    if (header.firstLsn !== lsn + 1 || header.chain !== chain) {
      return damaged(file, 44, lsn + 1, 'it does not continue the file before')
    }
    return { lsn, chain, committedAtUs, file, offset: WAL_HEADER_BYTES }
  }

  /** Where the record after `after` stands. */
  async #find(after: { lsn: number; chain: number }): Promise<Place | 'gone' | 'diverged'> {
    const { disk, walDirectory, identity } = this.#source
    const found = (await listWal(disk, walDirectory)).findLast(
      (each) => each.firstLsn <= after.lsn + 1,
    )
    if (found === undefined) return 'gone'
    const file = path.join(walDirectory, found.name)
    const header = decodeWalHeader(await this.#head(file), identity, file)
    let place: Place = {
      lsn: header.firstLsn - 1,
      chain: header.chain,
      committedAtUs: 0,
      file,
      offset: WAL_HEADER_BYTES,
    }
    while (place.lsn < after.lsn) {
      const { end, ended } = await this.#readPart(place, limits.shipBytes)
      if (end.lsn >= after.lsn) {
        const at = await this.#walk(place, after.lsn)
        return at.chain === after.chain ? at : 'diverged'
      }
      if (ended) return 'gone' // files in between were removed
      place = end
    }
    return place.chain === after.chain ? place : 'diverged'
  }

  /** Record by record up to `lsn`, which is in this part of the file. */
  async #walk(start: Place, lsn: number): Promise<Place> {
    let place = start
    const { bytes } = await this.#readPart(start, limits.shipBytes)
    const { identity } = this.#source
    for (let offset = 0; place.lsn < lsn; ) {
      const next = readRecord(bytes, offset, { identity, ...place, lsn: place.lsn + 1 })
      if ('problem' in next) return damaged(place.file, place.offset, place.lsn + 1, next.problem)
      const { record } = next
      place = {
        lsn: record.lsn,
        chain: record.checksum,
        committedAtUs: record.committedAtUs,
        file: start.file,
        offset: start.offset + next.end,
      }
      offset = next.end
    }
    return place
  }

  async #head(file: string): Promise<Buffer> {
    const handle = await this.#source.disk.open(file, 'read')
    try {
      const bytes = Buffer.alloc(WAL_HEADER_BYTES)
      return bytes.subarray(0, await handle.read(bytes, 0))
    } finally {
      await handle.close()
    }
  }

  async #durableBytes(file: string, tail: LogWriter['tail']): Promise<number> {
    return file === tail.file ? tail.offset : ((await this.#source.disk.stat(file))?.sizeBytes ?? 0)
  }
}

function damaged(file: string, offset: number, lsn: number, reason: string): never {
  return fail(
    'damaged',
    `${file} is damaged at offset ${offset}, LSN ${lsn}: ${reason}`,
    'Nothing more is shipped from it. Restore the collection from a backup, or promote a standby.',
    { place: { file, offset, lsn } },
  )
}
