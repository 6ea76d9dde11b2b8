import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { limits, MiB } from '../../../engine/base/limits.ts'
import { systemTimer } from '../../../engine/base/timer.ts'
import type { Operation } from '../../../engine/format/operation.ts'
import type { Commit } from '../../../engine/wal/log-group.ts'
import { replayWal } from '../../../engine/wal/replay.ts'
import { createWal, listWal } from '../../../engine/wal/wal-files.ts'
import { WalWriter } from '../../../engine/wal/wal-writer.ts'
import { FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { observeDisk } from '../../support/observed-disk.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { checkProperty } from '../format/property.ts'
import { identity } from '../format/samples.ts'
import {
  beginning,
  directory,
  logFile,
  memoryLog,
  openLog,
  readAll,
  replay,
  upsertOf,
} from './logs.ts'

const numbersFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index)

describe('an append', () => {
  test('resolves after its record is durable and applied', async () => {
    const disk = await memoryLog()
    const { writer, commits } = await openLog(disk)
    const commit = await writer.append(upsertOf(1))
    expect(commits).toEqual([commit])
    expect(commit).toMatchObject({ lsn: 1, operation: upsertOf(1) })
    expect(writer.position).toEqual({
      lsn: 1,
      chain: commit.chain,
      committedAtUs: commit.committedAtUs,
    })
    expect((await replay(disk.crashLosingAll())).operations).toEqual([upsertOf(1)])
    await writer.close()
  })

  test('tells the watermark what is durable, group after group', async () => {
    const { writer, durable } = await openLog(await memoryLog())
    await writer.append(upsertOf(1))
    await Promise.all([2, 3, 4].map((number) => writer.append(upsertOf(number))))
    await writer.close()
    expect(durable).toEqual([1, 4])
  })

  test('is on its way to the disk before anything is prepared beside it', async () => {
    const events: string[] = []
    const disk = observeDisk(await memoryLog(), (call) => events.push(call))
    const { writer } = await openLog(disk, { prepare: () => events.push('prepare') })
    events.length = 0
    await writer.append(upsertOf(1))
    expect(events.slice(0, 3)).toEqual(['write', 'sync', 'prepare'])
    await writer.close()
  })

  test('shares its fsync with those that come at the same time', async () => {
    const disk = new FaultyDisk(await memoryLog())
    const { writer, commits } = await openLog(disk)
    const before = { sync: disk.count('sync'), write: disk.count('write') }
    await Promise.all(numbersFrom(1, 64).map((number) => writer.append(upsertOf(number))))
    const shared = disk.count('sync') - before.sync
    expect(shared).toBe(disk.count('write') - before.write)
    expect(shared).toBeLessThanOrEqual(2)
    expect(commits.map(({ lsn }) => lsn)).toEqual(numbersFrom(1, 64))

    const alone = disk.count('sync')
    for (const number of numbersFrom(65, 8)) await writer.append(upsertOf(number))
    expect(disk.count('sync') - alone).toBe(8)

    // writers that each wait for their own, as clients do: the next group forms while one is synced
    const clients = disk.count('sync')
    await Promise.all(
      numbersFrom(0, 64).map(async (client) => {
        for (const round of [1, 2, 3]) await writer.append(upsertOf(1000 * client + round))
      }),
    )
    const ofClients = disk.count('sync') - clients
    expect(ofClients).toBeLessThanOrEqual(8)
    await writer.close()
    console.log(
      `group commit: 64 appends at once took ${shared} fsync, 64 clients with 3 appends each ${ofClients}`,
    )
  })

  test('is refused as a rejection, not thrown, when it is too large', async () => {
    const { writer } = await openLog(await memoryLog())
    const huge = { ...upsertOf(1), points: [{ bytes: Buffer.alloc(limits.walPayloadBytes) }] }
    let rejected: Promise<unknown> | undefined
    expect(() => {
      rejected = writer.append(huge as unknown as Operation) // only the bytes of a point are looked at
    }).not.toThrow()
    await expect(rejected).rejects.toMatchObject({ code: 'limit-exceeded' })
    expect(await writer.append(upsertOf(2))).toMatchObject({ lsn: 1 })
    await writer.close()
  })

  test('follows the operation that is asked for before its group, in the same group', async () => {
    const disk = new FaultyDisk(await memoryLog())
    const digest: Operation = { kind: 'digest', digest: 'cd'.repeat(32), count: 9 }
    let due: Operation | undefined = digest
    const { writer } = await openLog(disk, {
      before: () => {
        const asked = due
        due = undefined
        return asked
      },
    })
    const syncs = disk.count('sync')
    const [one, two] = await Promise.all([writer.append(upsertOf(1)), writer.append(upsertOf(2))])
    expect([one.lsn, two.lsn]).toEqual([2, 3])
    expect(one.operation).toEqual(upsertOf(1))
    expect(disk.count('sync') - syncs).toBe(1)
    await writer.close()
    const { operations, records } = await replay(disk)
    expect(operations).toEqual([digest, upsertOf(1), upsertOf(2)])
    expect(records.map(({ place }) => place)).toEqual([0, 1, 2])
  })

  test('after the writer is closed is refused; before, it is waited for', async () => {
    const disk = await memoryLog()
    const { writer, commits } = await openLog(disk)
    const pending = numbersFrom(1, 20).map((number) => writer.append(upsertOf(number)))
    const closed = writer.close()
    const settled = await Promise.allSettled([...pending, closed])
    expect(settled.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(commits).toHaveLength(20)
    await expect(writer.append(upsertOf(21))).rejects.toMatchObject({ code: 'usage' })
    await expect(writer.between(async () => {})).rejects.toMatchObject({ code: 'usage' })
    expect((await replay(disk)).end.lsn).toBe(20)
  })

  test('waits while exclusive work is done between two groups', async () => {
    const { writer, commits } = await openLog(await memoryLog())
    const seen: number[] = []
    const first = writer.append(upsertOf(1))
    let during: Promise<Commit> | undefined
    const work = writer.between(async () => {
      seen.push(commits.length)
      during = writer.append(upsertOf(2)) // not waited for in here: that would be a wait for itself
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(commits.length)
    })
    await first
    const failing = writer.between(() => Promise.reject(new Error('work failed')))
    await expect(failing).rejects.toThrow('work failed')
    await work
    await during
    expect(seen).toEqual([1, 1])
    expect(commits).toHaveLength(2)
    await writer.close()
  })
})

describe('a log', () => {
  const anyStep = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ appends: fc.integer({ min: 1, max: 6 }), bytes: fc.nat(300) }),
    },
    { weight: 1, arbitrary: fc.constant('rotate' as const) },
    { weight: 1, arbitrary: fc.constant('reopen' as const) },
    { weight: 2, arbitrary: fc.record({ clockMs: fc.integer({ min: -100_000, max: 100_000 }) }) },
  )

  test('case 40: of any groups, rotations and clocks has LSNs without gaps, times that never go back, and every acknowledged record', async () => {
    const totals = { groups: 0, records: 0, files: 0 }
    await checkProperty(
      'logs',
      60,
      fc.asyncProperty(fc.array(anyStep, { maxLength: 15 }), async (steps) => {
        const disk = await memoryLog()
        const clock = manualClock()
        let { writer } = await openLog(disk, { clock })
        const acknowledged: Commit[] = []
        const waiting: Promise<unknown>[] = []
        let number = 0
        for (const step of steps) {
          if (step === 'rotate') {
            waiting.push(writer.between(() => writer.rotate()))
          } else if (step === 'reopen') {
            await Promise.all(waiting)
            await writer.close()
            ;({ writer } = await openLog(disk, { clock }))
          } else if ('clockMs' in step) {
            await Promise.all(waiting)
            clock.setWallClock(clock.nowMs() + step.clockMs)
          } else {
            totals.groups++
            for (let index = 0; index < step.appends; index++) {
              const appended = writer.append(upsertOf(number++, step.bytes))
              waiting.push(appended.then((commit) => acknowledged.push(commit)))
            }
          }
        }
        await Promise.all(waiting)
        await writer.close()
        const { records, operations, end } = await replay(disk.crashLosingAll())
        expect(records.map(({ lsn }) => lsn)).toEqual(numbersFrom(1, number))
        expect(operations).toEqual(acknowledged.map(({ operation }) => operation))
        expect(records.map(({ committedAtUs }) => committedAtUs)).toEqual(
          acknowledged.map(({ committedAtUs }) => committedAtUs),
        )
        let before = 0
        for (const { committedAtUs } of records) {
          expect(committedAtUs).toBeGreaterThanOrEqual(before)
          before = committedAtUs
        }
        expect(end.tornBytes).toBe(0)
        totals.records += number
        totals.files += (await listWal(disk, directory)).length
      }),
    )
    console.log(
      `logs: ${totals.records} records in ${totals.groups} bursts and ${totals.files} files`,
    )
  })

  test('case 40: goes on in time when the clock was set back between two runs and the log is empty', async () => {
    const disk = await memoryLog()
    const clock = manualClock()
    const first = await openLog(disk, { clock })
    const { committedAtUs } = await first.writer.append(upsertOf(1))
    await first.writer.between(() => first.writer.rotate())
    const from = first.writer.position
    await first.writer.close()
    await disk.unlink(logFile(1))
    clock.setWallClock(clock.nowMs() - 3_600_000)
    const second = await openLog(disk, { clock, from })
    expect(second.writer.position.committedAtUs).toBe(committedAtUs)
    expect((await second.writer.append(upsertOf(2))).committedAtUs).toBe(committedAtUs)
    await second.writer.close()
  })

  test('case 1, case 2: after a power cut anywhere has every acknowledged record and no half one', async () => {
    let acknowledged = 0
    let cuts = 0
    let longer = 0
    const work = async (disk: FaultyDisk): Promise<void> => {
      const { writer } = await openLog(disk)
      const append = async (...numbers: number[]) => {
        await Promise.all(numbers.map((number) => writer.append(upsertOf(number, 700))))
        acknowledged = numbers.at(-1) ?? 0
      }
      await append(1)
      await append(2, 3, 4, 5)
      await writer.between(() => writer.rotate())
      await append(6, 7, 8)
      await append(9)
      await writer.close()
    }
    const kills = await killAtEveryCall({
      prepare: async () => {
        acknowledged = 0
        return memoryLog()
      },
      writtenBytes: 2500, // into the third record of a group
      work,
      check: async ({ disk, lost }) => {
        const survivors = numbersFrom(0, 10).map((seed) => disk.crash(seed))
        for (const survivor of [disk.crashLosingAll(), disk.crashLosingNothing(), ...survivors]) {
          cuts++
          const { operations } = await replay(survivor)
          const what = `${lost.call} ${lost.path}`
          expect(operations.length, what).toBeGreaterThanOrEqual(acknowledged)
          expect(operations, what).toEqual(
            numbersFrom(1, operations.length).map((number) => upsertOf(number, 700)),
          )
          if (operations.length > acknowledged) longer++
          const { writer } = await openLog(survivor)
          await writer.append(upsertOf(99))
          await writer.close()
          expect((await replay(survivor)).end).toMatchObject({
            lsn: operations.length + 1,
            tornBytes: 0,
          })
        }
      },
    })
    console.log(
      `log: killed at ${kills} calls, ${cuts} power cuts, ${longer} with a whole record that nobody was told of`,
    )
    expect(kills).toBeGreaterThan(8)
  })

  test('starts a new file above its bound, and a group stays below its own', async () => {
    const log = await temporaryDirectory()
    await createWal(nodeDisk, log, { identity, firstLsn: 1, chain: 0 })
    const disk = new FaultyDisk(nodeDisk)
    const end = await replayWal(disk, log, identity, beginning, () => {})
    const commits: Commit[] = []
    const writer = await WalWriter.open(
      {
        disk,
        clock: manualClock(),
        directory: log,
        identity,
        onCommit: (commit) => commits.push(commit),
        prepare: () => {},
        onDurable: async () => {},
        before: () => undefined,
        durability: { mode: 'always' },
        timer: systemTimer,
        onFailure: () => {},
      },
      end,
    )
    const block = Buffer.alloc(20 * MiB)
    const large = { kind: 'upsert', points: [{ bytes: block }] } as unknown as Operation // bytes alone are written
    await Promise.all([1, 2, 3, 4, 5].map(() => writer.append(large)))
    await writer.close()
    const files = await listWal(nodeDisk, log)
    expect(files.map(({ firstLsn }) => firstLsn)).toEqual([1, 5])
    const records = disk.records.filter(
      ({ call, path, bytes = 0 }) =>
        call === 'write' && /01\.wal$/.test(path) && bytes > limits.walRoomBytes,
    )
    expect(records).toHaveLength(4) // two blocks are above the bound of a group
    const lsns: number[] = []
    await replayWal(nodeDisk, log, identity, beginning, ({ lsn }) => lsns.push(lsn))
    expect(lsns).toEqual([1, 2, 3, 4, 5])
  })

  test('is cut where a torn record begins before anything is written to it, durably', async () => {
    const disk = await memoryLog()
    const first = await openLog(disk)
    await first.writer.append(upsertOf(1))
    await first.writer.close()
    const handle = await disk.open(logFile(1), 'append')
    await handle.write(Buffer.alloc(3000, 7), await handle.sizeBytes())
    await handle.close()
    const faulty = new FaultyDisk(disk)
    const { writer } = await openLog(faulty)
    expect(faulty.count('truncate')).toBe(1)
    expect(faulty.count('sync')).toBe(1)
    expect((await replay(disk.crashLosingAll())).end).toMatchObject({ lsn: 1, tornBytes: 0 })
    await writer.close()
    faulty.arm({ calls: ['truncate'], errno: 'EIO' })
    await disk.open(logFile(1), 'append').then((file) => file.write(Buffer.alloc(1), 5000))
    await expect(openLog(faulty)).rejects.toMatchObject({ code: 'disk-error' })
  })
})

describe('a write that fails', () => {
  for (const writtenBytes of [0, 1, 64, 100, 150]) {
    test(`case 25: after ${writtenBytes} bytes rejects its group alone and is cut off; later appends succeed`, async () => {
      const inner = await memoryLog()
      const disk = new FaultyDisk(inner)
      const { writer, commits } = await openLog(disk)
      await writer.append(upsertOf(1))
      const { offset } = writer.tail
      disk.arm({ calls: ['write'], errno: 'ENOSPC', writtenBytes })
      const group = await Promise.allSettled(
        [2, 3].map((number) => writer.append(upsertOf(number))),
      )
      for (const result of group) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'disk-full' } })
      }
      expect(await readAll(inner, logFile(1))).toHaveLength(offset)
      expect(writer.tail.offset).toBe(offset)
      expect(writer.position.lsn).toBe(1)
      expect(await writer.append(upsertOf(4))).toMatchObject({ lsn: 2 })
      expect(commits.map(({ lsn }) => lsn)).toEqual([1, 2])
      await writer.close()
      expect((await replay(inner)).operations).toEqual([upsertOf(1), upsertOf(4)])
    })
  }

  test('case 25: leaves nothing of itself after a power cut, in this file or in the next', async () => {
    let cuts = 0
    for (const rotates of [false, true]) {
      const inner = await memoryLog()
      const disk = new FaultyDisk(inner)
      const { writer } = await openLog(disk)
      await writer.append(upsertOf(1, 700))
      disk.arm({ calls: ['write'], errno: 'ENOSPC', writtenBytes: 2000 })
      const group = [2, 3, 4].map((number) => writer.append(upsertOf(number, 700)))
      expect((await Promise.allSettled(group)).map(({ status }) => status)).toEqual(
        new Array(3).fill('rejected'),
      )
      if (rotates) await writer.between(() => writer.rotate())
      const expectEverywhere = async (...numbers: number[]) => {
        for (let seed = 0; seed < 50; seed++, cuts++) {
          expect((await replay(inner.crash(seed))).operations).toEqual(
            numbers.map((number) => upsertOf(number, 700)),
          )
        }
      }
      await expectEverywhere(1)
      await writer.append(upsertOf(5, 700))
      await expectEverywhere(1, 5)
      await writer.close()
    }
    console.log(`case 25: ${cuts} power cuts after a failed write`)
  })

  for (const [what, calls] of [
    ['the cut', ['truncate']],
    ['the fsync of the cut', ['sync']],
  ] as const) {
    test(`closes the writer for good when ${what} fails too`, async () => {
      const disk = new FaultyDisk(await memoryLog())
      const { writer, durable } = await openLog(disk)
      disk.arm({ calls: ['write'], errno: 'ENOSPC', writtenBytes: 10 })
      disk.arm({ calls: [...calls], errno: 'EIO' })
      await expect(writer.append(upsertOf(1))).rejects.toMatchObject({ code: 'disk-full' })
      const { length } = disk.records
      await expect(writer.append(upsertOf(2))).rejects.toMatchObject({ code: 'disk-full' })
      expect(disk.records).toHaveLength(length)
      expect(durable).toEqual([])
      await writer.close()
    })
  }
})

describe('an fsync that fails', () => {
  test('case 28: closes the writer for good: the same error for everything later, and no second try', async () => {
    const inner = await memoryLog()
    const disk = new FaultyDisk(inner)
    const { writer, commits, durable } = await openLog(disk)
    await writer.append(upsertOf(1))
    const syncs = disk.count('sync')
    disk.arm({ calls: ['sync'], errno: 'EIO' })
    const group = [2, 3, 4].map((number) => writer.append(upsertOf(number)))
    const later = writer.append(upsertOf(5)).catch((error: unknown) => error)
    const settled = await Promise.allSettled(group)
    const reasons = settled.map((each) => (each.status === 'rejected' ? each.reason : undefined))
    expect(reasons[0]).toMatchObject({ code: 'fsync-failed', exitCode: 12 })
    expect(new Set([...reasons, await later]).size).toBe(1)
    const { length } = disk.records
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await writer.append(upsertOf(6)).catch((error: unknown) => error)).toBe(reasons[0])
      expect(await writer.between(() => writer.rotate()).catch((error: unknown) => error)).toBe(
        reasons[0],
      )
    }
    expect(disk.records).toHaveLength(length)
    expect(disk.count('sync') - syncs).toBe(1)
    expect(disk.count('truncate')).toBe(0)
    expect(commits.map(({ lsn }) => lsn)).toEqual([1])
    expect(durable).toEqual([1])
    await writer.close()

    let cuts = 0
    for (let seed = 0; seed < 100; seed++, cuts++) {
      const { operations } = await replay(inner.crash(seed))
      expect(operations.length).toBeGreaterThanOrEqual(1)
      expect(operations).toEqual(
        numbersFrom(1, operations.length).map((number) => upsertOf(number)),
      )
    }
    console.log(`case 28: ${cuts} power cuts after a failed fsync, each replayed`)
  })
})

describe('a rotation that fails', () => {
  test('case 25, case 31: at any call is repeated before the next group: the log stays whole', async () => {
    let points = 0
    for (const errno of ['ENOSPC', 'EMFILE', 'EIO']) {
      for (let at = 1; ; at++) {
        const inner = await memoryLog()
        const disk = new FaultyDisk(inner)
        const { writer } = await openLog(disk)
        await writer.append(upsertOf(1))
        const calls = ['unlink', 'create', 'write', 'rename', 'open'] as const
        disk.arm({ calls, at, times: 2, errno })
        const rotated = await writer.between(() => writer.rotate()).catch(() => 'failed')
        if (rotated !== 'failed') {
          await writer.close()
          break
        }
        points++
        const appended = await Promise.allSettled([
          writer.append(upsertOf(2)),
          writer.append(upsertOf(3)),
        ])
        const failed = appended.filter(({ status }) => status === 'rejected').length
        expect([0, 2]).toContain(failed)
        disk.disarm()
        await writer.append(upsertOf(4))
        const expected = [1, ...(failed === 0 ? [2, 3] : []), 4].map((number) => upsertOf(number))
        for (let seed = 0; seed < 10; seed++) {
          expect((await replay(inner.crash(seed))).operations, `${errno} at call ${at}`).toEqual(
            expected,
          )
        }
        expect(writer.tail.file).toBe(logFile(2))
        await writer.close()
        expect((await replay(inner)).operations).toEqual(expected)
      }
    }
    console.log(`rotation: failed at ${points} calls, each gone on with`)
    expect(points).toBe(15)
  })
})

describe('a rotation whose fsync fails', () => {
  test.each(['sync', 'syncDirectory'] as const)(
    'case 28: closes the writer for good (%s): the new file is not begun again',
    async (call) => {
      const inner = await memoryLog()
      const disk = new FaultyDisk(inner)
      const failures: unknown[] = []
      const { writer } = await openLog(disk, { onFailure: (error) => failures.push(error) })
      await writer.append(upsertOf(1))
      disk.arm({ calls: [call], errno: 'EIO' })
      const error = await writer.between(() => writer.rotate()).catch((each: unknown) => each)
      expect(error).toMatchObject({ code: 'fsync-failed' })
      const { length } = disk.records
      expect(await writer.append(upsertOf(2)).catch((each: unknown) => each)).toBe(error)
      expect(disk.records).toHaveLength(length)
      expect(failures).toEqual([error])
      await writer.close()
      expect((await replay(inner.crashLosingNothing())).operations).toEqual([upsertOf(1)])
    },
  )
})

describe('a record that cannot be applied', () => {
  test('closes the writer for good: the state is not the log’s any more', async () => {
    const disk = await memoryLog()
    const broken = new Error('out of memory')
    const { writer, durable } = await openLog(disk, {
      onCommit: ({ lsn }) => {
        if (lsn === 2) throw broken
        return 1
      },
    })
    await writer.append(upsertOf(1))
    await expect(writer.append(upsertOf(2))).rejects.toBe(broken)
    await expect(writer.append(upsertOf(3))).rejects.toBe(broken)
    await writer.close()
    expect((await replay(disk)).operations).toEqual([upsertOf(1), upsertOf(2)])
    expect(durable).toEqual([1])
  })
})

describe('a watermark that cannot be moved', () => {
  test('takes nothing back from the group, and closes the writer for good', async () => {
    const disk = await memoryLog()
    const full = new Error('disk full')
    const { writer } = await openLog(disk, { onDurable: () => Promise.reject(full) })
    expect(await writer.append(upsertOf(1))).toMatchObject({ lsn: 1 })
    await expect(writer.append(upsertOf(2))).rejects.toBe(full)
    await writer.close()
    expect((await replay(disk)).operations).toEqual([upsertOf(1)])
  })
})
