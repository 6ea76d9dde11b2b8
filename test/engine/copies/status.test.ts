import { beforeEach, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { copySnapshots } from '../../../engine/copies/copy.ts'
import { repositoryInfo } from '../../../engine/copies/info.ts'
import { copyStatus } from '../../../engine/copies/status.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { pinnedSource, segment } from '../backup/pinned-source.ts'

const disk = new MemoryDisk()
const clock = manualClock()
const source = (bytes: number, lsn: number) =>
  pinnedSource([{ path: segment(1, 'vectors'), bytes: Buffer.alloc(bytes, 7) }], { lsn })
let first: MemoryDestination
let second: MemoryDestination

beforeEach(async () => {
  clock.setWallClock(Date.UTC(2026, 0, 1))
  first = new MemoryDestination('first')
  second = new MemoryDestination('second')
  const options = { disk, clock, destination: first, golden: { sample: 0 } }
  await createBackup(source(500, 7), { ...options, snapshotId: 's1' })
  clock.setWallClock(Date.UTC(2026, 0, 2))
  await copySnapshots({ from: first, to: second, disk, clock })
  await createBackup(source(800, 8), { ...options, snapshotId: 's2' })
})

it('status tells where each snapshot lies, since when, from where, and how it was proven there', async () => {
  const { snapshots, repositories } = await copyStatus({ repositories: [first, second], disk })
  expect(repositories.map(({ error }) => error)).toEqual([null, null])
  expect(snapshots.map((each) => [each.snapshotId, each.missingAt])).toEqual([
    ['s1', []],
    ['s2', [second.url]],
  ])
  expect(snapshots[0]?.places).toMatchObject([
    { repository: first.url, since: '2026-01-01T00:00:00.000Z', copiedFrom: null, verified: null },
    {
      repository: second.url,
      since: '2026-01-02T00:00:00.000Z',
      copiedFrom: first.url,
      verified: { depth: 'copy', ok: true, readShare: 1, verifiedAt: '2026-01-02T00:00:00.000Z' },
    },
  ])
})

it('status goes on without a repository that is not there, and tells it', async () => {
  const nowhere = new MemoryDestination('nowhere')
  const { snapshots, repositories } = await copyStatus({ repositories: [nowhere, first], disk })
  expect(repositories.map(({ error }) => error?.code)).toEqual(['repository-not-found', undefined])
  expect(snapshots).toHaveLength(2)
  expect(snapshots[0]?.missingAt).toEqual([])
})

it('info tells stored, referenced and unreferenced bytes, by objects that a listing shows', async () => {
  await first.delete('snapshots/products/s1.json')
  const info = await repositoryInfo({ repository: first, disk, clock })
  expect(info).toMatchObject({
    encryption: null,
    stored: { objects: 2, bytes: 1_300 },
    referenced: { objects: 1, bytes: 800 },
    unreferenced: { objects: 1, bytes: 500 },
    snapshotBytes: 800,
    users: 0,
    locks: null,
    collections: [{ collection: 'products', snapshots: 1, newest: { snapshotId: 's2', lsn: 8 } }],
  })
})
