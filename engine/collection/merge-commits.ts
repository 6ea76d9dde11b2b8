/**
 * Merges and the manifest: what a merge starts from, and the step in which its result counts.
 *
 * A merge changes no state, only the segments it is made of. Between two commits the manifest is written
 * anew at the same LSN; in the step of its commit everything that speaks of the sources speaks of the
 * merged segment: the live state, and the states that are frozen and not committed yet.
 */
import assert from 'node:assert/strict'
import * as path from 'node:path'
import { sameIndexFiles } from '../format/config.ts'
import { segmentFiles } from '../format/manifest.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import type { Mergeable } from './compaction-plan.ts'
import type { LiveState } from './live-state.ts'
import type { ManifestFile } from './manifest-file.ts'
import { carryTombstones, type Merge, type MergeStart } from './merge.ts'
import type { SealPlace } from './seal-segment.ts'
import type { WrittenTombstones } from './written-tombstones.ts'

/** A merge that was begun: its sources are held, and its files are not removed, until it is ended. */
export interface BegunMerge extends MergeStart {
  end(): Promise<void>
}

export interface MergeCommitsOptions {
  /** With the config as it is now. */
  readonly place: () => SealPlace
  readonly file: ManifestFile
  readonly state: LiveState
  readonly written: WrittenTombstones
  /** Tombstones of each state that is frozen and not committed yet, by segment number. */
  readonly frozen: () => readonly Map<number, Tombstones>[]
  /** @throws what made an earlier commit fail: nothing is committed after it */
  readonly rethrow: () => void
  /** Told when the live state could not follow the manifest: nothing may be committed any more. */
  readonly fail: (error: unknown) => void
}

export class MergeCommits {
  readonly #options: MergeCommitsOptions

  constructor(options: MergeCommitsOptions) {
    this.#options = options
  }

  /** The segments of the manifest, for who decides what to merge. */
  get mergeables(): readonly Mergeable[] {
    const { file, written } = this.#options
    return file.current.segments.map((entry) => ({
      number: entry.number,
      count: entry.count,
      deleted: written.of(entry.number).count,
      sizeBytes: segmentFiles(entry).reduce((sum, each) => sum + each.sizeBytes, 0),
      pointsBytes: entry.points.sizeBytes,
    }))
  }

  /**
   * Begins a merge of the segments that `choose` picks; see merge.ts for how it goes on.
   * @returns undefined when it picks none
   */
  begin(
    choose: (segments: readonly Mergeable[]) => readonly number[],
  ): Promise<BegunMerge | undefined> {
    const { file, state, written, rethrow } = this.#options
    return file.exclusively(async () => {
      rethrow()
      const numbers = choose(this.mergeables)
      if (numbers.length === 0) return undefined
      const sources = numbers.map((each) => {
        const segment = state.segment(each)
        assert(segment.sealed, 'a segment of the manifest is sealed')
        const entry = file.current.segments.find(({ number }) => number === each)
        const truth = entry?.truth ?? null
        return { segment, sealed: segment.sealed, tombstones: written.of(each), truth }
      })
      const releases = sources.map(({ segment }) => segment.hold())
      const number = state.takeMergedNumber()
      const letGo = file.keepNumber(number)
      const end = () => {
        for (const release of releases) release()
        return letGo()
      }
      return { lsn: file.current.lsn, number, sources, end }
    })
  }

  /**
   * The merged segment takes the place of its sources, in the manifest, durably, and in the live state.
   * When that fails before the manifest is renamed, the sources go on and the merged segment is closed.
   * @returns whether it counts; not when the index settings have changed since it was made
   */
  async commit(merge: Merge): Promise<boolean> {
    const { file, state } = this.#options
    const { merged } = merge
    try {
      return await file.exclusively(() => this.#commit(merge))
    } finally {
      if (merged !== undefined && !state.segments.includes(merged)) await merged.close()
    }
  }

  async #commit(merge: Merge): Promise<boolean> {
    const { place, file, written, rethrow } = this.#options
    rethrow()
    const { context, directory, config } = place()
    const { sources, entry, settings } = merge
    if (!sameIndexFiles(settings, config.index)) return false
    const manifest = file.current
    const died = carryTombstones(merge, (number) => written.of(number))
    const replaced = new Set(sources.map(({ segment }) => segment.number))
    const segments = manifest.segments.filter(({ number }) => !replaced.has(number))
    if (entry !== undefined) segments.push(await written.write(entry, died, manifest.lsn))
    segments.sort((a, b) => a.number - b.number)
    await context.disk.syncDirectory(path.join(directory, 'segments'))
    const next = { ...manifest, sequence: manifest.sequence + 1, segments }
    await file.publish(next, () => this.#takeOver(merge, died))
    return true
  }

  /** Synchronously with the manifest. */
  #takeOver(merge: Merge, died: Tombstones): void {
    const { file, state, written, frozen, fail } = this.#options
    const { sources, merged } = merge
    const move = (tombstones: Map<number, Tombstones>, moved: Tombstones) => {
      for (const { segment } of sources) tombstones.delete(segment.number)
      if (merged !== undefined) tombstones.set(merged.number, moved)
    }
    try {
      for (const tombstones of frozen()) {
        const moved = carryTombstones(merge, (source) => tombstones.get(source))
        move(tombstones, moved)
      }
      const now = written.copy()
      move(now, died)
      written.committed(now)
      state.replace(merge)
    } catch (error) {
      fail(error)
      throw error
    }
    for (const { segment } of sources) file.retire(segment)
  }
}
