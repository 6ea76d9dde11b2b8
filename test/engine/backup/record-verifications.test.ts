import { describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { openRepository } from '../../../engine/backup/sources.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import type { Destination } from '../../../engine/destination/destination.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { plainObjectKey } from '../../../engine/repository/stored-objects.ts'
import {
  listVerifications,
  readVerifications,
  standingFailure,
  type Verification,
} from '../../../engine/repository/verifications.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { pinnedSource, segment } from './pinned-source.ts'

const random = seededRandom(79)
const shared = Array.from({ length: 20 }, (_, index) => ({
  path: segment(index + 1, 'vectors'),
  bytes: random.bytes(100),
}))
const second = { path: segment(30, 'vectors'), bytes: random.bytes(400) }

async function world(destination: Destination = new MemoryDestination()) {
  const clock = manualClock()
  const options = { disk: nodeDisk, clock, destination }
  await createBackup(pinnedSource(shared), { ...options, snapshotId: 's1' })
  await createBackup(pinnedSource([...shared, second], { lsn: 8 }), {
    ...options,
    snapshotId: 's2',
  })
  const warnings: string[] = []
  const base = { disk: nodeDisk, clock, source: destination }
  const verify = (more: Partial<Parameters<typeof verifyRepository>[0]> = {}) =>
    verifyRepository({ ...base, onWarning: (text) => warnings.push(text), ...more })
  const records = async () => {
    const repository = await openRepository(destination, nodeDisk)
    const found = await readVerifications(repository, await listVerifications(repository))
    return found.map(({ verification }) => verification)
  }
  return { destination, clock, verify, records, warnings }
}

describe('the record of a verification', () => {
  it('says of each snapshot when, how deep and how much of it', async () => {
    const { clock, verify, records } = await world()
    expect(await verify()).toMatchObject({ ok: true, recorded: true, sample: null })
    clock.advance(1_000)
    await verify({ depth: 'manifest', snapshotId: 's2' })
    expect(await records()).toMatchObject([
      { snapshotId: 's1', depth: 'objects', ok: true, problem: null, readShare: 1 },
      { snapshotId: 's2', depth: 'objects', ok: true, verifiedAt: '2026-01-01T00:00:00.000Z' },
      { snapshotId: 's2', depth: 'manifest', readShare: 0, verifiedAt: '2026-01-01T00:00:01.000Z' },
    ])
  })

  it('says what was wrong, of the snapshots that it concerns', async () => {
    const { destination, verify, records } = await world()
    const key = plainObjectKey(sha256Hex(second.bytes))
    await destination.put(key, Buffer.alloc(400))
    expect(await verify()).toMatchObject({ ok: false, recorded: true })
    expect(await records()).toMatchObject([
      { snapshotId: 's1', ok: true },
      { snapshotId: 's2', ok: false, problem: expect.stringContaining(key) },
    ])
  })

  it('is left away where that is asked for, and told where it may not be written', async () => {
    const { verify, records } = await world()
    expect(await verify({ record: false })).toMatchObject({ recorded: false })
    expect(await records()).toEqual([])
    const disk = new FaultyDisk(new MemoryDisk())
    const readOnly = await world(new DirectoryDestination(disk, '/repo'))
    disk.arm({ errno: 'EROFS', times: Number.POSITIVE_INFINITY })
    expect(await readOnly.verify()).toMatchObject({ ok: true, recorded: false })
    expect(readOnly.warnings).toEqual([
      expect.stringMatching(/not protected from a prune/),
      expect.stringMatching(/was not recorded: .*EROFS/),
    ])
  })
})

describe('a sample', () => {
  it('is read, counted and recorded as the share that it is; the rest must be there', async () => {
    const { destination, verify, records } = await world()
    const result = await verify({ sample: { share: 0.25, seed: 7 } })
    expect(result).toMatchObject({
      ok: true,
      objects: { checked: 6 },
      sample: { share: 0.25, seed: 7, objects: { read: 6, all: 21 }, bytes: { all: 2_400 } },
    })
    expect(result.sample?.bytes.read).toBe(result.objects.checkedBytes)
    const shares = (await records()).map(({ readShare }) => readShare)
    expect(shares.every((share) => share > 0.1 && share < 0.5)).toBe(true)
    await destination.delete(plainObjectKey(sha256Hex(second.bytes)))
    for (let seed = 0; seed < 5; seed++) {
      expect((await verify({ sample: { share: 0.01, seed } })).ok).toBe(false)
    }
  })

  it('case 24: finds rot with some seed, and again with the same', async () => {
    const { destination, verify } = await world()
    await destination.put(plainObjectKey(sha256Hex(second.bytes)), Buffer.alloc(400))
    const seeds = Array.from({ length: 40 }, (_, seed) => seed)
    const found: number[] = []
    for (const seed of seeds) {
      if (!(await verify({ sample: { share: 0.1, seed } })).ok) found.push(seed)
    }
    expect(found.length).toBeGreaterThan(0)
    expect(found.length).toBeLessThan(20)
    const [seed = 0] = found
    expect((await verify({ sample: { share: 0.1, seed } })).ok).toBe(false)
  })

  it('is refused at depth manifest', async () => {
    const { verify } = await world()
    const asked = verify({ depth: 'manifest', sample: { share: 0.5 } })
    await expect(asked).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('a failure stands', () => {
  const record = (depth: Verification['depth'], ok: boolean, readShare = 1): Verification => ({
    collection: 'products',
    snapshotId: 's1',
    manifestSha256: '0'.repeat(64),
    depth,
    ok,
    problem: null,
    readShare,
    verifiedAt: '2026-01-01T00:00:00.000Z',
    host: 'here',
  })

  it('until a pass that looked as deep, at everything', () => {
    const failed = record('objects', false)
    const stands = (...later: Verification[]) => standingFailure([failed, ...later]) !== undefined
    expect(standingFailure([])).toBeUndefined()
    expect(stands()).toBe(true)
    expect(stands(record('manifest', true, 0))).toBe(true)
    expect(stands(record('objects', true, 0.05))).toBe(true)
    expect(stands(record('objects', true))).toBe(false)
    expect(stands(record('copy', true))).toBe(false)
    expect(stands(record('content', true))).toBe(false)
    expect(stands(record('objects', true), failed)).toBe(true)
    const missing = record('manifest', false, 0)
    expect(standingFailure([missing, record('manifest', true, 0)])).toBeUndefined()
    expect(standingFailure([record('content', false), record('objects', true)])).toBeDefined()
  })
})
