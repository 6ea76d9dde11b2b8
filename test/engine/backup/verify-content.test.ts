import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { decodeSnapshot } from '../../../engine/repository/decode-snapshot.ts'
import {
  encodeSnapshot,
  type SnapshotManifest,
} from '../../../engine/repository/snapshot-manifest.ts'
import { openTest, somePoints } from '../../support/collections.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { suiteDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'
import { changeFile, filesBelow, flipBit } from './repository-on-disk.ts'

const world = { disk: nodeDisk, clock: manualClock() }
const suite = suiteDirectory()
const sound = () => join(suite.path, 'repository')

beforeAll(async () => {
  const directory = await openTest(join(suite.path, 'source'))
  const config = makeConfig({ dimension: 8, metric: 'cosine', m: 8, efConstruction: 50 })
  const items = await directory.create('items', config)
  await items.upsert(somePoints(seededRandom(80), 1100))
  await createBackup(items, { ...world, destination: sound(), snapshotId: 's1' })
  await items.delete(['p1', 'p2'])
  await createBackup(items, { ...world, destination: sound(), snapshotId: 's2' })
  await directory.close()
})

async function verifyContent(source: string) {
  const scratchDirectory = await temporaryDirectory()
  const result = await verifyRepository({ ...world, source, depth: 'content', scratchDirectory })
  expect(await readdir(scratchDirectory)).toEqual([])
  return result
}

/** A repository whose manifest of s2 says something else, with a valid hash. */
async function forged(change: (manifest: SnapshotManifest) => SnapshotManifest): Promise<string> {
  const copy = join(await temporaryDirectory(), 'copy')
  await cp(sound(), copy, { recursive: true })
  const file = join(copy, 'snapshots/items/s2.json')
  await writeFile(file, encodeSnapshot(change(decodeSnapshot(await readFile(file), file))))
  return copy
}

describe('verifying the content', () => {
  it('case 79: restores each snapshot, proves its digest and asks its golden queries', async () => {
    const result = await verifyContent(sound())
    expect(result).toMatchObject({ ok: true, depth: 'content', damage: [] })
    for (const { content } of result.snapshots) {
      expect(content).toMatchObject({
        ok: true,
        problem: null,
        graphs: 'kept',
        golden: { queries: 64, k: 10, wrong: [] },
      })
      expect(content?.golden?.recall).toBe(content?.golden?.recordedRecall)
      expect(content?.golden?.recall).toBeGreaterThan(0.95)
    }
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
  })

  const lies: Record<string, [(manifest: SnapshotManifest) => SnapshotManifest, RegExp]> = {
    'another digest': [(m) => ({ ...m, digest: '0'.repeat(64) }), /content digest/],
    'another count': [(m) => ({ ...m, count: m.count + 1 }), /number of points/],
    'another LSN': [(m) => ({ ...m, lsn: m.lsn + 1 }), /./],
    'golden queries with other distances': [
      (m) => ({
        ...m,
        golden: {
          ...m.golden,
          queries: m.golden.queries.map(({ id, neighbours }, index) => ({
            id,
            neighbours: neighbours.map((each) => ({
              ...each,
              distance: index < 5 ? each.distance + 0.01 : each.distance,
            })),
          })),
        },
      }),
      /5 of 64 golden queries/,
    ],
    'a golden query for a point that is not there': [
      (m) => ({
        ...m,
        golden: { ...m.golden, queries: [{ id: 'p1', neighbours: [] }] },
      }),
      /1 of 1 golden queries/,
    ],
  }

  it.each(Object.entries(lies))(
    'case 80: finds %s, where every object is sound',
    async (_, [lie, problem]) => {
      const source = await forged(lie)
      expect((await verifyRepository({ ...world, source })).ok).toBe(true)
      const result = await verifyContent(source)
      expect(result.ok).toBe(false)
      expect(result.damage).toMatchObject([
        {
          kind: 'content',
          key: 'snapshots/items/s2.json',
          problem: expect.stringMatching(problem),
        },
      ])
      expect(result.snapshots.map(({ snapshotId, ok }) => [snapshotId, ok])).toEqual([
        ['s1', true],
        ['s2', false],
      ])
    },
  )

  it('case 74: says which snapshots a damaged object takes away, and proves the others', async () => {
    const source = await forged((manifest) => manifest)
    const before = new Set((await filesBelow(source)).filter((path) => path.startsWith('objects/')))
    const first = decodeSnapshot(await readFile(join(source, 'snapshots/items/s1.json')), 's1')
    const second = decodeSnapshot(await readFile(join(source, 'snapshots/items/s2.json')), 's2')
    const hashesOf = ({ files }: SnapshotManifest) =>
      files.flatMap(({ pieces }) => pieces.map(({ sha256 }) => sha256))
    const only = hashesOf(second).find((hash) => !hashesOf(first).includes(hash)) ?? ''
    const key = `objects/${only.slice(0, 2)}/${only}`
    expect(before).toContain(key)
    await changeFile(join(source, key), (bytes) => flipBit(bytes, 5))
    const result = await verifyContent(source)
    expect(result.damage.map((each) => each.key)).toEqual([key])
    expect(result.snapshots.map(({ ok, content }) => [ok, content?.ok])).toEqual([
      [true, true],
      [false, undefined],
    ])
  })

  it('a machine that cannot restore says nothing about the snapshot', async () => {
    const scratchDirectory = await temporaryDirectory()
    const disk = new FaultyDisk(nodeDisk, { calls: ['create'], errno: 'ENOSPC' })
    await expect(
      verifyRepository({ ...world, disk, source: sound(), depth: 'content', scratchDirectory }),
    ).rejects.toMatchObject({ code: 'disk-full' })
    expect(await readdir(scratchDirectory)).toEqual([])
  })
})
