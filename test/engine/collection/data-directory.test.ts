import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../engine/base/clock.ts'
import { type Disk, nodeDisk, replaceFile } from '../../../engine/base/disk.ts'
import { processStart } from '../../../engine/base/process-start.ts'
import { DirectoryLock, lockName } from '../../../engine/collection/directory-lock.ts'
import { encodeDocument } from '../../../engine/format/document.ts'
import { breakLock, openTest, smallConfig, somePoints } from '../../support/collections.ts'
import { FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { observeDisk } from '../../support/observed-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

describe('a data directory', () => {
  test('creates, lists and drops collections', async () => {
    const path = join(await temporaryDirectory(), 'data')
    const data = await openTest(path)
    expect(data.names()).toEqual([])
    await data.create('b', smallConfig)
    await data.create('a', smallConfig)
    expect(data.names()).toEqual(['a', 'b'])
    await expect(data.create('a', smallConfig)).rejects.toMatchObject({ code: 'collection-exists' })
    expect(await data.drop('a')).toBe(true)
    await expect(data.drop('a')).rejects.toMatchObject({
      code: 'collection-not-found',
      exitCode: 14,
    })
    expect(await data.drop('a', { ifExists: true })).toBe(false)
    await expect(data.open('a')).rejects.toMatchObject({ code: 'collection-not-found' })
    expect(await readdir(join(path, 'collections'))).toHaveLength(1)
    await data.close()
  })

  test('is not made by a reader, nor over somebody else’s files', async () => {
    const root = await temporaryDirectory()
    const missing = join(root, 'missing')
    await expect(openTest(missing, { create: false })).rejects.toMatchObject({ exitCode: 14 })
    expect(await nodeDisk.stat(missing)).toBeUndefined()
    const foreign = join(root, 'photos')
    await mkdir(foreign)
    await writeFile(join(foreign, 'cat.jpg'), 'meow')
    await expect(openTest(foreign)).rejects.toMatchObject({ code: 'usage' })
    expect(await readdir(foreign)).toEqual(['cat.jpg'])
  })

  test('refuses names that would leave it', async () => {
    const data = await openTest(await temporaryDirectory())
    for (const name of [
      '',
      '..',
      '../x',
      'a/b',
      'a..b',
      'con',
      'é',
      'verify',
      '.x',
      'x'.repeat(129),
    ]) {
      await expect(data.create(name, smallConfig), name).rejects.toMatchObject({
        code: 'invalid-name',
        exitCode: 2,
      })
    }
    expect(data.names()).toEqual([])
    await data.close()
  })

  test('case 18: does not begin anew when the catalogue is missing', async () => {
    const path = await temporaryDirectory()
    const data = await openTest(path)
    await data.create('words', smallConfig)
    await data.close()
    await nodeDisk.unlink(join(path, 'catalogue.json'))
    await expect(openTest(path)).rejects.toMatchObject({ code: 'missing-file', exitCode: 13 })
    expect(await nodeDisk.stat(join(path, 'catalogue.json'))).toBeUndefined()
  })

  test('case 13: refuses a catalogue with any bit flipped', async () => {
    const disk = new MemoryDisk()
    const data = await openTest('/d', { disk })
    await data.create('words', smallConfig)
    await data.close()
    const file = '/d/catalogue.json'
    const good = await disk.readFile(file, 1e6)
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bad = Buffer.from(good)
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await replaceFile(disk, file, bad)
      await expect(openTest('/d', { disk }), `bit ${bit}`).rejects.toMatchObject({ exitCode: 13 })
    }
    console.log(`case 13, catalogue: ${8 * good.length} flipped bits, all detected`)
    await replaceFile(disk, file, good)
    await (await openTest('/d', { disk })).close()
  })

  test('killed at any call of create and drop, has the collection whole or not at all', async () => {
    const points = somePoints(seededRandom(5), 3)
    const kills = await killAtEveryCall({
      prepare: async () => {
        const disk = new MemoryDisk()
        await (await openTest('/d', { disk })).close()
        return disk
      },
      work: async (disk) => {
        const data = await openTest('/d', { disk })
        const items = await data.create('items', smallConfig)
        await items.upsert(points)
        await data.drop('items')
        await data.close()
      },
      check: async ({ disk, lost }) => {
        const where = `${lost.call} ${lost.path}`
        for (const survivor of [disk.crashLosingNothing(), disk.crashLosingAll(), disk.crash(7)]) {
          await breakLock(survivor, '/d')
          const data = await openTest('/d', { disk: survivor })
          if (data.has('items')) expect([0, 3], where).toContain((await data.open('items')).count)
          expect((await survivor.list('/d/collections')).length, where).toBe(data.names().length)
          await data.close()
        }
      },
    })
    console.log(`create and drop: killed at ${kills} calls, 3 kinds of crash each`)
    expect(kills).toBeGreaterThan(30)
  })
})

describe('the lock of a data directory', () => {
  test('case 35: refuses a second engine within a second, naming pid and host', async () => {
    const path = await temporaryDirectory()
    const first = await openTest(path)
    const started = systemClock.monotonicMs()
    const refusal = await openTest(path).catch((error: unknown) => error)
    expect(systemClock.monotonicMs() - started).toBeLessThan(1000)
    expect(refusal).toMatchObject({ code: 'locked', exitCode: 11 })
    expect(String(refusal)).toContain(`process ${process.pid} on host ${hostname()}`)
    await first.close()
    await (await openTest(path)).close()
  })

  test('lets exactly one of many contenders in', async () => {
    const path = await temporaryDirectory()
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => DirectoryLock.take(nodeDisk, systemClock, path)),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await readdir(path)).toEqual([lockName])
  })

  test.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])(
    'case 34: is refused at start without hard links (%s), naming the directory',
    async (errno) => {
      const inner = new MemoryDisk()
      await inner.makeDirectory('/d')
      const disk = new FaultyDisk(inner, { calls: ['link'], times: 99, errno })
      await expect(openTest('/d', { disk })).rejects.toMatchObject({
        code: 'disk-refused',
        message: expect.stringMatching(new RegExp(`^/d .*without hard links \\(${errno}\\)`)),
        hint: expect.stringMatching(/local file system/),
        place: { file: '/d' },
      })
      expect(await inner.list('/d'), 'nothing is made').toEqual([])
      // an error of another kind is told as what it is
      const failing = new FaultyDisk(inner, { calls: ['link'], errno: 'EIO' })
      await expect(openTest('/d', { disk: failing })).rejects.toMatchObject({ code: 'disk-error' })
      await (await openTest('/d', { disk: inner })).close()
    },
  )

  test('case 34: is refused where a name is given twice, and the lock of another stays', async () => {
    const inner = new MemoryDisk()
    const owner = await openTest('/d', { disk: inner })
    const lock = await inner.readFile(`/d/${lockName}`, 1e4)
    const before = await inner.list('/d')
    const sloppy: Disk = {
      ...observeDisk(inner, () => {}),
      link: async (from, to) => {
        await inner.unlink(to)
        return inner.link(from, to)
      },
    }
    await expect(openTest('/d', { disk: sloppy })).rejects.toMatchObject({
      code: 'disk-refused',
      message: expect.stringMatching(/gives one name to two files/),
      place: { file: '/d' },
    })
    expect(await inner.readFile(`/d/${lockName}`, 1e4)).toEqual(lock)
    expect(await inner.list('/d')).toEqual(before)
    await owner.close()
  })

  test('case 36: takes over from a dead process and a reused pid, never from another host', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    const alive = process.pid
    const owner = { since: '2026-01-01T00:00:00.000Z', nonce: 'x' }
    const kind = { format: 'vectra-lock', version: 1 }
    const cases = [
      { what: 'dead', lock: { pid: child.pid, host: hostname(), startedAt: '1' }, free: true },
      { what: 'reused', lock: { pid: alive, host: hostname(), startedAt: 'other' }, free: true },
      {
        what: 'alive',
        lock: { pid: alive, host: hostname(), startedAt: await processStart(alive) },
        free: false,
      },
      {
        what: 'elsewhere',
        lock: { pid: child.pid, host: 'elsewhere', startedAt: '1' },
        free: false,
      },
      {
        what: 'future',
        lock: {
          pid: alive,
          host: hostname(),
          startedAt: await processStart(alive),
          since: '2099-01-01T00:00:00.000Z',
        },
        free: false,
      },
    ]
    for (const { what, lock, free } of cases) {
      const path = await temporaryDirectory()
      await writeFile(join(path, lockName), encodeDocument(kind, { ...owner, ...lock }))
      const taken = DirectoryLock.take(nodeDisk, systemClock, path)
      if (free) await (await taken).release()
      else await expect(taken, what).rejects.toMatchObject({ code: 'locked' })
    }
  })
})
