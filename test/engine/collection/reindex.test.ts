import { createHash } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exactSearch } from '../../../engine/ann/exact-search.ts'
import { type Disk, nodeDisk } from '../../../engine/base/disk.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { type ConfigInput, type IndexSettings, makeConfig } from '../../../engine/format/config.ts'
import { filesOf } from '../../../engine/format/manifest.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import { breakLock, openTest } from '../../support/collections.ts'
import { FaultyDisk, killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const dimension = 4
const sealed = 1_100
const count = sealed + 40
const vectors = clusteredVectors({ count, dimension, seed: 41 })
const point = (row: number) => ({ id: row, vector: rowOf(vectors, dimension, row) })
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => point(from + index))

const config = (input: Partial<ConfigInput>) => makeConfig({ dimension, metric: 'l2', ...input })
const kinds = {
  hnsw: config({ index: 'hnsw', m: 6, efConstruction: 30 }).index,
  denser: config({ index: 'hnsw', m: 8, efConstruction: 30 }).index,
  ivf: config({ index: 'ivf', lists: 20, nprobe: 8 }).index,
  coarser: config({ index: 'ivf', lists: 5, nprobe: 3 }).index,
  flat: config({ index: 'flat' }).index,
} satisfies Record<string, IndexSettings>
const searchedBy = { hnsw: 'graph', ivf: 'lists', flat: 'scan' } as const

/** A sealed segment that has an index, one that is too small for it, and a tail in memory. */
async function fill(data: DataDirectory, index: IndexSettings): Promise<Collection> {
  const items = await data.create('items', { ...config({}), index })
  await items.upsert(rows(0, sealed))
  await items.checkpoint()
  await items.upsert(rows(sealed, sealed + 20))
  await items.checkpoint()
  await items.upsert(rows(sealed + 20, count))
  return items
}

async function open(path: string, disk: Disk = nodeDisk, warnings: string[] = []) {
  const data = await openTest(path, { disk, warnings })
  onTestFinished(() => data.close())
  return data
}

/** Recall@10 over some queries, at the defaults of the config. */
async function recall(items: Collection): Promise<number> {
  let found = 0
  for (let query = 0; query < 20; query++) {
    const vector = rowOf(vectors, dimension, query * 53)
    const chunk = { vectors, count, firstOrdinal: 0 }
    const truth = new Set<unknown>(exactSearch([chunk], vector, 10, 'l2').ordinals)
    const near = await items.search(vector, { k: 10 })
    found += near.filter(({ id }) => truth.has(id)).length
  }
  return found / 200
}

const directoryOf = async (disk: Disk, path: string): Promise<string> =>
  `${path}/collections/${(await disk.list(`${path}/collections`))[0]}`

/** Nothing stands in the directory that no manifest names. */
async function expectTidy(items: Collection, disk: Disk, path: string): Promise<void> {
  const directory = await directoryOf(disk, path)
  const named = filesOf(items.manifest).map((file) => file.path.replace('segments/', ''))
  expect((await disk.list(`${directory}/segments`)).sort()).toEqual(named.sort())
  const configs = (await disk.list(directory)).filter((name) => name.startsWith('config'))
  expect(configs).toEqual(['config.json'])
}

describe('a reindex', () => {
  test('changes every kind into every other, and the points stay', async () => {
    const path = await temporaryDirectory()
    const warnings: string[] = []
    let data = await open(path, nodeDisk, warnings)
    let items = await fill(data, kinds.hnsw)
    const { digest } = items
    const steps = [
      'ivf',
      'hnsw',
      'flat',
      'ivf',
      'flat',
      'hnsw',
      'denser',
      'ivf',
      'coarser',
    ] as const
    for (const [at, step] of steps.entries()) {
      const index = kinds[step]
      const isWarm = at % 2 === 0
      if (isWarm) await items.warm()
      const built = index.kind === 'flat' ? 0 : 1
      expect(await items.reindex(index), step).toEqual({ changed: true, built })
      expect(items.config.index).toEqual(index)
      const expected = isWarm ? searchedBy[index.kind] : 'not loaded'
      expect(items.stats().segments[0]?.index, step).toBe(expected)
      expect(await recall(items), step).toBeGreaterThan(0.9)
      expect([items.count, items.digest]).toEqual([count, digest])
      await expectTidy(items, nodeDisk, path)
      await data.close()
      data = await open(path, nodeDisk, warnings)
      items = await data.open('items')
      expect(items.config.index).toEqual(index)
      expect([items.count, await items.proveDigest()]).toEqual([count, digest])
      expect(await recall(items), step).toBeGreaterThan(0.9)
      expect(items.stats().segments[0]?.index, step).toBe(searchedBy[index.kind])
      if (isWarm) {
        // the next step begins with nothing loaded
        await data.close()
        data = await open(path, nodeDisk, warnings)
        items = await data.open('items')
      }
    }
    expect(warnings).toEqual([])
  })

  test('of ef or nprobe builds nothing, and one to what is there changes nothing', async () => {
    const path = await temporaryDirectory()
    const items = await fill(await open(path), kinds.ivf)
    const files = filesOf(items.manifest)
    const wider = config({ index: 'ivf', lists: 20, nprobe: 19 }).index
    expect(await items.reindex(wider)).toEqual({ changed: true, built: 0 })
    expect(items.config.index).toEqual(wider)
    expect(filesOf(items.manifest)).toEqual(files)
    const { sequence } = items.manifest
    expect(await items.reindex(wider)).toEqual({ changed: false, built: 0 })
    expect(items.manifest.sequence).toBe(sequence)
  })

  test('goes on beside writes, deletes, seals and searches', async () => {
    const path = await temporaryDirectory()
    const data = await open(path)
    const items = await data.create('items', { ...config({}), index: kinds.hnsw })
    await items.upsert(rows(0, 500))
    await items.upsert(rows(500, sealed))
    await items.checkpoint()
    await items.warm()
    const fresh = clusteredVectors({ count: 3_000, dimension, seed: 43 })
    const gone = new Set<number>()
    let written = 0
    let running = true
    const traffic = async () => {
      while (running || written < 1_200) {
        const batch = Array.from({ length: 300 }, (_, index) => {
          const row = (written + index) % 3_000
          return { id: `n${row}`, vector: rowOf(fresh, dimension, row) }
        })
        await items.upsert(batch)
        written += 300
        gone.add(written / 300)
        await items.delete([written / 300])
        const { vector } = batch[7] ?? point(0)
        expect((await items.search(vector, { k: 1 }))[0]?.distance).toBe(0)
        if (written % 1_200 === 0) await items.checkpoint()
      }
    }
    const changes = async () => {
      for (const index of [kinds.ivf, kinds.flat, kinds.hnsw, kinds.ivf]) await items.reindex(index)
      running = false
    }
    await Promise.all([traffic(), changes()])
    expect(items.config.index).toEqual(kinds.ivf)
    await items.checkpoint()
    const { digest } = items
    for (const id of gone) {
      const found = await items.search(rowOf(vectors, dimension, id), { k: 3 })
      expect(found.map((each) => each.id)).not.toContain(id)
    }
    for (const { count: points, graph, lists } of items.manifest.segments) {
      expect(graph).toBeNull()
      expect(lists !== null).toBe(points >= 1_000)
    }
    await expectTidy(items, nodeDisk, path)
    await data.close()
    const warnings: string[] = []
    const again = await (await open(path, nodeDisk, warnings)).open('items')
    await again.warm()
    expect(await again.proveDigest()).toBe(digest)
    expect(warnings).toEqual([])
  })

  test('leaves a state that was pinned before as it was', async () => {
    const path = await temporaryDirectory()
    const data = await open(path)
    const items = await fill(data, kinds.ivf)
    const pinned = await items.pin()
    await items.reindex(kinds.coarser)
    await items.reindex(kinds.flat)
    expect(pinned.config.index).toEqual(kinds.ivf)
    const sha256 = new Map<string, string>()
    for (const file of pinned.files) {
      const bytes = Buffer.alloc(file.sizeBytes)
      expect(await file.read(bytes, 0), file.path).toBe(file.sizeBytes)
      const hash = createHash('sha256').update(bytes).digest('hex')
      if (file.pieces !== undefined) expect(file.pieces, file.path).toEqual([hash])
      sha256.set(file.path, bytes.toString('latin1'))
      if (/^manifest-/.test(file.path)) {
        const configFile = sha256.get('config.json') ?? ''
        const named = createHash('sha256').update(configFile, 'latin1').digest('hex')
        expect(JSON.parse(bytes.toString())).toMatchObject({ config: named })
      }
    }
    expect([...sha256.keys()].some((name) => name.endsWith('.lists'))).toBe(true)
    await pinned.release()
    await expectTidy(items, nodeDisk, path)
  })

  test('of the durability holds for the writes to come', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const items = await fill(await open('/data', disk), kinds.flat)
    const syncsOf = async (id: number) => {
      const before = disk.count('sync', /\.wal$/)
      await items.upsert([point(id)])
      return disk.count('sync', /\.wal$/) - before
    }
    expect(await syncsOf(1)).toBe(1)
    const durability = { mode: 'interval', intervalMs: 60_000 } as const
    await items.configure((now) => ({ ...now, durability }))
    expect(items.describe().config.durability).toEqual(durability)
    expect(await syncsOf(2)).toBe(0)
    await items.configure((now) => ({ ...now, durability: { mode: 'always' } }))
    expect(await syncsOf(3)).toBe(1)
  })

  test('refuses another dimension or metric before any work', async () => {
    const items = await fill(await open(await temporaryDirectory()), kinds.flat)
    const { sequence } = items.manifest
    for (const other of [{ dimension: 5 }, { metric: 'cosine' }]) {
      const wanted = { ...config({ index: 'ivf', ...other }) }
      await expect(items.configure(() => wanted)).rejects.toMatchObject({ code: 'invalid-config' })
    }
    expect(items.manifest.sequence).toBe(sequence)
  })

  test('that cannot be written leaves everything as it was', async () => {
    const disk = new FaultyDisk(new MemoryDisk())
    const data = await open('/data', disk)
    const items = await fill(data, kinds.flat)
    disk.arm({ path: /\.lists$/, calls: ['write'], errno: 'ENOSPC' })
    await expect(items.reindex(kinds.ivf)).rejects.toMatchObject({ code: 'disk-full' })
    expect(items.config.index).toEqual(kinds.flat)
    disk.disarm()
    expect(await items.reindex(kinds.ivf)).toEqual({ changed: true, built: 1 })
    await expectTidy(items, disk, '/data')
  })

  test('ends when the collection is closed, and the old index goes on', async () => {
    const disk = new MemoryDisk()
    const data = await open('/data', disk)
    const items = await fill(data, kinds.flat)
    const reindexed = items.reindex(kinds.ivf)
    const outcome = reindexed.then(
      () => 'done',
      () => 'ended',
    )
    await data.close()
    const kind = (await outcome) === 'done' ? 'ivf' : 'flat'
    const again = await (await open('/data', disk)).open('items')
    expect(again.config.index.kind).toBe(kind)
    await expectTidy(again, disk, '/data')
  })
})

describe('a reindex that is cut off', () => {
  test.each([
    ['flat', 'ivf'],
    ['ivf', 'coarser'],
    ['ivf', 'flat'],
  ] as const)(
    'case 6, case 7: from %s to %s, at any call of the disk, is done or not begun',
    async (from, to) => {
      const base = new MemoryDisk()
      const data = await openTest('/data', { disk: base })
      const { digest } = await fill(data, kinds[from])
      await data.close()
      const outcomes = { old: 0, new: 0 }
      const look = async (disk: MemoryDisk, load: boolean) => {
        await breakLock(disk, '/data')
        const warnings: string[] = []
        const opened = await openTest('/data', { disk, warnings })
        try {
          const items = await opened.open('items')
          const { kind } = items.config.index
          const isNew = JSON.stringify(items.config.index) === JSON.stringify(kinds[to])
          if (!isNew) expect(items.config.index).toEqual(kinds[from])
          outcomes[isNew ? 'new' : 'old']++
          expect([items.count, items.digest]).toEqual([count, digest])
          if (load) {
            await items.warm()
            expect(items.stats().segments[0]?.index).toBe(searchedBy[kind])
          }
          expect(warnings.filter((text) => /built again/.test(text))).toEqual([])
          await expectTidy(items, disk, '/data')
        } finally {
          await opened.close()
        }
      }
      const points = await killAtEveryCall({
        prepare: async () => base.crashLosingNothing(),
        work: async (disk) => {
          const opened = await openTest('/data', { disk })
          const items = await opened.open('items')
          try {
            await items.reindex(kinds[to])
          } finally {
            await opened.close()
          }
        },
        check: async ({ disk }) => {
          // by turns: what is lost has little to do with where the process died
          if (cut % 3 === 0) await look(disk.crashLosingNothing(), false)
          else if (cut % 3 === 1) await look(disk.crashLosingAll(), false)
          else await look(disk.crash(cut), true)
          cut++
        },
      })
      console.log(`case 6, case 7: reindex ${from} → ${to}: ${points} calls`, outcomes)
      expect(outcomes.old).toBeGreaterThan(0)
      expect(outcomes.new).toBeGreaterThan(0)
    },
  )
})

/** Seeds of the power cuts: 1, 2, 3, … */
let cut = 1
