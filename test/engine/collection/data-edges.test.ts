/** What is empty, odd, twice or foreign: refused whole, or the same after a backup and a restore. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { walDirectoryOf } from '../../../engine/collection/open-files.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { encodeOperation } from '../../../engine/format/operation.ts'
import { encodePoint, type PointId } from '../../../engine/format/point.ts'
import { encodeRecord, WAL_HEADER_BYTES } from '../../../engine/format/wal-record.ts'
import { walFileName } from '../../../engine/wal/wal-files.ts'
import {
  breakLock,
  modelDigest,
  openTest,
  randomPoint,
  smallConfig,
  somePoints,
  type TestPoint,
  threadless,
} from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const outside = { disk: nodeDisk, clock: manualClock() }

/** Backs `items` up, restores it beside itself, and expects the same count, digest and stored bytes. */
async function expectSameAfterRestore(data: DataDirectory, items: Collection): Promise<Collection> {
  const destination = new MemoryDestination()
  await createBackup(items, { ...outside, destination, snapshotId: 's', golden: { sample: 0 } })
  const newName = 'restored'
  if (data.has(newName)) await data.drop(newName)
  const { count, digest } = await restoreSnapshot(threadless(data), {
    ...outside,
    collection: items.name,
    source: destination,
    newName,
  })
  expect({ count, digest }).toEqual({ count: items.count, digest: items.digest })
  const restored = await data.open(newName)
  expect(await restored.proveDigest()).toBe(items.digest)
  return restored
}

test.each(['flat', 'hnsw'])(
  'case 98: no points, all deleted, and added again are the same after a restore (%s)',
  async (index) => {
    const data = await openTest(await temporaryDirectory())
    const config = makeConfig({ dimension: 8, metric: 'l2', index })
    const items = await data.create('items', config)
    const query = Array.from({ length: 8 }, () => 1)
    const expectEmpty = async (collection: Collection) => {
      expect(collection.count).toBe(0)
      expect(collection.digest).toBe(modelDigest([], config))
      expect(await collection.search(query)).toEqual([])
    }
    await expectEmpty(await expectSameAfterRestore(data, items))
    const points = somePoints(seededRandom(98), 1100)
    await items.upsert(points)
    await items.checkpoint()
    await items.delete(points.map(({ id }) => id))
    await expectEmpty(items)
    await items.checkpoint()
    await expectEmpty(await expectSameAfterRestore(data, items))
    await items.upsert(points)
    expect(items.digest).toBe(modelDigest(points, config))
    const restored = await expectSameAfterRestore(data, items)
    const [nearest] = await restored.search(points[7]?.vector, { k: 1 })
    expect(nearest?.id).toBe(points[7]?.id)
    await data.close()
  },
)

test('case 98: with half of the points deleted the graph still finds 95 % of the nearest, also restored', async () => {
  const data = await openTest(await temporaryDirectory())
  const items = await data.create('items', makeConfig({ dimension: 8, metric: 'l2' }))
  const random = seededRandom(50)
  const points = somePoints(random, 2000)
  await items.upsert(points)
  await items.checkpoint()
  await items.delete(random.shuffle(points.map(({ id }) => id)).slice(0, 1000))
  for (const collection of [items, await expectSameAfterRestore(data, items)]) {
    let found = 0
    for (let query = 0; query < 50; query++) {
      const { vector } = randomPoint(random, 'query')
      const exact = new Set((await collection.search(vector, { exact: true })).map(({ id }) => id))
      found += (await collection.search(vector)).filter(({ id }) => exact.has(id)).length
    }
    expect(found / 500).toBeGreaterThanOrEqual(0.95)
  }
  await data.close()
})

test('case 98: of an id that is twice in a batch the last one counts, and ids keep their kind and size', async () => {
  const data = await openTest(await temporaryDirectory())
  const items = await data.create('items', smallConfig)
  const random = seededRandom(1)
  const ids: PointId[] = [
    5,
    '5',
    2 ** 32 + 5,
    2 ** 53 - 1,
    0,
    '',
    '05',
    'é',
    'e\u0301',
    '😀',
    '__proto__',
  ]
  const model = new Map<PointId, TestPoint>()
  const batch = [...ids, ...ids, 5].map((id) => randomPoint(random, id))
  for (const point of batch) model.set(point.id, point)
  const longest = 'x'.repeat(1024)
  const accepted = batch.filter(({ id }) => id !== '')
  model.delete('')
  await expect(items.upsert(batch)).rejects.toMatchObject({ code: 'invalid-point' })
  expect(items.count).toBe(0)
  await items.upsert([...accepted, randomPoint(random, longest)])
  expect(items.count).toBe(model.size + 1)
  await items.delete([longest, 'nobody', longest])
  const restored = await expectSameAfterRestore(data, items)
  expect(restored.digest).toBe(modelDigest(model.values()))
  for (const { id, vector } of model.values()) {
    expect([...((await restored.get(id))?.vector ?? [])], JSON.stringify(id)).toEqual(vector)
  }
  await data.close()
})

test('case 98: a collection name that is no plain name is refused before anything is made', async () => {
  const disk = new MemoryDisk()
  const data = await openTest('/d', { disk })
  const names = [
    '',
    '.',
    '..',
    'con',
    'NUL.txt',
    '😀',
    'é',
    'e\u0301',
    'a/b',
    'a\0',
    'x'.repeat(10_240),
  ]
  for (const name of names) {
    await expect(data.create(name, smallConfig), JSON.stringify(name)).rejects.toMatchObject({
      code: 'invalid-name',
      exitCode: 2,
    })
  }
  expect(await disk.list('/d/collections')).toEqual([])
  const pair = [await data.create('Items', smallConfig), await data.create('items', smallConfig)]
  await pair[0]?.upsert([randomPoint(seededRandom(2), 'upper')])
  await data.close()
  const again = await openTest('/d', { disk })
  expect((await again.open('Items')).count).toBe(1)
  expect((await again.open('items')).count).toBe(0)
  await again.close()
})

test('metadata that is no JSON, under checksums and digests that hold, is damage with the name of its point', async () => {
  const disk = new MemoryDisk()
  let data = await openTest('/d', { disk })
  let items = await data.create('items', smallConfig)
  const point = randomPoint(seededRandom(3), 'forged')
  await items.upsert([point])
  const directory = `/d/collections/${items.uuid}-${items.epoch.history}`
  const file = join(walDirectoryOf(directory, items), walFileName(1))
  const { committedAtUs } = items
  await data.close()
  for (const metadata of ['nonsense', '[1]', 'null']) {
    const vector = Float32Array.from(point.vector)
    const bytes = encodePoint('forged', vector, metadata)
    const payload = encodeOperation({
      kind: 'upsert',
      points: [{ id: 'forged', vector, metadata, bytes }],
    })
    const stamp = { lsn: 1, committedAtUs, chain: 0, place: 0 }
    const { header } = encodeRecord(items, stamp, 'upsert', payload)
    const log = await disk.open(file, 'append')
    await log.truncate(WAL_HEADER_BYTES)
    await log.write(Buffer.concat([header, payload]), WAL_HEADER_BYTES)
    await log.close()
    await breakLock(disk, '/d')
    data = await openTest('/d', { disk })
    items = await data.open('items')
    const damage = { code: 'damaged', exitCode: 13, message: expect.stringContaining('"forged"') }
    await expect(items.get('forged'), metadata).rejects.toMatchObject(damage)
    await expect(items.search(point.vector), metadata).rejects.toMatchObject(damage)
    await data.close()
  }
})

test('case 78: what another machine wrote has the digest that its bytes have by the documented table', async () => {
  const source = fileURLToPath(new URL('../../fixtures/format-1/repository', import.meta.url))
  const data = await openTest(await temporaryDirectory())
  for (const [collection, snapshotId] of [
    ['flat', 'f1'],
    ['graph', 'g2'],
  ]) {
    const { digest } = await restoreSnapshot(threadless(data), {
      ...outside,
      collection: collection ?? '',
      snapshotId: snapshotId ?? '',
      source,
    })
    let sum = 0n
    for await (const point of (await data.open(collection ?? '')).points()) {
      const hash = createHash('sha256').update(bytesByTable(point)).digest('hex')
      sum = (sum + BigInt(`0x${hash}`)) % 2n ** 256n
    }
    expect(sum.toString(16).padStart(64, '0')).toBe(digest)
  }
  await data.close()
})

/** The canonical bytes once more, from the table in format/point.ts and nothing else, byte order spelled out. */
function bytesByTable(point: { id: PointId; vector: Float32Array; metadata: object }): Buffer {
  const text = Buffer.from(String(point.id))
  const isNumber = typeof point.id === 'number'
  const idBytes = isNumber ? 8 : text.length
  const keys = Object.entries(point.metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  const metadata = Buffer.from(JSON.stringify(Object.fromEntries(keys)))
  const bytes = Buffer.alloc(9 + idBytes + 4 * point.vector.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setUint8(0, isNumber ? 0 : 1)
  view.setUint32(1, idBytes, true)
  if (isNumber) view.setBigUint64(5, BigInt(point.id), true)
  else bytes.set(text, 5)
  view.setUint32(5 + idBytes, point.vector.length, true)
  point.vector.forEach((value, index) => {
    view.setFloat32(9 + idBytes + 4 * index, value, true)
  })
  return Buffer.concat([bytes, metadata])
}
