/**
 * The truth files of a pinned state: read for a backup, and what it found kept for the next one.
 *
 * They are derived: one that is missing or damaged is found anew, with a warning. What is kept joins the
 * current manifest of the collection and the pinned one, so that a snapshot carries it to where it is
 * restored. A source that has no room for it is backed up all the same.
 */
import * as path from 'node:path'
import type { Disk } from '../base/disk.ts'
import { isOperatingError } from '../base/errors.ts'
import { type Manifest, type SegmentEntry, segmentPath, truthNumber } from '../format/manifest.ts'
import { encodeTruth, type SegmentTruth } from '../format/truth-file.ts'
import { pieceHashes, writeEntry } from '../segment/write-segment.ts'
import type { HeldPin } from './checkpoint.ts'
import type { CollectionContext } from './context.ts'
import type { PinnedView } from './golden-sample.ts'

export interface TruthPlace {
  readonly context: CollectionContext
  readonly directory: string
  readonly config: { readonly dimension: number }
}

export class TruthKeeper {
  readonly #place: TruthPlace
  readonly #pin: HeldPin
  readonly #views: readonly PinnedView[]
  readonly #lsn: number
  readonly #inMemory = new Map<string, Buffer>()
  #manifest: Manifest

  /** @param lsn of the pinned state */
  constructor(place: TruthPlace, pin: HeldPin, views: readonly PinnedView[], lsn: number) {
    this.#place = place
    this.#pin = pin
    this.#views = views
    this.#lsn = lsn
    this.#manifest = pin.manifest
  }

  /** The pinned manifest, with the truth that was kept since. */
  get manifest(): Manifest {
    return this.#manifest
  }

  /** The files that it has beyond the pinned one, by path. */
  get inMemory(): ReadonlyMap<string, Buffer> {
    return this.#inMemory
  }

  /** What is known of the views. */
  async read(): Promise<ReadonlyMap<PinnedView, SegmentTruth>> {
    const known = new Map<PinnedView, SegmentTruth>()
    for (const view of this.#views) {
      const entry = this.#pin.manifest.segments.find(({ number }) => number === view.segment.number)
      const { sealed } = view.segment
      if (sealed === undefined || !entry?.truth) continue
      try {
        known.set(view, await sealed.loadTruth(entry.truth))
      } catch (error) {
        if (!isOperatingError(error, 'missing-file', 'damaged')) throw error
        this.#place.context.onWarning(
          `the neighbours of golden queries in segment ${view.segment.number} are searched anew: ${error.message}`,
        )
      }
    }
    return known
  }

  /** Keeps what was found of segments that are in the pinned manifest. */
  async keep(found: ReadonlyMap<PinnedView, SegmentTruth>): Promise<void> {
    const files = new Map<number, Buffer>()
    for (const [{ segment }, truth] of found) {
      const entry = this.#manifest.segments.find(({ number }) => number === segment.number)
      if (entry === undefined) continue // it was in memory
      const { dimension } = this.#place.config
      files.set(entry.number, encodeTruth(truth, { ...entry, dimension, lsn: this.#lsn }))
    }
    if (files.size === 0) return
    this.#manifest = withTruth(this.#manifest, files, this.#inMemory)
    const { context, directory } = this.#place
    try {
      await this.#pin.amend((manifest) => writeTruth(context.disk, directory, manifest, files))
    } catch (error) {
      if (!isOperatingError(error, 'disk-full', 'disk-refused')) throw error
      context.onWarning(
        `the neighbours of golden queries are not kept, the next backup searches them anew: ${error.message}`,
      )
    }
  }
}

/** A number that no truth of the segment had before. */
const nextNumber = (manifest: Manifest, { truth }: SegmentEntry): number =>
  Math.max(manifest.sequence, truth === null ? 0 : truthNumber(truth.path)) + 1

/** `manifest` naming `files`; their bytes are put into `bytes` by path. */
function withTruth(
  manifest: Manifest,
  files: ReadonlyMap<number, Buffer>,
  bytes: Map<string, Buffer>,
): Manifest {
  const segments = manifest.segments.map((segment) => {
    const file = files.get(segment.number)
    if (file === undefined) return segment
    const relative = segmentPath(segment.number, 'truth', nextNumber(manifest, segment))
    bytes.set(relative, file)
    const truth = { path: relative, sizeBytes: file.length, pieces: pieceHashes(file) }
    return { ...segment, truth }
  })
  return { ...manifest, segments }
}

/** Writes `files` for those segments that are still there. */
async function writeTruth(
  disk: Disk,
  directory: string,
  manifest: Manifest,
  files: ReadonlyMap<number, Buffer>,
): Promise<SegmentEntry[]> {
  const segments: SegmentEntry[] = []
  for (const segment of manifest.segments) {
    const file = files.get(segment.number)
    if (file === undefined) {
      segments.push(segment)
      continue
    }
    const relative = segmentPath(segment.number, 'truth', nextNumber(manifest, segment))
    await disk.unlink(path.join(directory, relative))
    segments.push({ ...segment, truth: await writeEntry(disk, directory, relative, file) })
  }
  return segments
}
