import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../../engine/base/checksum.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import type { GoldenQuestion } from '../../../engine/collection/golden-truth.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { encodeId, type PointId } from '../../../engine/format/point.ts'
import { SEGMENT_HEADER_BYTES } from '../../../engine/format/segment-header.ts'
import { openTest } from '../../support/collections.ts'
import { CountingDisk } from '../../support/counting-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts'
import { checkProperty } from '../format/property.ts'

const dimension = 3
const config = makeConfig({ dimension, metric: 'l2', index: 'flat' })
const disk = new CountingDisk(new MemoryDisk())
let data: DataDirectory
let collections = 0

beforeAll(async () => {
  data = await openTest('/d', { disk })
})
afterAll(() => data.close())

type Model = Map<PointId, number[]>

/** Few places, so that many distances are equal. */
const somewhere = (random: SeededRandom): number[] =>
  Array.from({ length: dimension }, () => random.integer(6))

async function write(
  items: Collection,
  model: Model,
  ids: readonly PointId[],
  random: SeededRandom,
) {
  const points = ids.map((id) => ({ id, vector: somewhere(random) }))
  await items.upsert(points)
  for (const { id, vector } of points) model.set(id, vector)
}

async function golden(items: Collection, sample: number, k: number, fresh = false) {
  const state = await items.pin()
  try {
    return await state.golden({ sample, k, fresh, keep: true })
  } finally {
    await state.release()
  }
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.sqrt(a.reduce((sum, value, at) => sum + (value - (b[at] ?? 0)) ** 2, 0))

/** Every question is of a live point that may be drawn, and its answer is what comparing all gives. */
function expectTruth(
  questions: readonly GoldenQuestion[],
  model: Model,
  sample: number,
  k: number,
): void {
  const rank = (id: PointId) => sha256(encodeId(id)).toString('hex')
  const byRank = [...model.keys()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
  const pool = byRank.slice(0, 2 * sample)
  const ids = questions.map(({ id }) => id)
  expect(ids).toHaveLength(Math.min(sample, model.size))
  expect(ids).toEqual(pool.filter((id) => ids.includes(id)))
  for (const { id, vector, neighbours } of questions) {
    expect([...vector]).toEqual(model.get(id))
    const all = [...model]
      .filter(([other]) => other !== id)
      .map(([other, of]) => ({ id: other, distance: distance([...vector], of) }))
    const expected = all.map((each) => each.distance).sort((a, b) => a - b)
    expect(neighbours.map((each) => each.distance)).toEqual(expected.slice(0, k))
    expect(new Set(neighbours.map((each) => each.id)).size).toBe(neighbours.length)
    for (const each of neighbours) {
      expect(all.find((other) => other.id === each.id)?.distance).toBe(each.distance)
    }
  }
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      from: fc.nat(220),
      count: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      from: fc.nat(220),
      count: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'near' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('golden' as const),
      sample: fc.integer({ min: 1, max: 8 }),
      k: fc.integer({ min: 1, max: 6 }),
    }),
  },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe('golden queries of a changing collection', () => {
  test('have the neighbours that comparing every point gives, whatever died since', async () => {
    const counts = { answers: 0, scans: 0, withoutScan: 0 }
    const run = async (seed: number, steps: readonly Step[]) => {
      const random = seededRandom(seed)
      const name = `items${collections++}`
      let items = await data.create(name, config)
      const model: Model = new Map()
      const ids = (from: number, count: number) =>
        Array.from({ length: count }, (_, index) => from + index)
      await write(items, model, ids(0, 150), random)
      await items.checkpoint()
      let last = { sample: 5, k: 3 }
      for (const each of [...steps, { kind: 'golden' as const, ...last }]) {
        if (each.kind === 'write') await write(items, model, ids(each.from, each.count), random)
        else if (each.kind === 'delete') {
          await items.delete(ids(each.from, each.count))
          for (const id of ids(each.from, each.count)) model.delete(id)
        } else if (each.kind === 'checkpoint') await items.checkpoint()
        else if (each.kind === 'near') {
          // uses up the surplus of one query: its nearest neighbours die
          const [first] = await golden(items, last.sample, 20)
          const near = first?.neighbours.map(({ id }) => id) ?? []
          await items.delete(near)
          for (const id of near) model.delete(id)
        } else {
          last = { sample: each.sample, k: each.k }
          disk.take()
          const questions = await golden(items, each.sample, each.k)
          expectTruth(questions, model, each.sample, each.k)
          const { readBytes } = disk.take(/\.vectors$/)
          counts.answers += questions.length
          // each query reads its own row; more than those are scans
          if (readBytes > 4 * dimension * 2 * each.sample) counts.scans++
          else counts.withoutScan++
        }
      }
      expectTruth(await golden(items, last.sample, last.k, true), model, last.sample, last.k)
      expect(items.count).toBe(model.size)
      items = await data.open(name)
      await data.drop(name)
    }
    await checkProperty(
      'golden truth',
      25,
      fc.asyncProperty(fc.integer(), fc.array(step, { minLength: 4, maxLength: 14 }), run),
    )
    console.log(`golden truth against brute force: ${JSON.stringify(counts)}`)
    expect(counts.scans).toBeGreaterThan(5)
    expect(counts.withoutScan).toBeGreaterThan(5)
  }, 60_000)

  /** Several segments and a memory segment, golden queries found once. */
  async function grown(name: string, random: SeededRandom, sample = 16) {
    const items = await data.create(name, config)
    const model: Model = new Map()
    for (const from of [0, 300, 600]) {
      await write(
        items,
        model,
        Array.from({ length: 300 }, (_, index) => from + index),
        random,
      )
      await items.checkpoint()
    }
    await write(items, model, [900, 901], random)
    expectTruth(await golden(items, sample, 5), model, sample, 5)
    return { items, model }
  }

  test('are known when the directory is opened again', async () => {
    const random = seededRandom(2)
    const { items, model } = await grown('reopened', random)
    await items.checkpoint()
    expectTruth(await golden(items, 16, 5), model, 16, 5)
    const stored = disk
    await data.close()
    data = await openTest('/d', { disk: stored })
    const again = await data.open('reopened')
    await write(again, model, [5, 950], random)
    disk.take()
    expectTruth(await golden(again, 16, 5), model, 16, 5)
    expect(disk.take(/\.vectors$/).readBytes).toBeLessThan(1000)
  })

  test('are known of a segment that is sealed later: the next backup reads no vectors and writes nothing', async () => {
    const random = seededRandom(8)
    const { items, model } = await grown('sealed-later', random)
    await items.checkpoint()
    await golden(items, 16, 5)
    for (const from of [2_000, 3_000]) {
      await write(
        items,
        model,
        Array.from({ length: 200 }, (_, index) => from + index),
        random,
      )
      await items.delete([from, from + 7])
      for (const id of [from, from + 7]) model.delete(id)
      disk.take()
      await items.checkpoint()
      expect(disk.take(/\.truth$/).writtenBytes).toBeGreaterThan(500)
      expectTruth(await golden(items, 16, 5), model, 16, 5)
      expect(disk.take(/\.truth$/).writtenBytes).toBe(0)
    }
    const every = items.manifest.segments.map(({ truth }) => truth !== null)
    expect(every).toEqual(Array(every.length).fill(true))
  })

  test('are searched by the next backup in a segment that was sealed while a file was damaged', async () => {
    const random = seededRandom(9)
    const { items, model } = await grown('sealed-blind', random)
    await items.checkpoint()
    await golden(items, 16, 5)
    const truth = items.manifest.segments[0]?.truth?.path ?? 'none'
    const own = (await disk.list('/d/collections')).find((name) => name.startsWith(items.uuid))
    const opened = await disk.open(`/d/collections/${own}/${truth}`, 'append')
    await opened.write(Buffer.from([0xff]), 80)
    await opened.close()
    await write(items, model, [4_000, 4_001], random)
    await items.checkpoint()
    expect(items.manifest.segments.at(-1)?.truth).toBeNull()
    expectTruth(await golden(items, 16, 5), model, 16, 5)
    expect(items.manifest.segments.at(-1)?.truth).not.toBeNull()
  })

  test('a vector that rotted in another segment keeps none from being sealed', async () => {
    const random = seededRandom(10)
    const { items, model } = await grown('sealed-beside-rot', random)
    await items.checkpoint()
    const asked = await golden(items, 16, 5)
    // the first 300 points are the first segment, in the order of their ids
    const rotten = Number(asked.find(({ id }) => Number(id) < 300)?.id)
    const vectors = items.manifest.segments[0]?.vectors.path ?? 'none'
    const own = (await disk.list('/d/collections')).find((name) => name.startsWith(items.uuid))
    const opened = await disk.open(`/d/collections/${own}/${vectors}`, 'append')
    await opened.write(Buffer.from([0xff, 0xff]), SEGMENT_HEADER_BYTES + 4 * dimension * rotten)
    await opened.close()
    await write(items, model, [4_000, 4_001], random)
    await items.checkpoint()
    await write(items, model, [4_002], random)
    await items.checkpoint()
    expect(items.manifest.segments.at(-1)?.truth).toBeNull()
    expect(items.count).toBe(model.size)
  })

  test('stay known when segments are merged, and what is dead is left out of them', async () => {
    const random = seededRandom(6)
    const { items, model } = await grown('merged', random)
    for (const id of [1, 2, 3, 400, 401, 700]) model.delete(id)
    await items.delete([1, 2, 3, 400, 401, 700])
    await items.checkpoint()
    expectTruth(await golden(items, 16, 5), model, 16, 5)
    await items.compact()
    expect(items.stats().segments.filter(({ kind }) => kind === 'sealed')).toHaveLength(1)
    disk.take()
    expectTruth(await golden(items, 16, 5), model, 16, 5)
    expect(disk.take(/\.vectors$/).readBytes).toBeLessThan(1000)
  })

  test('take a spare point when one of theirs changes, and are refilled in one go', async () => {
    const random = seededRandom(3)
    const { items, model } = await grown('spares', random)
    const scans: boolean[] = []
    for (let round = 0; round < 12; round++) {
      const [first] = await golden(items, 16, 5)
      await write(items, model, [first?.id ?? 0], random)
      disk.take()
      const questions = await golden(items, 16, 5)
      expectTruth(questions, model, 16, 5)
      scans.push(disk.take(/\.vectors$/).readBytes > 3000)
      expect(questions.map(({ id }) => id)).not.toContain(scans.at(-1) ? undefined : first?.id)
    }
    // eight spares last for eight changes, then there are eight again
    expect(scans).toEqual([...Array(8).fill(false), true, false, false, false])
  })

  test('are found anew, with a warning, when their file is damaged or gone', async () => {
    const warnings: string[] = []
    const memory = new MemoryDisk()
    const first = await openTest('/e', { disk: memory })
    const items = await first.create('items', config)
    const model: Model = new Map()
    await write(
      items,
      model,
      Array.from({ length: 200 }, (_, index) => index),
      seededRandom(4),
    )
    await items.checkpoint()
    await golden(items, 8, 5)
    await first.close()
    const [directory = ''] = await memory.list('/e/collections')
    const segments = `/e/collections/${directory}/segments`
    const truth = async () =>
      `${segments}/${(await memory.list(segments)).find((name) => name.endsWith('.truth'))}`
    for (const harm of ['damaged', 'gone']) {
      const file = await truth()
      if (harm === 'gone') await memory.unlink(file)
      else {
        const handle = await memory.open(file, 'append')
        await handle.write(Buffer.from([1]), 70)
        await handle.close()
      }
      const again = await openTest('/e', { disk: memory, warnings })
      const reopened = await again.open('items')
      expectTruth(await golden(reopened, 8, 5), model, 8, 5)
      expect(warnings.splice(0).join()).toMatch(/golden queries in segment 1 are searched anew/)
      expectTruth(await golden(reopened, 8, 5), model, 8, 5)
      expect(warnings).toEqual([])
      expect(await truth()).not.toBe(file)
      await again.close()
    }
  })

  test('are backed up all the same when there is no room to keep them', async () => {
    const memory = new MemoryDisk({ capacityBytes: 40_000 })
    const warnings: string[] = []
    const directory = await openTest('/f', { disk: memory, warnings })
    const items = await directory.create('items', config)
    const model: Model = new Map()
    const ids = Array.from({ length: 120 }, (_, index) => index)
    await write(items, model, ids, seededRandom(5))
    await items.checkpoint()
    expectTruth(await golden(items, 60, 50), model, 60, 50)
    expect(warnings.join()).toMatch(/are not kept, the next backup searches them anew/)
    expectTruth(await golden(items, 60, 50), model, 60, 50)
    await directory.close()
  })
})
