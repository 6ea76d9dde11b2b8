import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { parseMoment } from '../../../engine/backup/moment.ts'
import { type RestoreOptions, restoreSnapshot } from '../../../engine/backup/restore.ts'
import type { Disk } from '../../../engine/base/disk.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { encodeOperation } from '../../../engine/format/operation.ts'
import type { PointId } from '../../../engine/format/point.ts'
import { encodeRecord } from '../../../engine/format/wal-record.ts'
import { encodeArchive } from '../../../engine/repository/archive-file.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import { archiveKey, listArchive, readArchive } from '../../../engine/repository/wal-archive.ts'
import {
  breakLock,
  modelDigest,
  openTest,
  randomPoint,
  smallConfig,
  type TestPoint,
} from '../../support/collections.ts'
import { FaultyDisk, mutatingCalls } from '../../support/faulty-disk.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { checkProperty } from '../format/property.ts'
import { flipBit } from './repository-on-disk.ts'

const data = '/data'
const start = Date.UTC(2026, 0, 1)
const instant = (seconds: number) => new Date(start + seconds * 1000).toISOString()

/** A collection whose state at every LSN is known from a Map. */
class Source {
  readonly disk = new MemoryDisk()
  readonly destination = new MemoryDestination()
  readonly clock: ManualClock = manualClock(start)
  readonly digests = new Map<number, string>()
  readonly model = new Map<PointId, TestPoint>()
  readonly models = new Map<number, ReadonlyMap<PointId, TestPoint>>()
  readonly #random = seededRandom(75)
  directory!: DataDirectory
  collection!: Collection

  static async open(): Promise<Source> {
    const source = new Source()
    source.directory = await openTest(data, { disk: source.disk, clock: source.clock })
    source.use(await source.directory.create('products', smallConfig))
    return source
  }

  use(collection: Collection): void {
    this.collection = collection
    this.#note()
  }

  /** One write a second. */
  async upsert(...ids: PointId[]): Promise<void> {
    this.clock.advance(1_000)
    const points = ids.map((id) => randomPoint(this.#random, id))
    await this.collection.upsert(points)
    for (const point of points) this.model.set(point.id, point)
    this.#note()
  }

  async delete(id: PointId): Promise<void> {
    this.clock.advance(1_000)
    await this.collection.delete([id])
    this.model.delete(id)
    this.#note()
  }

  backup(snapshotId: string) {
    const { disk, clock, destination } = this
    return createBackup(this.collection, {
      destination,
      snapshotId,
      disk,
      clock,
      golden: { sample: 2 },
    })
  }

  archive() {
    const { disk, clock, destination } = this
    return archiveOnce(this.collection, { destination, disk, clock })
  }

  #note(): void {
    this.digests.set(this.collection.lsn, modelDigest(this.model.values()))
    this.models.set(this.collection.lsn, new Map(this.model))
  }
}

/** One place to restore into: threads start once. */
const target = { disk: new MemoryDisk(), directory: undefined as DataDirectory | undefined } // opened below

beforeAll(async () => {
  target.directory = await openTest('/restored', { disk: target.disk })
})
afterAll(() => target.directory?.close())

async function restoreTo(
  source: Source | MemoryDestination | readonly MemoryDestination[],
  at: string,
  more: Partial<RestoreOptions> & { into?: DataDirectory } = {},
) {
  const { into = target.directory, ...options } = more
  if (into === undefined) throw new Error('not open')
  const result = await restoreSnapshot(into, {
    collection: 'products',
    source: source instanceof Source ? source.destination : source,
    at: parseMoment(at),
    disk: target.disk,
    clock: manualClock(start + 1e9),
    warm: false,
    replace: true,
    ...options,
  })
  const restored = await into.open('products')
  expect(await restored.proveDigest()).toBe(result.digest)
  return { result, digest: restored.digest, epoch: restored.epoch, described: restored.describe() }
}

/** LSN 1–3, snapshot s1 at 3, archive to 6, snapshot s2 at 8, archive to 10. */
async function story(): Promise<Source> {
  const source = await Source.open()
  for (const id of ['a', 'b', 'c']) await source.upsert(id)
  await source.backup('s1')
  await source.upsert('d', 'e')
  await source.delete('a')
  await source.upsert('b')
  await source.archive()
  await source.upsert('f')
  await source.upsert('g')
  await source.backup('s2')
  await source.upsert('h')
  await source.delete('f')
  await source.archive()
  return source
}

describe('a restore to an LSN', () => {
  it('case 75: is exactly the state after that record, whichever snapshot it goes on from', async () => {
    const source = await story()
    for (let lsn = 3; lsn <= 10; lsn++) {
      const { result, digest, described } = await restoreTo(source, `lsn:${lsn}`)
      expect(digest, `LSN ${lsn}`).toBe(source.digests.get(lsn))
      expect(result.snapshotId).toBe(lsn < 8 ? 's1' : 's2')
      expect(result.recoveryPoint).toMatchObject({ lsn, committedAt: instant(lsn) })
      expect(described).toMatchObject({ epoch: { number: 2 }, restoredFrom: { lsn } })
      expect(result.moment).toMatchObject({ at: `lsn:${lsn}`, snapshotLsn: lsn < 8 ? 3 : 8 })
      expect(result.moment?.beyond).toEqual(
        lsn === 10
          ? null
          : { records: 10 - lsn, firstLsn: lsn + 1, lastLsn: 10, lastCommittedAt: instant(10) },
      )
      const proven = { 3: 3, 4: 3, 5: 3, 6: 6, 7: 6, 8: 8, 9: 8, 10: 10 }[lsn]
      expect(result.moment?.lastProvenLsn).toBe(proven)
      expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    }
  })

  it('case 72, case 73, case 75: equals a plain Map at every LSN of any history', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ op: fc.constant('upsert'), id: fc.nat(9) }) },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('delete'), id: fc.nat(9) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('archive'), id: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('backup'), id: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('checkpoint'), id: fc.constant(0) }) },
    )
    let restores = 0
    await checkProperty(
      'restores to every LSN',
      5,
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), async (steps) => {
        const source = await Source.open()
        let first: number | undefined
        for (const [index, { op, id }] of steps.entries()) {
          if (op === 'upsert') await source.upsert(id, `x${id}`)
          else if (op === 'delete') await source.delete(id)
          else if (op === 'checkpoint') await source.collection.checkpoint()
          else if (op === 'archive') await source.archive()
          else {
            first ??= source.collection.lsn
            await source.backup(`s${index}`)
          }
          // archiving is in use from the first moment on: nothing may be lost
          if (index === 0) await source.archive()
        }
        await source.archive()
        first ??= (await source.backup('last')).lsn
        for (let lsn = 0; lsn <= source.collection.lsn; lsn++) {
          const restored = restoreTo(source, `lsn:${lsn}`)
          if (lsn < first)
            await expect(restored).rejects.toMatchObject({ code: 'moment-not-found' })
          else expect((await restored).digest, `LSN ${lsn}`).toBe(source.digests.get(lsn))
          restores++
        }
        const latest = await restoreTo(source, 'latest')
        expect(latest.digest).toBe(source.collection.digest)
      }),
    )
    expect(restores).toBeGreaterThan(10)
  })
})

describe('a restore to an instant', () => {
  it('case 75: is the state after the last record not after it', async () => {
    const source = await story()
    const cases: [at: string, lsn: number][] = [
      [instant(3), 3],
      ['2026-01-01T00:00:03.5Z', 3],
      ['2026-01-01T00:00:03.999999Z', 3],
      ['2026-01-01T01:00:04+01:00', 4],
      ['2026-01-01T00:00:06.2Z', 6],
      [instant(8), 8],
      ['2026-01-01T00:00:09.9Z', 9],
      [instant(10), 10],
    ]
    for (const [at, lsn] of cases) {
      const { result, digest } = await restoreTo(source, at)
      expect(result.recoveryPoint.lsn, at).toBe(lsn)
      expect(digest).toBe(source.digests.get(lsn))
    }
  })

  it('case 75: before the first snapshot or beyond the archive is refused, naming what there is', async () => {
    const source = await story()
    await expect(restoreTo(source, instant(2))).rejects.toMatchObject({
      code: 'moment-not-found',
      exitCode: 14,
      message: expect.stringMatching(
        /before the first snapshot.*s1 at LSN 3, committed 2026-01-01T00:00:03/,
      ),
    })
    for (const at of [instant(11), 'lsn:11', '2027-01-01T00:00:00Z']) {
      await expect(restoreTo(source, at)).rejects.toMatchObject({
        code: 'moment-not-found',
        message: expect.stringMatching(/beyond.*ends at LSN 10, as of 2026-01-01T00:00:10/),
        hint: expect.stringMatching(/--at latest/),
      })
    }
    expect((await restoreTo(source, 'latest')).digest).toBe(source.digests.get(10))
  })

  it('is refused without an offset, and when it does not exist', () => {
    for (const text of [
      '2026-01-01T00:00:00',
      '2026-02-30T00:00:00Z',
      'yesterday',
      'lsn:',
      'lsn:-1',
      '',
    ]) {
      expect(() => parseMoment(text), text).toThrow(
        expect.objectContaining({ code: 'usage', hint: expect.stringMatching(/offset/) }),
      )
    }
    expect(() => parseMoment('2026-01-01T00:00:00')).toThrow(/without an offset/)
  })
})

describe('a gap in the archive', () => {
  it('case 75: is an error with both ends, for moments inside it and for latest', async () => {
    const source = await story()
    const { uuid, epoch } = source.collection
    await source.upsert('i')
    await source.archive()
    await source.destination.delete(
      archiveKey({ identity: { uuid, epoch }, firstLsn: 7, lastLsn: 10 }),
    )
    for (const at of ['lsn:9', 'lsn:11', instant(9), 'latest']) {
      await expect(restoreTo(source, at), at).rejects.toMatchObject({
        code: 'archive-gap',
        exitCode: 13,
        message: expect.stringMatching(/reaches LSN 8,.*goes on at LSN 11/),
        details: [{ afterLsn: 8, beforeLsn: 11 }],
      })
    }
    await expect(restoreTo(source, 'lsn:7')).rejects.toMatchObject({
      details: [{ afterLsn: 6, beforeLsn: 8 }],
    })
    expect((await restoreTo(source, 'lsn:8')).digest).toBe(source.digests.get(8))
    expect((await restoreTo(source, instant(6))).digest).toBe(source.digests.get(6))
  })

  it('case 74: in one repository is bridged by another one', async () => {
    const source = await story()
    const copy = new MemoryDestination('copy')
    for await (const { key, sizeBytes } of source.destination.list('')) {
      const bytes = Buffer.alloc(sizeBytes)
      await source.destination.get(key, bytes)
      await copy.put(key, bytes)
    }
    const { uuid, epoch } = source.collection
    await source.destination.delete(
      archiveKey({ identity: { uuid, epoch }, firstLsn: 7, lastLsn: 10 }),
    )
    const { digest } = await restoreTo([source.destination, copy], 'latest')
    expect(digest).toBe(source.digests.get(10))
  })
})

describe('a damaged archive', () => {
  it('case 13, case 65: with any bit flipped never gives a wrong state', async () => {
    const source = await Source.open()
    await source.upsert('a')
    await source.backup('s1')
    await source.upsert('b')
    await source.archive()
    const repository = await Repository.open(source.destination)
    const name = (await listArchive(repository)).files.at(-1)
    const key = name === undefined ? '' : archiveKey(name)
    const bytes = Buffer.alloc((await source.destination.head(key))?.sizeBytes ?? 0)
    await source.destination.get(key, bytes)
    const step = 97 // every bit of the decoder is swept in archive-file.test.ts
    let refused = 0
    for (let bit = 0; bit < bytes.length * 8; bit += step) {
      await source.destination.put(key, flipBit(bytes, bit))
      await expect(restoreTo(source, 'lsn:2'), `bit ${bit}`).rejects.toMatchObject({
        code: 'damaged',
        place: {
          file: expect.stringContaining(key),
          offset: expect.any(Number),
          lsn: expect.any(Number),
        },
      })
      refused++
    }
    expect(refused).toBeGreaterThan(30)
    const damagedCopy = source.destination
    const sound = new MemoryDestination('sound')
    for await (const { key: each, sizeBytes } of damagedCopy.list('')) {
      const content = Buffer.alloc(sizeBytes)
      await damagedCopy.get(each, content)
      await sound.put(each, each === key ? bytes : content)
    }
    const { result, digest } = await restoreTo([damagedCopy, sound], 'latest')
    expect(digest).toBe(source.digests.get(2))
    expect(result.remarks).toEqual([expect.stringMatching(/archived file was passed over/)])
  })

  it('case 64: whose files overlap with other records is a divergence', async () => {
    const source = await Source.open()
    await source.upsert('a')
    await source.backup('s1')
    await source.upsert('b')
    await source.upsert('c')
    await source.archive()
    // a rival copy of the directory, put back as it was, goes on in the same history
    const { uuid, epoch } = source.collection
    const identity = { uuid, epoch }
    const repository = await Repository.open(source.destination)
    const file = await readArchive(repository, { identity, firstLsn: 1, lastLsn: 3 })
    const [first] = file?.records ?? []
    if (file === undefined || first === undefined) throw new Error('archived above')
    const payload = encodeOperation({ kind: 'delete', ids: ['a'] })
    const stamp = {
      lsn: 2,
      committedAtUs: first.record.committedAtUs,
      chain: first.record.checksum,
      place: 0,
    }
    const { header, checksum: chain } = encodeRecord(identity, stamp, 'delete', payload)
    const { committedAtUs } = stamp
    const trailer = { ...file.trailer, lastLsn: 2, chain, lastCommittedAtUs: committedAtUs }
    const rival = encodeArchive(
      identity,
      0,
      [first.bytes, Buffer.concat([header, payload])],
      trailer,
    )
    await source.destination.put(archiveKey({ identity, firstLsn: 1, lastLsn: 2 }), rival)
    await expect(restoreTo(source, 'lsn:3')).rejects.toMatchObject({
      code: 'divergence',
      place: { lsn: 2 },
    })
    // where it is the one that is used, the next file does not follow on from it
    const whole = archiveKey({ identity, firstLsn: 1, lastLsn: 3 })
    await source.destination.delete(whole)
    const rest = encodeArchive(
      identity,
      file.records[1]?.record.checksum ?? 0,
      file.records.slice(2).map((each) => each.bytes),
      { ...file.trailer, firstLsn: 3, firstCommittedAtUs: file.trailer.lastCommittedAtUs },
    )
    await source.destination.put(archiveKey({ identity, firstLsn: 3, lastLsn: 3 }), rest)
    await expect(restoreTo(source, 'lsn:3')).rejects.toMatchObject({ code: 'divergence' })
  })
})

describe('two histories', () => {
  it('are never mixed: the one that holds the moment is followed, and an unclear one is asked for', async () => {
    const source = await story()
    // back to LSN 5 in place; another history goes on from there
    const into = source.directory
    const { result } = await restoreTo(source, 'lsn:5', {
      into,
      disk: source.disk,
      clock: source.clock,
    })
    expect(result.epoch.number).toBe(2)
    const old = new Map(source.digests)
    source.model.clear()
    const second = await into.open('products')
    for (const [id, point] of source.models.get(5) ?? []) source.model.set(id, point)
    source.use(second)
    await source.upsert('x')
    await source.backup('t1')
    await source.upsert('y')
    await source.upsert('z')
    const archived = await source.archive()
    expect(archived).toMatchObject({ restorable: true, gap: null })
    const fresh = source.digests

    const latest = await restoreTo(source, 'latest')
    expect(latest.digest).toBe(fresh.get(8))
    expect(latest.epoch.number).toBe(3)
    expect(latest.result.remarks).toEqual([
      expect.stringMatching(/several histories.*epoch 000002-/),
    ])
    expect((await restoreTo(source, 'lsn:5')).digest).toBe(old.get(5))
    expect((await restoreTo(source, 'lsn:10')).digest).toBe(old.get(10))
    await expect(restoreTo(source, 'lsn:7')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/several histories: 000001-.*000002-/),
      hint: expect.stringMatching(/--epoch 00000/),
    })
    expect((await restoreTo(source, 'lsn:7', { epoch: '1' })).digest).toBe(old.get(7))
    expect((await restoreTo(source, 'lsn:7', { epoch: second.epoch.history })).digest).toBe(
      fresh.get(7),
    )
    // by time they follow one another
    expect((await restoreTo(source, instant(9))).digest).toBe(old.get(9))
    expect((await restoreTo(source, instant(12))).digest).toBe(fresh.get(7))
    await expect(restoreTo(source, 'latest', { epoch: '7' })).rejects.toMatchObject({
      code: 'moment-not-found',
    })
  })
})

describe('a restore to a moment that is killed', () => {
  // with seed 4 a power cut left the note of the restore and took the directory made before it
  it.each([4, Math.floor(Math.random() * 2 ** 31)])(
    'case 11, case 77: leaves nothing that counts, and run again gives the same state, seed %i',
    async (seed) => {
      const source = await story()
      const work = async (disk: Disk) => {
        const directory = await openTest('/restored', { disk })
        try {
          await restoreSnapshot(directory, {
            collection: 'products',
            source: source.destination,
            at: parseMoment('lsn:9'),
            disk,
            clock: manualClock(),
            warm: false,
          })
          return (await directory.open('products')).digest
        } finally {
          await directory.close().catch(() => {})
        }
      }
      const random = seededRandom(seed)
      const whole = new FaultyDisk(new MemoryDisk())
      await work(whole)
      const calls = mutatingCalls.reduce((sum, call) => sum + whole.count(call), 0)
      const kills = 10
      for (let kill = 0; kill < kills; kill++) {
        const at =
          Math.floor((calls * kill) / kills) + random.integer(Math.floor(calls / kills)) + 1
        const disk = new MemoryDisk()
        await work(
          new FaultyDisk(disk, { at, times: Number.POSITIVE_INFINITY, errno: 'EIO' }),
        ).catch(() => {})
        const left = disk.crash(random.integer(2 ** 31))
        if ((await left.stat('/restored/LOCK')) !== undefined) await breakLock(left, '/restored')
        const directory = await openTest('/restored', { disk: left })
        const stands = directory.has('products')
        if (stands) {
          expect((await directory.open('products')).digest).toBe(source.digests.get(9))
        }
        await directory.close()
        if (!stands) expect(await work(left), `call ${at}`).toBe(source.digests.get(9))
      }
      console.log(`restore to a moment: killed at ${kills} of ${calls} calls, seed ${seed}`)
      expect(calls).toBeGreaterThan(30)
    },
  )
})
