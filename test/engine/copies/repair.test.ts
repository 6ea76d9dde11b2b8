import { beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { copySnapshots } from '../../../engine/copies/copy.ts'
import { type RepairOptions, repairError, repairRepository } from '../../../engine/copies/repair.ts'
import { getWhole } from '../../../engine/destination/destination.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { openTest, somePoints } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const clock = manualClock()
const random = seededRandom(24)
const disk = new MemoryDisk()
let first: MemoryDestination
let second: MemoryDestination

async function keysOf(destination: MemoryDestination, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of destination.list(prefix)) keys.push(key)
  return keys.filter((key) => !key.startsWith('locks/'))
}

async function flip(destination: MemoryDestination, key: string): Promise<void> {
  const bytes = (await getWhole(destination, key, 1_000_000)) ?? Buffer.alloc(0)
  const at = random.integer(bytes.length)
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.integer(8)), at)
  await destination.put(key, bytes)
}

const verify = (source: MemoryDestination) => verifyRepository({ source, disk, clock })
const repair = (options: Partial<RepairOptions> = {}) =>
  repairRepository({ repository: first, from: [second], disk, clock, ...options })

/** Two snapshots with archived log between and after them. */
async function fill(destination: MemoryDestination): Promise<void> {
  const world = new MemoryDisk()
  const data = await openTest('/data', { disk: world, clock })
  const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })
  const products = await data.create('products', config)
  const points = somePoints(random, 30)
  const options = { disk: world, clock, destination, golden: { sample: 2 } }
  for (const [index, snapshotId] of ['monday', 'tuesday'].entries()) {
    await products.upsert(points.slice(10 * index, 10 * index + 10))
    await products.checkpoint()
    await createBackup(products, { ...options, snapshotId })
    await products.upsert(points.slice(20 + 5 * index, 25 + 5 * index))
    await archiveOnce(products, options)
  }
  await data.close()
}

beforeEach(async () => {
  first = new MemoryDestination('first')
  second = new MemoryDestination('second')
  await fill(first)
  await copySnapshots({ from: first, to: second, disk, clock })
})

describe('case 24: one flipped bit', () => {
  it('in each object, manifest and archived file is found by depth objects and repaired from the copy', async () => {
    const keys = (await keysOf(first)).filter((key) => /^(objects|snapshots|wal)\//.test(key))
    expect(keys.filter((key) => key.startsWith('objects/')).length).toBeGreaterThan(5)
    const before = new Map<string, Buffer | undefined>()
    for (const key of keys) before.set(key, await getWhole(first, key, 1_000_000))
    let found = 0
    for (const key of keys) {
      await flip(first, key)
      const { damage } = await verify(first)
      if (damage.some((each) => each.key === key)) found++
      const result = await repair()
      expect(result.refills, key).toMatchObject([{ key, outcome: 'refilled', from: second.url }])
      expect(result.ok).toBe(true)
      expect(await getWhole(first, key, 1_000_000), key).toEqual(before.get(key))
    }
    expect(found).toBe(keys.length)
    expect((await verify(first)).damage).toEqual([])
    console.log(`case 24: ${found} of ${keys.length} flipped bits found and repaired`)
  })

  it('in every object at once is found to 100 % and repaired in one run', async () => {
    const keys = await keysOf(first, 'objects/')
    for (const key of keys) await flip(first, key)
    const { damage } = await verify(first)
    expect(new Set(damage.map((each) => each.key))).toEqual(new Set(keys))
    expect((await repair()).refills).toHaveLength(keys.length)
    expect((await verify(first)).damage).toEqual([])
  })
})

describe('what is missing', () => {
  it.each(['objects/', 'wal/'])('below %s is brought back', async (prefix) => {
    const keys = await keysOf(first, prefix)
    for (const key of keys) await first.delete(key)
    const { refills, ok } = await repair()
    expect([ok, refills.length]).toEqual([true, keys.length])
    expect(await keysOf(first, prefix)).toEqual(keys)
    expect((await verify(first)).damage).toEqual([])
  })

  it('a snapshot that is not there was removed on purpose, and stays away', async () => {
    await first.delete('snapshots/products/monday.json')
    expect((await repair()).refills).toEqual([])
    expect(await keysOf(first, 'snapshots/')).toEqual(['snapshots/products/tuesday.json'])
  })
})

describe('what is left', () => {
  it('is told, with the reason of each copy, and exits 13', async () => {
    const [key = ''] = await keysOf(first, 'objects/')
    await flip(first, key)
    await flip(second, key)
    const result = await repair()
    expect(result).toMatchObject({ ok: false, refills: [{ key, outcome: 'left', from: null }] })
    expect(result.refills[0]?.reason).toContain(second.url)
    expect(repairError(result).exitCode).toBe(13)
  })

  it('a third copy that is whole is asked when the second is damaged too', async () => {
    const third = new MemoryDestination('third')
    await copySnapshots({ from: first, to: third, disk, clock })
    const [key = ''] = await keysOf(first, 'objects/')
    await flip(first, key)
    await flip(second, key)
    const { ok, refills } = await repair({ from: [second, third] })
    expect([ok, refills[0]?.from]).toEqual([true, third.url])
  })

  it('a damaged manifest is not replaced by another snapshot of that name', async () => {
    const other = new MemoryDestination('other')
    await fill(other)
    await verify(first) // whose records say which one it was
    await copySnapshots({ from: second, to: first, disk, clock, proof: 'all' })
    await flip(first, 'snapshots/products/monday.json')
    const result = await repair({ from: [other] })
    expect(result.refills).toMatchObject([{ kind: 'manifest', outcome: 'left' }])
    expect((await repair({ from: [other, second] })).refills).toMatchObject([
      { kind: 'manifest', outcome: 'refilled', from: second.url },
    ])
  })

  it('a manifest whose objects no copy has is left as well', async () => {
    const before = new Set(await keysOf(first, 'objects/'))
    await flip(first, 'snapshots/products/monday.json')
    for (const key of before) await first.delete(key)
    for (const key of await keysOf(second, 'objects/')) await second.delete(key)
    const { refills, ok } = await repair()
    expect(ok).toBe(false)
    expect(refills.every((each) => each.outcome === 'left')).toBe(true)
  })
})

it('a dry run writes nothing and says what would be done', async () => {
  const [key = ''] = await keysOf(first, 'objects/')
  await flip(first, key)
  const damaged = await getWhole(first, key, 1_000_000)
  const result = await repair({ dryRun: true })
  expect(result).toMatchObject({ ok: true, refills: [{ key, outcome: 'found', from: second.url }] })
  expect(await getWhole(first, key, 1_000_000)).toEqual(damaged)
})

it('an encrypted copy repairs a plain repository', async () => {
  const key = new RepositoryKey(random.bytes(32).toString('base64'))
  const sealed = { location: new MemoryDestination('sealed'), keys: [key] }
  await copySnapshots({ from: first, to: sealed, disk, clock })
  for (const each of await keysOf(first, 'objects/')) await flip(first, each)
  expect((await repair({ from: [sealed] })).ok).toBe(true)
  expect((await verify(first)).damage).toEqual([])
})

it('a repository that is not there is not made', async () => {
  const nowhere = new MemoryDestination('nowhere')
  await expect(repair({ repository: nowhere })).rejects.toSatisfy((error) =>
    isOperatingError(error, 'repository-not-found'),
  )
  expect(await keysOf(nowhere)).toEqual([])
})
