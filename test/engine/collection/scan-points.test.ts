import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { openTest, randomPoint, somePoints } from '../../support/collections.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

let path: string
let data: DataDirectory
let items: Collection
const random = seededRandom(7)
const points = somePoints(random, 3000)

beforeEach(async () => {
  path = await temporaryDirectory()
  data = await openTest(path)
  items = await data.create('items', makeConfig({ dimension: 8, metric: 'l2', index: 'flat' }))
  await items.upsert(points.slice(0, 2000))
  await items.checkpoint()
  await items.upsert(points.slice(2000))
})
afterEach(() => data.close())

const all = async () => {
  const found = []
  for await (const { id, vector, metadata } of items.points()) {
    found.push({ id, vector: [...vector], metadata })
  }
  return found
}

describe('a scan of all points', () => {
  test('gives those of files and of memory, in the order in which they came, without the dead', async () => {
    expect(await all()).toEqual(points)
    const [dead, changed] = [points[5], points[2500]]
    if (dead === undefined || changed === undefined) throw new Error('3,000 points')
    await items.delete([dead.id])
    const anew = randomPoint(random, changed.id)
    await items.upsert([anew])
    const wanted = points.filter((each) => each !== dead && each !== changed)
    expect(await all()).toEqual([...wanted, anew])
  })

  test('shows what was there when it began, whatever is written, sealed or merged meanwhile', async () => {
    const found: unknown[] = []
    for await (const { id, vector } of items.points()) {
      if (found.length === 1) {
        await items.delete(points.slice(0, 2500).map((each) => each.id))
        await items.upsert([randomPoint(random, 'new')])
        await items.checkpoint()
        await items.compact()
      }
      found.push({ id, vector: [...vector] })
    }
    expect(found).toEqual(points.map(({ id, vector }) => ({ id, vector })))
    expect(items.count).toBe(501)
  })

  test('refuses a vector that is not what was accepted, unless its point is dead', async () => {
    const [directory = ''] = await readdir(join(path, 'collections'))
    const segments = join(path, 'collections', directory, 'segments')
    const name = (await readdir(segments)).find((each) => each.endsWith('.vectors')) ?? ''
    const file = await open(join(segments, name), 'r+')
    const { size } = await file.stat()
    await file.write(Buffer.from([0x55, 0x55]), 0, 2, size - 2)
    await file.close()
    await expect(all()).rejects.toMatchObject({ code: 'damaged' })
    await items.delete([points[1999]?.id])
    expect(await all()).toHaveLength(2999)
  })
})
