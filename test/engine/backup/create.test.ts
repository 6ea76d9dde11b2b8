import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type BackupOptions, createBackup } from '../../../engine/backup/create.ts'
import { listSnapshots } from '../../../engine/backup/list.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { limits } from '../../../engine/base/limits.ts'
import type { ProgressEvent } from '../../../engine/base/progress.ts'
import { getWhole } from '../../../engine/destination/destination.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { plainObjectKey } from '../../../engine/repository/stored-objects.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { pieceHashesOf, pinnedSource, segment } from './pinned-source.ts'

const clock = manualClock()
const world = { disk: nodeDisk, clock }
const base = { ...world, snapshotId: 's1' }
const vectors = { path: segment(1, 'vectors'), bytes: randomBytes(2 * limits.pieceBytes + 123) }
const points = { path: segment(1, 'points'), bytes: randomBytes(1000) }
const log = {
  path: 'wal/000001-00112233aabbccdd/0000000000000005.wal',
  bytes: randomBytes(500),
  sealed: false,
}
const empty = { path: 'wal/000001-00112233aabbccdd/0000000000000001.wal', bytes: Buffer.of() }
const files = [vectors, points, empty, log]
const totalBytes = vectors.bytes.length + 1500

/** A destination that counts what is asked of it. */
class CountingDestination extends MemoryDestination {
  readonly calls: string[] = []
  override put(...args: Parameters<MemoryDestination['put']>) {
    this.calls.push(`put ${args[0]}`)
    return super.put(...args)
  }
  override async flush() {
    this.calls.push('flush')
  }
  puts = () => this.calls.filter((call) => call.startsWith('put objects/'))
}

describe('the first backup', () => {
  it('stores every piece under its hash, reading each byte once', async () => {
    const destination = new CountingDestination()
    const source = pinnedSource(files)
    const result = await createBackup(source, { ...base, destination })
    expect(source.reads.toSorted()).toEqual([
      `${points.path}@0`,
      `${vectors.path}@0`,
      `${vectors.path}@${limits.pieceBytes}`,
      `${vectors.path}@${2 * limits.pieceBytes}`,
      `${log.path}@0`,
    ])
    expect(result).toMatchObject({
      unchanged: false,
      sizes: { totalBytes, addedBytes: totalBytes },
      objects: { total: 5, written: 5, reused: 0 },
      parent: null,
      lsn: 7,
    })
    for (const { bytes } of files) {
      for (const [index, hash] of pieceHashesOf(bytes).entries()) {
        const stored = await getWhole(destination, plainObjectKey(hash), limits.pieceBytes)
        const start = index * limits.pieceBytes
        expect(stored?.equals(bytes.subarray(start, start + limits.pieceBytes))).toBe(true)
      }
    }
    expect(source.pins()).toBe(0)
  })

  it('puts the manifest last, between two flushes', async () => {
    const destination = new CountingDestination()
    await createBackup(pinnedSource(files), { ...base, destination })
    expect(destination.calls.slice(-3)).toEqual([
      'flush',
      'put snapshots/products/s1.json',
      'flush',
    ])
  })

  it('tells what it did, in plain data', async () => {
    const destination = new MemoryDestination('plain')
    const events: ProgressEvent[] = []
    const provenance = { embedding: { model: 'm' } }
    const options = {
      ...base,
      destination,
      provenance,
      progress: (e: ProgressEvent) => events.push(e),
    }
    const result = await createBackup(pinnedSource(files), options)
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    expect(result.manifest.path).toBe('memory:plain/snapshots/products/s1.json')
    expect(result.phases.map(({ phase }) => phase)).toEqual([
      'open',
      'lock',
      'pin',
      'compare',
      'golden',
      'upload',
      'publish',
    ])
    expect(events.at(-1)).toEqual({
      phase: 'upload',
      unit: 'bytes',
      done: totalBytes,
      total: totalBytes,
    })
    const [listed] = (await listSnapshots({ source: destination, disk: nodeDisk })).snapshots
    expect(listed).toMatchObject({ snapshotId: 's1', lsn: 7, totalBytes, addedBytes: totalBytes })
  })

  it('stores equal pieces once', async () => {
    const destination = new CountingDestination()
    const zeros = Buffer.alloc(4 * limits.pieceBytes)
    const result = await createBackup(
      pinnedSource([
        { ...vectors, bytes: zeros },
        { ...points, bytes: zeros.subarray(0, limits.pieceBytes) },
      ]),
      { ...base, destination },
    )
    expect(destination.puts()).toHaveLength(1)
    expect(result.objects).toEqual({ total: 1, written: 1, reused: 0 })
    expect(result.sizes).toEqual({
      totalBytes: 5 * limits.pieceBytes,
      addedBytes: limits.pieceBytes,
    })
  })
})

describe('the next backup', () => {
  const second = { ...base, snapshotId: 's2' }
  const backedUp = async () => {
    const destination = new CountingDestination()
    await createBackup(pinnedSource(files), { ...base, destination })
    destination.calls.length = 0
    return destination
  }

  it('incremental: does not read what it knows and the repository has', async () => {
    const destination = await backedUp()
    const added = { path: segment(2, 'vectors'), bytes: randomBytes(2000) }
    const source = pinnedSource([...files, added], { lsn: 9 })
    const result = await createBackup(source, { ...second, destination })
    expect(source.reads.toSorted()).toEqual([`${added.path}@0`, `${log.path}@0`])
    expect(destination.puts()).toEqual([
      `put ${plainObjectKey(pieceHashesOf(added.bytes)[0] ?? '')}`,
    ])
    expect(result).toMatchObject({
      mode: 'incremental',
      parent: 's1',
      sizes: { totalBytes: totalBytes + 2000, addedBytes: 2000 },
      objects: { total: 6, written: 1, reused: 5 },
    })
  })

  it('incremental: reads and stores again what the repository lost or has in another size', async () => {
    const destination = await backedUp()
    const [first = '', next = ''] = pieceHashesOf(vectors.bytes)
    await destination.delete(plainObjectKey(first))
    await destination.put(plainObjectKey(next), Buffer.from('cut'))
    await createBackup(pinnedSource(files, { lsn: 8 }), { ...second, destination })
    const verified = await verifyRepository({ ...base, source: destination })
    expect(verified.damage).toEqual([])
  })

  it('full: reads and writes everything again, which heals rotten objects', async () => {
    const destination = await backedUp()
    const [hash = ''] = pieceHashesOf(vectors.bytes)
    await destination.put(plainObjectKey(hash), Buffer.alloc(limits.pieceBytes))
    expect((await verifyRepository({ ...base, source: destination })).ok).toBe(false)
    destination.calls.length = 0
    const source = pinnedSource(files, { lsn: 8 })
    const result = await createBackup(source, { ...second, mode: 'full', destination })
    expect(source.reads).toHaveLength(5)
    expect(destination.puts()).toHaveLength(5)
    expect(result).toMatchObject({ mode: 'full', objects: { written: 5, reused: 0 } })
    expect((await verifyRepository({ ...base, source: destination })).ok).toBe(true)
  })

  it('refuses a source whose sealed bytes have changed, naming file and offset', async () => {
    const destination = await backedUp()
    const rotten = Buffer.from(vectors.bytes)
    rotten[limits.pieceBytes + 5] = (rotten[limits.pieceBytes + 5] ?? 0) ^ 1
    const source = pinnedSource([{ ...vectors, bytes: rotten }], { lsn: 8 })
    const state = await source.pin()
    const known = state.files.map((file) => ({ ...file, pieces: pieceHashesOf(vectors.bytes) }))
    const lying = { ...source, pin: async () => ({ ...state, files: known }) }
    await expect(
      createBackup(lying, { ...second, mode: 'full', destination }),
    ).rejects.toMatchObject({
      code: 'damaged',
      place: { file: vectors.path, offset: limits.pieceBytes },
    })
    expect((await listSnapshots({ source: destination, disk: nodeDisk })).snapshots).toHaveLength(1)
    expect(source.pins()).toBe(0)
  })

  it('refuses a source file that is shorter than it was', async () => {
    const destination = await backedUp()
    const source = pinnedSource([log], { lsn: 8 })
    const state = await source.pin()
    const grown = state.files.map((file) => ({ ...file, sizeBytes: file.sizeBytes + 1 }))
    const lying = { ...source, pin: async () => ({ ...state, files: grown }) }
    await expect(createBackup(lying, { ...second, destination })).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('ends at byte 500'),
    })
  })
})

describe('a snapshot id that is taken', () => {
  const destination = new MemoryDestination()
  const again = (source = pinnedSource(files), options: Partial<BackupOptions> = {}) =>
    createBackup(source, { ...base, destination, ...options })

  it('succeeds with the same state and writes nothing', async () => {
    const first = await again()
    const second = await again()
    expect(second).toMatchObject({
      unchanged: true,
      manifest: first.manifest,
      sizes: { totalBytes, addedBytes: 0 },
      objects: { total: 5, written: 0, reused: 5 },
    })
  })

  it.each([
    ['LSN', { lsn: 8 }],
    ['digest', { digest: '1'.repeat(64) }],
    ['history', { epoch: { number: 1, history: 'f'.repeat(16) } }],
    ['UUID', { collection: { name: 'products', uuid: '6f1d6c2e-8d0a-4a53-9f6e-2f6f3d1f7b12' } }],
  ])('is refused for a state of another %s', async (_, changes) => {
    const before = await getWhole(destination, 'snapshots/products/s1.json', 100_000)
    const source = pinnedSource(files, changes)
    await expect(again(source)).rejects.toMatchObject({ code: 'snapshot-exists', exitCode: 2 })
    expect(await getWhole(destination, 'snapshots/products/s1.json', 100_000)).toEqual(before)
    expect(source.pins()).toBe(0)
  })

  it('is not called good when its objects are gone', async () => {
    await destination.delete(plainObjectKey(pieceHashesOf(points.bytes)[0] ?? ''))
    await expect(again()).rejects.toMatchObject({ code: 'damaged', exitCode: 13 })
  })

  it('case 37: two backups at once under one id make one snapshot', async () => {
    const shared = new MemoryDestination()
    const both = await Promise.all([
      createBackup(pinnedSource(files), { ...base, destination: shared }),
      createBackup(pinnedSource(files), { ...base, destination: shared }),
    ])
    expect(both.map(({ unchanged }) => unchanged).toSorted()).toEqual([false, true])
    const states = [pinnedSource(files, { lsn: 8 }), pinnedSource(files, { lsn: 9 })]
    const results = await Promise.allSettled(
      states.map((source) =>
        createBackup(source, { ...base, snapshotId: 's2', destination: shared }),
      ),
    )
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const lost = results.find((each) => each.status === 'rejected')
    expect(lost?.reason).toMatchObject({ code: 'snapshot-exists' })
    expect((await verifyRepository({ ...world, source: shared })).ok).toBe(true)
  })
})

describe('bad requests', () => {
  it.each([
    [{ snapshotId: '../x' }, 'invalid-name'],
    [{ snapshotId: '' }, 'invalid-name'],
    [{ destination: 'gs://bucket' }, 'unsupported-destination'],
    [{ golden: { sample: -1 } }, 'usage'],
    [{ golden: { sample: 10_000, k: 100 } }, 'usage'],
    [{ golden: { k: 0 } }, 'usage'],
    [{ provenance: { embedding: { x: Number.NaN } } }, 'invalid-point'],
  ])('%j is refused with %s before anything is done', async (changes, code) => {
    const destination = new CountingDestination()
    const source = pinnedSource(files)
    const request = { ...base, destination, ...changes }
    await expect(createBackup(source, request)).rejects.toMatchObject({ code, exitCode: 2 })
    expect(destination.calls).toEqual([])
    expect(source.reads).toEqual([])
  })

  it('stops at the signal with its reason, and publishes nothing', async () => {
    const destination = new CountingDestination()
    const controller = new AbortController()
    const progress = () => controller.abort(new Error('enough'))
    const options = { ...base, destination, progress, signal: controller.signal }
    const source = pinnedSource(files)
    await expect(createBackup(source, options)).rejects.toThrow('enough')
    expect(destination.calls.filter((call) => call.includes('snapshots/'))).toEqual([])
    expect(source.pins()).toBe(0)
  })
})

describe('a backup that is cut off', () => {
  const small = [points, log]

  it('case 10: killed at each step lists no half snapshot, and the retry completes', async () => {
    const whole = new FaultyDisk(new MemoryDisk())
    const at = (disk: FaultyDisk | MemoryDisk) => new DirectoryDestination(disk, '/repo')
    await createBackup(pinnedSource(small), { ...base, destination: at(whole) })
    const steps = whole.records.filter(
      ({ call }) => !['stat', 'list', 'open', 'read'].includes(call),
    ).length
    expect(steps).toBeGreaterThan(20)
    // the last step gives the lock back, which cuts nothing off
    for (let step = 1; step < steps; step++) {
      const below = new MemoryDisk()
      const disk = new FaultyDisk(below, {
        at: step,
        times: Number.POSITIVE_INFINITY,
        errno: 'EIO',
      })
      const cut = createBackup(pinnedSource(small), { ...base, destination: at(disk) })
      await cut.then(
        () => expect.unreachable(`step ${step} was not cut`),
        () => undefined,
      )
      for (const survived of [
        below.crashLosingNothing(),
        below.crashLosingAll(),
        below.crash(step),
      ]) {
        const destination = at(survived)
        const found = await verifyRepository({ ...base, source: destination }).catch(
          (error) => error.code,
        )
        if (typeof found !== 'string') expect(found.damage, `step ${step}`).toEqual([])
        else expect(['repository-not-found', 'snapshot-not-found']).toContain(found)
        await createBackup(pinnedSource(small), { ...base, destination })
        expect((await verifyRepository({ ...base, source: destination })).ok).toBe(true)
      }
    }
  })
})
