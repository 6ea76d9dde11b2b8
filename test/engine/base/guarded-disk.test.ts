import { describe, expect, test } from 'vitest'
import { guardDisk } from '../../../engine/base/guarded-disk.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

async function guarded() {
  const inner = new MemoryDisk()
  await inner.makeDirectory('/d')
  const faulty = new FaultyDisk(inner)
  const told: unknown[] = []
  const disk = guardDisk(faulty, (error) => told.push(error))
  const file = await disk.open('/d/a', 'create')
  await file.write(Buffer.from('abc'), 0)
  await file.sync()
  await disk.syncDirectory('/d')
  return { faulty, disk, file, told }
}

describe('a guarded disk', () => {
  test.each([
    ['fsync', 'sync'],
    ['fdatasync', 'sync'],
    ['durable write', 'sync'],
    ['fsync of a directory', 'syncDirectory'],
  ] as const)(
    'case 28: after a failed %s changes nothing more, tries nothing again and still reads',
    async (what, call) => {
      const { faulty, disk, file, told } = await guarded()
      faulty.arm({ calls: [call], errno: 'EIO' })
      const sync = {
        fsync: () => file.sync(),
        fdatasync: () => file.dataSync(),
        'durable write': () => file.writeDurably(Buffer.from('abc'), 0),
        'fsync of a directory': () => disk.syncDirectory('/d'),
      }[what]
      const error = await sync().catch((each: unknown) => each)
      expect(error).toMatchObject({ code: 'fsync-failed', exitCode: 12 })
      expect(told).toEqual([error])
      const { length } = faulty.records
      const changes = [
        () => file.write(Buffer.from('x'), 0),
        () => file.truncate(0),
        () => file.sync(),
        () => file.dataSync(),
        () => file.writeDurably(Buffer.from('x'), 0),
        () => disk.open('/d/b', 'create'),
        () => disk.rename('/d/a', '/d/b'),
        () => disk.link('/d/a', '/d/b'),
        () => disk.unlink('/d/a'),
        () => disk.makeDirectory('/e'),
        () => disk.removeTree('/d'),
        () => disk.syncDirectory('/d'),
      ]
      for (const change of changes) expect(await change().catch((each) => each)).toBe(error)
      expect(faulty.records).toHaveLength(length)
      expect(told).toHaveLength(1)
      expect((await disk.readFile('/d/a', 10)).toString()).toBe('abc')
      expect(await disk.list('/d')).toEqual(['a'])
    },
  )

  test('goes on after any other error', async () => {
    const { faulty, disk, file, told } = await guarded()
    for (const errno of ['ENOSPC', 'EIO', 'EACCES']) {
      faulty.arm({ calls: ['write'], errno })
      await expect(file.write(Buffer.from('x'), 0)).rejects.toThrow(errno)
      await file.write(Buffer.from('abc'), 0)
      await file.sync()
    }
    // a directory that cannot be opened was not synced wrongly
    faulty.arm({ calls: ['syncDirectory'], errno: 'EMFILE' })
    await expect(disk.syncDirectory('/d')).rejects.toMatchObject({ code: 'disk-error' })
    await disk.syncDirectory('/d')
    expect(told).toEqual([])
  })
})
