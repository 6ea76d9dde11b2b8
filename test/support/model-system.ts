/**
 * The real thing beside the model: one data directory and one repository on a disk in memory, with the
 * power that may go at any change of the disk.
 */
import assert from 'node:assert/strict'
import { expect } from 'vitest'
import type { RestoreTarget } from '../../engine/backup/restore.ts'
import type { Collection } from '../../engine/collection/collection.ts'
import type { DataDirectory } from '../../engine/collection/data-directory.ts'
import type { CollectionConfig } from '../../engine/format/config.ts'
import { breakLock, openTest, threadless } from './collections.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { MemoryDisk } from './memory-disk.ts'
import { digestOf, type ModelState, type Points } from './model-history.ts'
import { expectNearest } from './model-search.ts'
import { WatchedDisk } from './watched-disk.ts'

export const dataPath = '/data'
export const repositoryPath = '/repository'
export const collectionName = 'items'

/** How the power goes. */
export interface Crash {
  /** Before which change of the disk; when there are fewer, after the last one. */
  readonly change: number
  /** Which unsynced writes survive: one picture a seed; the last one is gone on with. */
  readonly seeds: readonly number[]
  /** The recovery itself is cut at these changes, one after the other. */
  readonly again: readonly number[]
}

/** What was promised when the power went. */
export interface Promised {
  /** Newest LSN that a writer was told, or that was read. */
  lsn: number
  readonly snapshots: Set<string>
  /** A restore in place was acknowledged. */
  restored: boolean
}

export interface Picture {
  readonly survivors: readonly MemoryDisk[]
  readonly promised: Promised
}

/** What a run of the suite did, for its last line. */
export class Tally {
  readonly #counts = new Map<string, number>()

  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times)
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  toString(): string {
    return [...this.#counts].map(([what, times]) => `${what} ${times}`).join(', ')
  }
}

export class ModelSystem {
  readonly clock: ManualClock
  readonly tally: Tally
  #disk: WatchedDisk
  #data: DataDirectory
  #items: Collection
  /** What is promised now. */
  promised: Promised = { lsn: 0, snapshots: new Set(), restored: false }

  private constructor(
    clock: ManualClock,
    tally: Tally,
    disk: WatchedDisk,
    opened: { readonly data: DataDirectory; readonly items: Collection },
  ) {
    this.clock = clock
    this.tally = tally
    this.#disk = disk
    this.#data = opened.data
    this.#items = opened.items
  }

  static async create(config: CollectionConfig, tally: Tally): Promise<ModelSystem> {
    const disk = new WatchedDisk(new MemoryDisk())
    const clock = manualClock()
    const data = await openTest(dataPath, { disk, clock })
    const items = await data.create(collectionName, config)
    return new ModelSystem(clock, tally, disk, { data, items })
  }

  get disk(): WatchedDisk {
    return this.#disk
  }

  get data(): DataDirectory {
    return this.#data
  }

  get items(): Collection {
    return this.#items
  }

  /** What backups, restores and verifications are given. */
  get world() {
    return { disk: this.#disk, clock: this.clock }
  }

  get target(): RestoreTarget {
    return threadless(this.#data)
  }

  /** Opens the collection again, after it was closed or replaced. */
  async reopen(): Promise<void> {
    await this.#data.close()
    this.#data = await openTest(dataPath, { disk: this.#disk, clock: this.clock })
    this.#items = await this.#data.open(collectionName)
  }

  /** The collection was replaced by another one of its name. */
  async reload(): Promise<void> {
    this.#items = await this.#data.open(collectionName)
  }

  /** Does `work` to its end, and takes pictures of the disk in the middle of it. */
  async photograph(crash: Crash, work: () => Promise<void>): Promise<Picture> {
    const pictures: Picture[] = []
    const shoot = () => {
      if (pictures.length > 0) return
      const { lsn, snapshots, restored } = this.promised
      pictures.push({
        survivors: crash.seeds.map((seed) => this.#survivor(seed)),
        promised: { lsn, snapshots: new Set(snapshots), restored },
      })
    }
    this.#disk.ringBefore(crash.change, shoot)
    await work()
    shoot()
    await this.#data.close()
    const [picture] = pictures
    if (picture === undefined) throw new Error('a picture was taken')
    this.tally.count('crashes')
    this.tally.count('crashed states recovered', picture.survivors.length)
    return picture
  }

  /** Seeds 0 and 1 are the two ends: all unsynced writes lost, and none. */
  #survivor(seed: number): MemoryDisk {
    if (seed === 0) return this.#disk.inner.crashLosingAll()
    if (seed === 1) return this.#disk.inner.crashLosingNothing()
    return this.#disk.inner.crash(seed)
  }

  /** The machine is up again with what `survivor` holds; the recovery may be cut off before. */
  async recover(survivor: MemoryDisk, again: readonly number[]): Promise<void> {
    let disk = survivor
    for (const change of again) {
      const cut: MemoryDisk[] = []
      const watched = new WatchedDisk(disk)
      const inner = disk
      watched.ringBefore(change, () => cut.push(inner.crash(change)))
      await this.#open(watched)
      await this.#data.close()
      disk = cut[0] ?? inner.crashLosingAll()
      this.tally.count('recoveries cut off')
    }
    await this.#open(new WatchedDisk(disk))
  }

  async #open(disk: WatchedDisk): Promise<void> {
    await breakLock(disk, dataPath)
    this.#disk = disk
    this.#data = await openTest(dataPath, { disk, clock: this.clock })
    this.#items = await this.#data.open(collectionName)
  }

  /** Count and digest, and nothing read back: after every write. */
  expectDigest({ history, config }: ModelState): void {
    const { count, digest } = this.#items
    const expected = { count: history.points.size, digest: digestOf(history.points, config) }
    expect({ count, digest }).toEqual(expected)
  }

  /** The collection is exactly `points`, by every way of asking. */
  async expectPoints(points: Points, config: CollectionConfig, items = this.#items): Promise<void> {
    const digest = digestOf(points, config)
    expect({ count: items.count, digest: items.digest }).toEqual({ count: points.size, digest })
    expect(await items.proveDigest()).toBe(digest)
    const found = new Map<unknown, unknown>()
    for await (const { id, vector, metadata } of items.points()) {
      found.set(id, { vector: [...vector], metadata: { ...metadata } })
    }
    const expected = new Map<unknown, unknown>()
    for (const [id, { vector, metadata }] of points) expected.set(id, { vector, metadata })
    assert.deepEqual(found, expected)
    await expectNearest(items, points, config, { seed: points.size + 1, k: 4 })
  }

  /** {@link expectPoints} of the model as it stands, and no half-written file beside it. */
  async expectModel({ history, config }: ModelState): Promise<void> {
    await this.expectPoints(history.points, config)
    const directory = `${dataPath}/collections/${this.#items.uuid}-${this.#items.epoch.history}`
    const strays = (await this.#disk.list(directory)).filter((name) => name.endsWith('.tmp'))
    expect(strays).toEqual([])
  }
}
