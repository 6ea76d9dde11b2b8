/** Small collections for tests: a data directory on any disk, points from a seeded generator. */
import type { RestoreTarget } from '../../engine/backup/restore.ts'
import type { Clock } from '../../engine/base/clock.ts'
import type { Disk } from '../../engine/base/disk.ts'
import type { Progress } from '../../engine/base/progress.ts'
import type { Timer } from '../../engine/base/timer.ts'
import { type DataDirectory, openDataDirectory } from '../../engine/collection/data-directory.ts'
import { lockName } from '../../engine/collection/directory-lock.ts'
import { type CollectionConfig, makeConfig } from '../../engine/format/config.ts'
import { ContentDigest } from '../../engine/format/content-digest.ts'
import { acceptPoint, hashPoint, type PointId } from '../../engine/format/point.ts'
import type { SeededRandom } from './seeded-random.ts'

export const smallConfig: CollectionConfig = makeConfig({ dimension: 8, metric: 'l2' })

export interface TestPoint {
  readonly id: PointId
  readonly vector: number[]
  readonly metadata: { readonly group: number; readonly text: string }
}

/** A point whose values are float32 already. */
export const randomPoint = (random: SeededRandom, id: PointId, dimension = 8): TestPoint => ({
  id,
  vector: Array.from({ length: dimension }, () => Math.fround(random.normal())),
  metadata: { group: random.integer(5), text: `text ${random.integer(1000)}` },
})

export const somePoints = (random: SeededRandom, count: number, dimension = 8): TestPoint[] =>
  Array.from({ length: count }, (_, index) => randomPoint(random, `p${index}`, dimension))

export interface OpenTestOptions {
  readonly disk?: Disk
  readonly clock?: Clock
  readonly timer?: Timer
  readonly progress?: Progress
  readonly warnings?: string[]
  /** Gets what ends the process. */
  readonly fatal?: unknown[]
  readonly create?: boolean
  /** Default: manual, so that a test knows its segments. */
  readonly compaction?: 'background' | 'manual'
  readonly keptLogBytes?: number
}

export const openTest = (path: string, options: OpenTestOptions = {}): Promise<DataDirectory> =>
  openDataDirectory(path, {
    create: options.create ?? true,
    compaction: options.compaction ?? 'manual',
    ...(options.disk && { disk: options.disk }),
    ...(options.clock && { clock: options.clock }),
    ...(options.timer && { timer: options.timer }),
    ...(options.progress && { progress: options.progress }),
    ...(options.keptLogBytes !== undefined && { keptLogBytes: options.keptLogBytes }),
    onFatal: (error) => options.fatal?.push(error),
    onWarning: (text) => options.warnings?.push(text),
  })

/** After a simulated death: this process is alive, so its lock would hold for ever. */
export const breakLock = (disk: Disk, path: string): Promise<void> =>
  disk.unlink(`${path}/${lockName}`)

/** The digest of a model: what a collection with these points must state. */
export function modelDigest(points: Iterable<TestPoint>, config = smallConfig): string {
  const digest = new ContentDigest()
  for (const point of points) digest.add(hashPoint(acceptPoint(point, config)))
  return digest.toString()
}

/** A directory as a restore sees it, but for its threads: starting them takes longer than small work. */
export const threadless = (data: DataDirectory): RestoreTarget => ({
  refuseTaken: (name, replace) => data.refuseTaken(name, replace),
  stage: (request) => data.stage(request),
})
