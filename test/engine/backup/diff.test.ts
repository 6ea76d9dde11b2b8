import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { diffSnapshots } from '../../../engine/backup/diff.ts'
import { readSnapshot } from '../../../engine/backup/list.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { systemClock } from '../../../engine/base/clock.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { acceptPoint, hashPoint, type PointId } from '../../../engine/format/point.ts'
import { openTest } from '../../support/collections.ts'
import { CountingDisk } from '../../support/counting-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { checkProperty } from '../format/property.ts'

const config = makeConfig({ dimension: 2, metric: 'l2', index: 'flat' })
const disk = new CountingDisk(new MemoryDisk())
const world = { disk, clock: systemClock }
let data: DataDirectory
let collections = 0

beforeAll(async () => {
  data = await openTest('/d', { disk })
})
afterAll(() => data.close())

const backUp = (items: Collection, snapshotId: string) =>
  createBackup(items, { ...world, destination: '/r', snapshotId, golden: { sample: 0 } })
const diff = (collection: string, snapshotId: string, against?: string) =>
  diffSnapshots({ source: '/r', collection, snapshotId, disk, ...(against && { against }) })

const range = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => from + index)
const point = (id: PointId, value: number) => ({ id, vector: [value, 1], metadata: { value } })

const step = fc.oneof(
  fc.record({
    kind: fc.constant('upsert' as const),
    from: fc.nat(40),
    count: fc.integer({ min: 1, max: 20 }),
    value: fc.nat(2),
  }),
  fc.record({
    kind: fc.constant('delete' as const),
    from: fc.nat(40),
    count: fc.integer({ min: 1, max: 15 }),
  }),
  fc.constant({ kind: 'checkpoint' as const }),
  fc.constant({ kind: 'backup' as const }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe('the difference between two snapshots', () => {
  test('is that of the points they hold, whether in segments or in the log', async () => {
    let compared = 0
    const run = async (steps: readonly Step[]) => {
      const name = `items${collections++}`
      const items = await data.create(name, config)
      const model = new Map<PointId, string>()
      const states: Map<PointId, string>[] = []
      for (const each of [...steps, { kind: 'backup' as const }]) {
        if (each.kind === 'upsert') {
          const points = range(each.from, each.count).map((id) => point(id, each.value))
          await items.upsert(points)
          for (const given of points) {
            model.set(given.id, hashPoint(acceptPoint(given, config)).toString('hex'))
          }
        } else if (each.kind === 'delete') {
          await items.delete(range(each.from, each.count))
          for (const id of range(each.from, each.count)) model.delete(id)
        } else if (each.kind === 'checkpoint') await items.checkpoint()
        else {
          await backUp(items, `s${states.length}`)
          states.push(new Map(model))
        }
      }
      for (const [index, to] of states.entries()) {
        for (const [earlier, from] of states.entries()) {
          const { points } = await diff(name, `s${index}`, `s${earlier}`)
          const both = [...to].filter(([id]) => from.has(id))
          expect(points).toEqual({
            added: to.size - both.length,
            removed: from.size - both.length,
            changed: both.filter(([id, hash]) => from.get(id) !== hash).length,
            unchanged: both.filter(([id, hash]) => from.get(id) === hash).length,
          })
          compared++
        }
      }
      await data.drop(name)
    }
    const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), run)
    await checkProperty('difference of snapshots', 40, property)
    console.log(`${compared} pairs of snapshots compared`)
    expect(compared).toBeGreaterThan(40)
  }, 60_000)

  test('reads no vectors, and nothing of segments that are the same', async () => {
    const items = await data.create('large', config)
    await items.upsert(range(0, 3000).map((id) => point(id, 1)))
    await items.checkpoint()
    await backUp(items, 'first')
    await items.upsert(range(3000, 10).map((id) => point(id, 1)))
    await items.checkpoint()
    await backUp(items, 'second')
    const { sizes } = (
      await readSnapshot({ ...world, source: '/r', collection: 'large', snapshotId: 'second' })
    ).manifest
    disk.take()
    const added = await diff('large', 'second')
    expect(disk.take(/objects/).readBytes).toBeLessThan(0.1 * sizes.totalBytes)
    expect(added.points).toEqual({ added: 10, removed: 0, changed: 0, unchanged: 3000 })
    expect(added.from?.snapshotId).toBe('first')
    expect(added.objects.added.bytes).toBeLessThan(0.1 * sizes.totalBytes)
    const { shared, added: fresh } = added.objects
    expect(shared.bytes + fresh.bytes).toBe(sizes.totalBytes)
    expect(added.settings).toEqual([])
    await data.drop('large')
  })

  test('takes everything for added in the first, and names settings that differ', async () => {
    const items = await data.create('named', config)
    await items.upsert([point('a', 1)])
    await backUp(items, 'first')
    expect(await diff('named', 'first')).toMatchObject({
      from: null,
      points: { added: 1, removed: 0, changed: 0, unchanged: 0 },
      objects: { shared: { objects: 0, bytes: 0 }, left: { objects: 0, bytes: 0 } },
    })
    await data.aliases.set('further', 'named')
    await backUp(items, 'second')
    await data.drop('named')
    await restoreSnapshot(data, {
      ...world,
      collection: 'named',
      source: '/r',
      snapshotId: 'first',
    })
    await backUp(await data.open('named'), 'third')
    const { points, settings } = await diff('named', 'third', 'second')
    expect(points).toEqual({ added: 0, removed: 0, changed: 0, unchanged: 1 })
    expect(settings).toEqual([
      'alias further is unset, was set',
      expect.stringMatching(/^epoch.history is [0-9a-f]{16}, was [0-9a-f]{16}$/),
      'epoch.number is 2, was 1',
    ])
  })

  test('case 74: names the object that is damaged or missing, and the snapshot before that is gone', async () => {
    const items = await data.create('harmed', config)
    await items.upsert(range(0, 30).map((id) => point(id, 1)))
    await items.checkpoint()
    await backUp(items, 'first')
    await items.upsert(range(20, 30).map((id) => point(id, 2)))
    await backUp(items, 'second')
    const read = { ...world, source: '/r', collection: 'harmed', snapshotId: 'second' }
    const { files } = (await readSnapshot(read)).manifest
    const name = files.find(({ path }) => path.endsWith('.points'))?.pieces[0]?.sha256 ?? ''
    const object = `/r/objects/${name.slice(0, 2)}/${name}`
    const bytes = await disk.readFile(object, 1e6)
    const handle = await disk.open(object, 'append')
    await handle.write(Buffer.from([~(bytes[100] ?? 0)]), 100)
    await handle.close()
    await expect(diff('harmed', 'second')).rejects.toMatchObject({
      code: 'damaged',
      place: { file: object },
    })
    await disk.unlink(object)
    await expect(diff('harmed', 'second')).rejects.toMatchObject({ code: 'missing-file' })
    await disk.unlink('/r/snapshots/harmed/first.json')
    await expect(diff('harmed', 'second')).rejects.toMatchObject({ code: 'snapshot-not-found' })
  })
})
