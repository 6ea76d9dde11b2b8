import { beforeEach, describe, expect, it } from 'vitest'
import { archiveOnce } from '../../../engine/backup/archive.ts'
import { createBackup } from '../../../engine/backup/create.ts'
import { parseMoment } from '../../../engine/backup/moment.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import type { Location } from '../../../engine/backup/sources.ts'
import { isOperatingError, OperatingError } from '../../../engine/base/errors.ts'
import { copySnapshots } from '../../../engine/copies/copy.ts'
import { type Destination, getWhole } from '../../../engine/destination/destination.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { makeConfig } from '../../../engine/format/config.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { openTest, somePoints } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const clock = manualClock()
const random = seededRandom(52)
const disk = new MemoryDisk()
const key = new RepositoryKey(random.bytes(32).toString('base64'))
let first: MemoryDestination
let sealed: MemoryDestination
let digests: { snapshot: string; latest: string }

/** Answers so many requests, and is away from then on. */
function dying(inner: Destination, requests: number): Destination & { asked(): number } {
  let asked = 0
  const alive = () => {
    if (++asked <= requests) return
    throw new OperatingError('unreachable', `${inner.url} does not answer`, 'Try again.')
  }
  return {
    asked: () => asked,
    url: inner.url,
    locate: (each) => inner.locate(each),
    put: async (each, bytes, options) => {
      alive()
      return inner.put(each, bytes, options)
    },
    get: async (each, target, offset) => {
      alive()
      return inner.get(each, target, offset)
    },
    head: async (each) => {
      alive()
      return inner.head(each)
    },
    threadFile: (each) => inner.threadFile(each),
    async *list(prefix) {
      alive()
      yield* inner.list(prefix)
    },
    delete: async (each) => {
      alive()
      return inner.delete(each)
    },
    flush: async () => {},
  }
}

beforeEach(async () => {
  first = new MemoryDestination('first')
  sealed = new MemoryDestination('sealed')
  const world = new MemoryDisk()
  const data = await openTest('/data', { disk: world, clock })
  const config = makeConfig({ dimension: 8, metric: 'l2', index: 'flat' })
  const products = await data.create('products', config)
  await products.upsert(somePoints(random, 20))
  await products.checkpoint()
  const options = { disk: world, clock, destination: first }
  await createBackup(products, { ...options, snapshotId: 's', golden: { sample: 2 } })
  const snapshot = products.digest
  await products.upsert(somePoints(random, 5))
  await archiveOnce(products, options)
  digests = { snapshot, latest: products.digest }
  await data.close()
  await copySnapshots({ from: first, to: { location: sealed, keys: [key] }, disk, clock })
})

async function restore(source: readonly Location[], at?: string) {
  const target = new MemoryDisk()
  const into = await openTest('/restored', { disk: target, clock })
  const moment = at === undefined ? {} : { at: parseMoment(at) }
  try {
    const request = { collection: 'products', source, disk: target, clock, ...moment }
    return await restoreSnapshot(into, request)
  } finally {
    await into.close()
  }
}

const second = (): Location => ({ location: sealed, keys: [key] })

async function flip(place: MemoryDestination, name: string): Promise<void> {
  const bytes = (await getWhole(place, name, 1_000_000)) ?? Buffer.alloc(0)
  const at = bytes.length >> 1
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  await place.put(name, bytes)
}

async function keysOf(place: MemoryDestination, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const each of place.list(prefix)) keys.push(each.key)
  return keys
}

describe('a source that goes away', () => {
  it.each([undefined, 'latest'])(
    'at any request of a restore (at %s) is replaced by the next one, and asked no more',
    async (at) => {
      const digest = at === undefined ? digests.snapshot : digests.latest
      const whole = dying(first, Number.POSITIVE_INFINITY)
      await restore([whole, second()], at)
      let fellBack = 0
      for (let requests = 0; requests < whole.asked(); requests++) {
        const result = await restore([dying(first, requests), second()], at)
        expect(result.digest, `after ${requests} requests`).toBe(digest)
        const used = result.sources.find((each) => each.url === sealed.url)
        if ((used?.pieces ?? 0) > 0) fellBack++
      }
      expect(fellBack).toBeGreaterThan(3)
    },
  )

  it('fails the restore when no other has the piece, as unreachable and not as damage', async () => {
    for (const each of await keysOf(sealed, 'objects/')) await sealed.delete(each)
    const whole = dying(first, Number.POSITIVE_INFINITY)
    await restore([whole])
    const before = whole.asked() - 6
    await expect(restore([dying(first, before), second()])).rejects.toSatisfy((error) =>
      isOperatingError(error, 'unreachable'),
    )
  })
})

describe('damage in the first source', () => {
  it('of its manifest: the next one has it', async () => {
    await flip(first, 'snapshots/products/s.json')
    const result = await restore([first, second()])
    expect([result.digest, result.source]).toEqual([digests.snapshot, sealed.url])
    expect(result.remarks.join()).toMatch(/passed over.*first/)
  })

  it('of its archived log: the next one has it, and a remark says so', async () => {
    for (const each of await keysOf(first, 'wal/')) await flip(first, each)
    const result = await restore([first, second()], 'latest')
    expect(result.digest).toBe(digests.latest)
    expect(result.remarks.join()).toMatch(/archived file was passed over/)
  })

  it('of every object: all pieces come from the encrypted second, each told with its reason', async () => {
    const keys = await keysOf(first, 'objects/')
    for (const each of keys) await flip(first, each)
    const result = await restore([first, second()])
    expect(result.digest).toBe(digests.snapshot)
    expect(result.sources.map(({ pieces }) => pieces)).toEqual([0, result.fallbacks.length])
    for (const { from, problems } of result.fallbacks) {
      expect(from).toBe(sealed.url)
      expect(problems).toMatchObject([{ source: first.url }])
    }
  })
})
