/** What is on the disk when: nothing that refers to an LSN is there before that LSN is durable. */
import { describe, expect, test } from 'vitest'
import { makeConfig } from '../../../engine/format/config.ts'
import { breakLock, openTest, randomPoint, somePoints } from '../../support/collections.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const config = makeConfig({
  dimension: 8,
  metric: 'l2',
  index: 'flat',
  durability: 'interval',
  intervalMs: 500,
})

async function quick() {
  const inner = new MemoryDisk()
  const disk = new FaultyDisk(inner)
  const clock = manualClock()
  const timer = manualTimer(clock)
  const fatal: unknown[] = []
  const data = await openTest('/d', { disk, clock, timer, fatal })
  const items = await data.create('items', config)
  const survivorLsn = async () => {
    const survivor = inner.crashLosingAll()
    await breakLock(survivor, '/d')
    const again = await openTest('/d', { disk: survivor })
    const { lsn, digest } = await again.open('items')
    await again.close()
    return { lsn, digest }
  }
  return { inner, disk, timer, fatal, data, items, survivorLsn }
}

describe('a collection with the durability interval', () => {
  test('finds what it acknowledged at once, and has it on the disk in time', async () => {
    const { timer, data, items, survivorLsn } = await quick()
    const points = somePoints(seededRandom(1), 3)
    await items.upsert(points)
    expect((await items.search(points[1]?.vector, { k: 1 }))[0]?.id).toBe('p1')
    expect((await survivorLsn()).lsn).toBe(0)
    await timer.pass(500)
    expect(await survivorLsn()).toEqual({ lsn: 1, digest: items.digest })
    await data.close()
  })

  test.each([
    ['a checkpoint', (items) => items.checkpoint()],
    ['a pin', (items) => items.pin()],
    ['a pin of the log', (items) => items.pinLog()],
    ['a close', (_, data) => data.close()],
  ] as [
    string,
    (
      items: Awaited<ReturnType<typeof quick>>['items'],
      data: Awaited<ReturnType<typeof openTest>>,
    ) => Promise<unknown>,
  ][])('%s makes it durable first', async (_, act) => {
    const { data, items, survivorLsn } = await quick()
    await items.upsert(somePoints(seededRandom(2), 3))
    await items.delete(['p1'])
    const { digest } = items
    await act(items, data)
    expect(await survivorLsn()).toEqual({ lsn: 2, digest })
    await data.close()
  })

  test('case 2, case 3: opens after any power cut with a state it was in, never older than promised', async () => {
    const random = seededRandom(3)
    const { inner, timer, data, items } = await quick()
    const digests = [items.digest]
    let promised = 0
    let cuts = 0
    for (let step = 0; step < 40; step++) {
      await items.upsert([randomPoint(random, `p${random.integer(6)}`)])
      digests.push(items.digest)
      if (random.chance(0.2)) {
        await (random.chance(0.5) ? timer.pass(500) : items.checkpoint())
        promised = items.lsn
      }
      for (let seed = 0; seed < 5; seed++) {
        const survivor = inner.crash(100 * step + seed)
        await breakLock(survivor, '/d')
        const again = await openTest('/d', { disk: survivor })
        const { lsn, digest } = await again.open('items')
        expect(lsn).toBeGreaterThanOrEqual(promised)
        expect(digest).toBe(digests[lsn])
        await again.close()
        cuts++
      }
    }
    await data.close()
    console.log(`interval, collection: ${cuts} power cuts, seed 3`)
  })

  test('case 28: a background fsync that fails is told as fatal, and the close fails', async () => {
    const { disk, timer, fatal, data, items } = await quick()
    await items.upsert(somePoints(seededRandom(4), 2))
    disk.arm({ calls: ['sync'], errno: 'EIO' })
    await timer.pass(500)
    expect(fatal).toMatchObject([{ code: 'fsync-failed', exitCode: 12 }])
    const { length } = disk.records
    await expect(items.upsert(somePoints(seededRandom(5), 1))).rejects.toBe(fatal[0])
    await expect(items.checkpoint()).rejects.toBe(fatal[0])
    expect(disk.records.length).toBe(length)
    await expect(data.close()).rejects.toBe(fatal[0])
    expect(fatal).toHaveLength(1)
  })
})

describe('a segment that cannot be sealed', () => {
  test('case 25, case 28: is told as fatal once, whatever the reason', async () => {
    for (const errno of ['ENOSPC', 'EIO']) {
      const { disk, fatal, data, items } = await quick()
      await items.upsert(somePoints(seededRandom(6), 2))
      disk.arm({ calls: ['write'], path: /segments/, errno })
      await expect(items.checkpoint()).rejects.toThrow(errno)
      expect(fatal).toHaveLength(1)
      await expect(items.upsert(somePoints(seededRandom(5), 1))).rejects.toBe(fatal[0])
      await data.close()
    }
  })
})
