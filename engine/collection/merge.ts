/**
 * One merge: sealed segments in, one segment with what is alive in them out.
 *
 * It starts from the state of a manifest: what was dead there is left out. What dies while it is made is
 * carried over as tombstones of the merged segment, by {@link carryTombstones}: into the manifest that
 * names it, into states that were frozen meanwhile, and into the live state. The merged files are read
 * back and proven point by point before anything refers to them.
 */
import assert from 'node:assert/strict'
import { isOperatingError } from '../base/errors.ts'
import type { IndexSettings } from '../format/config.ts'
import { ContentDigest } from '../format/content-digest.ts'
import type { FileEntry, SegmentEntry } from '../format/manifest.ts'
import { Tombstones } from '../format/tombstones-file.ts'
import { gone, mergeContent } from '../segment/merge-segments.ts'
import { type LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import { proveContent } from './content-proof.ts'
import { LiveSegment } from './live-segment.ts'
import { mergeTruth } from './merge-truth.ts'
import { type SealPlace, sealMerged, writeTruth } from './seal-segment.ts'

/** A segment that is merged, as it was when the merge began. */
export interface Source {
  readonly segment: LiveSegment
  readonly sealed: SealedSegment
  /** Dead in the manifest that the merge started from; left out of the merged segment. */
  readonly tombstones: Tombstones
  /** Its truth file in that manifest. */
  readonly truth: FileEntry | null
}

/** What a merge starts from. */
export interface MergeStart {
  /** LSN of the manifest. */
  readonly lsn: number
  /** Number of the merged segment. */
  readonly number: number
  readonly sources: readonly Source[]
}

/** Where the points of the sources went. */
export interface Moves {
  readonly sources: readonly Source[]
  /** By source: the new ordinal of each old one. */
  readonly moves: readonly Uint32Array[]
}

/** A merge whose files are durable and proven; no manifest names them yet. */
export interface Merge extends Moves {
  /** Undefined when nothing was alive. */
  readonly merged: LiveSegment | undefined
  readonly entry: SegmentEntry | undefined
  /** What its index was built for. */
  readonly settings: IndexSettings
}

/**
 * The tombstones of the merged segment in another state: what is dead there and was alive when the merge
 * began.
 * @param tombstonesOf the tombstones that the sources have in that state
 */
export function carryTombstones(
  { sources, moves }: Moves,
  tombstonesOf: (source: number) => Tombstones | undefined,
): Tombstones {
  const carried = new Tombstones()
  for (const [index, { segment, sealed, tombstones }] of sources.entries()) {
    const now = tombstonesOf(segment.number)
    if (now === undefined || now.count === tombstones.count) continue // they only grow
    for (const ordinal of now.ordinals(sealed.count)) {
      const moved = moves[index]?.[ordinal]
      if (moved !== undefined && moved !== gone) carried.add(moved)
    }
  }
  return carried
}

/**
 * Writes the merged segment, proves it and hands it to `keepWarm`, which may load its index.
 * @throws `damaged` when a source is, naming its file and offset; `disk-full`, `disk-error`; the signal's
 *   reason. Files that were written are left to whoever removes what no manifest names.
 */
export async function merge(
  place: SealPlace,
  { lsn, number, sources }: MergeStart,
  signal: AbortSignal,
  keepWarm: (segment: LiveSegment, sealed: SealedSegment, rows: LoadedRows) => Promise<void>,
): Promise<Merge> {
  const { context, directory, config } = place
  const { dimension } = config
  const content = await mergeContent(sources, { number, dimension, lsn }, signal)
  const { count, moves } = content
  if (count === 0)
    return { sources, moves, merged: undefined, entry: undefined, settings: config.index }
  const { entry: made, rows, settings } = await sealMerged(place, number, content, signal)
  const truth = await writeTruth(place, made, lsn, await mergeTruth(sources, moves))
  const entry = { ...made, truth }
  signal.throwIfAborted()
  const sealed = await SealedSegment.open({ disk: context.disk, directory, dimension }, entry)
  const merged = new LiveSegment(number, sealed, new Tombstones(count))
  try {
    await prove(place, sources, merged)
    signal.throwIfAborted()
    await keepWarm(merged, sealed, rows)
    return { sources, moves, merged, entry, settings }
  } catch (error) {
    await merged.close()
    throw error
  }
}

/** The stored bytes of the merged segment have the digest of what was alive in its sources. */
async function prove(
  { context }: SealPlace,
  sources: readonly Source[],
  merged: LiveSegment,
): Promise<void> {
  const expected = new ContentDigest()
  for (const { sealed, tombstones } of sources) {
    for (let ordinal = 0; ordinal < sealed.count; ordinal++) {
      if (tombstones.has(ordinal)) continue
      const { bytes, offset } = sealed.hash(ordinal)
      expected.add(bytes, offset)
    }
    await new Promise((resolve) => setImmediate(resolve)) // other work gets a turn
  }
  try {
    const found = await proveContent([merged], context.threads)
    assert.equal(found, expected.toString(), 'a merge does not change the content')
  } catch (error) {
    // rows were taken over unproven: when a source is damaged, that is what there is to say
    if (isOperatingError(error, 'digest-mismatch')) {
      for (const { sealed } of sources) await sealed.proveRows(context.hashes)
    }
    throw error
  }
}
