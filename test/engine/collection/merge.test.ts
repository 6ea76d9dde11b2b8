import { describe, expect, onTestFinished, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { systemClock } from '../../../engine/base/clock.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { type CollectionConfig, makeConfig } from '../../../engine/format/config.ts'
import { filesOf } from '../../../engine/format/manifest.ts'
import type { PointId } from '../../../engine/format/point.ts'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import {
  modelDigest,
  type OpenTestOptions,
  openTest,
  type TestPoint,
} from '../../support/collections.ts'
import { GatedDisk } from '../../support/gated-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const dimension = 8
const perSegment = 1_150
const rounds = 3
const stored = rounds * perSegment
/** Rows after the stored ones: what is written later, and queries. */
const vectors = clusteredVectors({ count: stored + 400, dimension, seed: 61 })
const queries = Array.from({ length: 25 }, (_, index) => rowOf(vectors, dimension, stored + index))

const kinds = {
  hnsw: makeConfig({ dimension, metric: 'l2', index: 'hnsw', m: 8, efConstruction: 40 }),
  denser: makeConfig({ dimension, metric: 'l2', index: 'hnsw', m: 10, efConstruction: 40 }),
  ivf: makeConfig({ dimension, metric: 'l2', index: 'ivf', lists: 16, nprobe: 8 }),
} satisfies Record<string, CollectionConfig>
const searchedBy = { hnsw: 'graph', denser: 'graph', ivf: 'lists' } as const
type Kind = keyof typeof kinds

const point = (id: PointId, row: number): TestPoint => ({
  id,
  vector: [...rowOf(vectors, dimension, row)],
  metadata: { group: row % 5, text: `row ${row}` },
})

/** A collection and what must be in it. */
class Subject {
  readonly items: Collection
  readonly model: Map<PointId, TestPoint>
  /** Changes with a reindex. */
  kind: Kind

  constructor(items: Collection, kind: Kind, model = new Map<PointId, TestPoint>()) {
    this.items = items
    this.kind = kind
    this.model = model
  }

  async put(points: readonly TestPoint[]): Promise<void> {
    await this.items.upsert(points)
    for (const each of points) this.model.set(each.id, each)
  }

  async remove(ids: readonly PointId[]): Promise<void> {
    await this.items.delete(ids)
    for (const id of ids) this.model.delete(id)
  }

  /** Segments that each have an index, with deleted and overwritten points, and a tail in memory. */
  async fill(): Promise<this> {
    for (let round = 0; round < rounds; round++) {
      const from = round * perSegment
      await this.put(Array.from({ length: perSegment }, (_, row) => point(from + row, from + row)))
      await this.items.checkpoint()
    }
    await this.remove(every(10, 0, perSegment))
    await this.put(every(9, perSegment, stored).map((id) => point(id, stored + (id % 300))))
    return this
  }

  /** @returns recall@10 against plain arithmetic; what is found is there, at its distance */
  async recall(): Promise<number> {
    let hits = 0
    for (const query of queries) {
      const distanceOf = ({ vector }: TestPoint) =>
        Math.sqrt(vector.reduce((sum, value, i) => sum + (value - (query[i] ?? 0)) ** 2, 0))
      const distances = [...this.model.values()].map(distanceOf).sort((a, b) => a - b)
      const tenth = distances[9] ?? Number.NaN
      for (const { id, distance } of await this.items.search(query, { k: 10 })) {
        const found = this.model.get(id)
        if (found === undefined) throw new Error(`${id} was found and is not there`)
        expect(distance).toBeCloseTo(distanceOf(found), 4)
        if (distance <= tenth + 1e-5) hits++
      }
    }
    return hits / (10 * queries.length)
  }

  async expectSound(): Promise<void> {
    const { items, model, kind } = this
    expect([items.count, items.digest]).toEqual([
      model.size,
      modelDigest(model.values(), kinds[kind]),
    ])
    expect(await items.proveDigest()).toBe(items.digest)
    expect(await this.recall()).toBeGreaterThanOrEqual(0.95)
  }

  /** One segment, with an index, and nothing dead. */
  expectOneSegment(): void {
    const { segments } = this.items.manifest
    const indexes = segments.map(({ graph, lists }) => [graph !== null, lists !== null])
    expect(indexes).toEqual([[this.kind !== 'ivf', this.kind === 'ivf']])
    expect(this.items.stats()).toMatchObject({ deleted: 0, points: this.model.size })
  }

  /** The answers to all queries, to be compared with those of another time. */
  async answers(): Promise<unknown[]> {
    const answers: unknown[] = []
    for (const query of queries) answers.push(await this.items.search(query, { k: 10 }))
    return answers
  }
}

const every = (step: number, from: number, to: number): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step)

async function open(disk: GatedDisk, options: Partial<OpenTestOptions> = {}) {
  const data = await openTest('/d', { disk, ...options })
  onTestFinished(() => data.close())
  return data
}

/** The collection after the process was ended and started again. */
async function reopened(data: DataDirectory, disk: GatedDisk, before: Subject) {
  await data.close()
  const again = await open(disk)
  return { again, subject: new Subject(await again.open('items'), before.kind, before.model) }
}

/** No file stands there that the manifest does not name. */
async function expectTidy(disk: GatedDisk, items: Collection): Promise<void> {
  const [name] = await disk.list('/d/collections')
  const there = (await disk.list(`/d/collections/${name}/segments`)).map(
    (each) => `segments/${each}`,
  )
  expect(there.sort()).toEqual(
    filesOf(items.manifest)
      .map(({ path }) => path)
      .sort(),
  )
}

/** The index file that a reindex builds for a segment. */
const reindexed = /\/\d{8}\.\d{16}\.(graph|lists)$/
/** The index file of a merged segment. */
const mergedIndex = /\/5\d{7}\.(graph|lists)$/

describe('compaction of indexed segments', () => {
  test.each([
    ['hnsw', 'warm'],
    ['hnsw', 'cold'],
    ['ivf', 'cold'],
  ] as const)(
    'makes one index of many beside deletes, overwrites and searches: %s, %s',
    async (kind, temperature) => {
      const disk = new GatedDisk(new MemoryDisk())
      const data = await open(disk)
      const subject = await new Subject(await data.create('items', kinds[kind]), kind).fill()
      const { items } = subject
      if (temperature === 'warm') await items.warm()
      const gate = disk.hold(mergedIndex)
      const compacting = items.compact()
      // everything is read and the index is built by now, and nothing is committed
      await gate.reached()
      expect(items.isWarm).toBe(temperature === 'warm')
      await subject.remove(every(7, 1, stored))
      await subject.put(every(13, 5, stored).map((id) => point(id, stored + (id % 300))))
      await items.checkpoint()
      await subject.remove(every(11, 3, stored))
      await subject.put(every(17, 2, stored).map((id) => point(id, stored + 50 + (id % 300))))
      await subject.expectSound()
      const searching = subject.recall()
      gate.open()
      expect(await compacting).toMatchObject({ segments: { after: 2 } })
      expect(await searching).toBeGreaterThanOrEqual(0.95)
      const merged = items.stats().segments.find(({ number }) => number >= 50_000_000)
      expect(merged?.index).toBe(searchedBy[kind])
      expect(merged?.deleted).toBeGreaterThan(stored / 7)
      await subject.expectSound()
      await items.compact()
      subject.expectOneSegment()
      await subject.expectSound()
      await expectTidy(disk, items)

      const answers = await subject.answers()
      const { again, subject: later } = await reopened(data, disk, subject)
      expect(await later.answers()).toEqual(answers)
      await later.expectSound()
      const place = { disk, clock: systemClock }
      const golden = { sample: 8, k: 5 }
      await createBackup(later.items, { ...place, destination: '/r', snapshotId: 's', golden })
      const restored = await restoreSnapshot(again, {
        ...place,
        collection: 'items',
        newName: 'back',
        source: '/r',
      })
      expect(restored).toMatchObject({ graphs: 'kept', graphFiles: { kept: 1, rebuilt: 0 } })
      const back = new Subject(await again.open('back'), kind, subject.model)
      expect(await back.answers()).toEqual(answers)
      back.expectOneSegment()
      await back.expectSound()
    },
  )

  test('given up in the middle leaves all as it was', async () => {
    const disk = new GatedDisk(new MemoryDisk())
    const data = await open(disk)
    const subject = await new Subject(await data.create('items', kinds.hnsw), 'hnsw').fill()
    await subject.items.checkpoint()
    const { segments } = subject.items.manifest
    const gate = disk.hold(mergedIndex)
    const giveUp = new AbortController()
    const compacting = subject.items.compact(giveUp.signal)
    await gate.reached()
    giveUp.abort(new Error('enough'))
    gate.open()
    await expect(compacting).rejects.toThrow('enough')
    expect(subject.items.manifest.segments).toEqual(segments)
    await subject.expectSound()
    await expectTidy(disk, subject.items)
    const { subject: later } = await reopened(data, disk, subject)
    await later.expectSound()
    await later.items.compact()
    later.expectOneSegment()
    await later.expectSound()
  })

  test('ends when the collection is closed while a graph is built, and opens as it was', async () => {
    const disk = new GatedDisk(new MemoryDisk())
    let closed: Promise<void> | undefined
    const data = await open(disk, {
      progress: ({ phase, total = 0 }) => {
        if (phase === 'build-graph' && total > 2 * perSegment) closed ??= data.close()
      },
    })
    const subject = await new Subject(await data.create('items', kinds.hnsw), 'hnsw').fill()
    await subject.items.checkpoint()
    const { segments } = subject.items.manifest
    await expect(subject.items.compact()).rejects.toThrow('given up')
    expect(closed).toBeDefined()
    await closed
    const later = new Subject(await (await open(disk)).open('items'), 'hnsw', subject.model)
    expect(later.items.manifest.segments).toEqual(segments)
    await expectTidy(disk, later.items)
    await later.expectSound()
  })

  test('begins in the background when four graphs of one size are there, beside writes', async () => {
    const disk = new GatedDisk(new MemoryDisk())
    const warnings: string[] = []
    const data = await open(disk, { compaction: 'background', warnings })
    const subject = new Subject(await data.create('items', kinds.hnsw), 'hnsw')
    const { items } = subject
    const building = disk.hold(mergedIndex)
    await subject.fill()
    expect(items.stats().compaction).toMatchObject({ running: false, merges: 0 })
    await subject.put(Array.from({ length: perSegment }, (_, row) => point(`more ${row}`, row)))
    await items.checkpoint()
    await building.reached()
    expect(items.stats().compaction).toMatchObject({ mode: 'background', running: true, merges: 0 })
    await subject.remove(every(23, 6, stored))
    await subject.put(every(29, 8, stored).map((id) => point(id, stored + (id % 300))))
    const next = String(items.manifest.sequence + 1).padStart(10, '0')
    const committing = disk.hold(new RegExp(`manifest-${next}\\.json\\.tmp$`))
    building.open()
    await committing.reached()
    await subject.remove(every(31, 9, stored))
    committing.open()
    await items.checkpoint() // in turn with the commit of the merge
    const { merges, failures } = items.stats().compaction
    expect({ merges, failures }).toEqual({ merges: 1, failures: 0 })
    const numbers = items.manifest.segments.map(({ number, graph }) => [number, graph !== null])
    expect(numbers).toEqual([
      [rounds + 2, false],
      [50_000_000, true],
    ])
    await subject.expectSound()
    const { subject: later } = await reopened(data, disk, subject)
    await later.expectSound()
    await expectTidy(disk, later.items)
    expect(warnings).toEqual([])
  })

  test('on request takes over from the one in the background', async () => {
    const disk = new GatedDisk(new MemoryDisk())
    const warnings: string[] = []
    const data = await open(disk, { compaction: 'background', warnings })
    const subject = await new Subject(await data.create('items', kinds.ivf), 'ivf').fill()
    const { items } = subject
    const building = disk.hold(mergedIndex)
    await subject.put(Array.from({ length: perSegment }, (_, row) => point(`more ${row}`, row)))
    await items.checkpoint()
    await building.reached()
    const compacting = items.compact()
    building.open()
    expect(await compacting).toMatchObject({ segments: { after: 1 } })
    expect(items.stats().compaction).toMatchObject({ running: false, merges: 1, failures: 0 })
    subject.expectOneSegment()
    await subject.expectSound()
    await expectTidy(disk, items)
    expect(warnings).toEqual([])
  })

  test('case 98: of a graph with half of its points deleted, recall stays before and after', async () => {
    const disk = new GatedDisk(new MemoryDisk())
    const data = await open(disk)
    const subject = await new Subject(await data.create('items', kinds.hnsw), 'hnsw').fill()
    await subject.items.warm()
    const ids = [...subject.model.keys()]
    await subject.remove(ids.filter((_, index) => index % 2 === 0))
    const before = await subject.recall()
    await subject.expectSound()
    await subject.items.compact()
    subject.expectOneSegment()
    const after = await subject.recall()
    await subject.expectSound()
    console.log(`case 98: half deleted: recall@10 ${before}, compacted ${after}`)
    const { subject: later } = await reopened(data, disk, subject)
    await later.expectSound()
  })
})

describe('a reindex and a merge at once', () => {
  /** All indexes are of the new settings, also for whoever opens the collection next. */
  async function expectReindexed(data: DataDirectory, disk: GatedDisk, subject: Subject) {
    expect(subject.items.config.index).toEqual(kinds[subject.kind].index)
    subject.expectOneSegment()
    await subject.expectSound()
    await expectTidy(disk, subject.items)
    await data.close()
    const warnings: string[] = []
    const again = await open(disk, { warnings })
    const later = new Subject(await again.open('items'), subject.kind, subject.model)
    await later.items.warm()
    expect(later.items.stats().segments.map(({ index }) => index)).toEqual([
      searchedBy[subject.kind],
    ])
    expect(warnings, 'an index of other settings would be built again').toEqual([])
    later.expectOneSegment()
    await later.expectSound()
  }

  test.each([
    ['hnsw', 'denser', 'warm'],
    ['hnsw', 'ivf', 'cold'],
  ] as const)(
    'commits the merge with the new index when the reindex ends first: %s to %s, %s',
    async (from, to, temperature) => {
      const disk = new GatedDisk(new MemoryDisk())
      const data = await open(disk)
      const subject = await new Subject(await data.create('items', kinds[from]), from).fill()
      if (temperature === 'warm') await subject.items.warm()
      const gate = disk.hold(mergedIndex)
      const compacting = subject.items.compact()
      await gate.reached()
      expect(await subject.items.reindex(kinds[to].index)).toEqual({ changed: true, built: rounds })
      subject.kind = to
      await subject.remove(every(19, 4, stored))
      gate.open()
      await compacting
      await subject.items.compact() // without what was deleted meanwhile
      await expectReindexed(data, disk, subject)
    },
  )

  test.each([
    ['ivf', 'hnsw', 'warm'],
    ['hnsw', 'denser', 'cold'],
  ] as const)(
    'gives the merged segment the new index when the merge ends first: %s to %s, %s',
    async (from, to, temperature) => {
      const disk = new GatedDisk(new MemoryDisk())
      const data = await open(disk)
      const subject = await new Subject(await data.create('items', kinds[from]), from).fill()
      if (temperature === 'warm') await subject.items.warm()
      const gate = disk.hold(reindexed)
      const reindexing = subject.items.reindex(kinds[to].index)
      await gate.reached()
      await subject.items.compact()
      subject.expectOneSegment()
      await subject.expectSound()
      gate.open()
      expect(await reindexing).toMatchObject({ changed: true })
      subject.kind = to
      await expectReindexed(data, disk, subject)
    },
  )
})
