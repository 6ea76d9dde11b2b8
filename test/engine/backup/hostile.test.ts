import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { sha256Hex } from '../../../engine/base/checksum.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { limits, MiB } from '../../../engine/base/limits.ts'
import { openDestination } from '../../../engine/destination/open-destination.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { decodeGraph } from '../../../engine/format/graph-check.ts'
import { decodeManifest, encodeManifest, type Manifest } from '../../../engine/format/manifest.ts'
import { decodeSnapshot } from '../../../engine/repository/decode-snapshot.ts'
import {
  encodeSnapshot,
  type SnapshotManifest,
} from '../../../engine/repository/snapshot-manifest.ts'
import { plainObjectKey } from '../../../engine/repository/stored-objects.ts'
import { openTest, somePoints } from '../../support/collections.ts'
import { copyGraph, forgeGraph } from '../../support/graphs.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { suiteDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

const suite = suiteDirectory()
const random = seededRandom(89)
const clock = manualClock()
const sound = () => join(suite.path, 'repository')
const query = Array.from({ length: 8 }, () => random.normal())
let digest = ''
let answers: unknown

beforeAll(async () => {
  const directory = await openTest(join(suite.path, 'source'))
  const config = makeConfig({ dimension: 8, metric: 'l2', m: 8, efConstruction: 50 })
  const products = await directory.create('products', config)
  await products.upsert(somePoints(random, 1200))
  await products.checkpoint()
  const golden = { sample: 8 }
  const options = { disk: nodeDisk, clock, destination: sound(), golden }
  await createBackup(products, { ...options, snapshotId: 'first' })
  await createBackup(products, { ...options, snapshotId: 's' })
  digest = products.digest
  answers = await products.search(query, { k: 10 })
  await directory.close()
})

/** A copy of the repository with whatever an attacker who can write to it makes of it. */
class Forgery {
  readonly root: string
  manifest: SnapshotManifest

  private constructor(root: string, manifest: SnapshotManifest) {
    this.root = root
    this.manifest = manifest
  }

  static async of(): Promise<Forgery> {
    const root = join(await temporaryDirectory(), 'forged')
    await cp(sound(), root, { recursive: true })
    const file = join(root, 'snapshots/products/s.json')
    return new Forgery(root, decodeSnapshot(await readFile(file), file))
  }

  pathOf(ending: string | RegExp): string {
    const matches = (path: string) =>
      typeof ending === 'string' ? path.endsWith(ending) : ending.test(path)
    const found = this.manifest.files.map(({ path }) => path).filter(matches)
    return found.sort().at(-1) ?? expect.fail(`no file ${ending}`)
  }

  async read(path: string): Promise<Buffer> {
    const pieces = this.manifest.files.find((file) => file.path === path)?.pieces ?? []
    const parts = pieces.map(({ sha256 }) => readFile(join(this.root, plainObjectKey(sha256))))
    return Buffer.concat(await Promise.all(parts))
  }

  /** Puts `bytes` in place of a file, under their right hash. */
  async replace(path: string, bytes: Buffer): Promise<void> {
    const destination = openDestination(this.root, nodeDisk)
    const sha256 = sha256Hex(bytes)
    await destination.put(plainObjectKey(sha256), bytes)
    const files = this.manifest.files.map((file) =>
      file.path === path ? { path, sizeBytes: bytes.length, pieces: [{ sha256 }] } : file,
    )
    this.#use(files)
  }

  /** The collection's own manifest, edited and hashed again. */
  async editState(edit: (state: Manifest) => Manifest): Promise<void> {
    const path = this.pathOf(/^manifest/)
    await this.replace(path, encodeManifest(edit(decodeManifest(await this.read(path), path))))
  }

  /** Another graph, for which every hash is right. */
  async replaceGraph(bytes: Buffer): Promise<void> {
    const path = this.pathOf('.graph')
    await this.replace(path, bytes)
    const entry = { path, sizeBytes: bytes.length, pieces: [sha256Hex(bytes)] }
    await this.editState((state) => ({
      ...state,
      segments: state.segments.map((each) =>
        each.graph?.path === path ? { ...each, graph: entry } : each,
      ),
    }))
  }

  async publish(): Promise<string> {
    await writeFile(join(this.root, 'snapshots/products/s.json'), encodeSnapshot(this.manifest))
    return this.root
  }

  #use(files: SnapshotManifest['files']): void {
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    this.manifest = { ...this.manifest, files, sizes: { ...this.manifest.sizes, totalBytes } }
  }
}

async function restore(source: string, use: (warnings: readonly string[]) => unknown = () => {}) {
  const warnings: string[] = []
  const directory = await openTest(await temporaryDirectory(), { warnings })
  try {
    const result = await restoreSnapshot(directory, {
      ...{ collection: 'products', snapshotId: 's', source, disk: nodeDisk, clock },
    })
    const products = await directory.open('products')
    const found = await products.search(query, { k: 10 })
    await createBackup(products, {
      ...{ disk: nodeDisk, clock, snapshotId: 'again', golden: { sample: 4 } },
      destination: await temporaryDirectory(),
    })
    use(warnings)
    return { result, found }
  } finally {
    await directory.close()
  }
}

const verify = (source: string, depth: 'objects' | 'content' = 'objects') =>
  verifyRepository({
    source,
    depth,
    snapshotId: 's',
    collection: 'products',
    disk: nodeDisk,
    clock,
  })

describe('a graph that an attacker crafted and hashed again', () => {
  it('case 89: is refused before native code, built again from the vectors, and the restore succeeds', async () => {
    const original = await Forgery.of()
    const graph = await original.read(original.pathOf('.graph'))
    const state = decodeManifest(await original.read(original.pathOf(/^manifest/)), 'manifest')
    const [segment] = state.segments
    if (segment === undefined) return expect.fail('no segment')
    const { number, count } = segment
    const settings = { metric: 'l2', m: 8, efConstruction: 50, dimension: 8 } as const
    const expected = { ...settings, segment: number, count }
    const decoded = decodeGraph(graph, expected, 'graph')
    let forgeries = 0
    for (let attempt = 0; forgeries < 3 && attempt < 200; attempt++) {
      const bytes = Buffer.from(forgeGraph(random, copyGraph(decoded)))
      const isSound = (() => {
        try {
          decodeGraph(bytes, expected, 'graph')
          return true
        } catch {
          return false
        }
      })()
      if (isSound) continue
      forgeries++
      const forged = await Forgery.of()
      await forged.replaceGraph(bytes)
      const source = await forged.publish()
      expect((await verify(source)).ok).toBe(true) // every hash is right
      const { result, found } = await restore(source, (warnings) => {
        expect(warnings.join()).toMatch(/graph/)
      })
      expect(result).toMatchObject({ digest, graphs: 'rebuilt' })
      expect(found).toEqual(answers)
    }
    expect(forgeries).toBe(3)
  })

  it('case 89: of random bytes, of none, and of another size likewise', async () => {
    for (const bytes of [random.bytes(5_000), random.bytes(1), Buffer.alloc(70_000)]) {
      const forged = await Forgery.of()
      await forged.replaceGraph(bytes)
      const { result, found } = await restore(await forged.publish())
      expect(result).toMatchObject({ digest, graphs: 'rebuilt' })
      expect(found).toEqual(answers)
    }
  })
})

describe('recorded neighbours that are damaged', () => {
  it.each([
    ['missing', (path: string) => rm(path)],
    ['damaged', (path: string) => truncate(path, 10)],
  ])('case 17: %s, do not stop a restore: the next backup finds them anew', async (_, harm) => {
    const forged = await Forgery.of()
    const path = forged.pathOf('.truth')
    const sha256 = forged.manifest.files.find((file) => file.path === path)?.pieces[0]?.sha256 ?? ''
    await harm(join(forged.root, plainObjectKey(sha256)))
    expect((await verify(forged.root)).damage).toHaveLength(1)
    const { result, found } = await restore(forged.root)
    expect(result).toMatchObject({ digest, graphs: 'kept' })
    expect(result.remarks).toEqual([expect.stringMatching(/\.truth was left out.*anew/)])
    expect(found).toEqual(answers)
  })

  it('case 89: crafted and hashed again, they do not either', async () => {
    const forged = await Forgery.of()
    const path = forged.pathOf('.truth')
    const bytes = random.bytes(300)
    await forged.replace(path, bytes)
    const truth = { path, sizeBytes: bytes.length, pieces: [sha256Hex(bytes)] }
    await forged.editState((state) => ({
      ...state,
      segments: state.segments.map((each) =>
        each.truth?.path === path ? { ...each, truth } : each,
      ),
    }))
    const { result, found } = await restore(await forged.publish())
    expect(result).toMatchObject({ digest })
    expect(found).toEqual(answers)
  })
})

describe('files under their right hash that are not what they are named', () => {
  const documents = /^(config|manifest)[^/]*\.json$/
  const primary = /^(?!.*\.(graph|lists|truth)$)/
  const junk: [what: string, bytes: () => Buffer, of: RegExp][] = [
    ['random bytes', () => random.bytes(700), primary],
    ['one zero', () => Buffer.alloc(1), primary],
    ['text', () => Buffer.from('no JSON at all'), documents],
    ['other JSON', () => Buffer.from('{"format":"vectra-manifest","version":2}'), documents],
    ['deep JSON', () => Buffer.from('['.repeat(10_000) + ']'.repeat(10_000)), documents],
    ['a list of millions', () => Buffer.from(`[${'0,'.repeat(3_000_000)}0]`), documents],
    ['a prototype', () => Buffer.from('{"__proto__":{"polluted":1},"version":1}'), documents],
  ]
  it.each(junk)('case 86: %s ends as damaged, and leaves nothing', async (_, make, of) => {
    const directory = await openTest(await temporaryDirectory())
    const { manifest } = await Forgery.of()
    const files = manifest.files.filter(({ path }) => of.test(path))
    expect(files.length).toBeGreaterThan(1)
    for (const { path } of files) {
      const forged = await Forgery.of()
      await forged.replace(path, make())
      const source = await forged.publish()
      const options = { collection: 'products', snapshotId: 's', source, disk: nodeDisk, clock }
      const restored = restoreSnapshot(directory, options)
      await expect(restored, path).rejects.toMatchObject({ exitCode: 13 })
      expect(directory.names()).toEqual([])
    }
    await directory.close()
    expect(Object.prototype).not.toHaveProperty('polluted')
  })
})

describe('a manifest of absurd size', () => {
  it('case 86: of 1 GiB is refused in less than a second, and costs no memory', async () => {
    const forged = await Forgery.of()
    await truncate(join(forged.root, 'snapshots/products/s.json'), 1024 * MiB)
    const before = process.memoryUsage().rss
    const startedAt = performance.now()
    await expect(restore(forged.root)).rejects.toMatchObject({ code: 'damaged' })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MiB)
    await truncate(join(forged.root, 'repository.json'), 1024 * MiB)
    await expect(verify(forged.root)).rejects.toMatchObject({ code: 'damaged' })
  })
})

describe('sizes that are declared and not so', () => {
  const declare = async (change: (sizeBytes: number) => number) => {
    const forged = await Forgery.of()
    const path = forged.pathOf('.vectors')
    const files = forged.manifest.files.map((file) =>
      file.path === path ? { ...file, sizeBytes: change(file.sizeBytes) } : file,
    )
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    forged.manifest = { ...forged.manifest, files, sizes: { totalBytes, addedBytes: 0 } }
    return forged
  }

  // nothing in a repository is compressed: an object is as long as its file says, or it is not used
  it('case 85: of one byte more or less, or of a whole piece, end as damaged', async () => {
    for (const change of [
      (sizeBytes: number) => sizeBytes + 1,
      (sizeBytes: number) => sizeBytes - 1,
      () => 1,
      () => limits.pieceBytes,
    ]) {
      const source = await (await declare(change)).publish()
      await expect(restore(source)).rejects.toMatchObject({ code: 'damaged' })
      expect((await verify(source)).damage).toMatchObject([{ kind: 'wrong-size' }])
    }
  })

  it('case 85: that do not go with the number of pieces, or are beyond what fits, are refused at once', async () => {
    for (const change of [() => 2 ** 45, () => limits.pieceBytes + 1, () => 0]) {
      const source = await (await declare(change)).publish()
      await expect(restore(source)).rejects.toMatchObject({ code: 'damaged' })
    }
  })
})
