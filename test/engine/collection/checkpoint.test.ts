/** A checkpoint that dies anywhere: what it left is collected, and what it did not reach is done by the next. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Disk } from '../../../engine/base/disk.ts'
import { filesOf } from '../../../engine/format/manifest.ts'
import {
  breakLock,
  modelDigest,
  openTest,
  randomPoint,
  smallConfig,
  somePoints,
} from '../../support/collections.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const random = seededRandom(68)
const first = somePoints(random, 5)
const second = [randomPoint(random, 'p1'), randomPoint(random, 'tail')]
const later = randomPoint(random, 'later')
const model = new Map([...first, ...second].map((point) => [point.id, point]))
model.delete('p2')
const state = { lsn: 3, count: model.size, digest: modelDigest(model.values()) }
const grown = modelDigest([...model.values(), later])

/** One checkpoint, then an overwrite and a delete that stand in the log alone. */
async function prepare(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const data = await openTest('/d', { disk })
  const items = await data.create('items', smallConfig)
  await items.upsert(first)
  await items.checkpoint()
  await items.upsert(second)
  await items.delete(['p2'])
  expect(items).toMatchObject(state)
  await data.close()
  return disk
}

async function work(disk: Disk): Promise<void> {
  const data = await openTest('/d', { disk })
  await (await data.open('items')).checkpoint()
  await data.close()
}

async function namesIn(disk: Disk, directory: string): Promise<string[]> {
  const [collection] = await disk.list('/d/collections')
  return disk.list(join('/d/collections', collection ?? '', directory))
}

async function open(disk: Disk) {
  await breakLock(disk, '/d')
  const data = await openTest('/d', { disk })
  return { data, items: await data.open('items') }
}

const segmentsOf = ({ manifest }: Awaited<ReturnType<typeof open>>['items']): string[] =>
  filesOf(manifest)
    .map((file) => file.path)
    .filter((file) => file.startsWith('segments/'))
    .map((file) => file.slice('segments/'.length))
    .sort()

test('case 6: before its manifest has the name, the state is the old one and its files are collected', async () => {
  let orphans = 0
  let deaths = 0
  let named = false
  await killAtEveryCall({
    prepare,
    work,
    writtenBytes: 19,
    check: async ({ disk, lost }) => {
      const where = `${lost.call} ${lost.path}`
      if (!named) {
        for (const survivor of [disk.crashLosingNothing(), disk.crashLosingAll(), disk.crash(6)]) {
          const left = await namesIn(survivor, 'segments')
          const { data, items } = await open(survivor)
          expect(items, where).toMatchObject(state)
          expect(items.manifest, where).toMatchObject({ sequence: 2, lsn: 1 })
          expect(await items.proveDigest(), where).toBe(state.digest)
          expect(await namesIn(survivor, 'segments'), where).toEqual(segmentsOf(items))
          if (left.length > segmentsOf(items).length) orphans++
          await data.close()
          deaths++
        }
      }
      // the rename itself was lost this time; from the next call on it took effect
      if (lost.call === 'rename' && /manifest-0+3\.json$/.test(lost.path)) named = true
    },
  })
  console.log(`checkpoint: ${deaths} deaths before the manifest, ${orphans} with orphans`)
  expect(named).toBe(true)
  expect(orphans).toBeGreaterThan(5)
})

test('case 8: while the log is cut after it, replay counts nothing twice and nothing is missing', async () => {
  let named = false
  let logs = 0
  let deaths = 0
  await killAtEveryCall({
    prepare,
    work,
    check: async ({ disk, lost }) => {
      const where = `${lost.call} ${lost.path}`
      if (named) {
        if (lost.call === 'unlink' && lost.path.endsWith('.wal')) logs++
        for (const survivor of [disk.crashLosingNothing(), disk.crashLosingAll(), disk.crash(8)]) {
          const { data, items } = await open(survivor)
          expect(items, where).toMatchObject(state)
          expect(await items.proveDigest(), where).toBe(state.digest)
          await items.upsert([later])
          await items.checkpoint()
          await data.close()
          const again = await open(survivor)
          const { lsn, count } = again.items
          expect({ lsn, count }, where).toEqual({ lsn: state.lsn + 1, count: state.count + 1 })
          expect(await again.items.proveDigest(), where).toBe(grown)
          await again.data.close()
          deaths++
        }
      }
      if (lost.call === 'rename' && /manifest-0+3\.json$/.test(lost.path)) named = true
    },
  })
  console.log(
    `checkpoint: ${deaths} deaths after the manifest, ${logs} calls that remove a log file`,
  )
  expect(logs).toBeGreaterThan(0)
})
