import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import { limits, MiB } from '../../../engine/base/limits.ts'
import { findProof } from '../../../engine/format/find-records.ts'
import {
  decodeOperation,
  encodeOperation,
  type Operation,
} from '../../../engine/format/operation.ts'
import { acceptPoint, encodePoint } from '../../../engine/format/point.ts'
import {
  decodeWalHeader,
  encodeRecord,
  encodeWalHeader,
  RECORD_HEADER_BYTES,
  type RecordStamp,
  readRecord,
  recordBytes,
  WAL_HEADER_BYTES,
  WAL_VERSION,
  type WalRecord,
} from '../../../engine/format/wal-record.ts'
import { flipEveryBit, printSweeps } from './flip-bits.ts'
import { checkProperty } from './property.ts'
import { anyId, anyPointInput, identity, plainConfig, pointOf, strangers } from './samples.ts'

printSweeps()

const file = '/data/wal/0000000000000042.wal'
const stamp: RecordStamp = { lsn: 42, committedAtUs: 1_767_225_600_000_001, chain: 7, place: 0 }
const expected = { identity, lsn: 42, chain: 7, committedAtUs: stamp.committedAtUs }
const uuidHex = identity.uuid.replaceAll('-', '')

function recordOf(operation: Operation, at: Partial<RecordStamp> = {}, owner = identity): Buffer {
  const payload = encodeOperation(operation)
  const { header } = encodeRecord(owner, { ...stamp, ...at }, operation.kind, payload)
  return Buffer.concat([header, payload])
}

const walRecord = (kind: Operation['kind'], payload: Buffer): WalRecord => ({
  lsn: 1,
  committedAtUs: 0,
  place: 0,
  checksum: 0,
  kind,
  payload,
})

const operations: Record<Operation['kind'], Operation> = {
  upsert: { kind: 'upsert', points: [pointOf('a', { b: 1 }), pointOf(7)] },
  delete: { kind: 'delete', ids: ['a', 7, 'é'] },
  digest: { kind: 'digest', digest: 'ab'.repeat(32), count: 2 ** 40 },
}

describe('the header of a log file', () => {
  const good = encodeWalHeader({ identity, firstLsn: 42, chain: 0xfedcba98 })
  const decode = (bytes: Buffer) => decodeWalHeader(bytes, identity, file)
  const resealed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(good)
    change(bytes)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
    return bytes
  }
  const damage = expect.objectContaining({ code: 'damaged', place: { file, offset: 0 } })

  test('has the bytes of the table', () => {
    const body = [
      '56445257414c0d0a', // VDRWAL\r\n
      '0100', // version
      '01', // CRC-32
      '0000000000',
      uuidHex,
      '03000000', // epoch
      '0123456789abcdef', // history
      '98badcfe', // chain
      '2a00000000000000', // first LSN
      '00000000',
    ].join('')
    expect(good.toString('hex', 0, 60)).toBe(body)
    expect(good.readUInt32LE(60)).toBe(crc32(Buffer.from(body, 'hex')))
    expect(good).toHaveLength(WAL_HEADER_BYTES)
    expect(decode(good)).toEqual({ identity, firstLsn: 42, chain: 0xfedcba98 })
  })

  test('case 13: is refused with any bit flipped', () => {
    expect(flipEveryBit('WAL file header', file, good, decode)).toEqual([])
  })

  test('case 19: of another collection, epoch or history is refused', () => {
    for (const stranger of strangers) {
      const foreign = encodeWalHeader({ identity: stranger, firstLsn: 42, chain: 0xfedcba98 })
      expect(() => decode(foreign)).toThrow(damage)
    }
  })

  test('case 21: is refused when the file is shorter than it', () => {
    for (let length = 0; length < WAL_HEADER_BYTES; length++) {
      expect(() => decode(good.subarray(0, length))).toThrow(damage)
    }
  })

  test('case 23: of a newer version is refused with the advice to upgrade', () => {
    for (const version of [WAL_VERSION + 1, 0xffff]) {
      expect(() => decode(resealed((bytes) => bytes.writeUInt16LE(version, 8)))).toThrow(
        expect.objectContaining({
          code: 'newer-format',
          place: { file },
          hint: expect.stringMatching(/upgrade/i),
        }),
      )
    }
  })

  test('of an older version or another checksum is damage', () => {
    expect(() => decode(resealed((bytes) => bytes.writeUInt16LE(0, 8)))).toThrow(damage)
    expect(() => decode(resealed((bytes) => bytes.writeUInt8(2, 10)))).toThrow(damage)
  })
})

describe('a record', () => {
  test('has the bytes of the table', () => {
    const operation: Operation = { kind: 'delete', ids: [5] }
    const payload = '0100000000080000000500000000000000'
    const rest = [
      '11000000', // payload length
      crcHex(payload),
      '07000000', // chain
      '2a00000000000000', // LSN
      '0140204648470600', // commit time, µs
      '03000000', // epoch
      '0123456789abcdef',
      '02', // delete
      '050000', // place in its group
      uuidHex,
    ].join('')
    const bytes = recordOf(operation, { place: 5 })
    expect(bytes.toString('hex')).toBe(crcHex(rest) + rest + payload)
    expect(recordBytes(payload.length / 2)).toBe(bytes.length)
  })

  test('has the payload of the table, for each kind', () => {
    const { bytes } = pointOf('a', { b: 1 })
    expect(encodeOperation({ kind: 'upsert', points: [pointOf('a', { b: 1 })] })).toEqual(
      Buffer.concat([u32(1), u32(bytes.length), bytes]),
    )
    expect(
      encodeOperation({ kind: 'digest', digest: 'ab'.repeat(32), count: 3 }).toString('hex'),
    ).toBe(`${'ab'.repeat(32)}0300000000000000`)
    expect(encodeOperation({ kind: 'delete', ids: ['é'] }).toString('hex')).toBe(
      '010000000102000000c3a9',
    )
  })

  test('is read back with its place in the history', () => {
    for (const operation of Object.values(operations)) {
      const bytes = Buffer.concat([
        Buffer.alloc(9, 1),
        recordOf(operation, { place: 77 }),
        Buffer.alloc(3),
      ])
      const read = readRecord(bytes, 9, expected)
      if ('problem' in read) throw new Error(read.problem)
      const { record, end } = read
      expect(end).toBe(bytes.length - 3)
      expect(record).toMatchObject({
        lsn: 42,
        committedAtUs: stamp.committedAtUs,
        place: 77,
        kind: operation.kind,
        checksum: bytes.readUInt32LE(9),
      })
      expect(decodeOperation(record, plainConfig.dimension)).toEqual(operation)
    }
  })

  test('says what is wrong with it', () => {
    const operation = operations.delete
    const good = recordOf(operation)
    const problemOf = (bytes: Buffer, offset = 0) => {
      const read = readRecord(bytes, offset, expected)
      return 'problem' in read ? read.problem : 'none'
    }
    expect(problemOf(good)).toBe('none')
    expect(problemOf(good.subarray(0, RECORD_HEADER_BYTES - 1))).toBe('end')
    expect(problemOf(good, good.length)).toBe('end')
    expect(problemOf(good.subarray(0, -1))).toBe('payload')
    expect(problemOf(Buffer.alloc(200))).toBe('header')
    expect(problemOf(recordOf(operation, { lsn: 41 }))).toBe('sequence')
    expect(problemOf(recordOf(operation, { lsn: 43 }))).toBe('sequence')
    expect(problemOf(recordOf(operation, { committedAtUs: stamp.committedAtUs - 1 }))).toBe(
      'sequence',
    )
    expect(problemOf(recordOf(operation, { committedAtUs: stamp.committedAtUs + 1 }))).toBe('none')
    expect(problemOf(recordOf(operation, { chain: 8 }))).toBe('chain')
    for (const stranger of strangers) {
      expect(problemOf(recordOf(operation, {}, stranger))).toBe('identity')
    }
    const unknownKind = Buffer.from(good)
    unknownKind.writeUInt8(4, 44)
    expect(problemOf(resealRecord(unknownKind))).toBe('header')
    const endless = Buffer.from(good)
    endless.writeUInt32LE(limits.walPayloadBytes + 1, 4)
    expect(problemOf(resealRecord(endless))).toBe('header')
  })

  test('case 13: is none with any bit of header or payload flipped', () => {
    let bits = 0
    for (const operation of Object.values(operations)) {
      const good = recordOf(operation)
      for (let bit = 0; bit < 8 * good.length; bit++, bits++) {
        const bytes = Buffer.from(good)
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        expect(readRecord(bytes, 0, expected), `${operation.kind} bit ${bit}`).toHaveProperty(
          'problem',
        )
      }
    }
    console.log(`case 13, records of three kinds: ${bits} flipped bits, none read as a record`)
  })
})

describe('an operation', () => {
  const anyUpsert = fc
    .array(anyPointInput, { maxLength: 6 })
    .map((points) => points.map((each) => acceptPoint(each, plainConfig)))
    .map((points): Operation => ({ kind: 'upsert', points }))
  const anyDelete = fc
    .array(anyId, { maxLength: 12 })
    .map((ids): Operation => ({ kind: 'delete', ids }))
  const anyDigest = fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.maxSafeNat()).map(
    ([hash, count]): Operation => ({
      kind: 'digest',
      digest: Buffer.from(hash).toString('hex'),
      count,
    }),
  )
  const anyOperation = fc.oneof(anyUpsert, anyDelete, anyDigest)

  test('decodes to what was encoded', () =>
    checkProperty(
      'operation round trips',
      300,
      fc.property(anyOperation, (operation) => {
        const record = walRecord(operation.kind, encodeOperation(operation))
        expect(decodeOperation(record, plainConfig.dimension)).toEqual(operation)
      }),
    ))

  test('is refused when its payload is cut anywhere, or has bytes after its end', () => {
    let cuts = 0
    for (const operation of Object.values(operations)) {
      const payload = encodeOperation(operation)
      const decode = (bytes: Buffer) => () =>
        decodeOperation(walRecord(operation.kind, bytes), plainConfig.dimension)
      for (let length = 0; length < payload.length; length++, cuts++) {
        expect(decode(payload.subarray(0, length)), `${operation.kind} ${length}`).toThrow(
          RangeError,
        )
      }
      expect(decode(Buffer.concat([payload, Buffer.alloc(1)]))).toThrow(RangeError)
    }
    console.log(`operations: ${cuts} cut payloads refused`)
  })

  test('is refused when it counts more than it holds, or points of another dimension', () => {
    const many = Buffer.concat([u32(0xffffffff), Buffer.alloc(64)])
    for (const kind of ['upsert', 'delete'] as const) {
      expect(() => decodeOperation(walRecord(kind, many), 3)).toThrow(RangeError)
    }
    const payload = encodeOperation(operations.upsert)
    expect(() => decodeOperation(walRecord('upsert', payload), 4)).toThrow(RangeError)
  })

  test('case 97: with a hole in its list is not encoded: its count would not fit', () => {
    const points = [pointOf(1), pointOf(2), pointOf(3)]
    delete points[1]
    expect(() => encodeOperation({ kind: 'upsert', points })).toThrow(TypeError)
    const ids = ['a', 'b', 'c']
    delete ids[1]
    expect(() => encodeOperation({ kind: 'delete', ids })).toThrow(TypeError)
  })

  test('above the bound of a record is refused, at the bound accepted', () => {
    const metadata = JSON.stringify({ a: 'x'.repeat(MiB) })
    const bytes = encodePoint('big', Float32Array.of(1, 2, 3), metadata)
    const point = { id: 'big', vector: Float32Array.of(1, 2, 3), metadata, bytes }
    const fitting = Math.floor((limits.walPayloadBytes - 4) / (bytes.length + 4))
    const upsert = (count: number): Operation => ({
      kind: 'upsert',
      points: Array.from({ length: count }, () => point),
    })
    expect(encodeOperation(upsert(fitting)).length).toBeLessThanOrEqual(limits.walPayloadBytes)
    expect(() => encodeOperation(upsert(fitting + 1))).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', exitCode: 2 }),
    )
  })
})

describe('a later record as proof that an unreadable one was durable', () => {
  const operation = operations.delete
  const noise = Buffer.alloc(100, 0xee)
  const find = (lsn: number, ...parts: Buffer[]) =>
    findProof(Buffer.concat(parts), 0, identity, lsn)

  test('is one of a later group', () => {
    const later = recordOf(operation, { lsn: 43, place: 0 })
    expect(find(42, noise, later)).toEqual({ offset: 100, lsn: 43 })
    expect(find(42, noise, recordOf(operation, { lsn: 50, place: 7 }))).toEqual({
      offset: 100,
      lsn: 50,
    })
  })

  test('is the record itself, where it does not fit the one before', () => {
    expect(find(42, recordOf(operation))).toEqual({ offset: 0, lsn: 42 })
  })

  test('is none of the same group: its parts reach the disk in any order', () => {
    const sameGroup = [1, 2, 3].map((place) => recordOf(operation, { lsn: 42 + place, place }))
    expect(find(42, noise, ...sameGroup)).toBeUndefined()
    const later = recordOf(operation, { lsn: 46, place: 0 })
    const offset = 100 + sameGroup.reduce((sum, each) => sum + each.length, 0)
    expect(find(42, noise, ...sameGroup, later)).toEqual({ offset, lsn: 46 })
  })

  test('is none of the past, of another history, or damaged', () => {
    const later = recordOf(operation, { lsn: 43 })
    const broken = Buffer.from(later)
    broken[RECORD_HEADER_BYTES] = 0xff
    expect(find(42, noise, recordOf(operation, { lsn: 41 }))).toBeUndefined()
    expect(find(42, noise, broken)).toBeUndefined()
    expect(find(42, noise, later.subarray(0, -1))).toBeUndefined()
    for (const stranger of strangers) {
      expect(find(42, noise, recordOf(operation, { lsn: 43 }, stranger))).toBeUndefined()
    }
    expect(find(42, noise, broken, later)).toEqual({ offset: 100 + broken.length, lsn: 43 })
  })

  test('is found at any offset, after any number of bytes that look like the UUID', () => {
    const uuid = Buffer.from(uuidHex, 'hex')
    for (let gap = 0; gap < 130; gap++) {
      const lure = Buffer.concat([uuid, uuid.subarray(0, 5), uuid, Buffer.alloc(gap), uuid])
      const later = recordOf(operation, { lsn: 43 })
      expect(find(42, lure, later)).toEqual({ offset: lure.length, lsn: 43 })
    }
  })
})

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function crcHex(hex: string): string {
  return u32(crc32(Buffer.from(hex, 'hex'))).toString('hex')
}

function resealRecord(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(4, RECORD_HEADER_BYTES)), 0)
  return bytes
}
