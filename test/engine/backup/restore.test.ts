import { execFileSync } from 'node:child_process'
import { cp, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import {
  type RestoreOptions,
  type RestoreTarget,
  restoreSnapshot,
} from '../../../engine/backup/restore.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import type { ProgressEvent } from '../../../engine/base/progress.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import type { Staging } from '../../../engine/collection/staging.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { encodeDocument } from '../../../engine/format/document.ts'
import { decodeSnapshot } from '../../../engine/repository/decode-snapshot.ts'
import { breakLock, openTest, somePoints } from '../../support/collections.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { suiteDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'
import { changeFile, filesBelow, flipBit } from './repository-on-disk.ts'

const suite = suiteDirectory()
const sound = () => join(suite.path, 'repository')
const random = seededRandom(76)
const points = somePoints(random, 1500)
const later = somePoints(random, 40).map((point) => ({ ...point, id: `later ${point.id}` }))
const query = Array.from({ length: 8 }, () => random.normal())
const graphConfig = makeConfig({ dimension: 8, metric: 'l2', m: 8, efConstruction: 50 })

interface Facts {
  readonly uuid: string
  readonly digest: string
  readonly count: number
  readonly lsn: number
  readonly answers: unknown
}
const facts: Record<string, Facts> = {}

/** One repository with snapshots s1 and s2 of products: a graph segment, tombstones and a log tail. */
beforeAll(async () => {
  const directory = await openTest(join(suite.path, 'source'))
  const clock = manualClock()
  const products = await directory.create('products', graphConfig)
  const backUp = async (snapshotId: string) => {
    const options = {
      disk: nodeDisk,
      clock,
      destination: sound(),
      snapshotId,
      golden: { sample: 8 },
    }
    await createBackup(products, options)
    const { uuid, digest, count, lsn } = products
    facts[snapshotId] = {
      uuid,
      digest,
      count,
      lsn,
      answers: await products.search(query, { k: 20 }),
    }
    clock.advance(60_000)
  }
  await products.upsert(points)
  await products.delete(['p3', 'p5'])
  await backUp('s1')
  await products.upsert(later)
  await products.delete(['p7'])
  await backUp('s2')
  await directory.close()
})

const options = (changes: Partial<RestoreOptions> = {}): RestoreOptions => ({
  collection: 'products',
  source: sound(),
  disk: nodeDisk,
  clock: manualClock(),
  ...changes,
})

const emptyDirectory = async () => {
  const path = await temporaryDirectory()
  const directory = await openTest(path)
  return { path, directory }
}

const copyOfSound = async (name = 'copy') => {
  const copy = join(await temporaryDirectory(), name)
  await cp(sound(), copy, { recursive: true })
  return copy
}

/** Nothing of a failed restore stays: no collection, no directory, and no leftover in the catalogue. */
async function expectNothingLeft(path: string, directory: DataDirectory, names: string[] = []) {
  expect(directory.names()).toEqual(names)
  expect(await readdir(join(path, 'collections'))).toHaveLength(names.length)
}

describe('a restore', () => {
  it('brings the newest snapshot back: points, digest, config, graph and answers', async () => {
    const { directory } = await emptyDirectory()
    const events: ProgressEvent[] = []
    const result = await restoreSnapshot(
      directory,
      options({ progress: (event) => events.push(event) }),
    )
    const restored = await directory.open('products')
    expect({ ...restored.describe() }).toMatchObject({
      uuid: facts['s2']?.uuid,
      digest: facts['s2']?.digest,
      count: facts['s2']?.count,
      config: graphConfig,
      epoch: { number: 2, history: result.epoch.history },
      restoredFrom: { snapshotId: 's2', lsn: facts['s2']?.lsn },
    })
    expect(await restored.search(query, { k: 20 })).toEqual(facts['s2']?.answers)
    expect(await restored.proveDigest()).toBe(facts['s2']?.digest)
    expect(result).toMatchObject({
      name: 'products',
      snapshotId: 's2',
      recoveryPoint: { uuid: facts['s2']?.uuid, lsn: facts['s2']?.lsn, asOfAt: expect.any(String) },
      count: facts['s2']?.count,
      digest: facts['s2']?.digest,
      graphs: 'kept',
      graphFiles: { kept: 1, rebuilt: 0 },
      resumed: false,
      fallbacks: [],
      remarks: [],
    })
    expect(result.phases.map(({ phase }) => phase)).toEqual([
      'open',
      'lock',
      'choose',
      'stage',
      'write',
      'prove',
      'load',
    ])
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    expect(events.at(-1)).toEqual({
      phase: 'write',
      unit: 'bytes',
      done: result.bytes,
      total: result.bytes,
    })
    await directory.close()
  })

  it('brings back an older snapshot, and takes writes afterwards', async () => {
    const { directory, path } = await emptyDirectory()
    await restoreSnapshot(directory, options({ snapshotId: 's1' }))
    const restored = await directory.open('products')
    expect(restored.digest).toBe(facts['s1']?.digest)
    expect(await restored.search(query, { k: 20 })).toEqual(facts['s1']?.answers)
    await restored.upsert(later)
    await restored.delete(['p7'])
    expect(restored.digest).toBe(facts['s2']?.digest)
    await directory.close()
    const again = await openTest(path)
    expect((await again.open('products')).digest).toBe(facts['s2']?.digest)
    await again.close()
  })

  it('under another name makes a clone with a UUID of its own', async () => {
    const { directory } = await emptyDirectory()
    await restoreSnapshot(directory, options())
    const clone = await restoreSnapshot(directory, options({ newName: 'products_test' }))
    expect(directory.names()).toEqual(['products', 'products_test'])
    expect(clone.uuid).not.toBe(facts['s2']?.uuid)
    expect(clone.digest).toBe(facts['s2']?.digest)
    await directory.drop('products_test')
    expect((await directory.open('products')).count).toBe(facts['s2']?.count)
    await directory.close()
  })

  it('builds graphs anew when asked to', async () => {
    const { directory } = await emptyDirectory()
    const result = await restoreSnapshot(directory, options({ reindex: true }))
    expect(result).toMatchObject({
      digest: facts['s2']?.digest,
      graphs: 'rebuilt',
      graphFiles: { kept: 0, rebuilt: 1 },
    })
    await directory.close()
  })

  it('of a collection that was itself restored can be backed up and restored again', async () => {
    const { directory } = await emptyDirectory()
    await restoreSnapshot(directory, options())
    const destination = join(await temporaryDirectory(), 'second')
    const again = await directory.open('products')
    const world = { disk: nodeDisk, clock: manualClock() }
    await createBackup(again, { ...world, destination, snapshotId: 's3' })
    const result = await restoreSnapshot(directory, options({ source: destination, replace: true }))
    expect(result).toMatchObject({
      digest: facts['s2']?.digest,
      epoch: { number: 3 },
      graphs: 'kept',
    })
    await directory.close()
  })
})

describe('an existing collection', () => {
  it('case 76: is refused before any work, and stays as it was', async () => {
    const { path, directory } = await emptyDirectory()
    const mine = await directory.create('products', graphConfig)
    await mine.upsert(points.slice(0, 5))
    const disk = new FaultyDisk(nodeDisk)
    await expect(restoreSnapshot(directory, options({ disk }))).rejects.toMatchObject({
      code: 'collection-exists',
      exitCode: 2,
      hint: expect.stringContaining('--replace'),
    })
    expect(disk.records).toEqual([])
    expect(await directory.open('products')).toBe(mine)
    expect(mine.count).toBe(5)
    await expectNothingLeft(path, directory, ['products'])
    await directory.close()
  })

  it('case 76: is replaced in one step, and is there until then', async () => {
    const { path, directory } = await emptyDirectory()
    const mine = await directory.create('products', graphConfig)
    await mine.upsert(points.slice(0, 5))
    const counts: number[] = []
    const progress = () => counts.push(mine.count)
    const result = await restoreSnapshot(directory, options({ replace: true, progress }))
    expect(new Set(counts)).toEqual(new Set([5]))
    expect((await directory.open('products')).digest).toBe(result.digest)
    await expectNothingLeft(path, directory, ['products'])
    await directory.close()
  })

  it('case 76: stays when the replacing restore fails', async () => {
    const { path, directory } = await emptyDirectory()
    const mine = await directory.create('products', graphConfig)
    await mine.upsert(points.slice(0, 5))
    const source = await copyOfSound()
    await damageObjects(source, () => true)
    await expect(
      restoreSnapshot(directory, options({ source, replace: true })),
    ).rejects.toMatchObject({ code: 'damaged' })
    expect((await directory.open('products')).count).toBe(5)
    await expectNothingLeft(path, directory, ['products'])
    await directory.close()
  })

  it('case 76: is replaced for good even when the old files cannot be removed', async () => {
    const path = await temporaryDirectory()
    const disk = new FaultyDisk(nodeDisk)
    const directory = await openTest(path, { disk })
    const mine = await directory.create('products', graphConfig)
    const old = `${mine.uuid}-${mine.epoch.history}`
    disk.arm({ calls: ['removeTree'], path: new RegExp(old), errno: 'EIO' })
    await restoreSnapshot(directory, options({ replace: true })).catch(() => undefined)
    await directory.close()
    const reopened = await openTest(path)
    expect((await reopened.open('products')).digest).toBe(facts['s2']?.digest)
    await reopened.close()
  })
})

async function damageObjects(repository: string, which: (index: number) => boolean) {
  const objects = (await filesBelow(repository)).filter((path) => path.startsWith('objects/'))
  const damaged = objects.filter((_, index) => which(index))
  for (const path of damaged) {
    await changeFile(join(repository, path), (bytes) => flipBit(bytes, 8 * (bytes.length >> 1)))
  }
  return { objects, damaged }
}

describe('several sources', () => {
  it('are asked in order, object by object, and the result says which had what', async () => {
    const [first, second] = [await copyOfSound('first'), await copyOfSound('second')]
    const { damaged } = await damageObjects(first, (index) => index % 2 === 0)
    await damageObjects(second, (index) => index % 2 === 1)
    const { directory } = await emptyDirectory()
    const result = await restoreSnapshot(directory, options({ source: [first, second] }))
    expect(result.digest).toBe(facts['s2']?.digest)
    expect(result.source).toMatch(/first$/)
    const [one, two] = result.sources
    expect(one?.pieces).toBeGreaterThan(0)
    expect(two?.pieces).toBeGreaterThan(0)
    expect((one?.bytes ?? 0) + (two?.bytes ?? 0)).toBe(result.bytes)
    expect(result.fallbacks.length).toBe(two?.pieces)
    for (const fallback of result.fallbacks) {
      expect(damaged).toContain(fallback.key)
      expect(fallback.from).toMatch(/second$/)
      expect(fallback.problems).toEqual([
        { source: expect.stringMatching(/first$/), problem: expect.stringContaining('damaged') },
      ])
    }
    await directory.close()
  })

  it('one without a sound manifest, or not there at all, is passed over with a remark', async () => {
    const broken = await copyOfSound('broken')
    await writeFile(join(broken, 'snapshots/products/s2.json'), '{}')
    const missing = join(await temporaryDirectory(), 'missing')
    const { directory } = await emptyDirectory()
    for (const snapshotId of ['s2', undefined]) {
      const source = [missing, broken, sound()]
      const newName = `as_${snapshotId ?? 'newest'}`
      const named = snapshotId === undefined ? {} : { snapshotId }
      const result = await restoreSnapshot(directory, options({ source, newName, ...named }))
      expect(result).toMatchObject({
        snapshotId: 's2',
        source: expect.stringMatching(/repository$/),
      })
      expect(result.remarks).toEqual([
        expect.stringContaining('missing'),
        expect.stringContaining('broken'),
      ])
    }
    await directory.close()
  })

  it('a piece that is sound nowhere fails the restore with what each source said', async () => {
    const [first, second] = [await copyOfSound('first'), await copyOfSound('second')]
    await damageObjects(first, () => true)
    await rm(join(second, 'objects'), { recursive: true })
    const { path, directory } = await emptyDirectory()
    await expect(
      restoreSnapshot(directory, options({ source: [first, second] })),
    ).rejects.toMatchObject({
      code: 'damaged',
      exitCode: 13,
      details: [
        { source: expect.stringMatching(/first$/), problem: expect.stringContaining('damaged') },
        { source: expect.stringMatching(/second$/), problem: 'is missing' },
      ],
    })
    await expectNothingLeft(path, directory)
    await directory.close()
  })
})

describe('what cannot be restored', () => {
  it.each([
    [{ source: '/nonexistent/vectra' }, 'repository-not-found', 14],
    [{ source: [] as string[] }, 'usage', 2],
    [{ source: 'gs://bucket/x' }, 'unsupported-destination', 2],
    [{ collection: 'others' }, 'snapshot-not-found', 14],
    [{ snapshotId: 's9' }, 'snapshot-not-found', 14],
    [{ collection: '../x' }, 'invalid-name', 2],
    [{ newName: 'a/b' }, 'invalid-name', 2],
    [{ snapshotId: '..' }, 'invalid-name', 2],
  ])('%j is refused with %s', async (changes, code, exitCode) => {
    const { path, directory } = await emptyDirectory()
    await expect(restoreSnapshot(directory, options(changes))).rejects.toMatchObject({
      code,
      exitCode,
    })
    await expectNothingLeft(path, directory)
    await directory.close()
  })

  it('names what there is when a snapshot is not there', async () => {
    const { directory } = await emptyDirectory()
    const hintOf = (changes: Partial<RestoreOptions>) =>
      restoreSnapshot(directory, options(changes)).catch((error: { hint: string }) => error.hint)
    expect(await hintOf({ snapshotId: 's9' })).toContain('s1, s2')
    expect(await hintOf({ collection: 'others' })).toContain('products')
    await directory.close()
  })

  it('does not guess the newest when a manifest that may be the newest is damaged', async () => {
    const source = await copyOfSound()
    await changeFile(join(source, 'snapshots/products/s2.json'), (bytes) => flipBit(bytes, 99))
    const { path, directory } = await emptyDirectory()
    await expect(restoreSnapshot(directory, options({ source }))).rejects.toMatchObject({
      code: 'damaged',
      hint: expect.stringContaining('s1'),
    })
    await expectNothingLeft(path, directory)
    const result = await restoreSnapshot(directory, options({ source, snapshotId: 's1' }))
    expect(result.digest).toBe(facts['s1']?.digest)
    await directory.close()
  })

  it('case 18: with each needed file missing in turn is refused by name, and nothing is left', async () => {
    const { path, directory } = await emptyDirectory()
    for (const missing of await neededFiles()) {
      const source = await copyOfSound()
      await rm(join(source, missing))
      const error = await restoreSnapshot(directory, options({ source, snapshotId: 's2' })).then(
        () => expect.unreachable(missing),
        (error: { code: string; message: string }) => error,
      )
      expect(error.code).toBe(
        missing === 'repository.json'
          ? 'missing-file'
          : missing.startsWith('snapshots/')
            ? 'snapshot-not-found'
            : 'damaged',
      )
      if (error.code !== 'snapshot-not-found') expect(error.message).toContain(missing)
      await expectNothingLeft(path, directory)
    }
    await directory.close()
  })

  it('case 24: with a flipped bit in each needed file in turn is refused, and nothing is left', async () => {
    const { path, directory } = await emptyDirectory()
    const bits = seededRandom(241)
    for (const damaged of await neededFiles()) {
      const source = await copyOfSound()
      await changeFile(join(source, damaged), (bytes) =>
        flipBit(bytes, bits.integer(8 * bytes.length)),
      )
      await expect(
        restoreSnapshot(directory, options({ source, snapshotId: 's2' })),
        damaged,
      ).rejects.toMatchObject({ exitCode: 13 })
      await expectNothingLeft(path, directory)
    }
    await directory.close()
  })

  it('case 23: a newer snapshot format is refused with the hint to upgrade', async () => {
    const source = await copyOfSound()
    const newer = encodeDocument({ format: 'vectra-snapshot', version: 4 }, {})
    await writeFile(join(source, 'snapshots/products/s2.json'), newer)
    const { path, directory } = await emptyDirectory()
    for (const snapshotId of ['s2', undefined]) {
      const named = snapshotId === undefined ? {} : { snapshotId }
      await expect(restoreSnapshot(directory, options({ source, ...named }))).rejects.toMatchObject(
        {
          code: 'newer-format',
        },
      )
    }
    await expectNothingLeft(path, directory)
    await directory.close()
  })

  it('says so when the disk is too small, before writing', async () => {
    const { path, directory } = await emptyDirectory()
    const disk = { ...nodeDisk, freeBytes: async () => 1000 }
    await expect(restoreSnapshot(directory, options({ disk }))).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(/needs \d+ bytes .* 1000 are free/),
    })
    await expectNothingLeft(path, directory)
    await directory.close()
  })

  it('case 25: leaves nothing when the disk is full on the way', async () => {
    const { path, directory } = await emptyDirectory()
    const disk = new FaultyDisk(nodeDisk, { calls: ['write'], at: 3, errno: 'ENOSPC' })
    await expect(restoreSnapshot(directory, options({ disk }))).rejects.toMatchObject({
      code: 'disk-full',
    })
    await expectNothingLeft(path, directory)
    await directory.close()
  })

  it('stops at the signal with its reason, and leaves nothing', async () => {
    const { path, directory } = await emptyDirectory()
    const controller = new AbortController()
    const progress = () => controller.abort(new Error('enough'))
    await expect(
      restoreSnapshot(directory, options({ progress, signal: controller.signal })),
    ).rejects.toThrow('enough')
    await expectNothingLeft(path, directory)
    await directory.close()
  })
})

describe('a graph that no source has whole', () => {
  it.each([
    ['missing', (path: string) => rm(path)],
    ['damaged', (path: string) => changeFile(path, (bytes) => flipBit(bytes, 4321))],
  ])(
    'case 17: %s, is left out and built again, loudly, and verify still reports it',
    async (_, harm) => {
      const [sha256 = ''] = await hashesOf(isGraph)
      const key = `objects/${sha256.slice(0, 2)}/${sha256}`
      const source = await copyOfSound()
      await harm(join(source, key))
      const { path, directory } = await emptyDirectory()
      const result = await restoreSnapshot(directory, options({ source, snapshotId: 's2' }))
      expect(result).toMatchObject({
        digest: facts['s2']?.digest,
        graphs: 'rebuilt',
        graphFiles: { kept: 0, rebuilt: 1 },
        remarks: [expect.stringMatching(/\.graph was left out, because .*built again/)],
      })
      const products = await directory.open('products')
      expect(await products.search(query, { k: 20 })).toEqual(facts['s2']?.answers)
      await directory.close()
      const warnings: string[] = []
      const again = await openTest(path, { warnings })
      const reopened = await again.open('products')
      expect(await reopened.search(query, { k: 20 })).toEqual(facts['s2']?.answers)
      await createBackup(reopened, { ...options(), destination: join(path, 'r'), snapshotId: 'n' })
      expect(warnings).toEqual([])
      await again.close()
      const verified = await verifyRepository({ disk: nodeDisk, clock: manualClock(), source })
      expect(verified.damage.map((each) => each.key)).toEqual([key])
      // another source that has it whole is asked first
      const both = await emptyDirectory()
      const whole = await restoreSnapshot(both.directory, options({ source: [source, sound()] }))
      expect(whole).toMatchObject({ graphs: 'kept', remarks: [] })
      expect(whole.fallbacks.map((each) => each.key)).toEqual([key])
      await both.directory.close()
    },
  )
})

const isGraph = (path: string) => path.endsWith('.graph')
const isDerived = (path: string) => /\.(graph|truth)$/.test(path)

async function hashesOf(which: (path: string) => boolean): Promise<Set<string>> {
  const bytes = await readFile(join(sound(), 'snapshots/products/s2.json'))
  const files = decodeSnapshot(bytes, 's2').files.filter(({ path }) => which(path))
  return new Set(files.flatMap(({ pieces }) => pieces.map(({ sha256 }) => sha256)))
}

/** Files of the repository that snapshot s2 cannot do without. */
async function neededFiles(): Promise<string[]> {
  const hashes = await hashesOf((path) => !isDerived(path))
  const all = await filesBelow(sound())
  return all.filter((path) =>
    path.startsWith('objects/')
      ? hashes.has(path.slice('objects/aa/'.length))
      : !path.endsWith('s1.json'),
  )
}

describe('a hostile repository', () => {
  it.each([
    '../x',
    '/etc/x',
    'C:\\x',
    'nul\0',
    'a/../../b',
    '\u2024\u2024/x',
    'segments/../../../../x',
  ])('case 83: a file named %j is refused before any write', async (hostile) => {
    const source = await copyOfSound()
    const file = join(source, 'snapshots/products/s2.json')
    const manifest = decodeSnapshot(await readFile(file), file)
    const [first, ...rest] = manifest.files
    const forged = { ...manifest, files: [{ ...first, path: hostile }, ...rest] }
    await writeFile(file, encodeDocument({ format: 'vectra-snapshot', version: 2 }, forged))
    const { path, directory } = await emptyDirectory()
    const before = await filesBelow(path)
    const disk = new FaultyDisk(nodeDisk)
    await expect(
      restoreSnapshot(directory, options({ source, disk, snapshotId: 's2' })),
    ).rejects.toMatchObject({ code: 'unsafe-name', exitCode: 13 })
    const reading = ['open', 'read', 'stat', 'list']
    const locks = /\/(locks|\.tmp)(\/|$)/
    const others = disk.records.filter(({ call }) => !reading.includes(call))
    expect(others.filter(({ path }) => !locks.test(path))).toEqual([])
    expect(await filesBelow(path)).toEqual(before)
    await directory.close()
  })

  it('case 84: a link in place of an object is refused, and another source is asked', async () => {
    const source = await copyOfSound()
    const object = (await neededFiles()).find((path) => path.startsWith('objects/')) ?? ''
    await rm(join(source, object))
    await symlink(join(sound(), object), join(source, object))
    const { path, directory } = await emptyDirectory()
    const failed = restoreSnapshot(directory, options({ source }))
    await expect(failed).rejects.toMatchObject({ code: 'damaged' })
    await expectNothingLeft(path, directory)
    const result = await restoreSnapshot(directory, options({ source: [source, sound()] }))
    expect(result.fallbacks.map(({ key }) => key)).toEqual([object])
    await directory.close()
  })
})

/** A data directory in which somebody meddles with the staging directory before files are written. */
const meddled = (
  directory: DataDirectory,
  meddle: (staged: string) => Promise<void>,
): RestoreTarget => ({
  refuseTaken: (name, replace) => directory.refuseTaken(name, replace),
  stage: async (request) => {
    const staging = await directory.stage(request)
    await meddle(staging.directory)
    return staging
  },
})

describe('a target with something planted in it', () => {
  const vectorsPath = 'segments/00000001.vectors'
  const plants: Record<string, (staged: string, outside: string) => Promise<void>> = {
    'a link to a file': (staged, outside) =>
      symlink(join(outside, 'precious'), join(staged, vectorsPath)),
    'a link to nowhere': (staged, outside) =>
      symlink(join(outside, 'new'), join(staged, vectorsPath)),
    'a linked directory': async (staged, outside) => {
      await rm(join(staged, 'segments'), { recursive: true })
      await symlink(outside, join(staged, 'segments'))
    },
    'a pipe': async (staged) => {
      execFileSync('mkfifo', [join(staged, vectorsPath)])
    },
    'a directory': async (staged) => {
      await mkdir(join(staged, vectorsPath))
    },
  }

  it.each(Object.entries(plants))(
    'case 84: %s is refused, and nothing outside changes',
    async (_, plant) => {
      const outside = await temporaryDirectory()
      await writeFile(join(outside, 'precious'), 'untouched')
      const { path, directory } = await emptyDirectory()
      const target = meddled(directory, (staged) => plant(staged, outside))
      await expect(restoreSnapshot(target, options())).rejects.toMatchObject({
        code: 'unsafe-entry',
        exitCode: 13,
      })
      expect(await readdir(outside)).toEqual(['precious'])
      expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('untouched')
      await expectNothingLeft(path, directory)
      await directory.close()
    },
  )

  it('case 84: a second name of a file outside is not written through', async () => {
    const outside = await temporaryDirectory()
    await writeFile(join(outside, 'precious'), 'untouched')
    const { directory } = await emptyDirectory()
    const target = meddled(directory, (staged) =>
      link(join(outside, 'precious'), join(staged, vectorsPath)),
    )
    const result = await restoreSnapshot(target, options())
    expect(result.digest).toBe(facts['s2']?.digest)
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('untouched')
    await directory.close()
  })
})

describe('a restore that was cut off', () => {
  /** A directory whose restores cannot clean up after themselves, as when the process is killed. */
  const dying = (directory: DataDirectory): RestoreTarget => ({
    refuseTaken: (name, replace) => directory.refuseTaken(name, replace),
    stage: async (request): Promise<Staging> => ({
      ...(await directory.stage(request)),
      discard: async () => {},
    }),
  })

  it('case 77: goes on where it stopped each time, with the files that are whole', async () => {
    const path = await temporaryDirectory()
    const reused: number[] = []
    for (let attempt = 1; ; attempt++) {
      expect(attempt).toBeLessThan(20)
      const directory = await openTest(path)
      // the third write reaches the disk in part, and then the machine is gone
      const gone = { times: Number.POSITIVE_INFINITY, errno: 'EIO', writtenBytes: 7 }
      const disk = new FaultyDisk(nodeDisk, { calls: ['write'], at: 3, ...gone })
      const cut = await restoreSnapshot(dying(directory), options({ disk })).catch(
        (error: { code: string }) => error.code,
      )
      if (cut !== 'disk-error') {
        expect(cut).toMatchObject({ resumed: true, digest: facts['s2']?.digest })
        await expectNothingLeft(path, directory, ['products'])
        await directory.close()
        break
      }
      expect(directory.names()).toEqual([])
      await directory.close()
      reused.push(await restoreCopy(path))
    }
    expect(reused.length).toBeGreaterThan(1)
    expect(reused.at(-1)).toBeGreaterThan(reused[0] ?? 0)
  })

  /** Restores into a copy, so that what was cut off can be cut off again. @returns files reused */
  async function restoreCopy(path: string): Promise<number> {
    const copy = join(await temporaryDirectory(), 'data')
    await cp(path, copy, { recursive: true })
    const directory = await openTest(copy)
    const result = await restoreSnapshot(directory, options())
    expect(result).toMatchObject({ resumed: true, digest: facts['s2']?.digest })
    await directory.close()
    return result.files.reused
  }

  it('case 77: a restore under another name does not go on with it', async () => {
    const { directory } = await emptyDirectory()
    const target: RestoreTarget = {
      refuseTaken: (name, replace) => directory.refuseTaken(name, replace),
      stage: async (request) => {
        const commit = () => Promise.reject(new Error('killed'))
        return { ...(await directory.stage(request)), commit, discard: async () => {} }
      },
    }
    await expect(restoreSnapshot(target, options())).rejects.toThrow('killed')
    const clone = await restoreSnapshot(directory, options({ newName: 'clone' }))
    expect(clone.resumed).toBe(false)
    expect(clone.uuid).not.toBe(facts['s2']?.uuid)
    const restored = await restoreSnapshot(directory, options())
    expect(restored).toMatchObject({ resumed: true, uuid: facts['s2']?.uuid })
    await directory.close()
  })

  it('case 77: does not reuse a file that was changed meanwhile', async () => {
    const { directory } = await emptyDirectory()
    let staged = ''
    const target: RestoreTarget = {
      refuseTaken: (name, replace) => directory.refuseTaken(name, replace),
      stage: async (request) => {
        const staging = await directory.stage(request)
        staged = staging.directory
        return {
          ...staging,
          commit: () => Promise.reject(new Error('killed')),
          discard: async () => {},
        }
      },
    }
    await expect(restoreSnapshot(target, options())).rejects.toThrow('killed')
    await changeFile(join(staged, 'segments/00000001.vectors'), (bytes) => flipBit(bytes, 1234))
    const result = await restoreSnapshot(directory, options())
    expect(result).toMatchObject({ resumed: true, digest: facts['s2']?.digest })
    expect(result.files.written).toBe(1)
    await directory.close()
  })

  it('case 84: does not reuse a whole file that has a second name', async () => {
    const outside = await temporaryDirectory()
    const { directory } = await emptyDirectory()
    let staged = ''
    const target: RestoreTarget = {
      refuseTaken: (name, replace) => directory.refuseTaken(name, replace),
      stage: async (request) => {
        const staging = await directory.stage(request)
        staged = staging.directory
        const commit = () => Promise.reject(new Error('killed'))
        return { ...staging, commit, discard: async () => {} }
      },
    }
    await expect(restoreSnapshot(target, options())).rejects.toThrow('killed')
    await link(join(staged, 'segments/00000001.vectors'), join(outside, 'second-name'))
    const result = await restoreSnapshot(directory, options())
    expect(result).toMatchObject({ resumed: true, digest: facts['s2']?.digest })
    const { nlink } = await stat(join(outside, 'second-name'))
    expect(nlink).toBe(1)
    await directory.close()
  })
})

describe('a power failure', () => {
  it('case 2: does not take a restored collection away, whatever was not synced', async () => {
    const disk = new MemoryDisk()
    const clock = manualClock()
    const source = await openTest('/source', { disk, clock })
    const items = await source.create('items', makeConfig({ dimension: 8, index: 'flat' }))
    await items.upsert(points.slice(0, 1200))
    await items.checkpoint()
    await items.upsert(later)
    const destination = new MemoryDestination()
    const golden = { sample: 0 }
    await createBackup(items, { disk, clock, destination, snapshotId: 's1', golden })
    const directory = await openTest('/data', { disk, clock })
    await restoreSnapshot(directory, { disk, clock, collection: 'items', source: destination })
    for (const after of [
      disk.crashLosingAll(),
      ...[1, 2, 3, 4, 5].map((seed) => disk.crash(seed)),
    ]) {
      await breakLock(after, '/data')
      const reopened = await openTest('/data', { disk: after, clock })
      const restored = await reopened.open('items')
      expect(await restored.proveDigest()).toBe(items.digest)
      await reopened.close()
    }
    await directory.close()
    await source.close()
  })
})
