import { execFileSync } from 'node:child_process'
import { copyFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { listSnapshots } from '../../../engine/backup/list.ts'
import {
  damageError,
  type VerifyDepth,
  type VerifyResult,
  verifyRepository,
} from '../../../engine/backup/verify.ts'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { encodeDocument } from '../../../engine/format/document.ts'
import { plainObjectKey } from '../../../engine/repository/stored-objects.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { suiteDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'
import {
  changeFile,
  filesBelow,
  flipBit,
  forEachFile,
  onlyFirst,
  onlySecond,
  shared,
  writeRepository,
} from './repository-on-disk.ts'

const world = { disk: nodeDisk, clock: manualClock(), record: false }
const suite = suiteDirectory()
const sound = () => join(suite.path, 'sound')
const keyOf = (bytes: Uint8Array) => plainObjectKey(sha256Hex(bytes))

const verify = (source: string, depth: VerifyDepth = 'objects') =>
  verifyRepository({ ...world, source, depth, record: false })

/** Damage by key, or the code of the error: never silence. */
async function outcome(
  source: string,
  depth: VerifyDepth,
): Promise<VerifyResult | { code: string }> {
  return verify(source, depth).catch((error: { code: string }) => ({ code: error.code }))
}

beforeAll(() => writeRepository(sound()))

const copyOfSound = async () => {
  const copy = join(await temporaryDirectory(), 'copy')
  execFileSync('cp', ['-r', sound(), copy])
  return copy
}

describe('a sound repository', () => {
  it('passes, and says what was looked at', async () => {
    const result = await verify(sound())
    expect(result).toMatchObject({
      ok: true,
      depth: 'objects',
      damage: [],
      strangers: [],
      objects: { checked: 5, checkedBytes: 28_201 },
      verifiedAt: '2026-01-01T00:00:00.000Z',
    })
    expect(result.snapshots.map(({ snapshotId, ok, files }) => [snapshotId, ok, files])).toEqual([
      ['s1', true, 3],
      ['s2', true, 4],
    ])
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
  })

  it('is not changed by verifying it, but for the lock', async () => {
    const disk = new FaultyDisk(nodeDisk)
    const before = await filesBelow(sound())
    await verifyRepository({ ...world, disk, source: sound(), record: false })
    const reading = ['open', 'read', 'list', 'stat']
    const others = disk.records.filter(({ call }) => !reading.includes(call))
    expect(others.filter(({ path }) => !/\/(locks|\.tmp)(\/|$)/.test(path))).toEqual([])
    expect(await filesBelow(sound())).toEqual(before)
  })

  it('reads nothing of the objects at depth manifest', async () => {
    const disk = new FaultyDisk(nodeDisk)
    const result = await verifyRepository({ ...world, disk, source: sound(), depth: 'manifest' })
    expect(result.ok).toBe(true)
    expect(disk.count('open', /objects/)).toBe(0)
  })

  it('is verified for one collection or one snapshot', async () => {
    const source = sound()
    const one = await verifyRepository({ ...world, source, snapshotId: 's1' })
    expect(one.objects.checked).toBe(3)
    const collection = 'products'
    expect((await verifyRepository({ ...world, source, collection })).snapshots).toHaveLength(2)
    for (const names of [
      { collection: 'others' },
      { snapshotId: 's3' },
      { collection, snapshotId: 's3' },
    ]) {
      await expect(verifyRepository({ ...world, source, ...names })).rejects.toMatchObject({
        code: 'snapshot-not-found',
        exitCode: 14,
      })
    }
  })
})

describe('bit rot', () => {
  it('case 24: one flipped bit in each object is found in each, with what needs it', async () => {
    const repository = await copyOfSound()
    const random = seededRandom(240)
    const objects = (await filesBelow(repository)).filter((path) => path.startsWith('objects/'))
    for (const path of objects) {
      await changeFile(join(repository, path), (bytes) =>
        flipBit(bytes, random.integer(8 * bytes.length)),
      )
    }
    const result = await verify(repository)
    expect(result.ok).toBe(false)
    expect(result.damage.map(({ key }) => key)).toEqual(objects)
    expect(new Set(result.damage.map(({ kind }) => kind))).toEqual(new Set(['wrong-content']))
    const [vectors] = shared
    const both = result.damage.find(({ key }) => key === keyOf(vectors?.bytes ?? Buffer.of()))
    expect(both?.neededBy).toEqual([
      { collection: 'products', snapshotId: 's1', path: vectors?.path, piece: 0 },
      { collection: 'products', snapshotId: 's2', path: vectors?.path, piece: 0 },
    ])
    expect(damageError(result)).toMatchObject({
      code: 'damaged',
      exitCode: 13,
      message: expect.stringContaining('and 4 more'),
      place: { file: join(repository, objects[0] ?? '') },
      details: result.damage,
    })
  })

  it('case 24: each single flipped bit of one object is found', async () => {
    const repository = await copyOfSound()
    const tiny = onlySecond[1]?.bytes ?? Buffer.of()
    for (let bit = 0; bit < 8; bit++) {
      await writeFile(join(repository, keyOf(tiny)), flipBit(Buffer.from(tiny), bit))
      const result = await verify(repository)
      expect(result.damage).toHaveLength(1)
      expect(result.snapshots.map(({ ok }) => ok)).toEqual([true, false])
    }
  })

  it('case 88: two objects of one size in each other’s place are found', async () => {
    const repository = await copyOfSound()
    const a = join(repository, keyOf(shared[0]?.bytes ?? Buffer.of()))
    const b = join(repository, keyOf(onlyFirst.bytes))
    await changeFile(a, (bytes) => bytes.subarray(0, 200))
    await rename(b, `${b}.kept`)
    await copyFile(a, b)
    await rename(`${b}.kept`, a)
    const result = await verify(repository)
    expect(result.damage.map(({ kind }) => kind).toSorted()).toEqual([
      'wrong-content',
      'wrong-size',
    ])
  })

  it('case 85: an object longer than declared is refused without reading it all', async () => {
    const repository = await copyOfSound()
    const key = keyOf(onlyFirst.bytes)
    await writeFile(
      join(repository, key),
      Buffer.concat([onlyFirst.bytes, Buffer.alloc(30_000_000)]),
    )
    const disk = new FaultyDisk(nodeDisk)
    const result = await verifyRepository({ ...world, disk, source: repository })
    expect(result.damage).toMatchObject([
      {
        kind: 'wrong-size',
        key,
        problem: expect.stringContaining('30000200 bytes instead of 200'),
      },
    ])
    const readBytes = disk.records
      .filter(({ call, path }) => call === 'read' && path.endsWith(key))
      .reduce((sum, { bytes = 0 }) => sum + bytes, 0)
    expect(readBytes).toBeLessThanOrEqual(200)
  })
})

describe('each file of a repository', () => {
  const damages: Record<string, (file: string) => Promise<void>> = {
    'case 18: missing': (file) => rm(file),
    'case 21: truncated to nothing': (file) => changeFile(file, () => Buffer.of()),
    'case 21: cut by one byte': (file) => changeFile(file, (bytes) => bytes.subarray(0, -1)),
    'case 21: grown by one byte': (file) =>
      changeFile(file, (bytes) => Buffer.concat([bytes, Buffer.of(0)])),
    'case 22: followed by garbage': (file) =>
      changeFile(file, (bytes) => Buffer.concat([bytes, bytes])),
    'case 84: replaced by a link to itself elsewhere': async (file) => {
      await rename(file, `${file}.elsewhere`)
      await symlink(`${file}.elsewhere`, file)
    },
    'case 84: replaced by a pipe': async (file) => {
      await rm(file)
      execFileSync('mkfifo', [file])
    },
  }

  it.each(Object.entries(damages))('%s, is named by verify', async (name, damage) => {
    const scratch = await temporaryDirectory()
    let visited = 0
    await forEachFile(sound(), scratch, async (copy, path) => {
      visited++
      await damage(join(copy, path))
      const lostManifest = name.includes('missing') && path.startsWith('snapshots/')
      for (const depth of ['manifest', 'objects'] as const) {
        const result = await outcome(copy, depth)
        if ('damage' in result) {
          const keys = lostManifest ? [] : [path]
          expect(
            result.damage.map(({ key }) => key),
            `${path} at ${depth}`,
          ).toEqual(keys)
          if (lostManifest) expect(result.snapshots).toHaveLength(1)
        } else {
          expect(path).toBe('repository.json')
          expect(result.code).toMatch(/^(missing-file|damaged|unsafe-entry)$/)
        }
      }
    })
    expect(visited).toBe(8)
  })

  it('case 18: without any manifest nothing is called verified', async () => {
    const repository = await copyOfSound()
    await rm(join(repository, 'snapshots'), { recursive: true })
    await expect(verify(repository)).rejects.toMatchObject({ code: 'snapshot-not-found' })
  })

  it('case 18: without its directory, or empty, there is no repository', async () => {
    const empty = await temporaryDirectory()
    for (const source of [empty, join(empty, 'none')]) {
      await expect(verify(source)).rejects.toMatchObject({
        code: 'repository-not-found',
        exitCode: 14,
      })
    }
    expect(await filesBelow(empty)).toEqual([])
  })

  it('case 23: a manifest of a newer version is damage to this version, with a hint', async () => {
    const repository = await copyOfSound()
    const newer = encodeDocument({ format: 'vectra-snapshot', version: 9 }, {})
    await writeFile(join(repository, 'snapshots/products/s2.json'), newer)
    const before = await filesBelow(repository)
    const result = await verify(repository)
    expect(result.damage).toMatchObject([
      {
        kind: 'manifest',
        key: 'snapshots/products/s2.json',
        problem: expect.stringMatching(/version 9/),
      },
    ])
    const { unreadable, snapshots } = await listSnapshots({ ...world, source: repository })
    expect(unreadable[0]?.error).toMatchObject({
      code: 'newer-format',
      hint: expect.stringMatching(/upgrade/i),
    })
    expect(snapshots).toHaveLength(1)
    expect(await filesBelow(repository)).toEqual(before)
  })

  it('reports all damage at once, of every kind', async () => {
    const repository = await copyOfSound()
    await writeFile(join(repository, 'snapshots/products/s1.json'), '{}')
    await rm(join(repository, keyOf(onlySecond[0]?.bytes ?? Buffer.of())))
    await changeFile(join(repository, keyOf(onlySecond[1]?.bytes ?? Buffer.of())), (b) =>
      flipBit(b, 3),
    )
    await changeFile(join(repository, keyOf(shared[0]?.bytes ?? Buffer.of())), (b) => b.subarray(1))
    const { damage } = await verify(repository)
    expect(damage.map(({ kind }) => kind).toSorted()).toEqual([
      'manifest',
      'missing',
      'wrong-content',
      'wrong-size',
    ])
  })

  it('shows what the product did not write, without calling it damage', async () => {
    const repository = await copyOfSound()
    await writeFile(join(repository, 'snapshots/products/.nfs0001'), 'x')
    const result = await verify(repository)
    expect(result).toMatchObject({ ok: true, strangers: ['snapshots/products/.nfs0001'] })
  })
})

describe('a store that fails', () => {
  it('case 27: an object that cannot be read is named as unreadable, not as missing', async () => {
    const disk = new FaultyDisk(nodeDisk, {
      calls: ['read'],
      path: new RegExp(keyOf(onlyFirst.bytes)),
      errno: 'EIO',
      times: Number.POSITIVE_INFINITY,
    })
    const result = await verifyRepository({ ...world, disk, source: sound() })
    expect(result.damage).toMatchObject([{ kind: 'unreadable', key: keyOf(onlyFirst.bytes) }])
  })

  it('case 49: a snapshot that the listing does not show yet is found by its name', async () => {
    const source = new DirectoryDestination(nodeDisk, sound())
    source.list = async function* () {}
    const named = { collection: 'products', snapshotId: 's2' }
    const result = await verifyRepository({ ...world, source, ...named })
    expect(result.snapshots).toMatchObject([{ snapshotId: 's2', ok: true }])
  })
})
