import { describe, expect, test } from 'vitest'
import type { Identity } from '../../../engine/format/identity.ts'
import { encodeOperation, type Operation } from '../../../engine/format/operation.ts'
import { encodeRecord, WAL_HEADER_BYTES } from '../../../engine/format/wal-record.ts'
import { replayWal } from '../../../engine/wal/replay.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { identity, strangers } from '../format/samples.ts'
import {
  beginning,
  directory,
  logFile,
  memoryLog,
  openLog,
  putFile,
  readAll,
  replay,
  someOperations,
  upsertOf,
  type WrittenLog,
  writtenLog,
} from './logs.ts'

/** How many records end at or before `length`. */
const wholeRecords = ({ ends }: WrittenLog, length: number): number =>
  ends.filter((end) => end <= length).length - 1

/** Replays `bytes` as the log, appends to it, and replays again. */
async function recover(log: WrittenLog, bytes: Buffer) {
  const disk = log.disk.crashLosingNothing()
  await putFile(disk, log.file, bytes)
  const first = await replay(disk)
  const { writer } = await openLog(disk)
  const { lsn } = await writer.append(upsertOf(999))
  await writer.close()
  return {
    first,
    lsn,
    second: await replay(disk),
    sizeBytes: (await disk.stat(log.file))?.sizeBytes,
  }
}

/** The log must end after `records` records, and go on from there. */
async function expectEnd(log: WrittenLog, bytes: Buffer, records: number): Promise<void> {
  const { first, lsn, second, sizeBytes } = await recover(log, bytes)
  const offset = log.ends[records] ?? -1
  const kept = someOperations.slice(0, records)
  if (first.operations.length !== records || first.end.offset !== offset) {
    expect.fail(
      `${first.operations.length} records to ${first.end.offset}, not ${records}, ${offset}`,
    )
  }
  expect(first.end).toMatchObject({
    lsn: records,
    file: log.file,
    tornBytes: bytes.length - offset,
  })
  expect(first.operations).toEqual(kept)
  expect(lsn).toBe(records + 1)
  expect(second.operations).toEqual([...kept, upsertOf(999)])
  expect(second.end).toMatchObject({ lsn: records + 1, tornBytes: 0, offset: sizeBytes })
}

describe('the end of a log', () => {
  test('case 4: cut at every byte, is the longest valid prefix, and the log goes on from it', async () => {
    const log = await writtenLog()
    let cuts = 0
    for (let length = 0; length <= log.bytes.length; length++, cuts++) {
      const cut = log.bytes.subarray(0, length)
      if (length >= WAL_HEADER_BYTES) {
        await expectEnd(log, cut, wholeRecords(log, length))
      } else {
        await putFile(log.disk, log.file, cut)
        await expect(replay(log.disk)).rejects.toMatchObject({
          code: 'damaged',
          place: { file: log.file, offset: 0 },
        })
      }
    }
    console.log(
      `case 4: ${cuts} lengths of a log of ${log.ends.length - 1} records, each gone on with`,
    )
  })

  test('case 5: is where zeros begin', async () => {
    const log = await writtenLog()
    const lengths = [
      ...Array.from({ length: 130 }, (_, index) => index + 1),
      511,
      512,
      4096,
      70_000,
    ]
    for (const length of lengths) {
      await expectEnd(log, Buffer.concat([log.bytes, Buffer.alloc(length)]), someOperations.length)
    }
    console.log(`case 5: ${lengths.length} tails of zeros`)
  })

  test('case 5: is where random bytes begin', async () => {
    const log = await writtenLog()
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed)
      const tail = random.bytes(1 + random.integer(2000))
      await expectEnd(log, Buffer.concat([log.bytes, tail]), someOperations.length)
    }
    console.log('case 5: 150 tails of random bytes, seeds 1 to 150')
  })

  test('case 5: is where recycled records of the same history begin', async () => {
    const log = await writtenLog()
    const last = log.ends.length - 2
    const older = log.bytes.subarray(0, log.ends[last])
    const records = log.ends
      .slice(1, -1)
      .map((end, index) => log.bytes.subarray(log.ends[index], end))
    const tails = [
      older, // its file header too
      older.subarray(WAL_HEADER_BYTES),
      older.subarray(WAL_HEADER_BYTES + 1),
      ...records,
      ...records.map((record) => Buffer.concat([Buffer.alloc(17), record])),
      ...records.map((record) => Buffer.concat([record.subarray(0, -1), record])),
      Buffer.concat([...records].reverse()),
    ]
    for (const tail of tails) {
      await expectEnd(log, Buffer.concat([log.bytes, tail]), someOperations.length)
      const torn = log.bytes.subarray(0, -1)
      await expectEnd(log, Buffer.concat([torn, tail]), someOperations.length - 1)
    }
    console.log(`case 5: ${2 * tails.length} tails of recycled records`)
  })

  test('case 5: is where records of another history or collection begin, however well they fit', async () => {
    const log = await writtenLog()
    const { end } = await replay(log.disk)
    let tails = 0
    for (const owner of strangers) {
      for (const lsn of [1, end.lsn, end.lsn + 1, end.lsn + 2, 1000]) {
        for (const chain of [0, end.chain]) {
          const record = recordOf(
            upsertOf(5),
            { lsn, chain, committedAtUs: end.committedAtUs },
            owner,
          )
          await expectEnd(log, Buffer.concat([log.bytes, record]), someOperations.length)
          tails++
        }
      }
    }
    console.log(`case 5: ${tails} records of other histories and collections`)
  })
})

describe('a torn record whose payload looks like records', () => {
  test('case 4: cut at every byte of it, is the end: what callers store proves nothing', async () => {
    const disk = await memoryLog()
    const { writer } = await openLog(disk)
    await writer.append(upsertOf(1))
    const { lsn, chain, committedAtUs } = writer.position
    const { file, offset } = writer.tail
    const forged = [2, 3, 50].map((later) =>
      recordOf(upsertOf(later), { lsn: lsn + later, chain, committedAtUs }),
    )
    // only the bytes of a point are written
    const lure = {
      kind: 'upsert',
      points: [{ bytes: Buffer.concat([...forged, Buffer.alloc(9)]) }],
    }
    await writer.append(lure as unknown as Operation)
    await writer.close()
    const bytes = await readAll(disk, file)
    for (let length = offset; length < bytes.length; length++) {
      await putFile(disk, file, bytes.subarray(0, length))
      const end = await replayWal(disk, directory, identity, beginning, () => {})
      expect(end, `${length} bytes`).toMatchObject({ lsn: 1, offset, tornBytes: length - offset })
    }
    // a record of a later group beyond it is a proof all the same
    const bad = Buffer.from(bytes)
    bad[bytes.length - 1] = 1
    const next = { lsn: lsn + 2, chain: bytes.readUInt32LE(offset), committedAtUs }
    await putFile(disk, file, Buffer.concat([bad, recordOf(upsertOf(3), next)]))
    await expect(replay(disk)).rejects.toMatchObject({
      code: 'damaged',
      place: { file, offset, lsn: 2 },
      message: expect.stringContaining(`at offset ${bytes.length}`),
    })
  })
})

describe('damage in a log', () => {
  test('case 13, case 14: before the last group is named by file, offset and LSN; in it, it is the end', async () => {
    const log = await writtenLog()
    const last = log.ends.length - 2
    const counts = { header: 0, damaged: 0, torn: 0 }
    for (let bit = 0; bit < 8 * log.bytes.length; bit++) {
      const at = bit >> 3
      const bytes = Buffer.from(log.bytes)
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at)
      await putFile(log.disk, log.file, bytes)
      const index = wholeRecords(log, at)
      const found = await replay(log.disk).catch((error: unknown) => error)
      if (index === last) {
        expect(found, `bit ${bit}`).toMatchObject({ end: { lsn: last, offset: log.ends[last] } })
        counts.torn++
      } else {
        const place =
          index < 0
            ? { file: log.file, offset: 0 }
            : { file: log.file, offset: log.ends[index], lsn: index + 1 }
        expect(found, `bit ${bit}`).toMatchObject({ code: 'damaged', exitCode: 13, place })
        expect(String(found)).toContain(`${log.file} is damaged at offset ${place.offset}`)
        counts[index < 0 ? 'header' : 'damaged']++
      }
    }
    console.log(
      `case 13, every bit of a log of ${last + 1} records flipped: ${counts.header} in its header and ${counts.damaged} before the last record refused, ${counts.torn} in the last record are a torn tail for the replay alone; harmless: none`,
    )
  })

  test('case 13: anywhere but in the last group is refused; within it, the end is before the bad record', async () => {
    const disk = await memoryLog()
    const { writer } = await openLog(disk)
    await writer.append(upsertOf(1))
    await Promise.all([2, 3].map((number) => writer.append(upsertOf(number))))
    await Promise.all([4, 5, 6].map((number) => writer.append(upsertOf(number))))
    await writer.close()
    const file = logFile(1)
    const bytes = await readAll(disk, file)
    const size = (bytes.length - WAL_HEADER_BYTES) / 6
    for (let index = 0; index < 6; index++) {
      const bad = Buffer.from(bytes)
      const offset = WAL_HEADER_BYTES + index * size
      bad[offset + 70] = (bad[offset + 70] ?? 0) ^ 1
      await putFile(disk, file, bad)
      const found = await replay(disk).catch((error: unknown) => error)
      expect(found).toMatchObject(
        index < 3
          ? { code: 'damaged', place: { file, offset, lsn: index + 1 } }
          : { end: { lsn: index, offset, tornBytes: bytes.length - offset } },
      )
    }
  })

  test('is what an old header hides, whose record would reach over a later group', async () => {
    const log = await writtenLog()
    const { end } = await replay(log.disk)
    const old = recordOf(upsertOf(1, 900), { lsn: 1, chain: 0, committedAtUs: 1 })
    const next = { lsn: end.lsn + 2, chain: 0, committedAtUs: end.committedAtUs }
    const later = recordOf(upsertOf(8), next)
    // the record after the last one was lost: what stood there before stands there still
    const bytes = Buffer.concat([log.bytes, old.subarray(0, 200), later, Buffer.alloc(2000)])
    await putFile(log.disk, log.file, bytes)
    await expect(replay(log.disk)).rejects.toMatchObject({
      code: 'damaged',
      place: { file: log.file, offset: log.bytes.length, lsn: end.lsn + 1 },
    })
  })

  test('is a record that does not continue the one before', async () => {
    const log = await writtenLog()
    const { end } = await replay(log.disk)
    const next = { lsn: end.lsn + 1, chain: end.chain, committedAtUs: end.committedAtUs }
    for (const [problem, changed] of [
      ['chain', { chain: end.chain ^ 1 }],
      ['sequence', { committedAtUs: end.committedAtUs - 1 }],
      ['sequence', { lsn: end.lsn + 2 }],
    ] as const) {
      await putFile(
        log.disk,
        log.file,
        Buffer.concat([log.bytes, recordOf(upsertOf(7), { ...next, ...changed })]),
      )
      await expect(replay(log.disk)).rejects.toMatchObject({
        code: 'damaged',
        place: { file: log.file, offset: log.bytes.length, lsn: end.lsn + 1 },
        message: expect.stringContaining(problem),
      })
    }
  })
})

describe('the files of a log', () => {
  /** Three files: LSN 1–2, 3–4, 5. */
  const threeFiles = async () => {
    const disk = await memoryLog()
    const { writer } = await openLog(disk)
    for (let number = 1; number <= 5; number++) {
      await writer.append(upsertOf(number))
      if (number % 2 === 0) await writer.between(() => writer.rotate())
    }
    await writer.close()
    return disk
  }
  const numbers = [1, 2, 3, 4, 5]

  test('are read one after the other', async () => {
    const disk = await threeFiles()
    const { operations, end } = await replay(disk)
    expect(operations).toEqual(numbers.map((number) => upsertOf(number)))
    expect(end).toMatchObject({ lsn: 5, file: logFile(5), tornBytes: 0 })
  })

  test('case 19: are refused when two of them are swapped', async () => {
    for (const [one, other] of [
      [1, 3],
      [3, 5],
      [1, 5],
    ] as const) {
      const disk = await threeFiles()
      const [a, b] = [await readAll(disk, logFile(one)), await readAll(disk, logFile(other))]
      await putFile(disk, logFile(one), b)
      await putFile(disk, logFile(other), a)
      await expect(replay(disk)).rejects.toMatchObject({
        code: 'damaged',
        place: { file: logFile(one), lsn: one },
      })
    }
  })

  test('case 19: are refused when one is of another history with the same LSNs', async () => {
    const disk = await threeFiles()
    for (const owner of strangers) {
      await expect(replay(disk, beginning, owner)).rejects.toMatchObject({
        code: 'damaged',
        place: { file: logFile(1), offset: 0 },
      })
    }
    // a fork: the same history and LSNs, other records
    const fork = await memoryLog()
    const { writer } = await openLog(fork)
    for (const number of [11, 12]) await writer.append(upsertOf(number))
    await writer.close()
    await putFile(disk, logFile(1), await readAll(fork, logFile(1)))
    await expect(replay(disk)).rejects.toMatchObject({
      code: 'damaged',
      place: { file: logFile(3), lsn: 3 },
    })
  })

  test('case 18: are missed when one of them is gone', async () => {
    const gone = async (firstLsn: number) => {
      const disk = await threeFiles()
      await disk.unlink(logFile(firstLsn))
      return replay(disk)
    }
    await expect(gone(1)).rejects.toMatchObject({
      code: 'missing-file',
      place: { file: directory, lsn: 1 },
    })
    await expect(gone(3)).rejects.toMatchObject({
      code: 'damaged',
      place: { file: logFile(5), lsn: 3 },
    })
    expect((await gone(5)).end).toMatchObject({ lsn: 4 }) // the watermark tells this from a short log
    const disk = await threeFiles()
    await disk.removeTree(directory)
    await expect(replay(disk)).rejects.toMatchObject({ code: 'missing-file' })
  })

  test('case 21: are refused when any but the last is cut or grown', async () => {
    const whole = await readAll(await threeFiles(), logFile(3))
    const changed = [
      ...Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length)),
      Buffer.concat([whole, Buffer.alloc(1)]),
      Buffer.concat([whole, whole.subarray(WAL_HEADER_BYTES)]),
    ]
    for (const bytes of changed) {
      const disk = await threeFiles()
      await putFile(disk, logFile(3), bytes)
      await expect(replay(disk), `${bytes.length} bytes`).rejects.toMatchObject({
        code: 'damaged',
        exitCode: 13,
      })
    }
    console.log(`case 21: a file in the middle of a log at ${changed.length} other lengths`)
  })

  test('are read from the position of a manifest on, and must fit it', async () => {
    const disk = await threeFiles()
    const { records } = await replay(disk)
    for (const record of records) {
      const from = { lsn: record.lsn, chain: record.checksum, committedAtUs: record.committedAtUs }
      const { operations, end } = await replay(disk, from)
      expect(operations).toEqual(numbers.slice(record.lsn).map((number) => upsertOf(number)))
      expect(end.lsn).toBe(5)
      await expect(replay(disk, { ...from, chain: from.chain ^ 1 })).rejects.toMatchObject({
        code: 'damaged',
        place: { lsn: record.lsn },
        message: expect.stringContaining('manifest'),
      })
    }
    await expect(replay(disk, { lsn: 6, chain: 0, committedAtUs: 0 })).rejects.toMatchObject({
      code: 'possible-loss',
      place: { lsn: 6 },
    })
  })

  test('leave the commit time where the manifest has it when no record follows', async () => {
    const disk = await memoryLog()
    const { writer } = await openLog(disk)
    await writer.append(upsertOf(1))
    await writer.between(() => writer.rotate())
    const from = writer.position
    await writer.close()
    await disk.unlink(logFile(1))
    expect(from.committedAtUs).toBeGreaterThan(0)
    expect((await replay(disk, from)).end).toMatchObject(from)
    const early = recordOf(upsertOf(2), { ...from, lsn: 2, committedAtUs: from.committedAtUs - 1 })
    await putFile(disk, logFile(2), Buffer.concat([await readAll(disk, logFile(2)), early]))
    await expect(replay(disk, from)).rejects.toMatchObject({ code: 'damaged', place: { lsn: 2 } })
  })
})

function recordOf(
  operation: Operation,
  stamp: { lsn: number; chain: number; committedAtUs: number },
  owner: Identity = identity,
): Buffer {
  const payload = encodeOperation(operation)
  const { header } = encodeRecord(owner, { place: 0, ...stamp }, operation.kind, payload)
  return Buffer.concat([header, payload])
}
