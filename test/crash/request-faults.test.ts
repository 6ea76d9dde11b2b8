/**
 * Every request of a backup, copy, verification, restore and prune against an object store, failed in every
 * way, once and for good: nothing is lost, nothing is there twice, and the exit code says what happened.
 *
 * The store speaks S3 over real HTTP (support/object-store.ts). Retries do not wait. What is in the bucket
 * afterwards is looked at from behind, not through the code under test.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { objectsOf } from '../../engine/backup/check-objects.ts'
import { createBackup } from '../../engine/backup/create.ts'
import { restoreSnapshot } from '../../engine/backup/restore.ts'
import { verifyRepository } from '../../engine/backup/verify.ts'
import { canonicalJson } from '../../engine/base/canonical-json.ts'
import { isOperatingError } from '../../engine/base/errors.ts'
import { copyError, copySnapshots } from '../../engine/copies/copy.ts'
import { repairError, repairRepository } from '../../engine/copies/repair.ts'
import type { Destination } from '../../engine/destination/destination.ts'
import { MemoryDestination } from '../../engine/destination/memory.ts'
import { makeConfig } from '../../engine/format/config.ts'
import { readSnapshots } from '../../engine/repository/read-snapshots.ts'
import { Repository } from '../../engine/repository/repository.ts'
import { pruneRepository } from '../../engine/retention/prune.ts'
import { pinnedSource, segment } from '../engine/backup/pinned-source.ts'
import { openTest, somePoints, threadless } from '../support/collections.ts'
import { tellCount } from '../support/counts.ts'
import { manualClock } from '../support/manual-clock.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { type ObjectStore, startObjectStore, testKey } from '../support/object-store.ts'
import type { Fault, SeenRequest } from '../support/object-store-faults.ts'
import { seededRandom } from '../support/seeded-random.ts'

type Contents = ReadonlyMap<string, Buffer>

interface Way {
  readonly name: string
  readonly fault: Fault
  readonly when?: (request: SeenRequest) => boolean
  /** Exit codes that the work may end with; empty: it must succeed. */
  readonly exits: readonly number[]
  /** From the failed request on, all others too. */
  readonly forGood?: true
  /** Only every nth request: it takes time. */
  readonly every?: number
}

const isRead = ({ operation }: SeenRequest) => operation === 'GetObject'
const isCopy = ({ operation }: SeenRequest) => operation === 'CopyObject'
const isWrite = ({ operation }: SeenRequest) => ['PutObject', 'CopyObject'].includes(operation)
const status = (code: number, name: string) =>
  ({ kind: 'status', status: code, code: name }) as const

const ways: readonly Way[] = [
  { name: '500 once', fault: status(500, 'InternalError'), exits: [] },
  { name: '429 once', fault: status(429, 'TooManyRequests'), exits: [] },
  { name: '503 SlowDown once', fault: status(503, 'SlowDown'), exits: [] },
  { name: 'reset before', fault: { kind: 'reset', stage: 'before' }, exits: [] },
  { name: 'reset after', fault: { kind: 'reset', stage: 'after' }, exits: [] },
  { name: 'reset in the body', fault: { kind: 'reset', stage: 'body' }, when: isWrite, exits: [] },
  {
    name: 'reset in the answer',
    fault: { kind: 'reset', stage: 'answer' },
    when: isRead,
    exits: [],
  },
  { name: 'truncated body', fault: { kind: 'truncate', bytes: 7 }, when: isRead, exits: [] },
  { name: 'flipped bit', fault: { kind: 'corrupt' }, when: isRead, exits: [] },
  { name: 'silence before', fault: { kind: 'silence', stage: 'before' }, exits: [], every: 9 },
  { name: 'silence after', fault: { kind: 'silence', stage: 'after' }, exits: [], every: 9 },
  {
    name: 'error in a 200',
    fault: { kind: 'error-body', code: 'InternalError' },
    when: isCopy,
    exits: [],
  },
  { name: '403 once', fault: status(403, 'AccessDenied'), exits: [17] },
  { name: '503 for good', fault: status(503, 'SlowDown'), exits: [12], forGood: true },
  { name: 'gone for good', fault: { kind: 'reset', stage: 'before' }, exits: [12], forGood: true },
  { name: '403 for good', fault: status(403, 'AccessDenied'), exits: [17], forGood: true },
]

interface Job {
  readonly name: string
  /** What is in the bucket before. */
  readonly prepared: Contents
  /** Work that goes on without what it may not do: another run makes up for it. */
  readonly mayLeave?: true
  /** Snapshots lack something before, and may until the work is done. */
  readonly damaged?: true
  readonly run: (store: Destination) => Promise<unknown>
}

const seed = 2_000
/** One identity, so that the store copies by itself. */
const credentials = async () => testKey
const patience = { attempts: 2, idleMs: 200, credentials }
const random = seededRandom(seed)
const clock = manualClock()
const disk = new MemoryDisk()
const golden = { sample: 0 }
const file = (number: number, part: string, bytes: number) => ({
  path: segment(number, part),
  bytes: random.bytes(bytes),
})
const early = [file(1, 'vectors', 900), file(1, 'points', 300)]
const late = [...early, file(2, 'vectors', 500)]
const restorable = { digest: '' }

let store: ObjectStore
let total = 0
beforeAll(async () => {
  store = await startObjectStore(clock, { keep: true })
})
afterAll(async () => {
  await store.close()
  tellCount({ kind: 'failed call', what: 'requests of an object store', count: total, seed })
})

/** What decides: objects, snapshots, archived log and what is noted about them. */
const counts = /^(objects|snapshots|wal|pins|copied)\//

function put(bucket: string, contents: Contents): void {
  const versions = store.state.buckets.get(bucket)?.versions
  versions?.clear()
  for (const [name, body] of contents) {
    const sha256 = createHash('sha256').update(body).digest('base64')
    const version = { versionId: 'null', body, etag: `"${name}"`, sha256, metadata: {} }
    versions?.set(name, [{ ...version, storedAt: clock.nowMs(), isDeletion: false }])
  }
}

/** Locks that could not be removed are those of a dead process in reality; this one lives on. */
function endProcess(bucket: string): void {
  const versions = store.state.buckets.get(bucket)?.versions
  for (const name of versions?.keys() ?? []) if (name.startsWith('locks/')) versions?.delete(name)
}

function look(bucket: string, which = counts): Contents {
  const found = new Map<string, Buffer>()
  for (const [name, versions] of store.state.buckets.get(bucket)?.versions ?? []) {
    const newest = versions.at(-1)
    if (newest !== undefined && !newest.isDeletion && which.test(name)) found.set(name, newest.body)
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function contentsOf(memory: MemoryDestination): Promise<Contents> {
  const contents = new Map<string, Buffer>()
  for await (const { key, sizeBytes } of memory.list('')) {
    const body = Buffer.alloc(sizeBytes)
    await memory.get(key, body)
    if (!key.startsWith('locks/')) contents.set(key, body)
  }
  return contents
}

/** Which objects each snapshot of a bucket needs, by its key. */
async function needsOf(contents: Contents): Promise<ReadonlyMap<string, readonly string[]>> {
  const memory = new MemoryDestination('contents')
  for (const [key, body] of contents) await memory.put(key, body)
  const repository = await Repository.open(memory)
  const { snapshots } = await readSnapshots(repository)
  return new Map(
    snapshots.map((each) => [
      each.key,
      objectsOf([each]).map(({ sha256 }) => repository.objectKey(sha256)),
    ]),
  )
}

const backUp = (destination: Destination, files: typeof early, lsn: number, snapshotId: string) =>
  createBackup(pinnedSource(files, { lsn }), { disk, clock, destination, snapshotId, golden })

async function withSnapshots(...which: ('early' | 'late')[]): Promise<MemoryDestination> {
  const memory = new MemoryDestination('prepared')
  await Repository.create(memory, clock)
  if (which.includes('early')) await backUp(memory, early, 7, 'early')
  if (which.includes('late')) await backUp(memory, late, 8, 'late')
  return memory
}

async function restorableContents(): Promise<Contents> {
  const memory = new MemoryDestination('restorable')
  const data = await openTest('/data', { disk: new MemoryDisk(), clock })
  const config = makeConfig({ dimension: 4, metric: 'l2', index: 'flat' })
  const products = await data.create('products', config)
  await products.upsert(somePoints(random, 12, 4))
  await createBackup(products, { disk, clock, destination: memory, snapshotId: 's', golden })
  restorable.digest = products.digest
  await data.close()
  return contentsOf(memory)
}

async function restore(source: Destination): Promise<void> {
  const target = new MemoryDisk()
  const into = await openTest('/restored', { disk: target, clock })
  try {
    const request = { collection: 'products', source, disk: target, clock }
    const { digest } = await restoreSnapshot(threadless(into), request)
    expect(digest).toBe(restorable.digest)
  } catch (error) {
    expect(into.names()).toEqual([]) // nothing half restored has a name
    throw error
  } finally {
    await into.close()
  }
}

async function copy(from: Destination, to: Destination): Promise<void> {
  const result = await copySnapshots({ from, to, disk, clock })
  if (!result.ok) throw copyError(result)
}

const jobs: readonly [string, () => Promise<Job>][] = [
  [
    'a first backup',
    async () => ({
      name: 'a first backup',
      prepared: await contentsOf(await withSnapshots()),
      run: (destination) => backUp(destination, early, 7, 'early'),
    }),
  ],
  [
    'an incremental backup',
    async () => ({
      name: 'an incremental backup',
      prepared: await contentsOf(await withSnapshots('early')),
      run: (destination) => backUp(destination, late, 8, 'late'),
    }),
  ],
  [
    'a copy into the store',
    async () => {
      const source = await withSnapshots('early', 'late')
      return {
        name: 'a copy into the store',
        prepared: await contentsOf(await withSnapshots()),
        run: (destination) => copy(source, destination),
      }
    },
  ],
  [
    'a copy inside the store',
    async () => {
      const bucket = store.newBucket()
      put(bucket, await contentsOf(await withSnapshots('early', 'late')))
      const source = store.open(bucket, '', patience)
      return {
        name: 'a copy inside the store',
        prepared: await contentsOf(await withSnapshots()),
        run: (destination) => copy(source, destination),
      }
    },
  ],
  [
    'a copy out of the store',
    async () => ({
      name: 'a copy out of the store',
      prepared: await contentsOf(await withSnapshots('early', 'late')),
      run: async (source) => {
        const target = new MemoryDestination('target')
        await copy(source, target)
        expect((await verifyRepository({ source: target, disk, clock })).damage).toEqual([])
      },
    }),
  ],
  [
    'a repair',
    async () => {
      const copyOfIt = await withSnapshots('early', 'late')
      const prepared = new Map(await contentsOf(copyOfIt))
      const objects = [...prepared.keys()].filter((key) => key.startsWith('objects/'))
      for (const key of objects.slice(0, 2)) prepared.delete(key)
      return {
        name: 'a repair',
        prepared,
        damaged: true,
        run: async (repository) => {
          const result = await repairRepository({ repository, from: [copyOfIt], disk, clock })
          if (!result.ok) throw repairError(result)
        },
      }
    },
  ],
  [
    'a verification',
    async () => ({
      name: 'a verification',
      prepared: await contentsOf(await withSnapshots('early', 'late')),
      run: async (source) => {
        const result = await verifyRepository({ source, disk, clock })
        expect(result.damage).toEqual([]) // a store that fails is not a damaged repository
      },
    }),
  ],
  [
    'a restore',
    async () => ({
      name: 'a restore',
      prepared: await restorableContents(),
      run: restore,
    }),
  ],
  [
    'a prune',
    async () => {
      const memory = await withSnapshots('early', 'late')
      await (await Repository.open(memory)).deleteSnapshot('products', 'late')
      return {
        name: 'a prune',
        prepared: await contentsOf(memory),
        mayLeave: true,
        run: (repository) => pruneRepository({ repository, disk, clock }),
      }
    },
  ],
]

test.each(jobs)(
  'case 43, case 44, case 45: %s loses nothing at any failed request',
  async (_, make) => {
    const job = await make()
    const bucket = store.newBucket()
    const destination = store.open(bucket, '', patience)
    const isHere = (request: SeenRequest) => request.bucket === bucket
    put(bucket, job.prepared)
    await job.run(destination)
    const done = look(bucket)
    const needs = await needsOf(new Map([...look(bucket, /^/), ...job.prepared]))
    const bodies = new Map([...job.prepared, ...done])

    /** Every snapshot that stands is one that was or should be there, and has all that it needs. */
    const expectSound = (where: string, isDone: boolean) => {
      const found = look(bucket)
      for (const [key, body] of found)
        expect(sameContent(key, body, bodies.get(key)), `${key} ${where}`).toBe(true)
      for (const key of [...found.keys()].filter((each) => each.startsWith('snapshots/'))) {
        const missing = (needs.get(key) ?? ['unknown']).filter((each) => !found.has(each))
        if (job.damaged !== true || isDone) expect(missing, `${key} ${where}`).toEqual([])
      }
      for (const key of [...job.prepared.keys()].filter((each) => each.startsWith('snapshots/'))) {
        expect(found.has(key), `${key} ${where}`).toBe(true)
      }
    }

    let tried = 0
    let failures = 0
    for (const way of ways) {
      const { fault, every = 1, forGood, exits } = way
      for (let after = 0; ; after += every) {
        put(bucket, job.prepared)
        const when = (request: SeenRequest) => isHere(request) && way.when?.(request) !== false
        const times = forGood === true ? Number.POSITIVE_INFINITY : 1
        const struck = store.inject({ fault, when, after, times })
        const where = `${way.name} at request ${after + 1} of ${job.name}`
        let error: unknown
        await job.run(destination).catch((reason: unknown) => {
          error = reason
        })
        store.heal()
        if (struck() === 0) break
        tried++
        expectSound(where, error === undefined)
        if (error !== undefined) {
          if (!isOperatingError(error)) throw error
          failures++
          expect(exits, `${where}: ${error.message}`).toContain(error.exitCode)
          endProcess(bucket)
          await job.run(destination)
        }
        endProcess(bucket)
        if (job.mayLeave === true && look(bucket).size !== done.size) await job.run(destination)
        expect([...look(bucket).keys()], where).toEqual([...done.keys()])
        expectSound(`after all, ${where}`, true)
      }
    }
    total += tried
    expect(tried).toBeGreaterThan(100)
    console.log(
      `${job.name}: ${tried} failed requests, ${failures} ended it and it went on afterwards`,
    )
  },
  300_000,
)

/** Of a backup that was tried again, the manifest counts fewer bytes as added: the rest was there. */
function sameContent(key: string, a: Buffer, b: Buffer | undefined): boolean {
  if (b === undefined || !key.startsWith('snapshots/')) return b?.equals(a) ?? false
  const [left, right] = [a, b].map((bytes) => {
    const { sha256: _, sizes: __, ...rest }: Record<string, unknown> = JSON.parse(bytes.toString())
    return canonicalJson(rest)
  })
  return left === right
}

test('at least 2,000 combinations were tried', () => {
  expect(total).toBeGreaterThanOrEqual(2_000)
})
