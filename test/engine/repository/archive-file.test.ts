import { describe, expect, it } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import { encodeOperation } from '../../../engine/format/operation.ts'
import { encodeRecord } from '../../../engine/format/wal-record.ts'
import {
  ARCHIVE_TRAILER_BYTES,
  type ArchiveTrailer,
  decodeArchive,
  decodeTail,
  encodeArchive,
} from '../../../engine/repository/archive-file.ts'
import { flipBit } from '../backup/repository-on-disk.ts'

const identity = {
  uuid: '5d9ee454-b8d6-452d-ba2a-69bfa0f3a4eb',
  epoch: { number: 3, history: '0123456789abcdef' },
}
const place = 'file:///repository/wal/x.wal'
const chainBefore = 77

function sample(changes: Partial<ArchiveTrailer> = {}) {
  const records: Buffer[] = []
  let chain = chainBefore
  for (const [index, id] of ['a', 'b', 'c'].entries()) {
    const payload = encodeOperation({ kind: 'delete', ids: [id] })
    const stamp = { lsn: 11 + index, committedAtUs: 1_000 + index, chain, place: 0 }
    const { header, checksum } = encodeRecord(identity, stamp, 'delete', payload)
    records.push(Buffer.concat([header, payload]))
    chain = checksum
  }
  const trailer: ArchiveTrailer = {
    firstLsn: 11,
    lastLsn: 13,
    previousLsn: 10,
    firstCommittedAtUs: 1_000,
    lastCommittedAtUs: 1_002,
    asOfUs: 5_000,
    count: 42,
    digest: 'ab'.repeat(32),
    chain,
    ...changes,
  }
  return { records, trailer, bytes: encodeArchive(identity, chainBefore, records, trailer) }
}

const name = { identity, firstLsn: 11, lastLsn: 13 }

describe('an archived log file', () => {
  it('reads back as it was written', () => {
    const { bytes, records, trailer } = sample()
    const read = decodeArchive(bytes, name, place)
    expect(read.trailer).toEqual(trailer)
    expect(read.chainBefore).toBe(chainBefore)
    expect(read.records.map((each) => each.bytes)).toEqual(records)
    expect(read.records.map((each) => each.record.lsn)).toEqual([11, 12, 13])
    const end = bytes.subarray(-ARCHIVE_TRAILER_BYTES)
    expect(decodeTail(end, name, place, bytes.length).trailer).toEqual(trailer)
  })

  it('case 13: is refused with any bit flipped', () => {
    const { bytes } = sample()
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(() => decodeArchive(flipBit(bytes, bit), name, place), `bit ${bit}`).toThrow(
        expect.objectContaining({
          code: 'damaged',
          place: expect.objectContaining({ file: place }),
        }),
      )
    }
  })

  it('case 21: is refused at every other length', () => {
    const { bytes } = sample()
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeArchive(bytes.subarray(0, length), name, place)).toThrow(
        expect.objectContaining({ code: 'damaged' }),
      )
    }
    const grown = Buffer.concat([bytes, Buffer.from([0])])
    expect(() => decodeArchive(grown, name, place)).toThrow(/damaged/)
  })

  it('case 19: is refused under another name, collection or history', () => {
    const { bytes } = sample()
    const others = [
      { ...name, firstLsn: 10 },
      { ...name, lastLsn: 14 },
      { ...name, identity: { ...identity, uuid: 'e1e49202-68fa-47c6-bc6a-07c37495bd8b' } },
      { ...name, identity: { ...identity, epoch: { number: 4, history: '0123456789abcdef' } } },
      { ...name, identity: { ...identity, epoch: { number: 3, history: '0123456789abcdee' } } },
    ]
    for (const other of others) {
      expect(() => decodeArchive(bytes, other, place)).toThrow(
        expect.objectContaining({ code: 'damaged' }),
      )
    }
  })

  it('is refused when its trailer speaks of other records, whatever its checksums say', () => {
    const wrong: Partial<ArchiveTrailer>[] = [
      { chain: 1 },
      { firstCommittedAtUs: 999 },
      { lastCommittedAtUs: 1_003 },
    ]
    for (const changes of wrong) {
      expect(() => decodeArchive(sample(changes).bytes, name, place)).toThrow(/trailer/)
    }
  })

  it('case 23: of a newer version is refused with the advice to upgrade', () => {
    const { bytes } = sample()
    const at = bytes.length - ARCHIVE_TRAILER_BYTES
    bytes.writeUInt16LE(3, at + 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + 188)), at + 188)
    expect(() => decodeArchive(bytes, name, place)).toThrow(
      expect.objectContaining({ code: 'newer-format', hint: expect.stringMatching(/Upgrade/) }),
    )
  })
})
