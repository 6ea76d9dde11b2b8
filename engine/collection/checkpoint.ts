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
import { sha256Hex } from '../base/checksum.ts'
import { replaceFile } from '../base/disk.ts'
import { limits } from '../base/limits.ts'
import { type CollectionConfig, encodeConfig, sameIndexFiles } from '../format/config.ts'
import {
  encodeManifest,
  type FileEntry,
  filesOf,
  type Manifest,
  manifestName,
  type SegmentEntry,
} from '../format/manifest.ts'
import type { Tombstones } from '../format/tombstones-file.ts'
import { type LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import { writeTombstones } from '../segment/write-segment.ts'
import type { WalWriter } from '../wal/wal-writer.ts'
import type { WatermarkFile } from '../wal/watermark-file.ts'
import type { ArchivePositions } from './archive-positions.ts'
import { prepareConfig, settleConfig } from './config-file.ts'
import type { CollectionContext } from './context.ts'
import type { LiveSegment } from './live-segment.ts'
import type { LiveState } from './live-state.ts'
import { entryFor, type SealedFiles, sealSegment } from './seal-segment.ts'
import { type BuiltIndex, writeIndex } from './segment-index.ts'
import { type Keep, removeSuperseded } from './superseded-files.ts'

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

interface Pin extends Keep {
  readonly letGo: () => Promise<void>
}

export interface HeldPin {
  readonly manifest: Manifest
  /** Adds derived files to the current manifest; nothing happens once the pin is let go. */
  amend(change: (now: Manifest) => Promise<readonly SegmentEntry[]>): Promise<void>
  release(): Promise<void>
}

export interface CheckpointerOptions {
  readonly context: CollectionContext
  readonly directory: string
  readonly walDirectory: string
  readonly config: CollectionConfig
  /** The config document whose hash is in the manifest. */
  readonly configBytes: Buffer
  readonly state: LiveState
  readonly writer: WalWriter
  readonly watermark: WatermarkFile
  readonly manifest: Manifest
  /** What archives still want of the log. */
  readonly archives: ArchivePositions
  /** Tombstones in the manifest's files, by segment number. */
  readonly tombstonesWritten: ReadonlyMap<number, number>
}

/** What {@link Checkpointer.amend} commits. */
export interface Amendment {
  readonly segments: readonly SegmentEntry[]
  readonly config?: CollectionConfig
  readonly adopted?: () => void
}

export class Checkpointer {
  readonly #options: CheckpointerOptions
  readonly #pins = new Set<Pin>()
  #manifest: Manifest
  /** What the manifest's `config` is the hash of, and its meaning: they change in one step. */
  #config: CollectionConfig
  #configBytes: Buffer
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
    this.#config = options.config
    this.#configBytes = options.configBytes
    this.#noted = options.manifest.lsn
    this.#written = new Map(options.tombstonesWritten)
  }

  get manifest(): Manifest {
    return this.#manifest
  }

  get config(): CollectionConfig {
    return this.#config
  }

  get configBytes(): Buffer {
    return this.#configBytes
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
        this.amend(async (now) =>
          this.#pins.has(pin) ? { segments: await change(now) } : undefined,
        ),
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

  /**
   * Keeps `files` until the returned function is called: files that are read, or made and not named yet.
   * The set may grow meanwhile.
   */
  hold(files: ReadonlySet<string>): () => void {
    const pin: Pin = { files, afterLsn: Number.POSITIVE_INFINITY, letGo: async () => {} }
    this.#pins.add(pin)
    return () => this.#pins.delete(pin)
  }

  /**
   * Commits other derived files, and perhaps another config, for the same points: one manifest, in turn
   * with the checkpoints. What `work` wrote is made durable first; when it returns nothing, nothing
   * happens. `adopted` runs in the step in which manifest and config change for this process.
   */
  amend(work: (now: Manifest) => Promise<Amendment | undefined>): Promise<void> {
    return this.#exclusively(async () => {
      const { context, directory } = this.#options
      const amendment = await work(this.#manifest)
      if (amendment === undefined) return
      const { segments, config, adopted } = amendment
      await context.disk.syncDirectory(path.join(directory, 'segments'))
      const next = { ...this.#manifest, segments, sequence: this.#manifest.sequence + 1 }
      if (config === undefined) {
        await this.#publish(next, adopted)
        return
      }
      const bytes = encodeConfig(config)
      const sha256 = sha256Hex(bytes)
      await prepareConfig(context.disk, directory, bytes, sha256)
      await this.#publish({ ...next, config: sha256 }, () => {
        this.#config = config
        this.#configBytes = bytes
        adopted?.()
      })
      await settleConfig(context.disk, directory, bytes, sha256)
    })
  }

  /** An index was rebuilt: its file and the manifest are written anew, durably. */
  replaceIndex({ number }: LiveSegment, built: BuiltIndex): Promise<void> {
    return this.amend(async ({ segments }) => {
      if (!sameIndexFiles(built.settings, this.#config.index)) return undefined // of another time
      const { context, directory } = this.#options
      const index = await writeIndex(context, directory, number, built)
      return {
        segments: segments.map((each) => (each.number === number ? { ...each, ...index } : each)),
      }
    })
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
    const { state, writer } = this.#options
    const { lsn, chain, committedAtUs } = writer.position
    if (lsn === this.#noted) return undefined
    this.#noted = lsn
    const partPoints = this.#config.index.kind === 'hnsw' ? limits.sealedPartPoints : undefined
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
    const { context, directory } = this.#options
    const place = { context, directory, config: this.#config }
    const sealed = await Promise.allSettled(
      frozen.map(async ({ number, memory }) => {
        if (memory === undefined) throw new Error('only a memory segment is sealed')
        return sealSegment(place, number, memory, lsn)
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
    const now = { context, directory, config: this.#config }
    const added = await Promise.all(sealed.map((each) => entryFor(now, each)))
    const segments: SegmentEntry[] = []
    for (const entry of [...previous.segments, ...added]) {
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
    for (const [index, { rows }] of sealed.entries()) {
      const [segment, entry] = [state.frozen[index], added[index]]
      if (segment === undefined || entry === undefined) throw new Error('each part is sealed')
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

  /** Writes the manifest. Its rename is the commit; `adopted` runs in the step that knows of it. */
  async #publish(manifest: Manifest, adopted?: () => void): Promise<void> {
    const { context, directory, watermark } = this.#options
    const file = path.join(directory, manifestName(manifest.sequence))
    await replaceFile(context.disk, file, encodeManifest(manifest))
    this.#manifest = manifest
    adopted?.()
    await watermark.commit(manifest.sequence)
    await this.#removeSuperseded()
  }

  #removeSuperseded(): Promise<void> {
    return removeSuperseded(this.#options, this.#manifest, [...this.#pins])
  }
}
