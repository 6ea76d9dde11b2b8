import { beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { parseMoment } from '../../../engine/backup/moment.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import type { Location } from '../../../engine/backup/sources.ts'
import { damageError, verifyRepository } from '../../../engine/backup/verify.ts'
import type { Disk } from '../../../engine/base/disk.ts'
import { isOperatingError } from '../../../engine/base/errors.ts'
import type { Timer } from '../../../engine/base/timer.ts'
import { type CopyOptions, copyError, copySnapshots } from '../../../engine/copies/copy.ts'
import { type Destination, getWhole } from '../../../engine/destination/destination.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { readCopyRecord } from '../../../engine/repository/copy-record.ts'
import { holdExclusive } from '../../../engine/repository/locks.ts'
import { readPins } from '../../../engine/repository/pins.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { listVerifications, readVerifications } from '../../../engine/repository/verifications.ts'
import { pinSnapshot } from '../../../engine/retention/pin-snapshot.ts'
import { pruneRepository } from '../../../engine/retention/prune.ts'
import { openTest, somePoints } from '../../support/collections.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { pinnedSource, segment } from '../backup/pinned-source.ts'

const clock = manualClock()
const random = seededRandom(56)
const disk = new MemoryDisk()
const file = (number: number, part: string, bytes = 700) => ({
  path: segment(number, part),
  bytes: random.bytes(bytes),
})
const shared = [file(1, 'vectors', 20_000), file(1, 'points', 3_000)]
const later = [...shared, file(2, 'vectors', 5_000), file(2, 'points', 1)]
const golden = { sample: 0 }
const makeKey = () => new RepositoryKey(random.bytes(32).toString('base64'))

let from: MemoryDestination
let to: MemoryDestination

async function backUpTwice(destination: Location, on: Disk = disk): Promise<void> {
  const options = { disk: on, clock, destination, golden }
  await createBackup(pinnedSource(shared), { ...options, snapshotId: 's1' })
  await createBackup(pinnedSource(later, { lsn: 8 }), { ...options, snapshotId: 's2' })
}

beforeEach(async () => {
  from = new MemoryDestination('from')
  to = new MemoryDestination('to')
  await backUpTwice(from)
})

const copy = (options: Partial<CopyOptions> = {}) =>
  copySnapshots({ from, to, disk, clock, ...options })

async function valuesOf(destination: Destination, prefix: string): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  for await (const { key, sizeBytes } of destination.list(prefix)) {
    values.set(key, ((await getWhole(destination, key, sizeBytes)) ?? '').toString('base64'))
  }
  return values
}

const firstObject = async (destination: Destination): Promise<string> => {
  for await (const { key } of destination.list('objects/')) return key
  throw new Error('there is an object')
}

const damageOf = async (source: Location) =>
  (await verifyRepository({ source, disk, clock })).damage

/** What passes through a put and a get is noted; the store copies nothing by itself. */
function watched(inner: Destination, note: (call: string, key: string) => void): Destination {
  return {
    url: inner.url,
    locate: (key) => inner.locate(key),
    put: (key, bytes, options) => {
      note('put', key)
      return inner.put(key, bytes, options)
    },
    get: (key, target, offset) => {
      note('get', key)
      return inner.get(key, target, offset)
    },
    head: (key) => inner.head(key),
    threadFile: (key) => inner.threadFile(key),
    list: (prefix) => inner.list(prefix),
    delete: (key) => inner.delete(key),
    flush: () => inner.flush(),
  }
}

describe('a copy', () => {
  it('has the objects and manifests of its source, byte for byte', async () => {
    const result = await copy()
    expect(result.ok).toBe(true)
    expect(result.snapshots.map((each) => [each.snapshotId, each.outcome, each.readShare])).toEqual(
      [
        ['s1', 'copied', 1],
        ['s2', 'copied', 1],
      ],
    )
    for (const prefix of ['objects/', 'snapshots/']) {
      expect(await valuesOf(to, prefix)).toEqual(await valuesOf(from, prefix))
    }
    expect(await damageOf(to)).toEqual([])
  })

  it('is a repository of its own, with an id of its own', async () => {
    await copy()
    const [source, target] = [await Repository.open(from), await Repository.open(to)]
    expect(target.file.id).not.toBe(source.file.id)
  })

  it('is made by the store where it can, and every object is read back all the same', async () => {
    const { objects } = await copy()
    expect(objects.copied.serverSide).toBe(objects.copied.objects)
    expect(objects.verified).toEqual({ objects: 4, bytes: 28_001 })
  })

  it('is streamed where the store cannot, each byte read from the source once', async () => {
    const reads: string[] = []
    const source = watched(from, (call, key) => call === 'get' && reads.push(key))
    const { objects, ok } = await copy({ from: source })
    expect(ok).toBe(true)
    expect(objects.copied).toEqual({ objects: 4, bytes: 28_001, serverSide: 0 })
    const ofObjects = reads.filter((key) => key.startsWith('objects/'))
    expect(ofObjects).toHaveLength(4)
    expect(await valuesOf(to, 'objects/')).toEqual(await valuesOf(from, 'objects/'))
  })

  it('brings only what is missing, and nothing when nothing is', async () => {
    const first = await copy({ collection: 'products', snapshotIds: ['s1'] })
    expect(first.objects.copied.objects).toBe(2)
    const puts: string[] = []
    const target = watched(to, (call, key) => call === 'put' && puts.push(key))
    const second = await copy({ to: target })
    expect(second.snapshots.map((each) => [each.outcome, each.copiedBytes])).toEqual([
      ['present', 0],
      ['copied', 5_001],
    ])
    puts.length = 0
    const third = await copy({ to: target })
    expect(third.snapshots.map((each) => each.outcome)).toEqual(['present', 'present'])
    expect(puts.filter((key) => !key.startsWith('locks/'))).toEqual([])
  })

  it('writes the manifest after every object of it', async () => {
    const puts: string[] = []
    await copy({ to: watched(to, (call, key) => call === 'put' && puts.push(key)) })
    const own = puts.filter((key) => /^(objects|snapshots)\//.test(key))
    expect(own.map((key) => key.split('/')[0])).toEqual([
      ...['objects', 'objects', 'snapshots'],
      ...['objects', 'objects', 'snapshots'],
    ])
  })

  it('fills in an object that a finished copy has lost, and one of another size', async () => {
    await copy()
    const key = await firstObject(to)
    await to.delete(key)
    const result = await copy()
    expect(result.objects.copied.objects).toBe(1)
    await to.put(key, Buffer.from('cut'))
    expect((await copy()).objects.copied.objects).toBe(1)
    expect(await damageOf(to)).toEqual([])
  })

  it('with proof all, finds and replaces what has rotted at the target', async () => {
    await copy()
    const key = await firstObject(to)
    const bytes = await getWhole(to, key, 100_000)
    bytes?.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
    await to.put(key, bytes ?? Buffer.alloc(0))
    expect((await copy()).objects.copied.objects).toBe(0)
    expect((await copy({ proof: 'all' })).objects.copied.objects).toBe(1)
    expect(await damageOf(to)).toEqual([])
  })
})

describe('what goes with a snapshot', () => {
  it('is its pin; one that the target has stays as it is', async () => {
    const place = { disk, clock, collection: 'products' }
    await pinSnapshot({ ...place, repository: from, snapshotId: 's1', reason: 'audit' })
    await pinSnapshot({ ...place, repository: from, snapshotId: 's2', reason: 'audit' })
    const first = await copy({ collection: 'products', snapshotIds: ['s1'] })
    expect(first.pins).toBe(1)
    await pinSnapshot({ ...place, repository: to, snapshotId: 's1', reason: 'mine' })
    expect((await copy()).pins).toBe(1)
    const pins = await readPins(await Repository.open(to))
    expect(pins.map(({ pin }) => [pin?.snapshotId, pin?.reason])).toEqual([
      ['s1', 'mine'],
      ['s2', 'audit'],
    ])
  })

  it('is a record of when it got there, from where, and how it was proven', async () => {
    await copy()
    const [source, target] = [await Repository.open(from), await Repository.open(to)]
    const manifest = await source.snapshot('products', 's2')
    expect(await readCopyRecord(target, 'products', 's2')).toMatchObject({
      manifestSha256: manifest?.sha256,
      from: { id: source.file.id, url: from.url },
      copiedAt: '2026-01-01T00:00:00.000Z',
    })
    const names = await listVerifications(target, 'products', 's2')
    const [record] = await readVerifications(target, names)
    expect(record?.verification).toMatchObject({ depth: 'copy', ok: true, readShare: 1 })
    expect(record?.verification.manifestSha256).toBe(manifest?.sha256)
  })

  it('is gone with the snapshot when the target is pruned', async () => {
    await copy()
    await (await Repository.open(to)).deleteSnapshot('products', 's1')
    await pruneRepository({ repository: to, disk, clock })
    const target = await Repository.open(to)
    expect(await readCopyRecord(target, 'products', 's1')).toBeUndefined()
    expect(await readCopyRecord(target, 'products', 's2')).toBeDefined()
  })
})

it('where the target locks what is written, all that a copied snapshot needs is locked', async () => {
  const locked = new MemoryDestination('locked', clock)
  await Repository.create(locked, clock, {}, { mode: 'compliance', forMs: 86_400_000 })
  expect((await copy({ to: locked })).ok).toBe(true)
  for await (const { key } of locked.list('objects/')) {
    expect((await locked.objectLock?.lockOf(key))?.retention?.untilMs).toBe(
      clock.nowMs() + 86_400_000,
    )
  }
  await expect(locked.delete('snapshots/products/s1.json')).rejects.toSatisfy((error) =>
    isOperatingError(error, 'object-locked'),
  )
})

describe('what is wrong with the source', () => {
  it('fails the snapshots that need it, and no other; no damaged object arrives', async () => {
    const repository = await Repository.open(from)
    const s2 = await repository.snapshot('products', 's2')
    const hash = s2?.manifest.files.at(-2)?.pieces[0]?.sha256 ?? ''
    const key = repository.objectKey(hash)
    const bytes = await getWhole(from, key, 100_000)
    bytes?.writeUInt8(bytes.readUInt8(9) ^ 4, 9)
    await from.put(key, bytes ?? Buffer.alloc(0))
    const result = await copy()
    expect(result.ok).toBe(false)
    expect(result.snapshots.map((each) => each.outcome)).toEqual(['copied', 'failed'])
    const error = copyError(result)
    expect([error.code, error.exitCode]).toEqual(['damaged', 13])
    expect(error.message).toContain(from.locate(key))
    expect(await to.head(key)).toBeUndefined()
    expect(await damageOf(to)).toEqual([])
  })

  it('is told when a manifest cannot be read', async () => {
    await from.put('snapshots/products/s1.json', Buffer.from('{}'))
    const result = await copy()
    expect(result.snapshots.map((each) => [each.snapshotId, each.outcome])).toEqual([
      ['s1', 'failed'],
      ['s2', 'copied'],
    ])
  })

  it('makes nothing of the target for a snapshot that is not there', async () => {
    await expect(copy({ collection: 'products', snapshotIds: ['s9'] })).rejects.toSatisfy((error) =>
      isOperatingError(error, 'snapshot-not-found'),
    )
    expect(await valuesOf(to, '')).toEqual(new Map())
  })
})

describe('the target', () => {
  it('keeps another snapshot of the same name, and says so', async () => {
    const other = pinnedSource([file(1, 'vectors')], { lsn: 3 })
    await createBackup(other, { disk, clock, destination: to, snapshotId: 's1', golden })
    const before = await valuesOf(to, 'snapshots/')
    const result = await copy()
    expect(result.snapshots.map((each) => each.outcome)).toEqual(['failed', 'copied'])
    expect(copyError(result).code).toBe('snapshot-exists')
    const after = await valuesOf(to, 'snapshots/')
    for (const [key, value] of before) expect(after.get(key)).toBe(value)
  })

  it('that does not keep what it is given is refused, without a manifest', async () => {
    const forgetful: Destination = {
      ...watched(to, () => {}),
      put: (key, bytes, options) => {
        const kept = Buffer.from(bytes)
        if (key.startsWith('objects/')) kept.writeUInt8(kept.readUInt8(0) ^ 8, 0)
        return to.put(key, kept, options)
      },
    }
    await expect(copy({ to: forgetful })).rejects.toSatisfy((error) =>
      isOperatingError(error, 'damaged'),
    )
    expect(await valuesOf(to, 'snapshots/')).toEqual(new Map())
  })

  it('is not the source', async () => {
    await expect(copy({ to: from })).rejects.toSatisfy((error) => isOperatingError(error, 'usage'))
  })
})

/** Waits by turning the clock. */
const impatient: Timer = {
  after: (milliseconds, act) => {
    clock.advance(milliseconds)
    setImmediate(act)
    return () => {}
  },
}

it('a copy and a prune of either end keep each other out', async () => {
  const request = { purpose: 'a prune', clock, waitMs: 0 }
  await copy()
  for (const end of [from, to]) {
    const lock = await holdExclusive({ destination: end }, request)
    const blocked = copy({
      timer: impatient,
    })
    await expect(blocked).rejects.toSatisfy((error) => isOperatingError(error, 'locked'))
    await lock.release()
  }
  expect((await copy()).ok).toBe(true)
})

describe('encrypted repositories', () => {
  const [first, second] = [makeKey(), makeKey()]

  it.each([
    ['plain', 'encrypted', [], [second]],
    ['encrypted', 'encrypted with another key', [first], [second]],
    ['encrypted', 'plain', [first], []],
  ])('%s to %s: what is stored is sealed anew, and restores prove it', async (_, __, a, b) => {
    const [source, target] = [new MemoryDestination('a'), new MemoryDestination('b')]
    await backUpTwice({ location: source, keys: a })
    const ends = { from: { location: source, keys: a }, to: { location: target, keys: b } }
    const result = await copy(ends)
    expect(result.ok).toBe(true)
    expect(result.objects.copied.serverSide).toBe(0)
    expect(await damageOf(ends.to)).toEqual([])
    expect((await copy(ends)).objects.copied.objects).toBe(0)
    expect((await Repository.open(target, { keys: b })).isEncrypted).toBe(b.length > 0)
  })

  it('a wrong key makes nothing', async () => {
    const sealed = new MemoryDestination('sealed')
    await backUpTwice({ location: sealed, keys: [first] })
    const wrong = { from: { location: sealed, keys: [second] } }
    await expect(copy(wrong)).rejects.toSatisfy((error) => isOperatingError(error, 'key-refused'))
    expect(await valuesOf(to, '')).toEqual(new Map())
  })
})

it('archived log comes along: the copy alone restores to a moment between two snapshots', async () => {
  const world = new MemoryDisk()
  const data = await openTest('/data', { disk: world, clock })
  const products = await data.create(
    'products',
    makeConfig({ dimension: 8, metric: 'l2', index: 'flat' }),
  )
  const source = new MemoryDestination('live')
  const points = somePoints(random, 30)
  await products.upsert(points.slice(0, 10))
  const options = { disk: world, clock, destination: source }
  await createBackup(products, { ...options, snapshotId: 'early', golden })
  await products.upsert(points.slice(10, 20))
  await archiveOnce(products, options)
  const { digest, lsn } = products
  await products.upsert(points.slice(20))
  await archiveOnce(products, options)
  await data.close()

  const result = await copy({ from: source })
  expect(result.archive).toMatchObject({ copied: result.archive.files, problems: [] })
  expect(result.archive.files).toBeGreaterThan(0)
  expect(await valuesOf(to, 'wal/')).toEqual(await valuesOf(source, 'wal/'))
  const target = new MemoryDisk()
  const into = await openTest('/restored', { disk: target, clock })
  const at = parseMoment(`lsn:${lsn}`)
  const request = { collection: 'products', source: to, at, disk: target, clock }
  const restored = await restoreSnapshot(into, request)
  expect(restored.digest).toBe(digest)
  await into.close()
})

it('killed at any call, a copy leaves no half snapshot, and the next one goes on', async () => {
  let whole = 0
  const points = await killAtEveryCall({
    prepare: async () => {
      const fresh = new MemoryDisk()
      await backUpTwice('/from', fresh)
      return fresh
    },
    work: (faulty) => copySnapshots({ from: '/from', to: '/to', disk: faulty, clock }),
    check: async ({ disk: left, survived, lost }) => {
      const survivor = left.crash(survived)
      const world = { disk: survivor, clock }
      const where = `seed ${survived}, before ${lost.call} ${lost.path}`
      try {
        const { damage, snapshots } = await verifyRepository({ ...world, source: '/to' })
        expect(damage, where).toEqual([])
        whole += snapshots.length
      } catch (error) {
        const absent = ['repository-not-found', 'snapshot-not-found'] as const
        if (!isOperatingError(error, ...absent)) throw error
      }
      const again = await copySnapshots({ ...world, from: '/from', to: '/to' })
      expect(again.ok, where).toBe(true)
      expect((await verifyRepository({ ...world, source: '/to' })).damage, where).toEqual([])
      expect((await verifyRepository({ ...world, source: '/from' })).damage, where).toEqual([])
    },
  })
  expect(whole).toBeGreaterThan(0)
  console.log(`copy: killed at ${points} calls, ${whole} snapshots were whole at once`)
})

it('case 56: a bucket that is replicated in any order is incomplete, never ok, until all has arrived', async () => {
  const { seed } = random
  const all: { key: string; bytes: Buffer }[] = []
  for await (const { key, sizeBytes } of from.list('')) {
    const bytes = await getWhole(from, key, sizeBytes)
    if (bytes !== undefined && !key.startsWith('locks/')) all.push({ key, bytes })
  }
  const source = await Repository.open(from)
  let incomplete = 0
  for (let round = 0; round < 20; round++) {
    const replica = new MemoryDestination(`replica-${round}`)
    const order = random.shuffle(all)
    for (const { key, bytes } of order) {
      await replica.put(key, bytes)
      const has = async (each: string) => (await replica.head(each)) !== undefined
      const result = await verifyRepository({ source: replica, disk, clock }).catch((error) => {
        if (isOperatingError(error)) return error.code
        throw error
      })
      if (typeof result === 'string') {
        // no repository.json yet, or no snapshot that could be verified
        expect(['missing-file', 'repository-not-found', 'snapshot-not-found']).toContain(result)
        continue
      }
      for (const each of result.snapshots) {
        const { manifest } = (await source.snapshot(each.collection, each.snapshotId)) ?? {}
        const hashes = manifest?.files.flatMap(({ pieces }) => pieces.map(({ sha256 }) => sha256))
        const there = await Promise.all((hashes ?? []).map((hash) => has(source.objectKey(hash))))
        expect(each.ok, `seed ${seed}, round ${round}`).toBe(there.every(Boolean))
      }
      if (result.ok) continue
      incomplete++
      expect(result.damage.every(({ kind }) => kind === 'missing')).toBe(true)
      expect(damageError(result).message).toMatch(/ is incomplete: .* is missing/)
      expect(damageError(result).exitCode).toBe(13)
    }
  }
  expect(incomplete).toBeGreaterThan(20)
})
