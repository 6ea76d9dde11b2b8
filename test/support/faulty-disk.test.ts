import { describe, expect, test } from 'vitest'
import { replaceFile, writeNewFile } from '../../engine/base/disk.ts'
import { type Fault, FaultyDisk, killAtEveryCall } from './faulty-disk.ts'
import { MemoryDisk } from './memory-disk.ts'

const a = Buffer.from('a')

async function failedRounds(fault: Fault, rounds: number): Promise<number[]> {
  const disk = new FaultyDisk(new MemoryDisk(), fault)
  const failed: number[] = []
  for (let round = 1; round <= rounds; round++) {
    await disk.makeDirectory(`/${round}`).catch(() => failed.push(round))
  }
  return failed
}

describe('a faulty disk', () => {
  test('fails the Nth call once, some times or for ever', async () => {
    expect(await failedRounds({ errno: 'EIO' }, 5)).toEqual([1])
    expect(await failedRounds({ errno: 'EIO', at: 3 }, 5)).toEqual([3])
    expect(await failedRounds({ errno: 'EIO', at: 2, times: 2 }, 5)).toEqual([2, 3])
    expect(await failedRounds({ errno: 'EIO', at: 4, times: Infinity }, 5)).toEqual([4, 5])
    expect(await failedRounds({ errno: 'EIO', path: /[24]$/, at: 2 }, 5)).toEqual([4])
    expect(await failedRounds({ errno: 'EIO', calls: ['rename'] }, 5)).toEqual([])
  })

  test('lets a part of a failing write through', async () => {
    const inner = new MemoryDisk()
    const disk = new FaultyDisk(inner, { calls: ['write'], errno: 'ENOSPC', writtenBytes: 3 })
    await expect(writeNewFile(disk, '/a', Buffer.from('0123456789'))).rejects.toMatchObject({
      code: 'disk-full',
    })
    expect((await inner.readFile('/a', 100)).toString()).toBe('012')
  })

  test('records calls, also the failed ones, and tells creating from opening', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    await writeNewFile(disk, '/a', a)
    await disk.readFile('/a', 10)
    disk.arm({ errno: 'EIO', calls: ['rename'] })
    await expect(disk.rename('/a', '/b')).rejects.toMatchObject({ code: 'disk-error' })
    expect(disk.records.map(({ number, call, path }) => `${number} ${call} ${path}`)).toEqual([
      '1 create /a',
      '2 write /a',
      '3 sync /a',
      '4 readFile /a',
      '5 rename /b',
    ])
    expect(disk.hits).toBe(1)
    expect(disk.count('write', /a$/)).toBe(1)
    disk.disarm()
    await disk.rename('/a', '/b')
  })
})

describe('killAtEveryCall', () => {
  test('visits every call of the work once, with what the calls before it did', async () => {
    const seen: string[] = []
    const points = await killAtEveryCall({
      prepare: async () => new MemoryDisk(),
      work: (disk) => replaceFile(disk, '/a', a),
      check: async ({ disk, survived, lost }) => {
        seen.push(`${survived} ${lost.call} ${await disk.list('/')}`)
      },
    })
    expect(points).toBe(6)
    expect(seen).toEqual([
      '0 unlink ',
      '1 create ',
      '2 write a.tmp',
      '3 sync a.tmp',
      '4 rename a.tmp',
      '5 syncDirectory a',
    ])
  })

  test('reports work that fails without being killed', async () => {
    const plan = {
      prepare: async () => new MemoryDisk(),
      work: () => Promise.reject(new Error('a bug')),
      check: async () => {},
    }
    await expect(killAtEveryCall(plan)).rejects.toThrow('a bug')
  })
})
