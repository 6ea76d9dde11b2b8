import { describe, expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { readSnapshot } from '../../../engine/backup/list.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { systemClock } from '../../../engine/base/clock.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { breakLock, openTest, smallConfig, somePoints } from '../../support/collections.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const points = somePoints(seededRandom(11), 5)

/** Two collections, `v1` with points and `v2` without. */
async function twoCollections(disk = new MemoryDisk()): Promise<DataDirectory> {
  const data = await openTest('/d', { disk })
  await (await data.create('v1', smallConfig)).upsert(points)
  await data.create('v2', smallConfig)
  return data
}

describe('an alias', () => {
  test('stands for its collection wherever one is read, searched or written', async () => {
    const disk = new MemoryDisk()
    const data = await twoCollections(disk)
    expect(await data.aliases.set('live', 'v1')).toBeUndefined()
    const live = await data.open('live')
    expect(live).toBe(await data.open('v1'))
    expect(data.has('live')).toBe(true)
    expect(live.aliases).toEqual(['live'])
    expect(live.describe().aliases).toEqual(['live'])
    expect(data.names()).toEqual(['v1', 'v2'])
    const [first] = points
    expect((await live.search(first?.vector, { k: 1 }))[0]?.id).toBe(first?.id)
    await live.delete([first?.id])
    expect(await data.aliases.set('live', 'v2')).toBe('v1')
    expect((await data.open('live')).count).toBe(0)
    await data.close()
    const again = await openTest('/d', { disk })
    expect(again.aliases.list()).toEqual([{ alias: 'live', collection: 'v2' }])
    expect((await again.open('v1')).count).toBe(4)
    await again.close()
  })

  test('shares its name space with collections', async () => {
    const data = await twoCollections()
    await data.aliases.set('live', 'v1')
    const exists = { code: 'collection-exists', exitCode: 2 }
    await expect(data.create('live', smallConfig)).rejects.toMatchObject(exists)
    await expect(data.aliases.set('v2', 'v1')).rejects.toMatchObject(exists)
    await expect(data.aliases.set('v1', 'v1')).rejects.toMatchObject(exists)
    for (const replace of [false, true]) {
      expect(() => data.refuseTaken('live', replace)).toThrowError(/alias of the collection v1/)
    }
    await expect(data.aliases.set('chain', 'live')).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('aliases set chain v1'),
    })
    await expect(data.aliases.set('x', 'v3')).rejects.toMatchObject({ exitCode: 14 })
    for (const name of ['', '..', 'a/b', 'verify', 'con']) {
      await expect(data.aliases.set(name, 'v1'), name).rejects.toMatchObject({
        code: 'invalid-name',
      })
    }
    expect(data.aliases.list()).toEqual([{ alias: 'live', collection: 'v1' }])
    await data.close()
  })

  test('is never dropped as a collection, and goes with its own', async () => {
    const data = await twoCollections()
    await data.aliases.set('live', 'v1')
    await data.aliases.set('old', 'v2')
    for (const options of [{}, { ifExists: true }]) {
      await expect(data.drop('live', options)).rejects.toMatchObject({
        code: 'usage',
        hint: expect.stringContaining('aliases delete live'),
      })
    }
    expect((await data.open('v1')).count).toBe(5)
    await data.drop('v1')
    expect(data.aliases.list()).toEqual([{ alias: 'old', collection: 'v2' }])
    expect(data.has('live')).toBe(false)
    await expect(data.aliases.delete('live')).rejects.toMatchObject({ exitCode: 14 })
    await expect(data.aliases.delete('v2')).rejects.toMatchObject({ exitCode: 14 })
    expect(await data.aliases.delete('old')).toBe('v2')
    expect(data.names()).toEqual(['v2'])
    await data.close()
  })

  test('killed at any call of a switch, means the old collection or the new one', async () => {
    const found = { old: 0, new: 0 }
    const kills = await killAtEveryCall({
      prepare: async () => {
        const disk = new MemoryDisk()
        const data = await twoCollections(disk)
        await data.aliases.set('live', 'v1')
        await data.close()
        return disk
      },
      work: async (disk) => {
        const data = await openTest('/d', { disk })
        await data.aliases.set('live', 'v2')
        await data.close()
      },
      check: async ({ disk, lost }) => {
        const where = `${lost.call} ${lost.path}`
        for (const survivor of [disk.crashLosingNothing(), disk.crashLosingAll(), disk.crash(3)]) {
          await breakLock(survivor, '/d')
          const data = await openTest('/d', { disk: survivor })
          const [{ collection } = { collection: 'none' }] = data.aliases.list()
          expect(['v1', 'v2'], where).toContain(collection)
          expect((await data.open('live')).name, where).toBe(collection)
          found[collection === 'v1' ? 'old' : 'new']++
          await data.close()
        }
      },
    })
    console.log(`switch of an alias: killed at ${kills} calls, ${JSON.stringify(found)}`)
    expect(kills).toBeGreaterThan(5)
    expect(Math.min(found.old, found.new)).toBeGreaterThan(0)
  })
})

describe('aliases of a snapshot', () => {
  const destination = new MemoryDestination()
  const world = (disk: MemoryDisk) => ({ disk, clock: systemClock })

  test('come back with a restore in place, unless they mean something else now', async () => {
    const disk = new MemoryDisk()
    const data = await twoCollections(disk)
    for (const alias of ['a', 'b', 'c']) await data.aliases.set(alias, 'v1')
    const source = await data.open('a')
    const backup = { destination, snapshotId: 's1', ...world(disk) }
    await createBackup(source, backup)
    const read = { source: destination, collection: 'v1', snapshotId: 's1', disk }
    expect((await readSnapshot(read)).manifest.aliases).toEqual(['a', 'b', 'c'])
    expect((await createBackup(source, backup)).unchanged).toBe(true)

    await data.drop('v1')
    await data.aliases.set('b', 'v2')
    await data.create('c', smallConfig)
    const options = { collection: 'v1', source: destination, ...world(disk) }
    const clone = await restoreSnapshot(data, { ...options, newName: 'clone' })
    expect([clone.aliases, clone.remarks]).toEqual([[], []])
    const restored = await restoreSnapshot(data, options)
    expect(restored.aliases).toEqual(['a'])
    expect(restored.remarks).toEqual([
      'the alias b of v1 was not restored: b means v2 now',
      'the alias c of v1 was not restored: c is a collection now',
    ])
    await data.aliases.set('later', 'v1')
    const replaced = await restoreSnapshot(data, { ...options, replace: true })
    expect(replaced.aliases).toEqual(['a', 'later'])
    await expect(
      restoreSnapshot(data, { ...options, newName: 'later', replace: true }),
    ).rejects.toMatchObject({ code: 'collection-exists' })
    await data.close()
  })

  test('are part of the state that a snapshot id stands for', async () => {
    const disk = new MemoryDisk()
    const data = await twoCollections(disk)
    const source = await data.open('v2')
    const backup = { destination, snapshotId: 's2', ...world(disk) }
    await createBackup(source, backup)
    await data.aliases.set('live', 'v2')
    await expect(createBackup(source, backup)).rejects.toMatchObject({ code: 'snapshot-exists' })
    await data.close()
  })
})
