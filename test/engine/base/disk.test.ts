import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Disk, nodeDisk, replaceFile, writeNewFile } from '../../../engine/base/disk.ts'
import { diskError } from '../../../engine/base/disk-error.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const oldBytes = Buffer.alloc(1_300, 'old ')
const newBytes = Buffer.alloc(1_700, 'new ')

async function contentOf(disk: Disk, file: string): Promise<string | undefined> {
  if ((await disk.stat(file)) === undefined) return undefined
  return (await disk.readFile(file, 64 * 1024)).toString()
}

describe('the real disk', () => {
  test.each(['read', 'append', 'create'] as const)(
    'case 84: %s does not follow a symbolic link',
    async (mode) => {
      const root = await temporaryDirectory()
      const [victim, link] = [path.join(root, 'victim'), path.join(root, 'link')]
      await fs.writeFile(victim, 'untouched')
      await fs.symlink(victim, link)
      await expect(nodeDisk.open(link, mode)).rejects.toMatchObject({ name: 'OperatingError' })
      expect(await nodeDisk.stat(link)).toMatchObject({ kind: 'link' })
      expect(await fs.readFile(victim, 'utf8')).toBe('untouched')
    },
  )

  test.runIf(process.platform === 'linux')(
    'case 2: writes durably through a descriptor on which each write is an fdatasync',
    async () => {
      const name = path.join(await temporaryDirectory(), 'a')
      await writeNewFile(nodeDisk, name, oldBytes)
      const file = await nodeDisk.open(name, 'append')
      const descriptors = async () => {
        const all = await fs.readdir('/proc/self/fd')
        const flags = all.map(async (fd) => {
          const target = await fs.readlink(`/proc/self/fd/${fd}`).catch(() => '')
          if (target !== name) return undefined
          const info = await fs.readFile(`/proc/self/fdinfo/${fd}`, 'utf8')
          return Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? '', 8)
        })
        return (await Promise.all(flags)).filter((each) => each !== undefined)
      }
      const isDurable = (flags: number) => (flags & constants.O_DSYNC) === constants.O_DSYNC
      expect((await descriptors()).map(isDurable)).toEqual([false])
      await file.writeDurably(newBytes, 0)
      expect((await descriptors()).map(isDurable).sort()).toEqual([false, true])
      expect(await contentOf(nodeDisk, name)).toBe(newBytes.toString())
      await file.close()
      expect(await descriptors()).toEqual([])
    },
  )

  test('a durable write refuses when another file has taken the name', async () => {
    const name = path.join(await temporaryDirectory(), 'a')
    await writeNewFile(nodeDisk, name, oldBytes)
    const file = await nodeDisk.open(name, 'append')
    await fs.rm(name)
    await fs.writeFile(name, 'another')
    await expect(file.writeDurably(newBytes, 0)).rejects.toMatchObject({ code: 'disk-error' })
    expect(await fs.readFile(name, 'utf8')).toBe('another')
    await file.close()
  })

  test('case 31: a durable write that found no descriptor is no reason for the next to fail', async () => {
    const name = path.join(await temporaryDirectory(), 'a')
    await writeNewFile(nodeDisk, name, oldBytes)
    const file = await nodeDisk.open(name, 'append')
    await fs.rename(name, `${name}.away`)
    await expect(file.writeDurably(newBytes, 0)).rejects.toMatchObject({ code: 'file-not-found' })
    await fs.rename(`${name}.away`, name)
    await file.writeDurably(newBytes, 0)
    expect(await contentOf(nodeDisk, name)).toBe(newBytes.toString())
    await file.close()
  })

  test('case 84: a dangling link is not created through', async () => {
    const root = await temporaryDirectory()
    await fs.symlink(path.join(root, 'outside'), path.join(root, 'link'))
    await expect(nodeDisk.open(path.join(root, 'link'), 'create')).rejects.toThrow()
    expect(await nodeDisk.list(root)).toEqual(['link'])
  })

  test.each(['read', 'append'] as const)(
    'case 84: %s refuses a pipe at once instead of waiting for its other end',
    async (mode) => {
      const pipe = path.join(await temporaryDirectory(), 'pipe')
      execFileSync('mkfifo', [pipe])
      // frees an open that hangs, so that a failure here does not hang the run
      onTestFinished(() => closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)))
      await expect(nodeDisk.open(pipe, mode)).rejects.toMatchObject({ code: 'disk-refused' })
      expect(await nodeDisk.stat(pipe)).toMatchObject({ kind: 'other' })
    },
    5_000,
  )

  test('case 84: a device is refused', async () => {
    await expect(nodeDisk.open('/dev/zero', 'read')).rejects.toMatchObject({ code: 'disk-refused' })
    await expect(nodeDisk.readFile('/dev/zero', 10)).rejects.toMatchObject({ code: 'disk-refused' })
  })

  test('case 84: removing a tree removes a link, not what it points to', async () => {
    const root = await temporaryDirectory()
    const [tree, outside] = [path.join(root, 'tree'), path.join(root, 'outside')]
    await fs.mkdir(tree)
    await fs.mkdir(outside)
    await fs.writeFile(path.join(outside, 'file'), 'kept')
    await fs.symlink(outside, path.join(tree, 'link'))
    await nodeDisk.removeTree(tree)
    expect(await nodeDisk.list(root)).toEqual(['outside'])
    expect(await fs.readFile(path.join(outside, 'file'), 'utf8')).toBe('kept')
  })

  test('replaceFile replaces a planted link instead of writing through it', async () => {
    const root = await temporaryDirectory()
    const [file, victim] = [path.join(root, 'manifest'), path.join(root, 'victim')]
    await fs.writeFile(victim, 'untouched')
    await fs.symlink(victim, file)
    await fs.symlink(victim, `${file}.tmp`)
    await replaceFile(nodeDisk, file, newBytes)
    expect(await fs.readFile(victim, 'utf8')).toBe('untouched')
    expect(await nodeDisk.stat(file)).toMatchObject({ kind: 'file' })
  })

  test('files are private to their owner and group', async () => {
    const root = await temporaryDirectory()
    await writeNewFile(nodeDisk, path.join(root, 'a'), oldBytes)
    await nodeDisk.makeDirectory(path.join(root, 'b'))
    expect((await fs.stat(path.join(root, 'a'))).mode & 0o007).toBe(0)
    expect((await fs.stat(path.join(root, 'b'))).mode & 0o007).toBe(0)
  })

  test('a directory is made with those above it, where it can be, and else the reason is told', async () => {
    const root = await temporaryDirectory()
    const deep = path.join(root, 'a', 'b', 'c')
    await Promise.all([nodeDisk.makeDirectory(deep), nodeDisk.makeDirectory(deep)])
    await nodeDisk.makeDirectory(deep)
    expect((await fs.stat(deep)).mode & 0o007).toBe(0)
    await fs.writeFile(path.join(root, 'file'), '')
    for (const name of ['file', 'file/below/it']) {
      await expect(nodeDisk.makeDirectory(path.join(root, name))).rejects.toMatchObject({
        name: 'OperatingError',
      })
    }
    // the disk and its log have nothing to do with it
    await expect(
      replaceFile(nodeDisk, path.join(root, 'file', 'page.html'), oldBytes),
    ).rejects.toMatchObject({
      message: expect.stringContaining('a part of the path is no directory'),
      hint: 'Look what stands there, or name another path.',
    })
    // it says that there is no /proc, which is there: asked again and again, this never ended
    await expect(nodeDisk.makeDirectory('/proc/vectra/backups')).rejects.toMatchObject({
      code: 'file-not-found',
    })
  })

  test('case 33: spaces, Unicode and names of 255 bytes are names like others', async () => {
    const root = await temporaryDirectory()
    for (const name of ['with space', 'ünï ☃ 😀', 'a'.repeat(255), 'quote\'"', 'new\nline']) {
      await replaceFile(nodeDisk, path.join(root, 'dir', '..', 'x'), oldBytes)
      await writeNewFile(nodeDisk, path.join(root, name), Buffer.from(name))
      expect(await contentOf(nodeDisk, path.join(root, name))).toBe(name)
    }
    await expect(nodeDisk.open(path.join(root, 'a'.repeat(256)), 'create')).rejects.toMatchObject({
      code: 'disk-error',
    })
  })

  test('a file is not left open when opening it is refused', async () => {
    const root = await temporaryDirectory()
    const descriptors = async () => (await fs.readdir('/proc/self/fd')).length
    const before = await descriptors()
    for (let round = 0; round < 50; round++) {
      await expect(nodeDisk.open(root, 'read')).rejects.toThrow()
      await expect(nodeDisk.readFile(root, 1)).rejects.toThrow()
    }
    expect(await descriptors()).toBeLessThanOrEqual(before + 1)
  })
})

describe('errors of the disk', () => {
  test.each([
    ['ENOENT', 'file-not-found'],
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EACCES', 'disk-refused'],
    ['EPERM', 'disk-refused'],
    ['EROFS', 'disk-refused'],
    ['EIO', 'disk-error'],
    ['EMFILE', 'disk-error'],
    ['EINVAL', 'disk-error'],
  ])('%s is %s, with the path, a hint and the cause', (errno, code) => {
    const cause = Object.assign(new Error(errno), { code: errno })
    const error = diskError(cause, 'read', '/data/a')
    expect(error).toMatchObject({ code, place: { file: '/data/a' }, cause })
    expect(error.message).toContain('cannot read /data/a')
    expect(error.hint).not.toBe('')
  })

  test('an operating error passes as it is', () => {
    const error = new OperatingError('damaged', 'a', 'b')
    expect(diskError(error, 'read', '/data/a')).toBe(error)
  })

  test('case 27: EIO on a read is reported, never "not found"', async () => {
    const disk = new MemoryDisk()
    await writeNewFile(disk, '/a', oldBytes)
    for (const calls of [['stat'], ['readFile'], ['open'], ['list']] as const) {
      const faulty = new FaultyDisk(disk, { calls, errno: 'EIO', times: Number.POSITIVE_INFINITY })
      const work = async () => {
        await faulty.stat('/a')
        await faulty.list('/')
        await faulty.readFile('/a', 10_000)
        await faulty.open('/a', 'read')
      }
      await expect(work()).rejects.toMatchObject({ code: 'disk-error' })
    }
  })
})

describe('replaceFile', () => {
  const isOldOrNew = (content: string | undefined, old: string | undefined): void => {
    expect([old, newBytes.toString()]).toContain(content)
  }

  test.each([
    ['nothing', 0],
    ['a part', 700],
    ['all', newBytes.length],
  ])(
    'killed at each call, %s of its write done, leaves the old file or the new',
    async (_what, writtenBytes) => {
      const points = await killAtEveryCall({
        prepare: async () => {
          const disk = new MemoryDisk()
          await replaceFile(disk, '/manifest', oldBytes)
          return disk
        },
        work: (disk) => replaceFile(disk, '/manifest', newBytes),
        check: async ({ disk }) => {
          isOldOrNew(await contentOf(disk, '/manifest'), oldBytes.toString())
          await replaceFile(disk, '/manifest', newBytes)
          expect(await disk.list('/')).toEqual(['manifest'])
          expect(await contentOf(disk, '/manifest')).toBe(newBytes.toString())
        },
        writtenBytes,
      })
      expect(points).toBe(6) // unlink, create, write, sync, rename, sync of the directory
    },
  )

  test('killed at each call on the real disk, leaves the old file or the new', async () => {
    let file = ''
    const points = await killAtEveryCall({
      prepare: async () => {
        file = path.join(await temporaryDirectory(), 'manifest')
        await replaceFile(nodeDisk, file, oldBytes)
        return nodeDisk
      },
      work: (disk) => replaceFile(disk, file, newBytes),
      check: async () => {
        isOldOrNew(await contentOf(nodeDisk, file), oldBytes.toString())
        await replaceFile(nodeDisk, file, newBytes)
        expect(await contentOf(nodeDisk, file)).toBe(newBytes.toString())
      },
      writtenBytes: 700,
    })
    expect(points).toBe(6)
  })

  test('case 7: a power cut at each call leaves the old file or the new, never none or a part', async () => {
    const seen = new Set<string | undefined>()
    await killAtEveryCall({
      prepare: async () => {
        const disk = new MemoryDisk()
        await replaceFile(disk, '/manifest', oldBytes)
        return disk
      },
      work: (disk) => replaceFile(disk, '/manifest', newBytes),
      check: async ({ disk }) => {
        for (let seed = 0; seed < 100; seed++) {
          const content = await contentOf(disk.crash(seed), '/manifest')
          isOldOrNew(content, oldBytes.toString())
          seen.add(content)
        }
      },
    })
    expect(seen.size).toBe(2) // the cuts do reach both outcomes
  })

  test('case 2: once it has returned, a power cut that forgets all it can forgets nothing of it', async () => {
    const disk = new MemoryDisk()
    await replaceFile(disk, '/manifest', newBytes)
    expect(await contentOf(disk.crashLosingAll(), '/manifest')).toBe(newBytes.toString())
  })

  test.each(['write', 'sync', 'rename', 'create'] as const)(
    'an error of %s is reported and the old file stays',
    async (call) => {
      const disk = new MemoryDisk()
      await replaceFile(disk, '/manifest', oldBytes)
      const faulty = new FaultyDisk(disk, { calls: [call], errno: 'ENOSPC' })
      await expect(replaceFile(faulty, '/manifest', newBytes)).rejects.toMatchObject({
        code: call === 'sync' ? 'fsync-failed' : 'disk-full',
      })
      expect(await contentOf(disk, '/manifest')).toBe(oldBytes.toString())
      await replaceFile(faulty, '/manifest', newBytes)
      expect(await contentOf(disk, '/manifest')).toBe(newBytes.toString())
    },
  )
})

test('writeNewFile makes the bytes durable but leaves the name to its caller', async () => {
  const disk = new MemoryDisk()
  await writeNewFile(disk, '/a', newBytes)
  expect(await contentOf(disk.crashLosingAll(), '/a')).toBeUndefined()
  await disk.syncDirectory('/')
  expect(await contentOf(disk.crashLosingAll(), '/a')).toBe(newBytes.toString())
})
