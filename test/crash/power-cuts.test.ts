/**
 * The power goes, over and over: before each call that changes the disk, with any part of the unsynced
 * writes and names lost. What opens afterwards is exactly a state that the collection was in, at least
 * as new as what was promised.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeConfig } from '../../engine/format/config.ts'
import { breakLock, openTest, randomPoint } from '../support/collections.ts'
import { tellCount } from '../support/counts.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { manualClock } from '../support/manual-clock.ts'
import { manualTimer } from '../support/manual-timer.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { observeDisk } from '../support/observed-disk.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'

const cutsWanted = Number(process.env['VECTRA_POWER_CUTS'] ?? 16_000)
const cutsPerCall = 4

interface Cut {
  readonly disk: MemoryDisk
  readonly promisedLsn: number
  readonly where: string
}

/** SHA-256 over the names and bytes of everything on the disk. */
async function fingerprint(disk: MemoryDisk): Promise<string> {
  const hash = createHash('sha256')
  const add = async (directory: string): Promise<void> => {
    for (const name of await disk.list(directory)) {
      const entry = `${directory}/${name}`
      const isFile = (await disk.stat(entry))?.kind === 'file'
      const bytes = isFile ? await disk.readFile(entry, 1e9) : Buffer.alloc(0)
      hash.update(`${entry}\0${isFile}\0${bytes.length}\0`).update(bytes)
      if (!isFile) await add(entry)
    }
  }
  if ((await disk.stat('/d')) !== undefined) await add('/d')
  return hash.digest('hex')
}

/** Opens what the power cut left. @returns where the collection stands, or undefined without one */
async function stateOn(disk: MemoryDisk) {
  await breakLock(disk, '/d')
  const data = await openTest('/d', { disk })
  try {
    if (!data.has('items')) return undefined
    const { lsn, digest, count } = await data.open('items')
    return { lsn, digest, count }
  } finally {
    await data.close()
  }
}

/**
 * One life of a collection: writes, deletes, checkpoints, closing and opening again, sometimes after a
 * death of the process alone. @returns the digest at each LSN, and the cuts
 */
async function live(random: SeededRandom, steps: number) {
  const mode = random.pick(['always', 'interval'])
  const config = makeConfig({ dimension: 4, metric: 'l2', index: 'flat', durability: mode })
  const cuts: Cut[] = []
  /** What the next process finds when this one dies in the middle of something. */
  const deaths: MemoryDisk[] = []
  const digests: string[] = []
  const clock = manualClock()
  let timer = manualTimer(clock)
  let promisedLsn = -1
  let disk = new MemoryDisk()
  const openOn = async (inner: MemoryDisk) => {
    disk = inner
    timer = manualTimer(clock)
    const observed = observeDisk(inner, (call) => {
      if (random.chance(0.2)) deaths.push(inner.death())
      for (let of = 0; of < cutsPerCall; of++) {
        const seed = random.integer(2 ** 32)
        const where = `seed ${random.seed}, ${mode}, LSN ${digests.length - 1}, ${call}, cut ${seed}`
        cuts.push({ disk: inner.crash(seed), promisedLsn, where })
      }
    })
    return openTest('/d', { disk: observed, clock, timer })
  }
  let data = await openOn(disk)
  let items = await data.create('items', config)
  digests.push(items.digest)
  promisedLsn = 0
  for (let step = 0; step < steps; step++) {
    const act = random.next()
    const isAlways = mode === 'always'
    if (act < 0.6) {
      const ids = Array.from({ length: 1 + random.integer(3) }, () => `p${random.integer(5)}`)
      const points = ids.map((id) => randomPoint(random, id, 4))
      const written = items.upsert(points)
      await written
      digests.push(items.digest)
      if (isAlways) promisedLsn = items.lsn
    } else if (act < 0.7) {
      const { deleted } = await items.delete([`p${random.integer(5)}`])
      if (deleted > 0) digests.push(items.digest)
      if (isAlways) promisedLsn = items.lsn
    } else if (act < 0.85) {
      await items.checkpoint()
      promisedLsn = items.lsn
    } else if (act < 0.9) {
      await timer.pass(1000)
      promisedLsn = items.lsn
    } else if (act < 0.95) {
      await data.close()
      promisedLsn = items.lsn
      data = await openOn(disk)
      items = await data.open('items')
    } else {
      // the process dies, the machine does not: its page cache is what the next one finds
      const inherited = disk
      await breakLock(inherited, '/d')
      data = await openOn(inherited)
      items = await data.open('items')
      promisedLsn = items.lsn
    }
  }
  return { digests, cuts, deaths }
}

test(`case 1, case 2, case 3, case 6, case 7, case 8: ${cutsWanted} power cuts leave a state that was promised`, {
  timeout: 60_000 + 12 * cutsWanted,
}, async () => {
  const seed = 20261125
  let cutCount = 0
  let newest = 0
  let unborn = 0
  /** Where the collection stands on each disk that was left: two with the same bytes are opened once. */
  const states = new Map<string, Awaited<ReturnType<typeof stateOn>>>()
  for (let life = 0; cutCount < cutsWanted; life++) {
    const { digests, cuts } = await live(seededRandom(seed + life), 40)
    for (const { disk, promisedLsn, where } of cuts) {
      cutCount++
      // a record is applied after it is written: the digest of the newest may be noted a moment later
      const left = await fingerprint(disk)
      const state = states.has(left)
        ? states.get(left)
        : await stateOn(disk).catch((error: unknown) => {
            throw new Error(`${where}: ${String(error)}`, { cause: error })
          })
      states.set(left, state)
      if (state === undefined) {
        expect(promisedLsn, where).toBe(-1)
        unborn++
        continue
      }
      expect(state.lsn, where).toBeGreaterThanOrEqual(Math.max(0, promisedLsn))
      expect(state.digest, where).toBe(digests[state.lsn])
      if (state.lsn > promisedLsn) newest++
    }
  }
  tellCount({ kind: 'power cut', what: 'writes, checkpoints, recoveries', count: cutCount, seed })
  console.log(
    `power cuts: ${cutCount} left ${states.size} different disks; ${newest} with more than was promised, ${unborn} before the collection was there, seed ${seed}`,
  )
  expect(states.size).toBeGreaterThan(cutCount / 4)
  expect(newest).toBeGreaterThan(100)
  expect(unborn).toBeGreaterThan(100)
})

test('case 1, case 2: a process dies anywhere, the next one acknowledges, and then the power goes', async () => {
  const seed = 5
  const random = seededRandom(seed)
  let cutCount = 0
  for (let life = 0; life < 25; life++) {
    const { deaths } = await live(seededRandom(2000 + life), 12)
    for (const disk of deaths) {
      await breakLock(disk, '/d')
      const data = await openTest('/d', { disk })
      if (data.has('items')) await (await data.open('items')).upsert([randomPoint(random, 'x', 4)])
      await data.close()
      const expected = await stateOn(disk.crashLosingNothing())
      for (let cut = 0; cut < 3; cut++) {
        expect(await stateOn(disk.crash(random.integer(2 ** 32))), `life ${life}`).toEqual(expected)
        cutCount++
      }
    }
  }
  tellCount({ kind: 'power cut', what: 'after a death of the process', count: cutCount, seed })
  expect(cutCount).toBeGreaterThan(500)
})

test('case 9: a crash in recovery, ten times in a row, changes nothing: the same final digest', async () => {
  const seed = 9
  const random = seededRandom(seed)
  let crashes = 0
  for (let life = 0; life < 30; life++) {
    const { cuts } = await live(seededRandom(1000 + life), 12)
    for (const { disk, where } of random.shuffle(cuts).slice(0, 8)) {
      const expected = await stateOn(disk.crashLosingNothing())
      let survivor = disk
      for (let crash = 0; crash < 10; crash++) {
        await breakLock(survivor, '/d')
        const dying = new FaultyDisk(survivor, {
          at: 1 + random.integer(25),
          times: Number.POSITIVE_INFINITY,
          errno: 'EIO',
          writtenBytes: 5,
        })
        // wherever it dies, or when it does not: the power goes then
        await openTest('/d', { disk: dying })
          .then(async (data) => {
            if (data.has('items')) await data.open('items').catch(() => {})
            await data.close()
          })
          .catch(() => {})
        survivor = survivor.crash(random.integer(2 ** 32))
        crashes++
      }
      expect(await stateOn(survivor), where).toEqual(expected)
    }
  }
  tellCount({ kind: 'power cut', what: 'in recovery, ten in a row', count: crashes, seed })
  expect(crashes).toBeGreaterThanOrEqual(2000)
})
