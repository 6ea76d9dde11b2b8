import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Disk, nodeDisk, replaceFile } from '../../../engine/base/disk.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import type { PointId } from '../../../engine/format/point.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import {
  breakLock,
  modelDigest,
  openTest,
  randomPoint,
  smallConfig,
  somePoints,
  type TestPoint,
} from '../../support/collections.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

/** All files below `directory`, relative. */
const filesBelow = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

/** The same on any disk. */
async function filesOn(disk: Disk, directory: string): Promise<string[]> {
  const files: string[] = []
  for (const name of await disk.list(directory)) {
    const entry = join(directory, name)
    const kind = (await disk.stat(entry))?.kind
    files.push(...(kind === 'directory' ? await filesOn(disk, entry) : [entry]))
  }
  return files
}

/** A closed data directory with one collection `items`: sealed segments, tombstones and a log tail. */
async function makeItems(
  path: string,
  disk: Disk = nodeDisk,
): Promise<{ digest: string; directory: string }> {
  const data = await openTest(path, { disk })
  const items = await data.create('items', smallConfig)
  const random = seededRandom(11)
  await items.upsert(somePoints(random, 4))
  await items.checkpoint()
  await items.upsert([randomPoint(random, 'p1'), randomPoint(random, 'q')])
  await items.delete(['p2'])
  await items.checkpoint()
  await items.upsert([randomPoint(random, 'tail')])
  await items.upsert([randomPoint(random, 'last')])
  const { digest } = items
  await data.close()
  const [name] = await disk.list(join(path, 'collections'))
  return { digest, directory: join(path, 'collections', name ?? '') }
}

/** Opens the collection; closes the directory whatever happens. */
async function openItems(path: string, warnings: string[] = []) {
  const data = await openTest(path, { warnings })
  try {
    const items = await data.open('items')
    return { digest: items.digest, count: items.count, lsn: items.lsn }
  } finally {
    await data.close()
  }
}

describe('recovery', () => {
  test('killed at any disk call, keeps every acknowledged write and none by half', async () => {
    const random = seededRandom(12)
    const before = somePoints(random, 5)
    const steps: { upsert?: TestPoint[]; delete?: PointId[]; checkpoint?: true }[] = [
      { upsert: [randomPoint(random, 'p1'), randomPoint(random, 'a')] },
      { checkpoint: true },
      { delete: ['p2', 'a'] },
      { upsert: [randomPoint(random, 'b')] },
      { checkpoint: true },
      { upsert: [randomPoint(random, 'p1'), randomPoint(random, 'c')] },
    ]
    let acknowledged: Map<PointId, TestPoint>
    let attempted: Map<PointId, TestPoint>
    const apply = (model: Map<PointId, TestPoint>, step: (typeof steps)[number]) => {
      for (const point of step.upsert ?? []) model.set(point.id, point)
      for (const id of step.delete ?? []) model.delete(id)
    }
    let crashes = 0
    const kills = await killAtEveryCall({
      writtenBytes: 37,
      prepare: async () => {
        const disk = new MemoryDisk()
        const data = await openTest('/d', { disk })
        await (await data.create('items', smallConfig)).upsert(before)
        await data.close()
        acknowledged = new Map(before.map((point) => [point.id, point]))
        attempted = acknowledged
        return disk
      },
      work: async (disk) => {
        const data = await openTest('/d', { disk })
        const items = await data.open('items')
        for (const step of steps) {
          attempted = new Map(acknowledged)
          apply(attempted, step)
          if (step.upsert) await items.upsert(step.upsert)
          if (step.delete) await items.delete(step.delete)
          if (step.checkpoint) await items.checkpoint()
          acknowledged = attempted
        }
        await data.close()
      },
      check: async ({ disk, lost, survived }) => {
        const allowed = [acknowledged, attempted].map((model) => modelDigest(model.values()))
        const survivors = [disk.crashLosingNothing(), disk.crashLosingAll()]
        for (let seed = 0; seed < 4; seed++) survivors.push(disk.crash(1000 * survived + seed))
        for (const survivor of survivors) {
          crashes++
          await breakLock(survivor, '/d')
          let data = await openTest('/d', { disk: survivor })
          const items = await data.open('items')
          expect(allowed, `${survived}: ${lost.call} ${lost.path}`).toContain(items.digest)
          expect(await items.proveDigest()).toBe(items.digest)
          const { digest } = items
          await items.upsert([before[0] ?? randomPoint(random, 'x')])
          await data.close()
          data = await openTest('/d', { disk: survivor })
          await data.open('items')
          await data.close()
          expect(digest).toBeTruthy()
        }
      },
    })
    console.log(`recovery: killed at ${kills} calls, ${crashes} crashed states opened`)
    expect(kills).toBeGreaterThan(60)
  })

  test('case 13: any flipped bit of any file is detected or changes nothing', async () => {
    const disk = new MemoryDisk()
    const { digest, directory } = await makeItems('/d', disk)
    const rows: string[] = []
    for (const file of await filesOn(disk, directory)) {
      const good = await disk.readFile(file, 1e6)
      let detected = 0
      let harmless = 0
      for (let byte = 0; byte < good.length; byte++) {
        // between the slots of the watermark nothing is read
        if (file.endsWith('watermark') && byte >= 64 && byte < 4096) continue
        const bad = Buffer.from(good)
        bad[byte] = (bad[byte] ?? 0) ^ (1 << (byte % 8)) // the formats' own tests flip every bit
        await replaceFile(disk, file, bad)
        const outcome = await openAndProve('/d', [], disk)
        const where = `${file} byte ${byte}`
        if (outcome instanceof Error) {
          expect(outcome, where).toMatchObject({ exitCode: 13 })
          detected++
        } else {
          expect(outcome, where).toBe(digest)
          harmless++
        }
      }
      await replaceFile(disk, file, good)
      rows.push(`${file.slice(directory.length + 1)}: ${detected} detected, ${harmless} harmless`)
      // older manifests are kept for analysis; the watermark has two slots, the older one spare
      const spare = /manifest-000000000[12]\.json|watermark/.test(file)
      if (!spare) expect(harmless, file).toBe(0)
    }
    console.log(`case 13, one flipped bit in each byte:\n  ${rows.join('\n  ')}`)
    expect(await openAndProve('/d', [], disk)).toBe(digest)
  })

  test('case 18: names every file that is missing and makes nothing in its place', async () => {
    const path = await temporaryDirectory()
    const { digest, directory } = await makeItems(path)
    let checked = 0
    for (const file of await filesBelow(directory)) {
      if (/manifest-000000000[12]\.json$/.test(file)) continue // kept for analysis only
      const good = await readFile(file)
      await rm(file)
      const before = await filesBelow(directory)
      const outcome = await openAndProve(path, [])
      expect(outcome, file).toMatchObject({ exitCode: 13 })
      expect(await filesBelow(directory), file).toEqual(before)
      await writeFile(file, good)
      checked++
    }
    expect(checked).toBeGreaterThan(7)
    expect(await openAndProve(path, [])).toBe(digest)
  })

  test('case 15: a log that ends below what was acknowledged is a possible loss, not a torn tail', async () => {
    const path = await temporaryDirectory()
    const { directory } = await makeItems(path)
    const wal = (await filesBelow(join(directory, 'wal'))).at(-1) ?? ''
    const good = await readFile(wal)
    await truncate(wal, good.length - 1)
    await expect(openItems(path)).rejects.toMatchObject({
      code: 'possible-loss',
      place: { file: wal },
    })
    expect((await readFile(wal)).length).toBe(good.length - 1)
    await writeFile(wal, good)
    await openItems(path)
  })

  test('case 20: an older manifest put back is a rollback', async () => {
    const path = await temporaryDirectory()
    const { directory } = await makeItems(path)
    await rm(join(directory, 'manifest-0000000003.json'))
    await expect(openItems(path)).rejects.toMatchObject({ code: 'rollback', exitCode: 13 })
  })

  test('case 21: a file truncated to nothing, or grown, is refused', async () => {
    const path = await temporaryDirectory()
    const { digest, directory } = await makeItems(path)
    for (const file of await filesBelow(directory)) {
      if (/manifest-000000000[12]\.json$/.test(file)) continue
      const good = await readFile(file)
      for (const bad of [Buffer.alloc(0), Buffer.concat([good, Buffer.from('garbage beyond')])]) {
        await writeFile(file, bad)
        const outcome = await openAndProve(path, [])
        const tornTail = file.endsWith('.wal') && bad.length > good.length
        if (tornTail)
          expect(outcome, file).toBe(digest) // bytes after the last record are no record
        else expect(outcome, `${file}, ${bad.length} bytes`).toMatchObject({ exitCode: 13 })
      }
      await writeFile(file, good)
    }
    expect(await openAndProve(path, [])).toBe(digest)
  })

  test('case 23: a newer format is refused with the advice to upgrade', async () => {
    const path = await temporaryDirectory()
    const { directory } = await makeItems(path)
    const file = join(directory, 'manifest-0000000003.json')
    const good = await readFile(file, 'utf8')
    await writeFile(file, good.replace('"version":2', '"version":99'))
    const before = await filesBelow(path)
    await expect(openItems(path)).rejects.toMatchObject({
      code: 'newer-format',
      hint: expect.stringMatching(/Upgrade/),
    })
    expect(await filesBelow(path)).toEqual(before)
  })
})

describe('a graph', () => {
  const count = 1200
  const dimension = 16
  const config = makeConfig({ dimension, metric: 'cosine', m: 8, efConstruction: 40 })
  const vectors = clusteredVectors({ count, dimension, seed: 3 })
  const points = Array.from({ length: count }, (_, row) => ({
    id: row,
    vector: rowOf(vectors, dimension, row),
  }))

  async function makeGraph(path: string): Promise<string> {
    const data = await openTest(path)
    const items = await data.create('items', config)
    await items.upsert(points)
    await items.checkpoint()
    await data.close()
    const graph = (await filesBelow(path)).find((file) => file.endsWith('.graph'))
    if (graph === undefined) throw new Error('a segment of this size has a graph')
    return graph
  }

  async function ask(path: string, warnings: string[]) {
    const data = await openTest(path, { warnings })
    try {
      const items = await data.open('items')
      const query = rowOf(vectors, dimension, 7)
      const found = await items.search(query, { k: 10 })
      return { found, stats: items.stats() }
    } finally {
      await data.close()
    }
  }

  test('answers the same after it is saved and loaded, and finds what is exact', async () => {
    const path = await temporaryDirectory()
    const data = await openTest(path)
    const items = await data.create('items', config)
    await items.upsert(points)
    await items.warm()
    await items.checkpoint()
    const query = rowOf(vectors, dimension, 7)
    const built = await items.search(query, { k: 10 })
    const exact = await items.search(query, { k: 10, exact: true })
    expect(items.stats().segments[0]).toMatchObject({ kind: 'sealed', index: 'graph' })
    await data.close()
    const { found, stats } = await ask(path, [])
    expect(stats.segments[0]?.index).toBe('graph')
    expect(found).toEqual(built)
    const ids = new Set(exact.map(({ id }) => id))
    expect(built.filter(({ id }) => ids.has(id)).length).toBeGreaterThanOrEqual(9)
  })

  test('case 17: damaged anywhere, it is built again from the vectors and the answers stay', async () => {
    const path = await temporaryDirectory()
    const graph = await makeGraph(path)
    const good = await readFile(graph)
    const { found: expected } = await ask(path, [])
    const random = seededRandom(17)
    let rebuilt = 0
    for (let flip = 0; flip < 6; flip++) {
      const bad = Buffer.from(good)
      const bit = random.integer(8 * good.length)
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await writeFile(graph, flip === 0 ? Buffer.alloc(0) : bad)
      const warnings: string[] = []
      const { found, stats } = await ask(path, warnings)
      expect(found, `bit ${bit}`).toEqual(expected)
      expect(stats.segments[0]?.index).toBe('graph')
      expect(warnings.join()).toMatch(/built again/)
      expect((await readFile(graph)).equals(good), 'the rebuilt graph is the same').toBe(true)
      rebuilt++
    }
    await rm(graph)
    const warnings: string[] = []
    expect((await ask(path, warnings)).found).toEqual(expected)
    expect(warnings.join()).toMatch(/missing/)
    console.log(
      `case 17, in a collection: ${rebuilt} damaged graphs and a missing one rebuilt, seed 17`,
    )
  })

  test('leaves deleted and overwritten points out, also after it is loaded again', async () => {
    const path = await temporaryDirectory()
    await makeGraph(path)
    const query = rowOf(vectors, dimension, 7)
    let data = await openTest(path)
    let items = await data.open('items')
    const before = await items.search(query, { k: 5 })
    const gone = before.slice(0, 2).map(({ id }) => id)
    await items.delete(gone)
    const moved = before[2]?.id
    await items.upsert([{ id: moved, vector: rowOf(vectors, dimension, 900).map((x) => -x) }])
    const after = await items.search(query, { k: 5 })
    for (const id of [...gone, moved]) expect(after.map((each) => each.id)).not.toContain(id)
    await items.checkpoint()
    await data.close()
    data = await openTest(path)
    items = await data.open('items')
    expect(await items.search(query, { k: 5 })).toEqual(after)
    expect(await items.search(query, { k: 5, exact: true })).toEqual(
      expect.arrayContaining(after.slice(0, 3).map(({ id }) => expect.objectContaining({ id }))),
    )
    await data.close()
  })
})

/** The digest recomputed from stored bytes, or the error. */
async function openAndProve(
  path: string,
  warnings: string[],
  disk: Disk = nodeDisk,
): Promise<unknown> {
  try {
    const data = await openTest(path, { warnings, disk })
    try {
      const items = await data.open('items')
      await items.warm()
      return items.digest
    } finally {
      await data.close()
    }
  } catch (error) {
    return error
  }
}
