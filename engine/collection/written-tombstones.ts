/** The tombstones that the files of the manifest hold, and writing those of the next one. */
import type { Disk } from '../base/disk.ts'
import type { FileEntry, SegmentEntry } from '../format/manifest.ts'
import { Tombstones } from '../format/tombstones-file.ts'
import { writeTombstones } from '../segment/write-segment.ts'

export interface TombstonesPlace {
  readonly disk: Disk
  readonly directory: string
  readonly dimension: number
}

export class WrittenTombstones {
  readonly #place: TombstonesPlace
  #now: ReadonlyMap<number, Tombstones>

  /** @param now by segment number, as the current manifest's files have them */
  constructor(place: TombstonesPlace, now: ReadonlyMap<number, Tombstones>) {
    this.#place = place
    this.#now = now
  }

  /** What is dead in a segment of the manifest. Not to be changed. */
  of(number: number): Tombstones {
    return this.#now.get(number) ?? new Tombstones()
  }

  /** A manifest with these tombstones was committed. */
  committed(now: ReadonlyMap<number, Tombstones>): void {
    this.#now = now
  }

  /** As the manifest has them, to be changed and then {@link committed}. */
  copy(): Map<number, Tombstones> {
    return new Map(this.#now)
  }

  /**
   * The entry of `entry` with its tombstones as of `lsn`. They only grow, so an equal number is an equal
   * set and its file is kept.
   */
  async write(
    entry: SegmentEntry,
    tombstones: Tombstones | undefined,
    lsn: number,
  ): Promise<SegmentEntry> {
    if (tombstones === undefined || tombstones.count === 0) return entry
    if (this.of(entry.number).count === tombstones.count) return entry
    const { disk, directory, dimension } = this.#place
    const { number, count } = entry
    const stamp = { number, count, dimension, lsn }
    const written: FileEntry = await writeTombstones(disk, directory, tombstones, stamp)
    return { ...entry, tombstones: written }
  }
}
