import { describe, expect, onTestFinished, test } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { WriteStalls } from '../../../engine/collection/write-stalls.ts'
import { openTest, randomPoint, smallConfig } from '../../support/collections.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { GatedDisk } from '../../support/gated-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const random = seededRandom(71)
const pendingSealsLimit = limits.pendingSeals

/** A collection with as many segments waiting to be sealed as may; their sealing waits at the gate. */
async function crowded() {
  const clock = manualClock()
  const faulty = new FaultyDisk(new MemoryDisk())
  const disk = new GatedDisk(faulty)
  const fatal: unknown[] = []
  const data = await openTest('/d', { disk, clock, fatal })
  const gate = disk.hold(/\.vectors$/)
  onTestFinished(async () => {
    gate.open()
    await data.close()
  })
  const items = await data.create('items', smallConfig)
  const write = (id: string) => items.upsert([randomPoint(random, id)])
  const stalls = () => items.stats().writeStalls
  const seals: Promise<void>[] = []
  for (let seal = 1; seal <= pendingSealsLimit; seal++) {
    await write(`sealed ${seal}`)
    seals.push(items.checkpoint())
    await gate.reached(seal)
  }
  return { clock, faulty, fatal, gate, items, write, stalls, seals }
}

describe('writes while segments fill faster than they are sealed', () => {
  test('wait for the sealing of one segment, and the stats tell how many and how long', async () => {
    const { clock, gate, items, write, stalls, seals } = await crowded()
    const none = { count: 0, totalMs: 0, longestMs: 0, waiting: 0, waitingMs: 0 }
    expect(stalls()).toEqual({ ...none, pendingSeals: pendingSealsLimit, pendingSealsLimit })
    const { count } = items
    const first = write('first')
    clock.advance(250)
    const second = write('second')
    clock.advance(100)
    expect(stalls()).toMatchObject({ ...none, waiting: 2, waitingMs: 350 })
    // nothing more comes into memory, and reads go on
    expect(items.count).toBe(count)
    expect(await items.get('first')).toBeUndefined()
    expect(await items.search(randomPoint(random, 'query').vector, { k: 9 })).toHaveLength(count)

    gate.releaseOne()
    await Promise.all([first, second])
    await seals[0]
    expect(stalls()).toEqual({
      ...{ count: 2, totalMs: 450, longestMs: 350, waiting: 0, waitingMs: 0 },
      pendingSeals: pendingSealsLimit - 1,
      pendingSealsLimit,
    })
    expect(items.count).toBe(count + 2)
    await write('third') // there is room
    expect(stalls().count).toBe(2)
    gate.open()
    await Promise.all(seals)
    expect(stalls()).toMatchObject({ count: 2, pendingSeals: 0 })
    expect(await items.proveDigest()).toBe(items.digest)
  })

  test('end their wait with the error when a segment cannot be sealed', async () => {
    const { clock, faulty, fatal, gate, items, write, stalls, seals } = await crowded()
    const { count } = items
    const waiting = write('waiting')
    clock.advance(40)
    faulty.arm({ path: /\.vectors$/, calls: ['write'], errno: 'ENOSPC' })
    gate.releaseOne()
    const outcomes = Promise.allSettled(seals)
    await expect(waiting).rejects.toMatchObject({ code: 'disk-full' })
    expect(stalls()).toMatchObject({ count: 1, totalMs: 40, waiting: 0 })
    expect(fatal).toHaveLength(1)
    expect(items.count).toBe(count)
    gate.open()
    expect((await outcomes).map(({ status }) => status)).toEqual(seals.map(() => 'rejected'))
    await expect(write('later')).rejects.toMatchObject({ code: 'disk-full' })
  })
})

test('a wait that fails is counted as well, and only those that wait now are waiting', async () => {
  const clock = manualClock()
  const stalls = new WriteStalls(clock)
  await expect(
    stalls.during(async () => {
      clock.advance(7.4)
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  const stats = { count: 1, totalMs: 7, longestMs: 7, waiting: 0, waitingMs: 0 }
  expect(stalls.stats()).toEqual(stats)
})
