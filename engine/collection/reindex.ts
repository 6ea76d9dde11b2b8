/**
 * Reindexing: another kind of index, or other parameters, for the same points, beside the traffic.
 *
 * *Build*: for each segment the new graph or lists are built from its proven vectors and written under
 * a name of their own, while the old ones answer. Segments that are sealed meanwhile get theirs in a
 * further round. *Commit*: in turn with the checkpoints, one manifest names the new files and the new
 * config. Points, their number and their digest are not touched; the old files go when no pin needs
 * them. What a crash leaves is named by no manifest and removed by the next open.
 */
import * as path from 'node:path'
import { fail } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { type CollectionConfig, sameIndexFiles } from '../format/config.ts'
import { filesOf, type Manifest, type SegmentEntry, segmentPath } from '../format/manifest.ts'
import { SealedSegment } from '../segment/sealed-segment.ts'
import type { Amendment, Checkpointer } from './checkpoint.ts'
import type { CollectionContext } from './context.ts'
import { buildIndex, type IndexEntries, indexPart, noIndex, writeIndex } from './segment-index.ts'

/** Rounds that chase segments sealed meanwhile; what is then left is built while checkpoints wait. */
const rounds = 3

export interface ReindexPlace {
  readonly context: CollectionContext
  readonly directory: string
  readonly checkpointer: Checkpointer
}

export interface ReindexRequest {
  readonly config: CollectionConfig
  readonly signal?: AbortSignal | undefined
  /** Nobody waits for it: one index after the other, on a thread of its own, given up at once. */
  readonly idle?: boolean
  /** Run in the step in which the new files and config count, with the index files by segment. */
  readonly adopted: (entries: ReadonlyMap<number, IndexEntries>) => void
}

export interface ReindexResult {
  /** Whether anything is different now. */
  readonly changed: boolean
  /** Graphs or lists that were built. */
  readonly built: number
}

/**
 * Changes the config of a collection and, where the index files differ with it, builds them.
 * @throws `damaged` when the vectors are; `disk-full`; the signal's reason. Nothing has changed then,
 *   unless the failure was in writing the last step down.
 */
export async function reindex(
  place: ReindexPlace,
  { config, signal, idle = false, adopted }: ReindexRequest,
): Promise<ReindexResult> {
  const { checkpointer } = place
  if (sameIndexFiles(checkpointer.config.index, config.index)) {
    await checkpointer.amend(async ({ segments }) => ({
      segments,
      config,
      adopted: () => adopted(new Map()),
    }))
    return { changed: true, built: 0 }
  }
  const run = new Reindexing(place, config, idle ? signal : undefined)
  try {
    await run.build(signal)
    await checkpointer.amend(async (now) => {
      const entries = await run.entriesFor(now)
      return {
        segments: now.segments.map((each) => ({ ...each, ...entries.get(each.number) })),
        config,
        adopted: () => adopted(entries),
      } satisfies Amendment
    })
    return { changed: true, built: run.files }
  } finally {
    run.release()
  }
}

/**
 * Dimension and metric are what the points are, not how they are indexed.
 * @throws `invalid-config`
 */
export function refuseOtherPoints(now: CollectionConfig, wanted: CollectionConfig): void {
  for (const name of ['dimension', 'metric'] as const) {
    if (wanted[name] === now[name]) continue
    fail(
      'invalid-config',
      `the ${name} of the collection is ${now[name]}, not ${wanted[name]}`,
      'Only index settings and durability can change; import the points into a new collection.',
    )
  }
}

class Reindexing {
  readonly #place: ReindexPlace
  readonly #config: CollectionConfig
  /** Tells the new files from those that the manifest names now. */
  readonly #stamp: number
  readonly #entries = new Map<number, IndexEntries>()
  readonly #held = new Set<string>()
  /** Set where nobody waits for it. */
  readonly #idle: AbortSignal | undefined
  readonly release: () => void

  constructor(place: ReindexPlace, config: CollectionConfig, idle: AbortSignal | undefined) {
    this.#place = place
    this.#idle = idle
    this.#config = config
    this.#stamp = place.checkpointer.manifest.sequence
    this.release = place.checkpointer.hold(this.#held)
  }

  /** Index files built so far. */
  get files(): number {
    return [...this.#entries.values()].filter(({ graph, lists }) => graph ?? lists).length
  }

  /** Builds for the segments of the manifest, and again for those that came meanwhile. */
  async build(signal: AbortSignal | undefined): Promise<void> {
    const { context, checkpointer } = this.#place
    try {
      for (let round = 0; round < rounds; round++) {
        const now = checkpointer.manifest
        // files that a compaction takes out of the manifest are still read here
        for (const { path } of filesOf(now)) this.#held.add(path)
        const lacking = now.segments.filter(({ number }) => !this.#entries.has(number))
        if (lacking.length === 0) return
        const atOnce = this.#idle === undefined ? context.ann.size : 1
        await inFlight(lacking, atOnce, signal, (entry) => this.#buildOne(entry))
      }
    } catch (error) {
      await this.#discard()
      throw error
    }
  }

  /** In the turn of the commit: the index files of each segment of `now`; builds what is lacking. */
  async entriesFor(now: Manifest): Promise<ReadonlyMap<number, IndexEntries>> {
    try {
      for (const entry of now.segments) {
        if (!this.#entries.has(entry.number)) await this.#buildOne(entry)
      }
    } catch (error) {
      await this.#discard()
      throw error
    }
    this.#held.clear() // the new files are about to be named, and the old ones may go
    return new Map(now.segments.map(({ number }) => [number, this.#entries.get(number) ?? noIndex]))
  }

  async #buildOne(entry: SegmentEntry): Promise<void> {
    const { context, directory } = this.#place
    const { number, count } = entry
    const { dimension, index } = this.#config
    const part = indexPart(index, count)
    if (part === undefined) {
      this.#entries.set(number, noIndex)
      return
    }
    this.#held.add(segmentPath(number, part, this.#stamp))
    const segment = await SealedSegment.open({ disk: context.disk, directory, dimension }, entry)
    try {
      const rows = await segment.loadRows(context.hashes)
      const built = await buildIndex(context, this.#config, number, rows, this.#idle)
      const entries = await writeIndex(context, directory, number, built, this.#stamp)
      this.#entries.set(number, entries)
    } finally {
      await segment.close()
    }
  }

  /** Nothing names the new files yet. */
  async #discard(): Promise<void> {
    const { context, directory } = this.#place
    for (const { graph, lists } of this.#entries.values()) {
      const entry = graph ?? lists
      // the failure is the one to tell; what stays is removed by the next open
      if (entry !== null)
        await context.disk.unlink(path.join(directory, entry.path)).catch(() => {})
    }
  }
}
