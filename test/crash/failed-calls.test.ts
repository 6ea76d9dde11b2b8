/** Every call of the disk fails, once and for ever, with each reason: what was acknowledged is there afterwards. */
import { expect, test } from 'vitest'
import { OperatingError } from '../../engine/base/errors.ts'
import { makeConfig } from '../../engine/format/config.ts'
import { breakLock, openTest, randomPoint } from '../support/collections.ts'
import { tellCount } from '../support/counts.ts'
import { FaultyDisk, mutatingCalls, readingCalls } from '../support/faulty-disk.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { seededRandom } from '../support/seeded-random.ts'

const config = makeConfig({ dimension: 4, metric: 'l2', index: 'flat' })
const faults = [
  { errno: 'EIO', writtenBytes: 0 },
  { errno: 'ENOSPC', writtenBytes: 0 },
  { errno: 'ENOSPC', writtenBytes: 70 }, // a short write, then no more
  { errno: 'EINTR', writtenBytes: 30 },
  { errno: 'EAGAIN', writtenBytes: 0 },
]

async function prepared(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const data = await openTest('/d', { disk })
  const items = await data.create('items', config)
  await items.upsert([randomPoint(seededRandom(1), 'old', 4)])
  await items.checkpoint()
  await items.upsert([randomPoint(seededRandom(2), 'tail', 4)])
  await data.close()
  return disk
}

test('case 1, case 25, case 27, case 28, case 29: opening, writing and checkpointing lose nothing whichever call fails', async () => {
  let failed = 0
  for (const fault of faults) {
    for (const times of [1, Number.POSITIVE_INFINITY]) {
      for (let at = 1; ; at++) {
        const inner = await prepared()
        const disk = new FaultyDisk(inner, {
          ...fault,
          calls: [...mutatingCalls, ...readingCalls],
          at,
          times,
        })
        const acknowledged = new Set(['old', 'tail'])
        const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
          try {
            await work()
            return true
          } catch (error) {
            expect(error).toBeInstanceOf(OperatingError)
            return false
          }
        }
        await attempt(async () => {
          const data = await openTest('/d', { disk })
          await attempt(async () => {
            const items = await data.open('items')
            for (const id of ['a', 'b', 'c']) {
              const random = seededRandom(3)
              const pair = [randomPoint(random, id, 4), randomPoint(random, `${id}2`, 4)]
              if (await attempt(() => items.upsert(pair))) acknowledged.add(id).add(`${id}2`)
              if (id === 'b') await attempt(() => items.checkpoint())
            }
          })
          await data.close()
        })
        if (disk.hits === 0) break
        failed++
        const where = `${fault.errno} ${fault.writtenBytes}, call ${at}, ${times} times`
        for (const survivor of [inner.death(), inner.crash(at)]) {
          await breakLock(survivor, '/d')
          const data = await openTest('/d', { disk: survivor })
          const items = await data.open('items')
          for (const id of acknowledged)
            expect(await items.get(id), `${where}: ${id}`).toBeDefined()
          for (const id of ['a', 'b', 'c']) {
            const [one, other] = [await items.get(id), await items.get(`${id}2`)]
            expect(one === undefined, `${where}: half of ${id}`).toBe(other === undefined)
          }
          expect(await items.proveDigest(), where).toBe(items.digest)
          await items.upsert([randomPoint(seededRandom(4), 'after', 4)])
          await data.close()
        }
      }
    }
  }
  tellCount({ kind: 'failed call', what: 'opening, writing, checkpointing', count: failed })
  expect(failed).toBeGreaterThan(500)
})
