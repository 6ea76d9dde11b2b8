import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { listSnapshots } from '../../../engine/backup/list.ts'
import { parseMoment } from '../../../engine/backup/moment.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import type { Collection } from '../../../engine/collection/collection.ts'
import type { DataDirectory } from '../../../engine/collection/data-directory.ts'
import { getWhole } from '../../../engine/destination/destination.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { decodeSnapshot } from '../../../engine/repository/decode-snapshot.ts'
import type { RepositoryAccess } from '../../../engine/repository/repository.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { Signer } from '../../../engine/repository/signing.ts'
import {
  encodeSnapshot,
  type SnapshotManifest,
} from '../../../engine/repository/snapshot-manifest.ts'
import { openTest, randomPoint } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const clock = manualClock()
const random = seededRandom(87)
const makeSigner = () => new Signer(generateKeyPairSync('ed25519').privateKey)
const [ours, theirs] = [makeSigner(), makeSigner()]
const trust = { publicKeys: [ours.publicKey] }
const monday = 'snapshots/products/monday.json'
const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })

let disk: MemoryDisk
let data: DataDirectory
let products: Collection
let destination: MemoryDestination

const at = (access: RepositoryAccess) => ({ location: destination, ...access })
const backUp = (snapshotId: string, access: RepositoryAccess) =>
  createBackup(products, {
    ...{ disk, clock, destination: at(access), snapshotId, golden: { sample: 4 } },
  })
const archive = (access: RepositoryAccess) =>
  archiveOnce(products, { destination: at(access), disk, clock })
const verify = (access: RepositoryAccess) => verifyRepository({ source: at(access), disk, clock })

async function restore(access: RepositoryAccess, moment?: string) {
  const target = new MemoryDisk()
  const into = await openTest('/restored', { disk: target })
  try {
    const moved = moment === undefined ? {} : { at: parseMoment(moment) }
    const options = { collection: 'products', source: at(access), disk: target, clock, ...moved }
    return await restoreSnapshot(into, options)
  } finally {
    expect(into.names().length).toBeLessThan(2)
    await into.close()
  }
}

/** As an attacker would: edits the manifest, and makes its checksum right again. */
async function forge(change: (manifest: SnapshotManifest) => SnapshotManifest): Promise<void> {
  const bytes = await getWhole(destination, monday, 1e6)
  const manifest = decodeSnapshot(bytes ?? Buffer.alloc(0), monday)
  await destination.put(monday, encodeSnapshot(change(manifest)))
}

beforeEach(async () => {
  disk = new MemoryDisk()
  data = await openTest('/data', { disk, clock })
  products = await data.create('products', config)
  destination = new MemoryDestination()
  await products.upsert(['a', 'b', 'c'].map((id) => randomPoint(random, id)))
  return () => data.close()
})

const refused = { code: 'signature-refused', exitCode: 17 }

describe('a signed snapshot', () => {
  it('is restored where its key is trusted, and elsewhere with the key in the result', async () => {
    await backUp('monday', { signer: ours })
    const trusted = await restore({ trust })
    expect(trusted.signature).toEqual({ status: 'trusted', publicKey: ours.publicKey })
    expect(trusted.remarks).toEqual([])
    const other = await restore({})
    expect(other.signature).toEqual({ status: 'valid', publicKey: ours.publicKey })
    expect(other.remarks.join()).toContain('nobody named as trusted')
    expect((await verify({ trust })).snapshots).toMatchObject([
      { signature: { status: 'trusted' } },
    ])
    const { snapshots } = await listSnapshots({ source: at({}), disk })
    expect(snapshots).toMatchObject([{ signature: { status: 'valid' } }])
  })

  it('case 87: is refused where trust is configured when it was edited and re-hashed, else it is said', async () => {
    await backUp('monday', { signer: ours })
    const edits: [what: string, edit: (manifest: SnapshotManifest) => SnapshotManifest][] = [
      ['an alias', (manifest) => ({ ...manifest, aliases: ['products-live'] })],
      ['the time', (manifest) => ({ ...manifest, createdAt: '2030-01-01T00:00:00.000Z' })],
      ['its node', (m) => ({ ...m, provenance: { ...m.provenance, host: 'elsewhere' } })],
    ]
    const sound = (await getWhole(destination, monday, 1e6)) ?? Buffer.alloc(0)
    for (const [what, edit] of edits) {
      await destination.put(monday, sound)
      await forge(edit)
      await expect(restore({ trust }), what).rejects.toMatchObject(refused)
      const result = await restore({})
      expect(result.signature.status).toBe('wrong')
      expect(result.remarks.join()).toContain('changed after')
      const { ok, damage } = await verify({})
      expect([ok, damage.map(({ key }) => key)]).toEqual([false, [monday]])
    }
  })

  it('case 87: is refused where trust is configured when its signature is gone or by an unknown key', async () => {
    await backUp('monday', { signer: ours })
    await forge(({ signature: _, ...manifest }) => manifest)
    await expect(restore({ trust })).rejects.toMatchObject(refused)
    expect((await restore({})).signature.status).toBe('unsigned')
    await forge(({ signature: _, ...manifest }) => ({
      ...manifest,
      signature: theirs.sign('snapshot', encodeSnapshot(manifest)),
    }))
    await expect(restore({ trust })).rejects.toMatchObject(refused)
    expect((await restore({})).signature.status).toBe('valid')
    expect((await verify({ trust })).ok).toBe(false)
  })

  it('case 87: a newer one that is not trusted is not passed over in silence', async () => {
    await backUp('monday', { signer: ours })
    clock.advance(60_000)
    await products.upsert([randomPoint(random, 'planted')])
    await backUp('tuesday', { signer: theirs })
    await expect(restore({ trust })).rejects.toMatchObject({
      ...refused,
      hint: expect.stringContaining('monday'),
    })
  })

  it('keeps its signature in an encrypted repository', async () => {
    const keys = [new RepositoryKey(random.bytes(32).toString('hex'))]
    await backUp('monday', { signer: ours, keys })
    expect((await restore({ trust, keys })).signature.status).toBe('trusted')
    await expect(
      restore({ trust: { publicKeys: [theirs.publicKey] }, keys }),
    ).rejects.toMatchObject(refused)
  })

  it('is not written with a key that its readers would not trust', async () => {
    for (const access of [{ trust }, { trust, signer: theirs }]) {
      await expect(backUp('monday', access)).rejects.toMatchObject({ code: 'usage' })
    }
    expect(destination.url).toBeDefined()
    expect(await destination.head('repository.json')).toBeUndefined()
  })
})

describe('signed archived log', () => {
  const archived = async () => {
    for await (const { key } of destination.list('wal/')) return key
    throw new Error('nothing is archived')
  }

  it('is replayed where its key is trusted, in a plain and in an encrypted repository', async () => {
    for (const keys of [[], [new RepositoryKey(random.bytes(32).toString('hex'))]]) {
      destination = new MemoryDestination()
      await backUp('monday', { signer: ours, keys })
      await products.upsert([randomPoint(random, `d${keys.length}`)])
      await archive({ signer: ours, keys })
      const { digest } = await restore({ trust, keys }, 'latest')
      expect(digest).toBe(products.digest)
      expect(await verify({ trust, keys })).toMatchObject({ ok: true, archive: { files: 1 } })
    }
  })

  it('case 87: is not replayed where trust is configured when it is not signed, or by somebody else', async () => {
    for (const signer of [undefined, theirs]) {
      destination = new MemoryDestination()
      await backUp('monday', { signer: ours })
      await products.upsert([randomPoint(random, 'forged')])
      await archive(signer === undefined ? {} : { signer })
      await expect(restore({ trust }, 'latest')).rejects.toMatchObject(refused)
      expect((await restore({}, 'latest')).digest).toBe(products.digest)
      expect((await verify({ trust })).ok).toBe(false)
    }
  })

  it('case 13, case 87: with any bit of its signature flipped is damaged, trust or not', async () => {
    await backUp('monday', { signer: ours })
    await products.upsert([randomPoint(random, 'd')])
    await archive({ signer: ours })
    const key = await archived()
    const sound = (await getWhole(destination, key, 1e6)) ?? Buffer.alloc(0)
    for (let step = 0; step < 60; step++) {
      const bytes = Buffer.from(sound)
      const byte = bytes.length - 288 + random.integer(96)
      bytes.writeUInt8(bytes.readUInt8(byte) ^ (1 << random.integer(8)), byte)
      await destination.put(key, bytes)
      const { damage } = await verify({})
      expect(damage.map((each) => each.key)).toEqual([key])
    }
  })
})
