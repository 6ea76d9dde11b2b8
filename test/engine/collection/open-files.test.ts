import { describe, expect, test } from 'vitest'
import { openTest, randomPoint, smallConfig } from '../../support/collections.ts'
import { CountingDisk } from '../../support/counting-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** What opening reads of a log of `before` records, a checkpoint and `after` more. */
async function readByOpening(before: number, after: number, { compacts = false } = {}) {
  const disk = new CountingDisk(new MemoryDisk())
  const random = seededRandom(72)
  let data = await openTest('/d', { disk })
  const filled = await data.create('items', smallConfig)
  // every record has the same length
  const upsert = async (count: number) => {
    for (let record = 0; record < count; record++) {
      const { vector } = randomPoint(random, 0)
      await filled.upsert([{ id: random.integer(40), vector }])
    }
  }
  await upsert(before)
  await filled.checkpoint()
  if (compacts) await filled.compact()
  const checkpointLsn = filled.lsn
  await upsert(after)
  const { count, digest, lsn } = filled
  await data.close()

  data = await openTest('/d', { disk })
  disk.take()
  const items = await data.open('items')
  const logs = disk.pathsRead().filter((path) => path.endsWith('.wal')).length
  const { readBytes: logBytes } = disk.take(/\.wal$/)
  expect(items).toMatchObject({ count, digest, lsn })
  expect(items.stats()).toMatchObject({ checkpointLsn, lsn })
  await data.close()
  return { logs, logBytes, replayed: lsn - checkpointLsn }
}

describe('opening', () => {
  test('reads and replays the log after the checkpoint, however long the history before it', async () => {
    const tail = 9
    const short = await readByOpening(5, tail)
    expect(short).toMatchObject({ logs: 1, replayed: tail })
    for (const before of [50, 900]) expect(await readByOpening(before, tail)).toEqual(short)
    expect(await readByOpening(50, tail, { compacts: true })).toEqual(short)
  })

  test('reads more of the log with every record after the checkpoint', async () => {
    const none = await readByOpening(50, 0)
    const one = await readByOpening(50, 1)
    const many = await readByOpening(50, 200)
    expect([none.replayed, one.replayed, many.replayed]).toEqual([0, 1, 200])
    const recordBytes = one.logBytes - none.logBytes
    expect(recordBytes).toBeGreaterThan(32)
    expect(many.logBytes).toBe(none.logBytes + 200 * recordBytes)
  })
})
