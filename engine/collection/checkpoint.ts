/**
 * Checkpoints: from memory to files, and which files may go.
 *
 * A checkpoint has three parts. *Freeze*: between two log groups the active segment stops taking
 * writes, the log starts a new file, and the state at that LSN is noted; a large segment is divided.
 * *Seal*: the files of each part are written and its graph built, beside writes and searches, several at
 * once. *Commit*: the
 * manifest naming the new state is renamed into place, in LSN order; then superseded files go.
 */
import * as path from 'node:path'
import { replaceFile } from '../base/disk.ts'
import { limits } from '../base/limits.ts'
import type { CollectionConfig } from '../format/config.ts'
import {
  encodeManifest,
  type FileEntry,
  filesOf,
  type Manifest,
  manifestName,
  manifestSequence,
  type SegmentEntry,
} from '../format/manifest.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import { type LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import { writeTombstones } from '../segment/write-segment.ts'
import type { WalWriter } from '../wal/wal-writer.ts'
import type { WatermarkFile } from '../wal/watermark-file.ts'
import type { ArchivePositions } from './archive-positions.ts'
import type { CollectionContext } from './context.ts'
import type { LiveSegment } from './live-segment.ts'
import type { LiveState } from './live-state.ts'
import { removeLogs } from './log-retention.ts'
import { type SealedFiles, sealSegment } from './seal-segment.ts'
import { type BuiltIndex, writeIndex } from './segment-index.ts'

/** The state at one LSN, noted when it was frozen. */
interface FrozenState {
  readonly lsn: number
  readonly chain: number
  readonly committedAtUs: number
  readonly count: number
  readonly digest: string
  /** Tombstones by segment number, as of `lsn`. */
  readonly tombstones: ReadonlyMap<number, Tombstones>
  /** The segment that took writes, or its parts; none when nothing was in memory. */
  readonly frozen: readonly LiveSegment[]
  /** Number of the segment that takes writes from then on. */
  readonly nextSegment: number
}

/** Files that must stay although the manifest has moved on. */
interface Pin {
  readonly files: ReadonlySet<string>
  /** Log records after this LSN are needed. */
  readonly afterLsn: number
  readonly letGo: () => Promise<void>
}

/** Segments of the next manifest, with derived files that were written for them. */
type Amendment = (manifest: Manifest) => Promise<readonly SegmentEntry[]>

export interface HeldPin {
  readonly manifest: Manifest
  /** Adds derived files to the current manifest; nothing happens once the pin is let go. */
  amend(change: Amendment): Promise<void>
  release(): Promise<void>
}

export interface CheckpointerOptions {
  readonly context: CollectionContext
  readonly directory: string
  readonly walDirectory: string
  readonly config: CollectionConfig
  readonly state: LiveState
  readonly writer: WalWriter
  readonly watermark: WatermarkFile
  readonly manifest: Manifest
  /** What archives still want of the log. */
  readonly archives: ArchivePositions
  /** Tombstones in the manifest's files, by segment number. */
  readonly tombstonesWritten: ReadonlyMap<number, number>
}

export class Checkpointer {
  readonly #options: CheckpointerOptions
  readonly #pins = new Set<Pin>()
  #manifest: Manifest
  /** Commits, one after the other. */
  #commits: Promise<unknown> = Promise.resolve()
  #pending = 0
  #failure: unknown
  /** LSN of the newest noted state. */
  #noted: number
  /** How many tombstones the current file of each segment holds. */
  readonly #written: Map<number, number>
  /** Set once a search has warmed the collection: new segments are then loaded when sealed. */
  keepWarm:
    | ((segment: LiveSegment, sealed: SealedSegment, rows: LoadedRows) => Promise<void>)
    | undefined

  constructor(options: CheckpointerOptions) {
    this.#options = options
    this.#manifest = options.manifest
    this.#noted = options.manifest.lsn
    this.#written = new Map(options.tombstonesWritten)
  }

  get manifest(): Manifest {
    return this.#manifest
  }

  /** Segments frozen and not yet committed. */
  get pending(): number {
    return this.#pending
  }

  /** Waits until at most `limits.pendingSeals` segments wait to be sealed. */
  async relieve(): Promise<void> {
    while (this.#pending >= limits.pendingSeals) await this.#commits
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * Freezes now and seals in the background. Resolves when frozen; `done` when committed.
   * Nothing happens when the manifest already is the state.
   */
  async start(): Promise<{ done: Promise<void> }> {
    const { writer } = this.#options
    return writer.between(async () => {
      // first what can fail: once noted and frozen, a state is always handed to its commit
      await writer.rotate()
      const state = this.#note()
      if (state === undefined) return { done: this.#commits.then(() => this.#rethrow()) }
      this.#pending++
      const sealing = this.#seal(state)
      // a failed seal is reported by the commit that waits for it
      sealing.catch(() => {})
      const commit = this.#commits.then(async () => {
        try {
          if (this.#failure !== undefined) throw this.#failure
          await this.#commit(state, await sealing)
        } catch (error) {
          this.#fail(error)
          throw error
        } finally {
          this.#pending--
        }
      })
      this.#commits = commit.catch(() => {})
      commit.catch(() => {})
      return { done: commit }
    })
  }

  /** Resolves when everything acknowledged before is in the manifest. */
  async run(): Promise<void> {
    const { done } = await this.start()
    await done
  }

  /** Waits for what is under way, also when it failed. */
  async settle(): Promise<void> {
    await this.#commits
  }

  /**
   * Keeps the files of the current manifest, and the log after it, until released or closed.
   * @param letGo run once at that moment: closes what the pin's owner opened
   * @param afterLsn log records after this one stay, also those that the manifest does not need
   */
  pin(letGo: () => Promise<void>, afterLsn = this.#manifest.lsn): HeldPin {
    const manifest = this.#manifest
    const pin: Pin = {
      files: new Set(filesOf(manifest).map((file) => file.path)),
      afterLsn,
      letGo,
    }
    this.#pins.add(pin)
    return {
      manifest,
      amend: (change) =>
        this.#exclusively(async () => {
          if (this.#pins.has(pin)) await this.#amend(change)
        }),
      release: async () => {
        if (!this.#pins.delete(pin)) return
        await letGo()
        await this.#exclusively(() => this.#removeSuperseded())
      },
    }
  }

  /** Lets go of every pin: the collection is closed, perhaps to be dropped. */
  async close(): Promise<void> {
    await this.settle()
    const pins = [...this.#pins]
    this.#pins.clear()
    for (const pin of pins) await pin.letGo()
  }

  /** An index was rebuilt: its file and the manifest are written anew, durably. */
  replaceIndex(segment: LiveSegment, built: BuiltIndex): Promise<void> {
    return this.#exclusively(() =>
      this.#amend(async ({ segments }) => {
        const { context, directory } = this.#options
        const entries = await writeIndex(context, directory, segment.number, built)
        return segments.map((each) =>
          each.number === segment.number ? { ...each, ...entries } : each,
        )
      }),
    )
  }

  async #amend(change: Amendment): Promise<void> {
    const { context, directory } = this.#options
    const segments = await change(this.#manifest)
    await context.disk.syncDirectory(path.join(directory, 'segments'))
    await this.#publish({ ...this.#manifest, segments, sequence: this.#manifest.sequence + 1 })
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    const result = this.#commits.then(work)
    this.#commits = result.catch(() => {})
    return result
  }

  /** The log goes on, but nothing is sealed any more: writers would soon wait for ever. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#options.context.onFatal(error)
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Between two log groups: what the state is now, with the active segment frozen. */
  #note(): FrozenState | undefined {
    const { state, writer, config } = this.#options
    const { lsn, chain, committedAtUs } = writer.position
    if (lsn === this.#noted) return undefined
    this.#noted = lsn
    const partPoints = config.index.kind === 'hnsw' ? limits.sealedPartPoints : undefined
    const frozen = state.activeMemory.count > 0 ? state.freeze(partPoints) : []
    const tombstones = new Map(
      state.segments.map((segment) => [segment.number, segment.tombstones.copy()]),
    )
    const { count, digest, active } = state
    const nextSegment = active.number
    return { lsn, chain, committedAtUs, count, digest, tombstones, frozen, nextSegment }
  }

  /** Writes the files of all parts, side by side; none is left running when one fails. */
  async #seal({ frozen, lsn }: FrozenState): Promise<SealedFiles[]> {
    const sealed = await Promise.allSettled(
      frozen.map(async ({ number, memory }) => {
        if (memory === undefined) throw new Error('only a memory segment is sealed')
        return sealSegment(this.#options, number, memory, lsn)
      }),
    )
    return sealed.map((each) => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
  }

  async #commit(state: FrozenState, sealed: readonly SealedFiles[]): Promise<void> {
    const { context, directory, config } = this.#options
    const previous = this.#manifest
    const segments: SegmentEntry[] = []
    for (const entry of [...previous.segments, ...sealed.map((each) => each.entry)]) {
      const tombstones = state.tombstones.get(entry.number)
      segments.push({ ...entry, tombstones: await this.#tombstones(entry, tombstones, state.lsn) })
    }
    await context.disk.syncDirectory(path.join(directory, 'segments'))
    await this.#publish({
      ...previous,
      sequence: previous.sequence + 1,
      lsn: state.lsn,
      chain: state.chain,
      committedAtUs: state.committedAtUs,
      count: state.count,
      digest: state.digest,
      nextSegment: state.nextSegment,
      segments,
    })
    const place = { disk: context.disk, directory, dimension: config.dimension }
    for (const [index, { entry, rows }] of sealed.entries()) {
      const segment = state.frozen[index]
      if (segment === undefined) throw new Error('each part is sealed')
      const opened = await SealedSegment.open(place, entry)
      if (this.keepWarm !== undefined) await this.keepWarm(segment, opened, rows)
      else segment.become(opened)
    }
  }

  /** Tombstones only grow, so an equal number is an equal set and its file is kept. */
  async #tombstones(
    entry: SegmentEntry,
    tombstones: Tombstones | undefined,
    lsn: number,
  ): Promise<FileEntry | null> {
    const { context, directory, config } = this.#options
    if (tombstones === undefined || tombstones.count === 0) return entry.tombstones
    if (this.#written.get(entry.number) === tombstones.count) return entry.tombstones
    const { number, count } = entry
    const stamp = { number, count, dimension: config.dimension, lsn }
    const written = await writeTombstones(context.disk, directory, tombstones, stamp)
    this.#written.set(number, tombstones.count)
    return written
  }

  /** Writes the manifest. Its rename is the commit. */
  async #publish(manifest: Manifest): Promise<void> {
    const { context, directory, watermark } = this.#options
    const file = path.join(directory, manifestName(manifest.sequence))
    await replaceFile(context.disk, file, encodeManifest(manifest))
    this.#manifest = manifest
    await watermark.commit(manifest.sequence)
    await this.#removeSuperseded()
  }

  /**
   * Removes log files, segment files and manifests that neither the manifest nor a pin needs. The
   * last manifests are kept for analysis.
   */
  async #removeSuperseded(): Promise<void> {
    const { context, directory, walDirectory, archives } = this.#options
    const pins = [...this.#pins]
    const after = Math.min(this.#manifest.lsn, ...pins.map((pin) => pin.afterLsn))
    await removeLogs(context.disk, walDirectory, {
      afterLsn: after,
      archiveAfterLsn: archives.keepAfter,
      onWarning: context.onWarning,
    })
    const kept = new Set(filesOf(this.#manifest).map((file) => file.path))
    for (const name of await context.disk.list(path.join(directory, 'segments'))) {
      const relative = `segments/${name}`
      const number = Number(name.slice(0, 8))
      const superseded = number < this.#manifest.nextSegment && /\.(tombstones|truth)$/.test(name)
      if (superseded && !kept.has(relative) && !pins.some((pin) => pin.files.has(relative))) {
        await context.disk.unlink(path.join(directory, relative))
      }
    }
    const oldest = this.#manifest.sequence - limits.manifestsKept
    for (const name of await context.disk.list(directory)) {
      const sequence = manifestSequence(name)
      if (sequence !== undefined && sequence <= oldest) {
        await context.disk.unlink(path.join(directory, name))
      }
    }
  }
}
