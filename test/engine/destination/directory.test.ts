import { execFileSync } from 'node:child_process'
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import type { Destination } from '../../../engine/destination/destination.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const bytes = Buffer.from('value')
const read = async (destination: Destination, key: string) => {
  const target = Buffer.alloc(100)
  const got = await destination.get(key, target)
  return got && target.subarray(0, got.readBytes).toString()
}
const keysOf = async (destination: Destination) => {
  const keys: string[] = []
  for await (const { key } of destination.list('')) keys.push(key)
  return keys
}

/** A root, and beside it a directory with a file that must never change. */
async function rootAndOutside() {
  const directory = await temporaryDirectory()
  const root = join(directory, 'root')
  const outside = join(directory, 'outside')
  await mkdir(root)
  await mkdir(outside)
  await writeFile(join(outside, 'precious'), 'untouched')
  const destination = new DirectoryDestination(nodeDisk, root)
  const expectUntouched = async () => {
    expect(await readdir(outside)).toEqual(['precious'])
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('untouched')
  }
  return { root, outside, destination, expectUntouched }
}

const everyUse: Record<string, (destination: Destination, key: string) => Promise<unknown>> = {
  put: (destination, key) => destination.put(key, bytes),
  'put if absent': (destination, key) => destination.put(key, bytes, { ifAbsent: true }),
  'a staged file': async (destination, key) => {
    const staged = await destination.stageFile?.()
    if (staged === undefined) throw new Error('there are no staged files')
    return staged.commit(key)
  },
  get: (destination, key) => destination.get(key, new Uint8Array(10)),
  head: (destination, key) => destination.head(key),
  delete: (destination, key) => destination.delete(key),
}

describe('what is no regular file', () => {
  it.each(Object.keys(everyUse))('case 84: %s refuses a link to a file', async (use) => {
    const { root, outside, destination, expectUntouched } = await rootAndOutside()
    await symlink(join(outside, 'precious'), join(root, 'key'))
    await expect(everyUse[use]?.(destination, 'key')).rejects.toMatchObject({
      code: 'unsafe-entry',
      place: { file: join(root, 'key') },
    })
    await expectUntouched()
    expect(await keysOf(destination)).toEqual(['key']) // it is shown, not hidden
  })

  it.each(Object.keys(everyUse))('case 84: %s refuses a link to nowhere', async (use) => {
    const { root, outside, destination, expectUntouched } = await rootAndOutside()
    await symlink(join(outside, 'new'), join(root, 'key'))
    await expect(everyUse[use]?.(destination, 'key')).rejects.toMatchObject({
      code: 'unsafe-entry',
    })
    await expectUntouched()
  })

  it.each(Object.keys(everyUse))(
    'case 84: %s refuses a linked directory on the way',
    async (use) => {
      const { root, outside, destination, expectUntouched } = await rootAndOutside()
      await mkdir(join(root, 'a'))
      await symlink(outside, join(root, 'a', 'b'))
      for (const key of ['a/b/precious', 'a/b/new']) {
        await expect(everyUse[use]?.(destination, key)).rejects.toMatchObject({
          code: 'unsafe-entry',
        })
      }
      await expectUntouched()
    },
  )

  it.each(Object.keys(everyUse))(
    'case 84: %s refuses a pipe without waiting on it',
    async (use) => {
      const { root, destination } = await rootAndOutside()
      execFileSync('mkfifo', [join(root, 'key')])
      await expect(everyUse[use]?.(destination, 'key')).rejects.toMatchObject({
        code: 'unsafe-entry',
      })
    },
  )

  it('case 84: a link in place of the directory for temporary files is refused', async () => {
    const { root, outside, destination, expectUntouched } = await rootAndOutside()
    await symlink(outside, join(root, '.tmp'))
    await expect(destination.put('key', bytes)).rejects.toMatchObject({ code: 'unsafe-entry' })
    await expectUntouched()
  })

  it('case 84: a listing neither follows nor hides links', async () => {
    const { root, outside, destination } = await rootAndOutside()
    await symlink(outside, join(root, 'linked'))
    await destination.put('own/key', bytes)
    expect(await keysOf(destination)).toEqual(['linked', 'own/key'])
    const inside = destination.list('linked/')[Symbol.asyncIterator]()
    await expect(inside.next()).rejects.toMatchObject({ code: 'unsafe-entry' })
  })

  it('case 84: replacing a value with a second name leaves the second name alone', async () => {
    const { root, outside, destination, expectUntouched } = await rootAndOutside()
    await link(join(outside, 'precious'), join(root, 'key'))
    await destination.put('key', bytes)
    expect(await read(destination, 'key')).toBe('value')
    await expectUntouched()
  })

  it('takes a root that is a link', async () => {
    const { root, destination } = await rootAndOutside()
    await symlink(root, `${root}-link`)
    const linked = new DirectoryDestination(nodeDisk, `${root}-link`)
    await linked.put('key', bytes)
    expect(await read(destination, 'key')).toBe('value')
    expect(await keysOf(linked)).toEqual(['key'])
  })

  it('refuses a root that is a file, and does not call it empty', async () => {
    const { outside } = await rootAndOutside()
    const destination = new DirectoryDestination(nodeDisk, join(outside, 'precious'))
    for (const use of Object.values(everyUse)) {
      await expect(use(destination, 'key')).rejects.toMatchObject({ code: 'disk-refused' })
    }
    await expect(keysOf(destination)).rejects.toMatchObject({ code: 'disk-refused' })
  })
})

describe('temporary files', () => {
  it('are not listed, cannot be named, and do not outlive a put', async () => {
    const { root, destination } = await rootAndOutside()
    await mkdir(join(root, '.tmp'))
    await writeFile(join(root, '.tmp', 'stray'), 'half')
    await destination.put('key', bytes)
    expect(await readdir(join(root, '.tmp'))).toEqual(['stray'])
    expect(await keysOf(destination)).toEqual(['key'])
    await expect(destination.head('.tmp/stray')).rejects.toMatchObject({ code: 'unsafe-name' })
    expect(await destination.head('a/.tmp/stray')).toBeUndefined()
  })

  it.each(['write', 'sync', 'link', 'rename'] as const)(
    'case 25: when %s fails for want of space nothing is stored and nothing is left',
    async (call) => {
      const root = await temporaryDirectory()
      const disk = new FaultyDisk(nodeDisk)
      const destination = new DirectoryDestination(disk, root)
      disk.arm({
        calls: [call],
        errno: 'ENOSPC',
        times: Number.POSITIVE_INFINITY,
        writtenBytes: 2,
      })
      const put = () => destination.put('key', bytes, { ifAbsent: call !== 'rename' })
      const code = call === 'sync' ? 'fsync-failed' : 'disk-full'
      await expect(put()).rejects.toMatchObject({ code, exitCode: 12 })
      expect(await keysOf(destination)).toEqual([])
      expect(await readdir(join(root, '.tmp'))).toEqual([])
      disk.disarm()
      expect(await put()).toBe(true)
      expect(await read(destination, 'key')).toBe('value')
    },
  )
})

describe('errors of the disk', () => {
  it('case 27: an unreadable value is an error, never missing', async () => {
    const root = await temporaryDirectory()
    const disk = new FaultyDisk(nodeDisk)
    const destination = new DirectoryDestination(disk, root)
    await destination.put('a/key', bytes)
    for (const call of ['open', 'read', 'stat'] as const) {
      disk.arm({ calls: [call], errno: 'EIO', times: Number.POSITIVE_INFINITY })
      await expect(read(destination, 'a/key')).rejects.toMatchObject({ code: 'disk-error' })
      disk.disarm()
    }
    disk.arm({ calls: ['list'], errno: 'EIO' })
    await expect(keysOf(destination)).rejects.toMatchObject({ code: 'disk-error' })
  })

  it('case 28: a put whose fsync fails is not stored', async () => {
    const root = await temporaryDirectory()
    const disk = new FaultyDisk(nodeDisk)
    const destination = new DirectoryDestination(disk, root)
    disk.arm({ calls: ['sync'], errno: 'EIO' })
    await expect(destination.put('key', bytes)).rejects.toMatchObject({ code: 'fsync-failed' })
    expect(await destination.head('key')).toBeUndefined()
  })

  it('a flush that failed is done again by the next one', async () => {
    const root = await temporaryDirectory()
    const disk = new FaultyDisk(nodeDisk)
    const destination = new DirectoryDestination(disk, root)
    await destination.put('a/key', bytes)
    disk.arm({ calls: ['syncDirectory'], errno: 'EIO' })
    await expect(destination.flush()).rejects.toMatchObject({ code: 'fsync-failed' })
    const before = disk.records.length
    await destination.flush()
    const synced = disk.records.slice(before).map((record) => record.path)
    expect(synced).toContain(join(root, 'a'))
    expect(synced).toContain(root)
  })
})

describe('power failure', () => {
  it('case 2: everything flushed is there, and every value there is whole', async () => {
    const disk = new MemoryDisk()
    const destination = new DirectoryDestination(disk, '/backup/here')
    for (const key of ['one/a', 'one/b', 'two/c'])
      await destination.put(key, bytes, { ifAbsent: true })
    await destination.flush()
    for (const key of ['one/d', 'three/e']) await destination.put(key, bytes)
    for (let seed = 1; seed <= 200; seed++) {
      const after = new DirectoryDestination(disk.crash(seed), '/backup/here')
      const keys = await keysOf(after)
      expect(keys, `seed ${seed}`).toEqual(expect.arrayContaining(['one/a', 'one/b', 'two/c']))
      for (const key of keys) expect(await read(after, key), `seed ${seed}`).toBe('value')
    }
  })

  it('case 2: what another process stored is durable once this one saw it and flushed', async () => {
    const disk = new MemoryDisk()
    await new DirectoryDestination(disk, '/backup').put('objects/aa/seen', bytes)
    await new DirectoryDestination(disk, '/backup').put('objects/ab/lost', bytes)
    const destination = new DirectoryDestination(disk, '/backup')
    expect(await destination.head('objects/aa/seen')).toBeDefined()
    expect(await destination.put('objects/ab/lost', bytes, { ifAbsent: true })).toBe(false)
    await destination.flush()
    const after = new DirectoryDestination(disk.crashLosingAll(), '/backup')
    expect(await keysOf(after)).toEqual(['objects/aa/seen', 'objects/ab/lost'])
  })
})

describe('a directory that may not be written', () => {
  it('case 30: is refused with its path', async () => {
    const root = await temporaryDirectory()
    const disk = new FaultyDisk(nodeDisk)
    disk.arm({ calls: ['makeDirectory', 'create'], errno: 'EROFS' })
    const destination = new DirectoryDestination(disk, root)
    await expect(destination.put('key', bytes)).rejects.toMatchObject({
      code: 'disk-refused',
      exitCode: 12,
    })
  })
})

describe('a root that is being made', () => {
  it('case 37: is there or not yet for another user, at whatever moment it looks', async () => {
    for (let later = 0; later < 30; later++) {
      const disk = new MemoryDisk()
      const first = new DirectoryDestination(disk, '/new/root')
      const second = new DirectoryDestination(disk, '/new/root')
      const writing = first.put('a', bytes)
      for (let turn = 0; turn < later; turn++) await Promise.resolve()
      await Promise.all([keysOf(second), second.put('b', bytes)])
      await writing
      expect(await keysOf(second), `${later} turns later`).toEqual(['a', 'b'])
    }
  })
})
