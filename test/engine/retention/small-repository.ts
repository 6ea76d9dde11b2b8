/** A repository of snapshots with tiny objects, made in no time: what retention and prune work on. */
import { sha256Hex } from '../../../engine/base/checksum.ts'
import type { Clock } from '../../../engine/base/clock.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import type { Destination } from '../../../engine/destination/destination.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { toInstant } from '../../../engine/repository/instant.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import type { SnapshotManifest } from '../../../engine/repository/snapshot-manifest.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { sampleManifest } from '../repository/sample-manifest.ts'

export const startMs = Date.UTC(2026, 0, 1)
export const dayMs = 86_400_000

export interface SmallSnapshot {
  readonly id: string
  readonly lsn: number
  /** Default: the start, and so many days as the LSN. */
  readonly atMs?: number
  /** Texts; each is an object. Default: the id. */
  readonly objects?: readonly string[]
  readonly count?: number
  readonly tags?: readonly string[]
  readonly parent?: string | null
  readonly name?: string
  readonly uuid?: string
  readonly history?: string
  readonly epoch?: number
}

export const uuidOf = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`

export function toManifest(of: SmallSnapshot): SnapshotManifest {
  const at = toInstant(of.atMs ?? startMs + of.lsn * dayMs)
  const objects = of.objects ?? [of.id]
  const files = objects.map((text, index) => ({
    path: `segments/${String(index + 1).padStart(8, '0')}.vectors`,
    sizeBytes: Buffer.byteLength(text),
    pieces: [{ sha256: sha256Hex(text) }],
  }))
  return sampleManifest({
    id: of.id,
    collection: { uuid: of.uuid ?? uuidOf('1'), name: of.name ?? 'products' },
    epoch: { number: of.epoch ?? 1, history: of.history ?? '00112233aabbccdd' },
    lsn: of.lsn,
    asOfAt: at,
    createdAt: at,
    count: of.count ?? 100,
    tags: of.tags ?? [],
    parent: of.parent ?? null,
    golden: { ...sampleManifest().golden, measuredIn: of.id },
    files,
    sizes: { totalBytes: files.reduce((sum, each) => sum + each.sizeBytes, 0), addedBytes: 0 },
  })
}

/** Stores a snapshot with its objects. */
export async function publish(repository: Repository, of: SmallSnapshot): Promise<void> {
  for (const text of of.objects ?? [of.id]) {
    await repository.putObject(sha256Hex(text), Buffer.from(text), false)
  }
  await repository.publish(toManifest(of))
}

export async function smallRepository(
  snapshots: readonly SmallSnapshot[],
  destination: Destination = new MemoryDestination(),
) {
  const clock = manualClock(startMs + 1_000 * dayMs)
  const repository = await Repository.openOrCreate(destination, clock)
  for (const each of snapshots) await publish(repository, each)
  const world = worldOf(clock)
  return { destination, clock, repository, world: { ...world, repository: destination } }
}

const worldOf = (clock: ReturnType<typeof manualClock>) => ({
  clock,
  timer: manualTimer(clock),
  disk: nodeDisk,
  lockWaitMs: 0,
})

export async function keysOf(destination: Destination, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of destination.list(prefix)) keys.push(key)
  return keys
}

/** Ids of the snapshots that stand, and that each has all of its objects; throws when one has not. */
export async function wholeSnapshots(destination: Destination, clock: Clock): Promise<string[]> {
  const repository = await Repository.openOrCreate(destination, clock)
  const { snapshots } = await repository.snapshotKeys()
  for (const { collection, id } of snapshots) {
    const found = await repository.snapshot(collection, id)
    for (const { path, pieces } of found?.manifest.files ?? []) {
      for (const { sha256 } of pieces) {
        const target = Buffer.alloc(64)
        const got = await repository.getObject(sha256, target)
        const hash = sha256Hex(target.subarray(0, got?.readBytes ?? 0))
        if (hash !== sha256) throw new Error(`${id} lacks ${path}`)
      }
    }
  }
  return snapshots.map(({ id }) => id)
}
