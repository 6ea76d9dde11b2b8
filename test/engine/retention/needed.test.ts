import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { epochName } from '../../../engine/format/identity.ts'
import type { ArchiveName } from '../../../engine/repository/archive-file.ts'
import { forgetSnapshots } from '../../../engine/retention/forget.ts'
import { neededLog } from '../../../engine/retention/needed.ts'
import { pruneRepository } from '../../../engine/retention/prune.ts'
import { openTest, smallConfig, somePoints, threadless } from '../../support/collections.ts'
import { GatedDisk } from '../../support/gated-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { settle } from '../../support/manual-timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { keysOf, toManifest, uuidOf } from './small-repository.ts'

const epoch = { number: 1, history: '00112233aabbccdd' }
const file = (firstLsn: number, lastLsn: number, of = epoch): ArchiveName => ({
  identity: { uuid: uuidOf('1'), epoch: of },
  firstLsn,
  lastLsn,
})
const rangesOf = (files: readonly ArchiveName[]) =>
  files.map(({ firstLsn, lastLsn }) => [firstLsn, lastLsn])

describe('archived log is needed', () => {
  const files = [file(1, 5), file(6, 9), file(10, 20), file(21, 30)]
  const snapshotAt = (lsn: number) => toManifest({ id: `s${lsn}`, lsn })

  it('from the oldest snapshot of its history on, that of its own LSN included', () => {
    const removable = (...lsns: number[]) =>
      rangesOf(neededLog(files, lsns.map(snapshotAt)).removable)
    expect(removable(0)).toEqual([])
    expect(removable(5)).toEqual([])
    expect(removable(6)).toEqual([[1, 5]])
    expect(removable(25, 10)).toEqual([
      [1, 5],
      [6, 9],
    ])
    expect(removable(99)).toHaveLength(3) // the newest stays: there archiving goes on
  })

  it('where no snapshot of its history is here: another repository may have one', () => {
    const other = { number: 2, history: 'ffffffffffffffff' }
    const { removable, withoutSnapshot } = neededLog(
      [...files, file(1, 3, other)],
      [snapshotAt(99)],
    )
    expect(removable).toHaveLength(3)
    expect(withoutSnapshot).toEqual([`${uuidOf('1')}/${epochName(other)}`])
  })
})

const start = Date.UTC(2026, 0, 1)

/** A collection that is written to, backed up and archived, with its digest after every record. */
async function history(steps: readonly ('write' | 'delete' | 'archive' | 'backup')[]) {
  const disk = new MemoryDisk()
  const clock = manualClock(start)
  const directory = await openTest('/data', { disk, clock })
  const collection = await directory.create('products', smallConfig)
  const destination = new MemoryDestination()
  const digests = new Map([[collection.lsn, collection.digest]])
  const points = somePoints(seededRandom(38), steps.length + 1)
  let archivedLsn = 0
  const archive = async () => {
    await archiveOnce(collection, { destination, disk, clock })
    archivedLsn = collection.lsn
  }
  const backup = (snapshotId: string) =>
    createBackup(collection, { destination, disk, clock, snapshotId, golden: { sample: 0 } })
  await backup('first')
  for (const [index, step] of steps.entries()) {
    clock.advance(3_600_000)
    const point = points[index]
    if (step === 'write' && point) await collection.upsert([point])
    if (step === 'delete') await collection.delete(['p0', `p${index - 1}`])
    if (step === 'archive') await archive()
    if (step === 'backup') await backup(`s${index}`)
    digests.set(collection.lsn, collection.digest)
  }
  await archive()
  return { disk, clock, directory, destination, digests, archivedLsn }
}

describe('point-in-time recovery after forget and prune', () => {
  it('case 81: reaches every moment from the oldest kept snapshot on, and none before', async () => {
    const anySteps = fc.array(fc.constantFrom('write', 'write', 'delete', 'archive', 'backup'), {
      minLength: 6,
      maxLength: 16,
    })
    const anyRules = fc.oneof(
      fc.record({ last: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ withinMs: fc.integer({ min: 1, max: 8 }).map((hours) => hours * 3_600_000) }),
    )
    await fc.assert(
      fc.asyncProperty(anySteps, anyRules, async (steps, rules) => {
        const { disk, clock, directory, destination, digests, archivedLsn } = await history(steps)
        const world = { repository: destination, disk, clock, lockWaitMs: 0 }
        const forgotten = await forgetSnapshots({ ...world, rules, force: true })
        await pruneRepository({ ...world, force: true })
        const kept = forgotten.snapshots.filter(({ outcome }) => outcome === 'kept')
        const oldest = Math.min(...kept.map(({ lsn }) => lsn))
        for (const [lsn, digest] of digests) {
          const restored = restoreSnapshot(threadless(directory), {
            collection: 'products',
            source: destination,
            at: { kind: 'lsn', lsn },
            newName: `copy_${lsn}`,
            warm: false,
            disk,
            clock,
          })
          if (lsn >= oldest && lsn <= archivedLsn) expect((await restored).digest).toBe(digest)
          else await expect(restored).rejects.toMatchObject({ code: 'moment-not-found' })
        }
        const verified = await verifyRepository({ source: destination, disk, clock })
        expect(verified.damage).toEqual([])
        await directory.close()
      }),
      { numRuns: 25 },
    )
  })
})

describe('several at one repository', () => {
  it('case 37: two backups at once both succeed, and both can be restored', async () => {
    const disk = new GatedDisk(new MemoryDisk())
    const clock = manualClock(start)
    const directory = await openTest('/data', { disk, clock })
    const digests: string[] = []
    const names = ['products', 'words']
    for (const [index, name] of names.entries()) {
      const collection = await directory.create(name, smallConfig)
      await collection.upsert(somePoints(seededRandom(index), 20))
      digests.push(collection.digest)
    }
    // both are held in the middle of writing objects, then go on together
    const gate = disk.hold(/\/repo\/\.tmp\//)
    const backups = names.map(async (name) => {
      const destination = new DirectoryDestination(disk, '/repo')
      const collection = await directory.open(name)
      return createBackup(collection, { destination, disk, clock, snapshotId: 's1' })
    })
    await gate.reached(2)
    gate.open()
    await Promise.all(backups)
    for (const [index, name] of names.entries()) {
      const source = new DirectoryDestination(disk, '/repo')
      const options = { collection: name, source, newName: `${name}_copy`, disk, clock }
      expect((await restoreSnapshot(threadless(directory), options)).digest).toBe(digests[index])
    }
    await directory.close()
  })

  it('case 38: a snapshot that is forgotten while it is restored comes back whole; prune waits', async () => {
    const disk = new GatedDisk(new MemoryDisk())
    const clock = manualClock(start)
    const directory = await openTest('/data', { disk, clock })
    const collection = await directory.create('products', smallConfig)
    const destination = new MemoryDestination()
    const backup = { destination, disk, clock }
    await collection.upsert(somePoints(seededRandom(1), 20))
    const { digest } = collection
    await createBackup(collection, { ...backup, snapshotId: 's1' })
    await collection.upsert(somePoints(seededRandom(2), 20))
    await createBackup(collection, { ...backup, mode: 'full', snapshotId: 's2' })

    const gate = disk.hold(/\/data\/.*(segments|wal|config)/)
    const restored = restoreSnapshot(threadless(directory), {
      collection: 'products',
      source: destination,
      snapshotId: 's1',
      newName: 'copy',
      disk,
      clock,
    })
    await gate.reached()
    const world = { repository: destination, disk, clock, lockWaitMs: 0 }
    expect(await forgetSnapshots({ ...world, rules: { last: 1 } })).toMatchObject({ removed: 1 })
    await expect(pruneRepository(world)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('a restore of products'),
    })
    gate.open()
    expect((await restored).digest).toBe(digest)
    const before = (await keysOf(destination, 'objects/')).length
    await pruneRepository(world)
    expect((await keysOf(destination, 'objects/')).length).toBeLessThan(before)
    expect((await verifyRepository({ source: destination, disk, clock })).ok).toBe(true)
    await directory.close()
  })

  it('case 38: forgetting and pruning again and again beside backups and archives loses nothing', async () => {
    const root = await temporaryDirectory()
    const disk = new MemoryDisk()
    const clock = manualClock(start)
    const directory = await openTest('/data', { disk, clock })
    const collection = await directory.create('products', smallConfig)
    const destination = new MemoryDestination()
    const base = { destination, disk, clock }
    let finished = false
    const writer = async () => {
      for (let round = 0; round < 12; round++) {
        clock.advance(60_000)
        await collection.upsert(somePoints(seededRandom(round), 5))
        await createBackup(collection, { ...base, snapshotId: `s${round}` })
        await archiveOnce(collection, base)
      }
      finished = true
    }
    let pruned = 0
    const pruner = async () => {
      while (!finished) {
        const world = { repository: destination, disk, clock, lockWaitMs: 0 }
        try {
          await forgetSnapshots({ ...world, rules: { last: 2 }, force: true })
          await pruneRepository({ ...world, force: true })
          pruned++
        } catch (error) {
          if (!isOperatingError(error, 'locked', 'repository-not-found')) throw error
        }
        await settle()
      }
    }
    await Promise.all([writer(), pruner()])
    expect(pruned).toBeGreaterThan(0)
    const { snapshots, ok } = await verifyRepository({
      source: destination,
      disk,
      clock,
      depth: 'content',
      scratchDirectory: root,
    })
    expect(ok).toBe(true)
    expect(snapshots.length).toBeGreaterThanOrEqual(2)
    const restored = await restoreSnapshot(threadless(directory), {
      collection: 'products',
      source: destination,
      at: { kind: 'latest' },
      newName: 'copy',
      disk,
      clock,
    })
    expect(restored.digest).toBe(collection.digest)
    await directory.close()
  })
})
