/**
 * Checkpoints: from memory to files; and every other change of the manifest.
 *
 * A checkpoint has three parts. *Freeze*: between two log groups the active segment stops taking
 * writes, the log starts a new file, and the state at that LSN is noted. *Seal*: the segment's files are
 * written and its index built, beside writes and searches. *Commit*: the manifest naming the new state is
 * renamed into place, in LSN order; then superseded files go.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import { limits } from '../base/limits.ts'
import { type CollectionConfig, encodeConfig, sameIndexFiles } from '../format/config.ts'
import type { Manifest, SegmentEntry } from '../format/manifest.ts'
import { Tombstones } from '../format/tombstones-file.ts'
import { type LoadedRows, SealedSegment } from '../segment/sealed-segment.ts'
import type { LogWriter } from '../wal/log-writer.ts'
import { prepareConfig, settleConfig } from './config-file.ts'
import type { LiveSegment } from './live-segment.ts'
import type { LiveState } from './live-state.ts'
import { ManifestFile, type ManifestPlace } from './manifest-file.ts'
import { MergeCommits } from './merge-commits.ts'
import { copyTombstones } from './open-files.ts'
import { entryFor, type SealedFiles, sealSegment } from './seal-segment.ts'
import { keepTruthOfSealed } from './seal-truth.ts'
import { type BuiltIndex, writeIndex } from './segment-index.ts'
import { type WriteStallStats, WriteStalls } from './write-stalls.ts'
import { WrittenTombstones } from './written-tombstones.ts'

/** The state at one LSN, noted when it was frozen. */
interface FrozenState {
  readonly lsn: number
  readonly chain: number
  readonly committedAtUs: number
  readonly count: number
  readonly digest: string
  /** Tombstones by segment number, as of `lsn`. A merge moves those of its sources. */
  readonly tombstones: Map<number, Tombstones>
  /** The segment that took writes; undefined when nothing was in memory. */
  readonly frozen: LiveSegment | undefined
  /** Number of the segment that takes writes from then on. */
  readonly nextSegment: number
}

export interface HeldPin {
  readonly manifest: Manifest
  /** Adds derived files to the current manifest; nothing happens once the pin is let go. */
  amend(change: (now: Manifest) => Promise<readonly SegmentEntry[]>): Promise<void>
  release(): Promise<void>
}

export interface CheckpointerOptions extends ManifestPlace {
  readonly config: CollectionConfig
  /** The config document whose hash is in the manifest. */
  readonly configBytes: Buffer
  readonly state: LiveState
  readonly writer: LogWriter
  /** Tombstones in the manifest's files, by segment number. */
  readonly tombstonesWritten: ReadonlyMap<number, Tombstones>
  /** Told after each commit of a new state. */
  readonly onCommit: () => void
}

/** What {@link Checkpointer.amend} commits. */
export interface Amendment {
  readonly segments: readonly SegmentEntry[]
  readonly config?: CollectionConfig
  readonly adopted?: () => void
}

export class Checkpointer {
  readonly #options: CheckpointerOptions
  readonly #stalls: WriteStalls
  readonly #file: ManifestFile
  /** What the manifest's `config` is the hash of, and its meaning: they change in one step. */
  #config: CollectionConfig
  #configBytes: Buffer
  /** Frozen and not committed yet, oldest first, with the commit that each waits for. */
  readonly #pending = new Map<FrozenState, Promise<unknown>>()
  #failure: unknown
  /** LSN of the newest noted state. */
  #noted: number
  readonly #written: WrittenTombstones
  /** What merges commit. */
  readonly merges: MergeCommits
  /** Set once a search has warmed the collection: new segments are then loaded when sealed. */
  keepWarm:
    | ((segment: LiveSegment, sealed: SealedSegment, rows: LoadedRows) => Promise<void>)
    | undefined

  constructor(options: CheckpointerOptions) {
    this.#options = options
    this.#file = new ManifestFile(options)
    this.#stalls = new WriteStalls(options.context.clock)
    this.#config = options.config
    this.#configBytes = options.configBytes
    this.#noted = options.manifest.lsn
    const { context, directory, state } = options
    const { dimension } = options.config
    this.#written = new WrittenTombstones(
      { disk: context.disk, directory, dimension },
      options.tombstonesWritten,
    )
    this.merges = new MergeCommits({
      place: () => ({ context, directory, config: this.#config }),
      file: this.#file,
      state,
      written: this.#written,
      frozen: () => [...this.#pending.keys()].map(({ tombstones }) => tombstones),
      rethrow: () => this.#rethrow(),
      fail: (error) => this.#fail(error),
    })
  }

  get manifest(): Manifest {
    return this.#file.current
  }

  get config(): CollectionConfig {
    return this.#config
  }

  get configBytes(): Buffer {
    return this.#configBytes
  }

  /** Segments frozen and not yet committed. */
  get pending(): number {
    return this.#pending.size
  }

  /**
   * Resolves when fewer than `limits.pendingSeals` segments wait to be sealed; undefined when that is so already.
   * @throws what sealing failed with
   */
  relieve(): Promise<void> | undefined {
    if (this.pending >= limits.pendingSeals) return this.#relieved()
    this.#rethrow()
    return undefined
  }

  async #relieved(): Promise<void> {
    await this.#stalls.during(async () => {
      while (this.pending >= limits.pendingSeals) {
        const [oldest] = this.#pending.values()
        await oldest
      }
    })
    this.#rethrow()
  }

  /** How writes have waited for sealing since this history was entered. */
  get stalls(): WriteStallStats {
    const { pendingSeals: pendingSealsLimit } = limits
    return { ...this.#stalls.stats(), pendingSeals: this.pending, pendingSealsLimit }
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
      if (state === undefined) return { done: this.#file.settle().then(() => this.#rethrow()) }
      const sealing = this.#seal(state)
      // a failed seal is reported by the commit that waits for it
      sealing.catch(() => {})
      const commit = this.#file.exclusively(async () => {
        try {
          if (this.#failure !== undefined) throw this.#failure
          await this.#commit(state, await sealing)
        } catch (error) {
          this.#fail(error)
          throw error
        } finally {
          this.#pending.delete(state)
        }
        this.#options.onCommit()
      })
      const settled = commit.catch(() => {})
      this.#pending.set(state, settled)
      return { done: commit }
    })
  }

  /** Resolves when everything acknowledged before is in the manifest. */
  async run(): Promise<void> {
    const { done } = await this.start()
    await done
  }

  /** Waits for what is under way, also when it failed. */
  settle(): Promise<void> {
    return this.#file.settle()
  }

  /** Keeps the files of the current manifest, and the log after it; see {@link ManifestFile.pin}. */
  pin(letGo: () => Promise<void>, afterLsn?: number): HeldPin {
    const { manifest, isHeld, release } = this.#file.pin(letGo, afterLsn)
    return {
      manifest,
      amend: (change) =>
        this.amend(async (now) => (isHeld() ? { segments: await change(now) } : undefined)),
      release,
    }
  }

  /** Lets go of every pin: the collection is closed, perhaps to be dropped. */
  close(): Promise<void> {
    return this.#file.close()
  }

  /** Keeps files that are read, or made and not named yet; see {@link ManifestFile.hold}. */
  hold(files: ReadonlySet<string>): () => void {
    return this.#file.hold(files)
  }

  /** Waits until the files of replaced segments are gone, but for those that somebody still reads. */
  tidied(): Promise<void> {
    return this.#file.tidied()
  }

  /**
   * Commits other derived files, and perhaps another config, for the same points: one manifest, in turn
   * with the checkpoints. What `work` wrote is made durable first; when it returns nothing, nothing
   * happens. `adopted` runs in the step in which manifest and config change for this process.
   */
  amend(work: (now: Manifest) => Promise<Amendment | undefined>): Promise<void> {
    return this.#file.exclusively(async () => {
      const { context, directory } = this.#options
      const amendment = await work(this.manifest)
      if (amendment === undefined) return
      const { segments, config, adopted } = amendment
      await context.disk.syncDirectory(path.join(directory, 'segments'))
      const next = { ...this.manifest, segments, sequence: this.manifest.sequence + 1 }
      if (config === undefined) {
        await this.#file.publish(next, adopted)
        return
      }
      const bytes = encodeConfig(config)
      const sha256 = sha256Hex(bytes)
      await prepareConfig(context.disk, directory, bytes, sha256)
      await this.#file.publish({ ...next, config: sha256 }, () => {
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
      if (!segments.some((each) => each.number === number)) return undefined // merged meanwhile
      const { context, directory } = this.#options
      const index = await writeIndex(context, directory, number, built)
      return {
        segments: segments.map((each) => (each.number === number ? { ...each, ...index } : each)),
      }
    })
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
    const frozen = state.activeMemory.count > 0 ? state.freeze() : undefined
    const tombstones = copyTombstones(state.segments)
    const { count, digest, active } = state
    const nextSegment = active.number
    return { lsn, chain, committedAtUs, count, digest, tombstones, frozen, nextSegment }
  }

  async #seal({ frozen, lsn, tombstones }: FrozenState): Promise<SealedFiles | undefined> {
    if (frozen === undefined) return undefined
    const { context, directory, state } = this.#options
    const { number, memory } = frozen
    if (memory === undefined) throw new Error('only a memory segment is sealed')
    const place = { context, directory, config: this.#config }
    const dead = tombstones.get(number)?.copy() ?? new Tombstones()
    const files = await sealSegment(place, number, memory, lsn)
    const view = { segment: frozen, count: memory.count, tombstones: dead }
    const others = state.segments.filter((each) => each !== frozen)
    const known = { segments: others, entries: this.manifest.segments }
    const truth = await keepTruthOfSealed(place, view, files, lsn, known)
    return { ...files, entry: { ...files.entry, truth } }
  }

  async #commit(state: FrozenState, sealed: SealedFiles | undefined): Promise<void> {
    const { context, directory, config } = this.#options
    const previous = this.manifest
    const now = { context, directory, config: this.#config }
    const added = sealed && (await entryFor(now, sealed))
    const segments: SegmentEntry[] = []
    const entries = [...previous.segments, ...(added ? [added] : [])]
    entries.sort((a, b) => a.number - b.number)
    for (const entry of entries) {
      const tombstones = state.tombstones.get(entry.number)
      segments.push(await this.#written.write(entry, tombstones, state.lsn))
    }
    await context.disk.syncDirectory(path.join(directory, 'segments'))
    await this.#file.publish({
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
    this.#written.committed(new Map(state.tombstones))
    if (state.frozen === undefined || sealed === undefined || added === undefined) return
    const place = { disk: context.disk, directory, dimension: config.dimension }
    const opened = await SealedSegment.open(place, added)
    if (this.keepWarm !== undefined) await this.keepWarm(state.frozen, opened, sealed.rows)
    else state.frozen.become(opened)
  }
}
