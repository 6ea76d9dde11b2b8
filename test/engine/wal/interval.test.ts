/** The durability `interval`: acknowledged first, durable soon, and what a power cut may take. */
import { describe, expect, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import type { WalWriterOptions } from '../../../engine/wal/wal-writer.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { logFile, memoryLog, openLog, replay, upsertOf } from './logs.ts'

const intervalMs = 200

async function intervalLog(options: Partial<WalWriterOptions> = {}) {
  const inner = await memoryLog()
  const disk = new FaultyDisk(inner)
  const clock = manualClock()
  const timer = manualTimer(clock)
  const log = await openLog(disk, {
    clock,
    timer,
    durability: { mode: 'interval', intervalMs },
    ...options,
  })
  const durableNow = async () => (await replay(inner.crashLosingAll())).operations.length
  return { inner, disk, timer, durableNow, ...log }
}

describe('the durability interval', () => {
  test('acknowledges after the write, and syncs once when the interval is over', async () => {
    const { disk, timer, writer, durable, durableNow } = await intervalLog()
    const syncs = disk.count('sync')
    for (let number = 1; number <= 5; number++) await writer.append(upsertOf(number))
    expect(disk.count('sync')).toBe(syncs)
    expect(timer.pending).toBe(1)
    expect([writer.position.lsn, writer.durable.lsn, durable.length]).toEqual([5, 0, 0])
    await timer.pass(intervalMs - 1)
    expect(await durableNow()).toBe(0)
    await timer.pass(1)
    expect(disk.count('sync')).toBe(syncs + 1)
    expect(await durableNow()).toBe(5)
    expect([writer.durable.lsn, durable]).toEqual([5, [5]])
    expect(timer.pending).toBe(0)
    await timer.pass(10 * intervalMs)
    expect(disk.count('sync'), 'an idle log is left alone').toBe(syncs + 1)
    await writer.close()
  })

  test('never leaves a record unsynced for longer than the interval, however writes come', async () => {
    const { timer, writer, durableNow } = await intervalLog()
    const random = seededRandom(71)
    const written: number[] = []
    let nowMs = 0
    for (let step = 0; step < 200; step++) {
      await writer.append(upsertOf(step))
      written.push(nowMs)
      const passing = random.integer(intervalMs / 4)
      await timer.pass(passing)
      nowMs += passing
      const due = written.filter((at) => at <= nowMs - intervalMs).length
      expect(await durableNow()).toBeGreaterThanOrEqual(due)
    }
    await writer.close()
    expect(await durableNow()).toBe(200)
  })

  test('is synced before a rotation, at the close and when somebody asks', async () => {
    const { timer, writer, durable, durableNow } = await intervalLog()
    await writer.append(upsertOf(1))
    await writer.between(() => writer.sync())
    expect(await durableNow()).toBe(1)
    await writer.append(upsertOf(2))
    await writer.between(() => writer.rotate())
    expect(await durableNow()).toBe(2)
    await writer.append(upsertOf(3))
    expect(writer.tail).toEqual({ file: logFile(3), offset: 64 })
    await writer.close()
    expect(await durableNow()).toBe(3)
    expect(durable).toEqual([1, 2, 3])
    expect(timer.pending).toBe(0)
  })

  test('case 2, case 3: a power cut takes the newest records at most, and the rest is no damage', async () => {
    let cuts = 0
    let lost = 0
    for (let seed = 0; seed < 40; seed++) {
      const random = seededRandom(seed)
      const { inner, timer, writer } = await intervalLog()
      let number = 0
      for (let step = 0; step < 12; step++) {
        const group = Array.from({ length: 1 + random.integer(4) }, () => ++number)
        await Promise.all(group.map((each) => writer.append(upsertOf(each, random.integer(900)))))
        if (random.chance(0.15)) await writer.between(() => writer.rotate())
        if (random.chance(0.2)) await timer.pass(intervalMs)
        const { operations, end } = await replay(inner.crash(1000 * seed + step))
        cuts++
        lost += number - operations.length
        expect(operations.length).toBeGreaterThanOrEqual(writer.durable.lsn)
        expect(end.lsn).toBe(operations.length)
      }
      await writer.close()
    }
    expect(lost, 'the cuts do take something').toBeGreaterThan(100)
    console.log(`interval: ${cuts} power cuts, ${lost} unsynced records lost, none of a synced one`)
  })

  test('case 14: damage to a synced record stays damage', async () => {
    const { inner, writer } = await intervalLog()
    await writer.append(upsertOf(1))
    await writer.append(upsertOf(2))
    await writer.between(() => writer.sync())
    await writer.append(upsertOf(3))
    await writer.close()
    const file = await inner.open(logFile(1), 'append')
    await file.write(Buffer.from([1]), 64 + 20)
    await expect(replay(inner)).rejects.toMatchObject({ code: 'damaged', place: { lsn: 1 } })
  })

  test('case 28: a failed fsync closes the writer, is told at once, and fails the close', async () => {
    const failures: unknown[] = []
    const { disk, timer, writer, durable } = await intervalLog({
      onFailure: (error) => failures.push(error),
    })
    await writer.append(upsertOf(1))
    disk.arm({ calls: ['sync'], errno: 'EIO' })
    await timer.pass(intervalMs)
    expect(failures).toMatchObject([{ code: 'fsync-failed' }])
    const { length } = disk.records
    expect(await writer.append(upsertOf(2)).catch((error: unknown) => error)).toBe(failures[0])
    await timer.pass(10 * intervalMs)
    await expect(writer.close()).rejects.toBe(failures[0])
    expect(disk.records).toHaveLength(length)
    expect(durable).toEqual([])
  })

  test('case 25: a failed write is cut off; what was acknowledged before it stays', async () => {
    const { inner, disk, writer, durableNow } = await intervalLog()
    await writer.append(upsertOf(1, 700))
    disk.arm({ calls: ['write'], errno: 'ENOSPC', writtenBytes: 600 })
    await expect(writer.append(upsertOf(2, 700))).rejects.toMatchObject({ code: 'disk-full' })
    await writer.append(upsertOf(3, 700))
    for (let seed = 0; seed < 30; seed++) {
      const { operations } = await replay(inner.crash(seed))
      expect(operations).toEqual([upsertOf(1, 700), upsertOf(3, 700)].slice(0, operations.length))
    }
    await writer.close()
    expect(await durableNow()).toBe(2)
  })

  test('syncs by itself before the places of a group run out', () => {
    expect(limits.walUnsyncedRecords + limits.walGroupBytes / 64).toBeLessThan(2 ** 24)
  })
})
