/**
 * What every {@link Disk} must do, real or not. A disk that passes may stand under the engine.
 */
import * as path from 'node:path'
import { expect, test } from 'vitest'
import {
  type Disk,
  type DiskFile,
  nodeDisk,
  replaceFile,
  writeNewFile,
} from '../../engine/base/disk.ts'

import { KiB } from '../../engine/base/limits.ts'

export interface DiskUnderTest {
  readonly disk: Disk
  /** An existing empty directory on it. */
  readonly root: string
}

const bytesOf = (text: string): Buffer => Buffer.from(text)

const textAt = async (disk: Disk, file: string): Promise<string> =>
  (await disk.readFile(file, 64 * KiB)).toString()

async function using<T>(
  disk: Disk,
  file: string,
  mode: 'read' | 'create' | 'append',
  work: (handle: DiskFile) => Promise<T>,
): Promise<T> {
  const handle = await disk.open(file, mode)
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}

/** Declares the suite. `make` is called once for each test, inside it. */
export function diskConformance(make: () => Promise<DiskUnderTest>): void {
  const prepared = async () => {
    const { disk, root } = await make()
    return { disk, at: (...names: string[]) => path.join(root, ...names) }
  }

  test('create makes a new file and refuses one that exists', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), bytesOf('first'))
    await expect(disk.open(at('a'), 'create')).rejects.toMatchObject({
      code: 'disk-error',
      place: { file: at('a') },
    })
    expect(await textAt(disk, at('a'))).toBe('first')
  })

  test('eight racing creators of one name have exactly one winner', async () => {
    const { disk, at } = await prepared()
    const racers = await Promise.allSettled(
      Array.from({ length: 8 }, () => disk.open(at('race'), 'create')),
    )
    const winners = racers.filter((racer) => racer.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    for (const winner of winners) await winner.value.close()
  })

  test.each(['read', 'append'] as const)('%s refuses an absent file by name', async (mode) => {
    const { disk, at } = await prepared()
    await expect(disk.open(at('absent'), mode)).rejects.toMatchObject({
      code: 'file-not-found',
      place: { file: at('absent') },
    })
    expect(await disk.stat(at('absent'))).toBeUndefined()
  })

  test('a directory is not opened as a file', async () => {
    const { disk, at } = await prepared()
    await disk.makeDirectory(at('directory'))
    await expect(disk.open(at('directory'), 'read')).rejects.toMatchObject({ code: 'disk-refused' })
  })

  test('writes land at their position and a gap reads as zeros', async () => {
    const { disk, at } = await prepared()
    await using(disk, at('a'), 'create', async (file) => {
      await file.write(bytesOf('end'), 5)
      await file.write(bytesOf('ab'), 0)
      expect(await file.sizeBytes()).toBe(8)
      await file.sync()
    })
    await using(disk, at('a'), 'append', async (file) => {
      await file.write(bytesOf('X'), 1)
      await file.dataSync()
      await file.writeDurably(bytesOf('YZ'), 3)
      await file.writeDurably(bytesOf('!'), 8)
    })
    expect(await textAt(disk, at('a'))).toBe('aX\0YZend!')
  })

  test('a read stops at the end of the file and says how much it got', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), bytesOf('0123456789'))
    await using(disk, at('a'), 'read', async (file) => {
      const target = Buffer.alloc(8, 0xff)
      expect(await file.read(target, 4)).toBe(6)
      expect(target.subarray(0, 6).toString()).toBe('456789')
      expect(target[6]).toBe(0xff)
      expect(await file.read(target, 10)).toBe(0)
      expect(await file.read(target, 1_000)).toBe(0)
    })
  })

  test('truncate cuts and extends with zeros, never with what stood there before', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), bytesOf('0123456789'))
    await using(disk, at('a'), 'append', async (file) => {
      await file.truncate(3)
      expect(await file.sizeBytes()).toBe(3)
      await file.truncate(5)
    })
    expect(await textAt(disk, at('a'))).toBe('012\0\0')
  })

  test('a file opened for reading refuses writes', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), bytesOf('kept'))
    await using(disk, at('a'), 'read', async (file) => {
      await expect(file.write(bytesOf('lost'), 0)).rejects.toMatchObject({ code: 'disk-error' })
    })
    expect(await textAt(disk, at('a'))).toBe('kept')
  })

  test('readFile refuses a file above its bound and reads one at it', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), Buffer.alloc(100))
    expect(await disk.readFile(at('a'), 100)).toHaveLength(100)
    await expect(disk.readFile(at('a'), 99)).rejects.toMatchObject({
      code: 'limit-exceeded',
      place: { file: at('a') },
    })
  })

  test('rename replaces the target and an open handle keeps the old content', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('old'), bytesOf('old'))
    await writeNewFile(disk, at('new'), bytesOf('new'))
    await using(disk, at('old'), 'read', async (file) => {
      await disk.rename(at('new'), at('old'))
      const target = Buffer.alloc(3)
      await file.read(target, 0)
      expect(target.toString()).toBe('old')
    })
    expect(await textAt(disk, at('old'))).toBe('new')
    expect(await disk.list(at())).toEqual(['old'])
  })

  test('rename moves a directory with all below it, but not over a full one', async () => {
    const { disk, at } = await prepared()
    await disk.makeDirectory(at('a', 'deep'))
    await disk.makeDirectory(at('full'))
    await writeNewFile(disk, at('a', 'deep', 'file'), bytesOf('here'))
    await writeNewFile(disk, at('full', 'file'), bytesOf('kept'))
    await expect(disk.rename(at('a'), at('full'))).rejects.toMatchObject({ code: 'disk-error' })
    await disk.rename(at('a'), at('b'))
    expect(await textAt(disk, at('b', 'deep', 'file'))).toBe('here')
    expect(await disk.stat(at('a'))).toBeUndefined()
  })

  test('rename of an absent file is refused', async () => {
    const { disk, at } = await prepared()
    await expect(disk.rename(at('absent'), at('b'))).rejects.toMatchObject({
      code: 'file-not-found',
    })
  })

  test('link gives a second name and refuses a taken one', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), bytesOf('shared'))
    await writeNewFile(disk, at('taken'), bytesOf('mine'))
    expect(await disk.link(at('a'), at('b'))).toBe(true)
    expect(await disk.link(at('a'), at('taken'))).toBe(false)
    expect(await textAt(disk, at('taken'))).toBe('mine')
    expect(await disk.stat(at('a'))).toMatchObject({ kind: 'file', sizeBytes: 6, links: 2 })
    await disk.unlink(at('a'))
    expect(await textAt(disk, at('b'))).toBe('shared')
    expect(await disk.stat(at('b'))).toMatchObject({ links: 1 })
  })

  test('what is absent may be removed again', async () => {
    const { disk, at } = await prepared()
    await disk.unlink(at('absent'))
    await disk.removeTree(at('absent'))
    await disk.makeDirectory(at('a'))
    await disk.makeDirectory(at('a'))
    expect(await disk.list(at())).toEqual(['a'])
  })

  test('unlink does not remove a directory', async () => {
    const { disk, at } = await prepared()
    await disk.makeDirectory(at('directory'))
    await writeNewFile(disk, at('directory', 'file'), bytesOf('kept'))
    await expect(disk.unlink(at('directory'))).rejects.toMatchObject({ name: 'OperatingError' })
    expect(await textAt(disk, at('directory', 'file'))).toBe('kept')
  })

  test('removeTree removes everything below a directory and nothing beside it', async () => {
    const { disk, at } = await prepared()
    await disk.makeDirectory(at('a', 'b', 'c'))
    await disk.makeDirectory(at('ab'))
    await writeNewFile(disk, at('a', 'b', 'c', 'file'), bytesOf('x'))
    await disk.removeTree(at('a'))
    expect(await disk.list(at())).toEqual(['ab'])
  })

  test('list is sorted, and a directory that is absent or a file is refused', async () => {
    const { disk, at } = await prepared()
    for (const name of ['b', 'a', 'C', 'ä']) await writeNewFile(disk, at(name), bytesOf(''))
    expect(await disk.list(at())).toEqual(['C', 'a', 'b', 'ä'])
    await expect(disk.list(at('absent'))).rejects.toMatchObject({ code: 'file-not-found' })
    await expect(disk.list(at('a'))).rejects.toMatchObject({ code: 'disk-error' })
  })

  test('a path through a file is absent to stat and an error to open', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), bytesOf('x'))
    expect(await disk.stat(at('a', 'below'))).toBeUndefined()
    await expect(disk.open(at('a', 'below'), 'read')).rejects.toMatchObject({ code: 'disk-error' })
    await expect(disk.makeDirectory(at('a', 'below'))).rejects.toMatchObject({ code: 'disk-error' })
  })

  test('stat tells files from directories', async () => {
    const { disk, at } = await prepared()
    await writeNewFile(disk, at('a'), bytesOf('four'))
    expect(await disk.stat(at('a'))).toMatchObject({ kind: 'file', sizeBytes: 4, links: 1 })
    expect(await disk.stat(at())).toMatchObject({ kind: 'directory' })
  })

  test('directories sync, and an absent one does not', async () => {
    const { disk, at } = await prepared()
    await disk.syncDirectory(at())
    await expect(disk.syncDirectory(at('absent'))).rejects.toMatchObject({ code: 'file-not-found' })
    expect(await disk.freeBytes(at())).toBeGreaterThan(0)
  })

  test('another thread finds a file where the disk says, if it says so', async () => {
    const { disk, at } = await prepared()
    await replaceFile(disk, at('shared'), bytesOf('one'))
    const found = disk.threadPath(at('shared'))
    if (found !== undefined) expect(await textAt(nodeDisk, found)).toBe('one')
  })

  test('replaceFile puts the new content in place of the old and leaves nothing beside it', async () => {
    const { disk, at } = await prepared()
    await replaceFile(disk, at('manifest'), bytesOf('one'))
    await replaceFile(disk, at('manifest'), bytesOf('two'))
    expect(await textAt(disk, at('manifest'))).toBe('two')
    expect(await disk.list(at())).toEqual(['manifest'])
  })
}
