/** Many clients of one collection at once: what came of it is one history, and no answer contradicts it. */
import { expect, test } from 'vitest'
import { createBackup } from '../../engine/backup/create.ts'
import { restoreSnapshot } from '../../engine/backup/restore.ts'
import type { Neighbour } from '../../engine/collection/search.ts'
import { MemoryDestination } from '../../engine/destination/memory.ts'
import { type CollectionConfig, makeConfig } from '../../engine/format/config.ts'
import type { PointId } from '../../engine/format/point.ts'
import {
  modelDigest,
  openTest,
  randomPoint,
  somePoints,
  type TestPoint,
} from '../support/collections.ts'
import { manualClock } from '../support/manual-clock.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { expectNearest } from '../support/model-search.ts'
import { seededRandom } from '../support/seeded-random.ts'

const clients = 8
const operations = 40

interface Write {
  readonly lsn: number
  readonly points: readonly TestPoint[]
  readonly gone: readonly PointId[]
  /** How many of `gone` the collection said were there. */
  readonly deleted: number
}

/** An answer, and between which LSNs it was found. */
interface Answer {
  readonly query: readonly number[]
  readonly from: number
  readonly to: number
  readonly found: readonly Neighbour[]
}

/** A point as it stood from one LSN up to another. */
interface Version {
  readonly point: TestPoint
  readonly from: number
  to: number
}

/** The history that the writes make in the order of their LSNs. */
class Model {
  readonly points = new Map<PointId, TestPoint>()
  readonly #digests = new Map<number, string>()
  readonly #versions = new Map<PointId, Version[]>()

  constructor(writes: readonly Write[], config: CollectionConfig) {
    for (const { lsn, points, gone, deleted } of writes.toSorted((a, b) => a.lsn - b.lsn)) {
      for (const point of points) {
        this.#end(point.id, lsn)
        this.points.set(point.id, point)
        const versions = this.#versions.get(point.id) ?? []
        versions.push({ point, from: lsn, to: Number.POSITIVE_INFINITY })
        this.#versions.set(point.id, versions)
      }
      const there = gone.filter((id) => this.points.delete(id))
      expect(deleted, `deleted at LSN ${lsn}`).toBe(there.length)
      for (const id of there) this.#end(id, lsn)
      this.#digests.set(lsn, modelDigest(this.points.values(), config))
    }
  }

  /** Every neighbour is a point that stood at some moment of the search, at its distance. */
  explain({ query, from, to, found }: Answer): void {
    let before = 0
    for (const { id, distance } of found) {
      expect(distance).toBeGreaterThanOrEqual(before)
      before = distance
      const fitting = (this.#versions.get(id) ?? []).filter((version) => {
        const own = Math.hypot(...version.point.vector.map((x, i) => x - (query[i] ?? 0)))
        return version.from <= to && version.to > from && Math.abs(own - distance) < 1e-4
      })
      expect(fitting, `${id} at ${distance}, LSN ${from} to ${to}`).not.toEqual([])
    }
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length)
  }

  /** The digest after the last write up to `lsn`; records of other kinds change nothing. */
  digestAt(lsn: number): string | undefined {
    const known = [...this.#digests].filter(([each]) => each <= lsn)
    return known.at(-1)?.[1]
  }

  #end(id: PointId, lsn: number): void {
    const last = this.#versions.get(id)?.at(-1)
    if (last !== undefined) last.to = Math.min(last.to, lsn)
  }
}

test.each([
  { index: 'flat', settings: {}, base: 200 },
  { index: 'hnsw', settings: { m: 8, efConstruction: 60 }, base: 1_200 },
] as const)(
  'case 39: search, insert, delete and snapshot mixed by eight clients, $index',
  async ({ index, settings, base }) => {
    const seed = 39
    const config = makeConfig({ dimension: 8, metric: 'l2', index, ...settings })
    const disk = new MemoryDisk()
    const clock = manualClock()
    const destination = new MemoryDestination()
    const data = await openTest('/d', { disk })
    const items = await data.create('items', config)
    const writes: Write[] = []
    const answers: Answer[] = []
    const snapshots: { readonly id: string; readonly lsn: number; readonly digest: string }[] = []
    const put = async (points: readonly TestPoint[]) => {
      const { lsn } = await items.upsert(points)
      writes.push({ lsn, points, gone: [], deleted: 0 })
    }
    await put(somePoints(seededRandom(seed), base))
    await items.checkpoint()
    await items.warm()

    const client = async (number: number) => {
      const random = seededRandom(100 * seed + number)
      const anyId = () => `p${random.integer(base + 50)}`
      for (let operation = 0; operation < operations; operation++) {
        const act = random.next()
        if (act < 0.4) {
          const ids = new Set(Array.from({ length: 1 + random.integer(4) }, anyId))
          await put([...ids].map((id) => randomPoint(random, id)))
        } else if (act < 0.6) {
          // one id: of several, each one is looked for at a moment of its own before the record is made
          const gone = [anyId()]
          const { lsn, deleted } = await items.delete(gone)
          if (deleted > 0) writes.push({ lsn, points: [], gone, deleted })
        } else if (act < 0.93) {
          const query = randomPoint(random, 'query').vector
          const from = items.lsn
          const found = await items.search(query, { k: 10, exact: random.chance(0.3) })
          answers.push({ query, from, to: items.lsn, found })
        } else if (act < 0.96) {
          await items.checkpoint()
        } else {
          const id = `s${number}-${operation}`
          const { lsn, digest } = await createBackup(items, {
            destination,
            snapshotId: id,
            disk,
            clock,
            golden: { sample: 2 },
          })
          snapshots.push({ id, lsn, digest })
        }
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))

    const model = new Model(writes, config)
    expect(items.lsn).toBeGreaterThanOrEqual(Math.max(...writes.map(({ lsn }) => lsn)))
    expect(items).toMatchObject({
      count: model.points.size,
      digest: modelDigest(model.points.values(), config),
    })
    expect(await items.proveDigest()).toBe(items.digest)
    for (const answer of answers) model.explain(answer)
    for (let query = 0; query < 20; query++) {
      await expectNearest(items, model.points, config, { seed: query, k: 10, exact: true })
    }
    expect(await recallOf(items)).toBeGreaterThanOrEqual(0.95)
    for (const { id, lsn, digest } of snapshots) expect(digest, id).toBe(model.digestAt(lsn))
    const last = snapshots.at(-1)
    const restored = await restoreSnapshot(data, {
      collection: 'items',
      newName: 'again',
      source: destination,
      disk,
      clock,
      ...(last && { snapshotId: last.id }),
    })
    expect(restored.digest).toBe(last?.digest)
    const { digest } = items
    await data.close()
    const again = await openTest('/d', { disk })
    expect((await again.open('items')).digest).toBe(digest)
    await again.close()
    console.log(
      `case 39, ${index}: ${writes.length} writes, ${answers.length} searches, ${snapshots.length} snapshots, seed ${seed}`,
    )
    expect(answers.length).toBeGreaterThan(60)
    expect(snapshots.length).toBeGreaterThan(3)
  },
)

/** Share of the true ten nearest that searches through the index find. */
async function recallOf(items: {
  search(
    query: unknown,
    options: { readonly k: number; readonly exact?: boolean },
  ): Promise<Neighbour[]>
}): Promise<number> {
  const random = seededRandom(40)
  let hits = 0
  let wanted = 0
  for (let query = 0; query < 50; query++) {
    const { vector } = randomPoint(random, 'query')
    const exact = await items.search(vector, { k: 10, exact: true })
    const found = new Set((await items.search(vector, { k: 10 })).map(({ id }) => id))
    hits += exact.filter(({ id }) => found.has(id)).length
    wanted += exact.length
  }
  return hits / wanted
}
