/**
 * A pinned state: the collection exactly at one LSN, while writes go on.
 *
 * It is made of the current manifest with the files it names, and the log from there to the pinned
 * LSN. Nothing is copied: the files stay until the pin is released, log files are read only up to the
 * byte that was durable, and the views below hold copies of the tombstones.
 */
import * as path from 'node:path'
import type { DiskFile } from '../base/disk.ts'
import type { CollectionConfig } from '../format/config.ts'
import { type Epoch, epochName } from '../format/identity.ts'
import {
  encodeManifest,
  type FileEntry,
  filesOf,
  type Manifest,
  manifestName,
} from '../format/manifest.ts'
import { pieceHashes } from '../segment/write-segment.ts'
import type { LogWriter } from '../wal/log-writer.ts'
import { listWal } from '../wal/wal-files.ts'
import type { Checkpointer } from './checkpoint.ts'
import { configName } from './config-file.ts'
import type { CollectionContext } from './context.ts'
import {
  type ExactNeighbour,
  findNearest,
  findTruth,
  type GoldenQuestion,
  type GoldenRequest,
} from './golden-truth.ts'
import type { LiveState } from './live-state.ts'
import { TruthKeeper } from './truth-keeper.ts'

/** One file of the state. */
export interface PinnedFile {
  /** Relative inside the collection's directory, `/` separated. */
  readonly path: string
  readonly sizeBytes: number
  /** SHA-256, hex, of each 16 MiB piece where it has been known since sealing; else undefined. */
  readonly pieces: readonly string[] | undefined
  /** Where threads find it, from byte 0 to its size; undefined when only {@link read} can tell. */
  readonly threadPath?: string | undefined
  /** Reads until `target` is full or the pinned size is reached; returns the bytes read. */
  read(target: Uint8Array, position: number): Promise<number>
}

export interface PinnedGoldenRequest extends GoldenRequest {
  /** Find everything anew, whatever is known from before. Default false. */
  readonly fresh?: boolean
  /** Keep what is found for the next time, beside the segments and in the files below. Default false. */
  readonly keep?: boolean
}

export interface PinnedState {
  readonly collection: { readonly uuid: string; readonly name: string }
  /** Further names that meant the collection, sorted. */
  readonly aliases: readonly string[]
  readonly epoch: Epoch
  readonly lsn: number
  readonly committedAtUs: number
  /** When the state was pinned, epoch ms: the source's durable LSN was this one then. */
  readonly pinnedAt: number
  readonly count: number
  readonly digest: string
  readonly config: CollectionConfig
  readonly files: readonly PinnedFile[]
  /**
   * Points drawn from the state, each with its exact k nearest live ones: see golden-truth.ts. Computed
   * in worker threads; segments whose answers are known from before are not read.
   */
  golden(request: PinnedGoldenRequest): Promise<readonly GoldenQuestion[]>
  /** The exact k nearest live points to each vector, which is no stored point; every segment is scanned. */
  nearest(
    vectors: readonly Float32Array[],
    k: number,
    signal?: AbortSignal,
  ): Promise<readonly (readonly ExactNeighbour[])[]>
  /** Lets go of the files. Idempotent; closing the collection does it too. */
  release(): Promise<void>
}

export interface PinSource {
  readonly context: CollectionContext
  readonly directory: string
  readonly state: LiveState
  readonly writer: LogWriter
  readonly checkpointer: Checkpointer
}

/** Pins between two log groups: everything before is applied, nothing is half done. */
export function pinState(source: PinSource): Promise<PinnedState> {
  const { state, writer, checkpointer, context } = source
  return writer.between(async () => {
    await writer.sync()
    const opened = new Map<string, Promise<DiskFile>>()
    const holds: (() => void)[] = []
    const pin = checkpointer.pin(async () => {
      for (const letGo of holds.splice(0)) letGo()
      await closeAll(opened)
    })
    const { manifest } = pin
    const { config, configBytes } = checkpointer // of that manifest: nothing came between
    const pinned = { ...source, config }
    const { lsn, committedAtUs } = writer.position
    const pinnedAt = context.clock.nowMs()
    const { count, digest } = state
    const views = state.segments
      .filter((segment) => segment.table.count > 0)
      .map((segment) => ({
        segment,
        count: segment.table.count,
        tombstones: segment.tombstones.copy(),
      }))
    // a merge may take the segments' place; what is being read stays open
    holds.push(...views.map(({ segment }) => segment.hold()))
    const place = new PinnedPlace(source, configBytes, opened)
    const logs = await place.logFiles(manifest, writer.tail)
    const truth = new TruthKeeper(pinned, pin, views, lsn)
    return {
      collection: { uuid: manifest.uuid, name: manifest.name },
      aliases: context.aliasesOf(manifest.name),
      epoch: manifest.epoch,
      lsn,
      committedAtUs,
      pinnedAt,
      count,
      digest,
      config,
      get files() {
        return place.files(truth.manifest, truth.inMemory, logs)
      },
      golden: async ({ fresh = false, keep = false, ...request }) => {
        const known = fresh ? new Map() : await truth.read()
        const { questions, found } = await findTruth(pinned, views, known, request)
        if (keep) await truth.keep(found)
        return questions
      },
      nearest: (vectors, k, signal) => findNearest(pinned, views, vectors, k, signal),
      release: pin.release,
    }
  })
}

async function closeAll(opened: Map<string, Promise<DiskFile>>): Promise<void> {
  const files = [...opened.values()]
  opened.clear()
  for (const file of files) await (await file).close()
}

/** The files of a pinned state, read where they are. */
class PinnedPlace {
  readonly #source: PinSource
  readonly #configBytes: Buffer
  readonly #opened: Map<string, Promise<DiskFile>>

  constructor(source: PinSource, configBytes: Buffer, opened: Map<string, Promise<DiskFile>>) {
    this.#source = source
    this.#configBytes = configBytes
    this.#opened = opened
  }

  /** @param written files of `manifest` that are not on disk under that path, with their bytes */
  files(
    manifest: Manifest,
    written: ReadonlyMap<string, Buffer>,
    logs: readonly PinnedFile[],
  ): readonly PinnedFile[] {
    const ofSegment = ({ path, sizeBytes, pieces }: FileEntry) => {
      const bytes = written.get(path)
      return bytes ? inMemory(path, bytes) : this.#onDisk(path, sizeBytes, pieces)
    }
    return [
      inMemory(configName, this.#configBytes),
      ...filesOf(manifest).map(ofSegment),
      ...logs,
      inMemory(manifestName(manifest.sequence), encodeManifest(manifest)),
    ]
  }

  /** The log after `manifest`, up to the byte that is durable now. */
  async logFiles(
    manifest: Manifest,
    tail: { readonly file: string; readonly offset: number },
  ): Promise<PinnedFile[]> {
    const { disk } = this.#source.context
    const walPath = `wal/${epochName(manifest.epoch)}`
    const walDirectory = path.join(this.#source.directory, walPath)
    const logs = await listWal(disk, walDirectory)
    const first = logs.findLastIndex((log) => log.firstLsn <= manifest.lsn + 1)
    const files: PinnedFile[] = []
    for (const log of logs.slice(Math.max(first, 0))) {
      const file = path.join(walDirectory, log.name)
      const sizeBytes = file === tail.file ? tail.offset : ((await disk.stat(file))?.sizeBytes ?? 0)
      files.push(this.#onDisk(`${walPath}/${log.name}`, sizeBytes))
    }
    return files
  }

  #onDisk(relative: string, sizeBytes: number, pieces?: readonly string[]): PinnedFile {
    const { context, directory } = this.#source
    const opened = this.#opened
    return {
      path: relative,
      sizeBytes,
      pieces,
      threadPath: context.disk.threadPath(path.join(directory, relative)),
      read: async (target, position) => {
        const file =
          opened.get(relative) ?? context.disk.open(path.join(directory, relative), 'read')
        opened.set(relative, file)
        const length = Math.max(0, Math.min(target.length, sizeBytes - position))
        return (await file).read(target.subarray(0, length), position)
      },
    }
  }
}

const inMemory = (relative: string, bytes: Buffer): PinnedFile => ({
  path: relative,
  sizeBytes: bytes.length,
  pieces: pieceHashes(bytes),
  read: async (target, position) => bytes.copy(target, 0, position),
})
