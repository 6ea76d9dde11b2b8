import { describe, expect, test } from 'vitest'
import { KiB, limits } from '../../../engine/base/limits.ts'
import type { Operation } from '../../../engine/format/operation.ts'
import { cutLog, scanLog } from '../../../engine/wal/cut-log.ts'
import { isRoom } from '../../../engine/wal/log-room.ts'
import type { WalWriter } from '../../../engine/wal/wal-writer.ts'
import { type DiskRecord, FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { identity } from '../format/samples.ts'
import {
  beginning,
  directory,
  emptyLog,
  logFile,
  memoryLog,
  openLog,
  readAll,
  replay,
  upsertOf,
} from './logs.ts'

const large = 60 * KiB
/** Records that make the log long enough for room, and then some. */
const enough = Math.ceil(limits.walRoomFromBytes / large) + 6

/** On a disk in memory a fill that was begun is done by then. */
const filled = () => new Promise(setImmediate)

async function writeLong(writer: WalWriter, from = 1, count = enough): Promise<void> {
  for (let number = from; number < from + count; number++) {
    await writer.append(upsertOf(number, large))
    await filled()
  }
}

/** What was written, in order; that its bytes are right, the records' checksums tell. */
const idsOf = (operations: readonly Operation[]) =>
  operations.flatMap((each) => (each.kind === 'upsert' ? each.points.map(({ id }) => id) : []))

const idsUpTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** A fill is longer than any record here. */
const isFill = (record: DiskRecord | undefined): boolean =>
  record?.call === 'write' && (record.bytes ?? 0) > 2 * large

const sizeOf = async (disk: MemoryDisk, file: string): Promise<number> =>
  (await disk.stat(file))?.sizeBytes ?? -1

describe('room at the end of a log', () => {
  test('is made once the log is long, and never for a short one', async () => {
    const disk = await memoryLog()
    const log = await openLog(disk)
    await log.writer.append(upsertOf(1, large))
    expect(await sizeOf(disk, logFile(1))).toBe(log.writer.tail.offset)
    await writeLong(log.writer, 2)
    const { offset } = log.writer.tail
    expect(await sizeOf(disk, logFile(1))).toBeGreaterThan(offset + limits.walRoomFromBytes / 2)
    expect(isRoom(await readAll(disk, logFile(1)), offset)).toBe(true)
    expect(isRoom(await readAll(disk, logFile(1)), offset - 1)).toBe(false)
    await log.writer.close()
    expect(await sizeOf(disk, logFile(1))).toBe(offset)
  })

  test('is cut when a process died and another goes on', async () => {
    const disk = await memoryLog()
    const log = await openLog(disk)
    await writeLong(log.writer)
    const { offset } = log.writer.tail
    const left = disk.crashLosingNothing()
    const { end, records } = await replay(left)
    expect(records).toHaveLength(enough)
    expect(end.tornBytes).toBeGreaterThan(0)
    const next = await openLog(left)
    expect(await sizeOf(left, logFile(1))).toBe(offset)
    await next.writer.append(upsertOf(7))
    await next.writer.close()
    expect((await replay(left)).records).toHaveLength(enough + 1)
    await log.writer.close()
  })

  test('is never left behind in a file that another one follows', async () => {
    const disk = await memoryLog()
    const log = await openLog(disk)
    await writeLong(log.writer)
    const { offset } = log.writer.tail
    await log.writer.between(() => log.writer.rotate())
    expect(await sizeOf(disk.crashLosingAll(), logFile(1))).toBe(offset)
    await log.writer.append(upsertOf(1))
    await log.writer.close()
    expect((await replay(disk)).records).toHaveLength(enough + 1)
  })

  test('case 25: that a full disk refuses costs no record', async () => {
    const disk = new MemoryDisk({ capacityBytes: limits.walRoomFromBytes + 5 * large })
    await emptyLog(disk)
    const log = await openLog(disk)
    let written = 0
    let refused: unknown
    while (refused === undefined && written < enough) {
      try {
        await log.writer.append(upsertOf(written + 1, large))
        written++
      } catch (error) {
        refused = error
      }
    }
    expect(refused).toMatchObject({ code: 'disk-full' })
    expect(written).toBeGreaterThan(limits.walRoomFromBytes / large)
    await log.writer.close()
    expect((await replay(disk)).records).toHaveLength(written)
  })

  test('case 28: closes the writer for good, whichever fsync fails, its own too', async () => {
    let ofRoom = 0
    for (let at = 1; ; at++) {
      const disk = new FaultyDisk(await memoryLog())
      const told: unknown[] = []
      const { writer } = await openLog(disk, { onFailure: (error) => told.push(error) })
      disk.arm({ calls: ['sync'], at, errno: 'EIO' })
      await writeLong(writer).catch(() => {})
      await writer.close().catch(() => {})
      if (disk.hits === 0) break
      const writes = disk.records.filter(({ call }) => call === 'write')
      if (isFill(writes.at(-1))) ofRoom++
      expect(told).toEqual([expect.objectContaining({ code: 'fsync-failed' })])
      await expect(writer.append(upsertOf(1))).rejects.toBe(told[0])
    }
    expect(ofRoom).toBeGreaterThan(0)
  })

  test('case 25: is cut off with a failed write, and the log goes on', async () => {
    const inner = await memoryLog()
    const disk = new FaultyDisk(inner)
    const { writer } = await openLog(disk)
    await writeLong(writer)
    const { offset } = writer.tail
    disk.arm({ calls: ['write'], errno: 'ENOSPC', writtenBytes: 5000 })
    await expect(writer.append(upsertOf(98, large))).rejects.toMatchObject({ code: 'disk-full' })
    expect(await readAll(inner, logFile(1))).toHaveLength(offset)
    await writeLong(writer, enough + 1)
    await writer.close()
    expect(idsOf((await replay(inner)).operations)).toEqual(idsUpTo(2 * enough))
  })

  test('case 1, case 2: loses nothing acknowledged, wherever the power goes', async () => {
    let acknowledged = 0
    let cuts = 0
    let fills = 0
    const kills = await killAtEveryCall({
      prepare: async () => {
        acknowledged = 0
        return memoryLog()
      },
      writtenBytes: 100_000,
      work: async (disk) => {
        const { writer } = await openLog(disk)
        const append = async (number: number) => {
          await writer.append(upsertOf(number, large))
          acknowledged = number
        }
        for (let number = 1; number <= enough; number++) await append(number)
        await writer.between(() => writer.rotate())
        await append(enough + 1)
        await writer.close()
        fills = disk.records.filter(isFill).length
      },
      check: async ({ disk, lost }) => {
        const what = `${lost.call} ${lost.path}`
        const cut = [disk.crashLosingAll(), disk.crashLosingNothing(), disk.crash(1), disk.crash(2)]
        for (const survivor of cut) {
          cuts++
          const { operations } = await replay(survivor)
          expect(operations.length, what).toBeGreaterThanOrEqual(acknowledged)
          expect(idsOf(operations), what).toEqual(idsUpTo(operations.length))
          const { writer } = await openLog(survivor)
          await writer.append(upsertOf(99))
          await writer.close()
          expect((await replay(survivor)).end).toMatchObject({ tornBytes: 0 })
        }
      },
    })
    console.log(`room: killed at ${kills} calls, ${cuts} power cuts, ${fills} fills`)
    expect(fills).toBeGreaterThan(0)
  })

  test('is none of what a repair takes away', async () => {
    const disk = await memoryLog()
    const { writer } = await openLog(disk)
    await writeLong(writer)
    const left = disk.crashLosingNothing()
    const { chain, committedAtUs } = writer.position
    const scan = await scanLog(left, directory, identity, beginning, enough, () => {})
    expect(scan).toMatchObject({ lostRecords: 0, lostBytes: 0, lastValid: { lsn: enough, chain } })
    const at = { lsn: enough, chain, committedAtUs }
    const aside = (firstLsn: number) => `/wal/cut-${firstLsn}.bytes`
    expect(await cutLog(left, directory, identity, { at, parts: scan.parts }, aside)).toEqual([])
    expect((await replay(left)).end).toMatchObject({ lsn: enough, tornBytes: 0 })
    await writer.close()
  })
})
