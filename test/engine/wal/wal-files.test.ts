import { describe, expect, test } from 'vitest'
import { decodeWalHeader, WAL_HEADER_BYTES } from '../../../engine/format/wal-record.ts'
import { createWal, listWal, walFileName } from '../../../engine/wal/wal-files.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { identity } from '../format/samples.ts'
import { directory, logFile, memoryLog, putFile, readAll } from './logs.ts'

const header = { identity, firstLsn: 7, chain: 99 }

describe('the log files of a directory', () => {
  test('are listed in the order of their LSNs, other names passed over', async () => {
    const disk = await memoryLog()
    for (const name of [
      walFileName(10_000),
      walFileName(999),
      '2.wal',
      `${walFileName(3)}.tmp`,
      'x0000000000000004.wal',
      '0000000000000004.wal\n',
      'README',
    ]) {
      await putFile(disk, `${directory}/${name}`, Buffer.from('x'))
    }
    expect(await listWal(disk, directory)).toEqual([
      { name: '0000000000000001.wal', firstLsn: 1 },
      { name: '0000000000000999.wal', firstLsn: 999 },
      { name: '0000000000010000.wal', firstLsn: 10_000 },
    ])
  })

  test('are none where there is no directory', async () => {
    expect(await listWal(new MemoryDisk(), directory)).toEqual([])
  })

  test('begin as a header alone, also over what an earlier attempt left', async () => {
    const disk = await memoryLog()
    await putFile(disk, `${logFile(7)}.tmp`, Buffer.alloc(500, 1))
    const file = await createWal(disk, directory, header)
    expect(file).toBe(logFile(7))
    const bytes = await readAll(disk, file)
    expect(bytes).toHaveLength(WAL_HEADER_BYTES)
    expect(decodeWalHeader(bytes, identity, file)).toEqual(header)
    expect(await disk.list(directory)).toEqual([walFileName(1), walFileName(7)])
  })

  test('case 7: appear with their whole header or not at all, wherever the power goes', async () => {
    let cuts = 0
    const kills = await killAtEveryCall({
      prepare: memoryLog,
      writtenBytes: 13,
      work: (disk) => createWal(disk, directory, header),
      check: async ({ disk }) => {
        for (let seed = 0; seed < 20; seed++, cuts++) {
          const survivor = disk.crash(seed)
          for (const { name } of await listWal(survivor, directory)) {
            expect(await readAll(survivor, `${directory}/${name}`)).toHaveLength(WAL_HEADER_BYTES)
          }
        }
      },
    })
    const disk = await memoryLog()
    await createWal(disk, directory, header)
    expect(
      (await listWal(disk.crashLosingAll(), directory)).map(({ firstLsn }) => firstLsn),
    ).toEqual([1, 7])
    console.log(`new log file: killed at ${kills} calls, ${cuts} power cuts`)
    expect(kills).toBeGreaterThan(4)
  })
})
