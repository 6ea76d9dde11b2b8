import { beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { diffSnapshots } from '../../../engine/backup/diff.ts'
import { listSnapshots, readSnapshot } from '../../../engine/backup/list.ts'
import { parseMoment } from '../../../engine/backup/moment.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import type { Location } from '../../../engine/backup/sources.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { openTest, randomPoint } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { pinnedSource, segment } from './pinned-source.ts'
import { flipBit } from './repository-on-disk.ts'

const clock = manualClock()
const random = seededRandom(88)
const makeKey = () => new RepositoryKey(random.bytes(32).toString('base64'))
const [key, wrongKey] = [makeKey(), makeKey()]
const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })
const secret = 'Zebrafink'

let disk: MemoryDisk
let data: DataDirectory
let products: Collection
let destination: MemoryDestination
let sealed: Location

const at = (place: MemoryDestination, ...keys: RepositoryKey[]): Location => ({
  location: place,
  keys,
})
const backUp = (snapshotId: string, place: Location = sealed) =>
  createBackup(products, { disk, clock, destination: place, snapshotId, golden: { sample: 4 } })
const upsert = (...ids: string[]) =>
  products.upsert(
    ids.map((id) => ({ ...randomPoint(random, id), metadata: { text: `${secret} ${id}` } })),
  )
const verify = (source: Location = sealed, depth: 'objects' | 'content' = 'objects') =>
  verifyRepository({ source, depth, disk, clock, scratchDirectory: '/scratch' })

async function restore(source: Location | readonly Location[], moment?: string) {
  const target = new MemoryDisk()
  const into = await openTest('/restored', { disk: target })
  try {
    return await restoreSnapshot(into, {
      collection: 'products',
      source,
      disk: target,
      clock,
      ...(moment !== undefined && { at: parseMoment(moment) }),
    })
  } finally {
    await into.close()
  }
}

async function everything(place: MemoryDestination): Promise<Map<string, Buffer>> {
  const values = new Map<string, Buffer>()
  for await (const { key: name, sizeBytes } of place.list('')) {
    const bytes = Buffer.alloc(sizeBytes)
    await place.get(name, bytes)
    values.set(name, bytes)
  }
  return values
}

beforeEach(async () => {
  disk = new MemoryDisk()
  data = await openTest('/data', { disk, clock })
  products = await data.create('products', config)
  destination = new MemoryDestination()
  sealed = at(destination, key)
  await upsert('a', 'b', 'c')
  await products.checkpoint()
  await backUp('monday')
  await upsert('c', 'd')
  await products.delete(['a'])
  await backUp('tuesday')
  await upsert('e')
  await archiveOnce(products, { destination: sealed, disk, clock })
  return () => data.close()
})

describe('an encrypted repository', () => {
  it('is backed up to, verified, listed, compared, archived to and restored like a plain one', async () => {
    expect(await verify()).toMatchObject({ ok: true, damage: [], archive: { files: 1 } })
    const deep = await verify(sealed, 'content')
    expect(deep.snapshots.map((each) => each.content?.ok)).toEqual([true, true])
    const { snapshots, ranges } = await listSnapshots({ source: sealed, disk })
    expect(snapshots.map((each) => each.snapshotId)).toEqual(['monday', 'tuesday'])
    expect(ranges).toMatchObject([{ lastLsn: products.lsn }])
    const request = { source: sealed, collection: 'products', disk }
    expect(await diffSnapshots({ ...request, snapshotId: 'tuesday' })).toMatchObject({
      points: { added: 1, removed: 1, changed: 1, unchanged: 1 },
    })
    const { manifest } = await readSnapshot({ ...request, snapshotId: 'tuesday' })
    expect(await restore(sealed)).toMatchObject({ digest: manifest.digest, count: 3 })
    expect(await restore(sealed, 'latest')).toMatchObject({ digest: products.digest, count: 4 })
  })

  it('stores what it has once, under the same keyed name', async () => {
    const keyed = new MemoryDestination()
    const file = (part: string) => ({ path: segment(1, part), bytes: random.bytes(500) })
    const files = [file('vectors'), file('points')]
    const options = { disk, clock, destination: at(keyed, key), golden: { sample: 0 } }
    await createBackup(pinnedSource(files), { ...options, snapshotId: 'one' })
    const before = await everything(keyed)
    const later = pinnedSource([...files, file('graph')], { lsn: 8 })
    const two = await createBackup(later, { ...options, snapshotId: 'two' })
    expect(two.objects).toEqual({ total: 3, written: 1, reused: 2 })
    const after = await everything(keyed)
    expect(after.size).toBe(before.size + 2)
    for (const [name, bytes] of before) expect(after.get(name)).toEqual(bytes)
  })

  it('shows nothing of ids, metadata or content hashes, in names or bytes', async () => {
    const { manifest } = await readSnapshot({
      source: sealed,
      collection: 'products',
      snapshotId: 'tuesday',
      disk,
    })
    const hashes = manifest.files.flatMap((file) => file.pieces.map((piece) => piece.sha256))
    const all = await everything(destination)
    expect(all.size).toBeGreaterThan(6)
    for (const [name, bytes] of all) {
      for (const word of [secret, manifest.digest, 'sha256":"', ...hashes]) {
        const text = bytes.toString('latin1')
        if (name === 'repository.json' && word === 'sha256":"') continue // its own checksum
        expect(text.includes(word), `${word} in ${name}`).toBe(false)
        expect(name.includes(word), `${word} in the name ${name}`).toBe(false)
      }
      for (const hash of hashes) expect(bytes.includes(Buffer.from(hash, 'hex'))).toBe(false)
    }
  })

  it('case 13, case 88: every value with any bit flipped is found, and named', async () => {
    const sound = await everything(destination)
    let flipped = 0
    for (const [name, bytes] of sound) {
      if (name === 'repository.json') continue
      for (let step = 0; step < 25; step++) {
        const bit = step < 2 ? step * (8 * bytes.length - 1) : random.integer(8 * bytes.length)
        await destination.put(name, flipBit(bytes, bit))
        const { ok, damage } = await verify()
        expect(ok, `${name}, bit ${bit}`).toBe(false)
        expect(damage.map((each) => each.key)).toContain(name)
        flipped++
      }
      await destination.put(name, bytes)
    }
    expect(await verify()).toMatchObject({ ok: true })
    console.log(`sealed repository: ${flipped} flipped bits found, seed 88`)
  })

  it('case 19, case 88: any two values of it exchanged are found, both', async () => {
    const sound = [...(await everything(destination))].filter(
      ([name]) => name !== 'repository.json',
    )
    for (const [index, [name, bytes]] of sound.entries()) {
      const [other = '', otherBytes = Buffer.alloc(0)] = sound[(index + 1) % sound.length] ?? []
      await destination.put(name, otherBytes)
      await destination.put(other, bytes)
      const { damage } = await verify()
      const keys = damage.map((each) => each.key)
      // a snapshot that cannot be read hides what it needs, and only that
      const needed = [name, other].filter((each) => !each.startsWith('objects/'))
      expect(keys).toEqual(expect.arrayContaining(needed.length > 0 ? needed : [name, other]))
      await destination.put(name, bytes)
      await destination.put(other, otherBytes)
    }
    expect(await verify()).toMatchObject({ ok: true })
  })

  it('case 88: values of another repository with the same key do not stand in for its own', async () => {
    const other = new MemoryDestination()
    await backUp('monday', at(other, key))
    const foreign = await everything(other)
    for (const [name, bytes] of foreign) {
      if (name.startsWith('snapshots/')) await destination.put(name, bytes)
    }
    const { damage } = await verify()
    expect(damage.map((each) => each.key)).toEqual(['snapshots/products/monday.json'])
    // not even with the repository file of the other one: then nothing of its own opens
    await destination.put('repository.json', foreign.get('repository.json') ?? Buffer.alloc(0))
    const mixed = await verify()
    expect(mixed.damage.map((each) => each.key)).toContain('snapshots/products/tuesday.json')
  })
})

describe('a key', () => {
  const refused = { code: 'key-refused', exitCode: 17, hint: expect.stringMatching(/./) }

  it('that is wrong or missing is refused by everything, and nothing is written', async () => {
    const before = await everything(destination)
    const source = disk.crash(1)
    for (const place of [at(destination), at(destination, wrongKey)]) {
      const request = { source: place, collection: 'products', disk }
      await expect(backUp('wednesday', place)).rejects.toMatchObject(refused)
      await expect(
        archiveOnce(products, { destination: place, disk, clock }),
      ).rejects.toMatchObject(refused)
      await expect(verify(place)).rejects.toMatchObject(refused)
      await expect(listSnapshots(request)).rejects.toMatchObject(refused)
      await expect(restore(place)).rejects.toMatchObject(refused)
      await expect(diffSnapshots({ ...request, snapshotId: 'tuesday' })).rejects.toMatchObject(
        refused,
      )
    }
    expect(await everything(destination)).toEqual(before)
    expect(await filesOf(disk.crash(1))).toEqual(await filesOf(source))
  })

  it('may be one of several that are given', async () => {
    expect(await verify(at(destination, wrongKey, key))).toMatchObject({ ok: true })
  })

  it('for a plain repository is refused: what was meant to be sealed is not written plain', async () => {
    const plain = new MemoryDestination()
    await backUp('plain', plain)
    const before = await everything(plain)
    await expect(backUp('sealed', at(plain, key))).rejects.toMatchObject(refused)
    await expect(restore(at(plain, key))).rejects.toMatchObject(refused)
    expect(await everything(plain)).toEqual(before)
  })

  it('case 88: does not open a repository that somebody has turned into a plain one', async () => {
    const plain = new MemoryDestination()
    await backUp('monday', plain)
    for (const [name, bytes] of await everything(plain)) await destination.put(name, bytes)
    await expect(restore(sealed)).rejects.toMatchObject(refused)
  })

  it('that is wrong for one of several sources passes over that one, and says so', async () => {
    const plain = new MemoryDestination()
    await backUp('tuesday', plain)
    const result = await restore([at(destination, wrongKey), plain])
    expect(result.digest).toBe(products.digest)
    expect(result.remarks.join()).toContain('a source was passed over')
  })
})

const filesOf = async (of: MemoryDisk): Promise<string[]> => of.list('/data')
