import { describe, expect, test } from 'vitest'
import { replaceFile, writeNewFile } from '../../engine/base/disk.ts'
import { MemoryDisk } from './memory-disk.ts'

const seeds = Array.from({ length: 200 }, (_, seed) => seed)

async function contentOf(disk: MemoryDisk, file: string): Promise<string | undefined> {
  if ((await disk.stat(file)) === undefined) return undefined
  return (await disk.readFile(file, 1_000_000)).toString('latin1')
}

/** All outcomes of 200 power cuts. */
async function outcomes(
  disk: MemoryDisk,
  look: (disk: MemoryDisk) => Promise<unknown>,
): Promise<Set<string>> {
  const seen = new Set<string>()
  for (const seed of seeds) seen.add(JSON.stringify(await look(disk.crash(seed))))
  return seen
}

/** A disk with a durable file `/a` of `size` bytes of `fill`. */
async function diskWith(size: number, fill: string): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  await replaceFile(disk, '/a', Buffer.alloc(size, fill))
  return disk
}

describe('a power cut', () => {
  test('keeps what was synced, whatever the seed', async () => {
    const disk = await diskWith(1_000, 'x')
    expect(await outcomes(disk, (cut) => contentOf(cut, '/a'))).toEqual(
      new Set([JSON.stringify('x'.repeat(1_000))]),
    )
  })

  test('keeps or loses each sector of an unsynced write for itself', async () => {
    const disk = await diskWith(1_536, 'o')
    const file = await disk.open('/a', 'append')
    await file.write(Buffer.alloc(1_536, 'n'), 0)
    const sectors = await outcomes(disk, async (cut) => {
      const content = (await contentOf(cut, '/a')) ?? ''
      return [0, 512, 1_024].map(
        (at) => new Set(content.slice(at, at + 512)).size === 1 && content[at],
      )
    })
    expect(sectors.size).toBe(8)
    expect([...sectors].join()).not.toContain('false')
  })

  test('may keep the size of an appended write and lose its bytes: zeros stand there', async () => {
    const disk = await diskWith(512, 'x')
    const file = await disk.open('/a', 'append')
    await file.write(Buffer.alloc(512, 'y'), 512)
    const tails = await outcomes(disk, async (cut) => (await contentOf(cut, '/a'))?.slice(512))
    expect(tails).toEqual(
      new Set([
        JSON.stringify(''),
        JSON.stringify('y'.repeat(512)),
        JSON.stringify('\0'.repeat(512)),
      ]),
    )
  })

  test('keeps all of a write once it is synced, by sync and by dataSync', async () => {
    for (const call of ['sync', 'dataSync'] as const) {
      const disk = await diskWith(512, 'x')
      const file = await disk.open('/a', 'append')
      await file.write(Buffer.alloc(2_000, 'y'), 512)
      await file[call]()
      await file.write(Buffer.from('unsynced'), 2_512)
      expect(await contentOf(disk.crashLosingAll(), '/a')).toBe('x'.repeat(512) + 'y'.repeat(2_000))
    }
  })

  test('loses a new name that was not synced, and brings back one whose removal was not', async () => {
    const disk = await diskWith(10, 'x')
    await writeNewFile(disk, '/b', Buffer.from('b'))
    await disk.unlink('/a')
    expect(await disk.crashLosingAll().list('/')).toEqual(['a'])
    expect(await disk.crashLosingNothing().list('/')).toEqual(['b'])
    expect(await outcomes(disk, (cut) => cut.list('/'))).toEqual(
      new Set(['[]', '["a"]', '["b"]', '["a","b"]']),
    )
    await disk.syncDirectory('/')
    expect(await disk.crashLosingAll().list('/')).toEqual(['b'])
  })

  test('sees a rename within a directory as done or not done', async () => {
    const disk = await diskWith(10, 'x')
    await disk.rename('/a', '/b')
    expect(await outcomes(disk, (cut) => cut.list('/'))).toEqual(new Set(['["a"]', '["b"]']))
  })

  test('does not lose a file that is renamed into another directory, whichever is synced first', async () => {
    for (const synced of [[], ['/from'], ['/to']]) {
      const disk = new MemoryDisk()
      for (const directory of ['/from', '/to']) await disk.makeDirectory(directory)
      await replaceFile(disk, '/from/a', Buffer.from('kept'))
      await disk.syncDirectory('/')
      await disk.rename('/from/a', '/to/a')
      for (const directory of synced) await disk.syncDirectory(directory)
      for (const seed of seeds) {
        const cut = disk.crash(seed)
        const found = [await contentOf(cut, '/from/a'), await contentOf(cut, '/to/a')]
        expect(found.filter((content) => content === 'kept')).not.toHaveLength(0)
      }
    }
  })

  test('loses a directory whose parent was not synced, with all in it', async () => {
    const disk = new MemoryDisk()
    await disk.makeDirectory('/a/b')
    await replaceFile(disk, '/a/b/c', Buffer.from('x'))
    expect(await disk.crashLosingAll().list('/')).toEqual([])
    await disk.syncDirectory('/')
    expect(await disk.crashLosingAll().list('/a')).toEqual([])
    await disk.syncDirectory('/a')
    expect(await contentOf(disk.crashLosingAll(), '/a/b/c')).toBe('x')
  })

  test('gives the same outcome for the same seed, and another disk each time', async () => {
    const disk = await diskWith(10_000, 'x')
    const file = await disk.open('/a', 'append')
    await file.write(Buffer.alloc(10_000, 'y'), 0)
    const [one, other] = [disk.crash(7), disk.crash(7)]
    expect(await contentOf(one, '/a')).toBe(await contentOf(other, '/a'))
    await replaceFile(one, '/a', Buffer.from('changed'))
    expect(await contentOf(other, '/a')).not.toBe('changed')
    expect(await contentOf(disk, '/a')).toBe('y'.repeat(10_000))
  })

  test('leaves a file with two names one file', async () => {
    const disk = await diskWith(10, 'x')
    await disk.link('/a', '/b')
    await disk.syncDirectory('/')
    const cut = disk.crash(1)
    expect(await cut.stat('/a')).toMatchObject({ links: 2 })
    const file = await cut.open('/a', 'append')
    await file.write(Buffer.from('y'), 0)
    expect(await contentOf(cut, '/b')).toBe(`y${'x'.repeat(9)}`)
  })
})

test('case 25: a full disk refuses the write that does not fit and takes one that does', async () => {
  const disk = new MemoryDisk({ capacityBytes: 1_000 })
  await writeNewFile(disk, '/a', Buffer.alloc(600))
  await expect(writeNewFile(disk, '/b', Buffer.alloc(401))).rejects.toMatchObject({
    code: 'disk-full',
  })
  await disk.unlink('/a')
  expect(await disk.freeBytes()).toBe(1_000)
  await writeNewFile(disk, '/c', Buffer.alloc(1_000))
})
