/**
 * The bytes of a restore: every file of a snapshot below a staging directory, each piece checked
 * against its name before it is written, and fetched from the next source when one has no sound copy.
 *
 * Files are created, never written into: what stood there is removed or, when an interrupted restore
 * left it whole and it is proven by its hashes, kept.
 */
import { join } from 'node:path'
import type { Disk, DiskFile } from '../base/disk.ts'
import { fail, isOfStore, isOperatingError, type OperatingError } from '../base/errors.ts'
import type { HashThreads } from '../base/hash-threads.ts'
import { processorsIdle } from '../base/idle-processors.ts'
import { inFlight } from '../base/in-flight.ts'
import { inTurn } from '../base/in-turn.ts'
import { limits } from '../base/limits.ts'
import type { Repository } from '../repository/repository.ts'
import { pieceSize, type SnapshotFile } from '../repository/snapshot-manifest.ts'
import { checkFile, readPiece } from './check-objects.ts'
import type { Watch } from './golden.ts'
import { PiecesInFlight } from './pieces-in-flight.ts'
import { RestorePlace } from './restore-place.ts'
import type { Fallback, LostFile, WrittenFiles } from './written-files.ts'

export interface WriteRequest {
  readonly disk: Disk
  /** In the order in which they are asked. */
  readonly repositories: readonly Repository[]
  readonly files: readonly SnapshotFile[]
  /** Where the files go. */
  readonly directory: string
  /** Look for files that are there already. */
  readonly resumed: boolean
  /** Threads lent by the data directory that is restored into. */
  readonly hashes?: HashThreads | undefined
}

/** Files on their way. What goes wrong with one is told to all who wait. */
export interface Writing {
  /** Resolves when the directories stand, and nothing in them but what an interrupted restore left whole. */
  readonly prepared: Promise<void>
  /** Resolves when all files are complete: proving them need not wait for the disk, giving them a name does. */
  readonly written: Promise<WrittenFiles>
  /**
   * Resolves when those of `paths` that are written at all are complete. Segments are told of only when the
   * writing leaves processors idle, because it waits for its source or for the disk; else when all is
   * written: what is done with them would hold up the bytes and win nothing.
   */
  readonly some: (paths: readonly string[]) => Promise<void>
  /** Resolves when all bytes and then all names are durable. */
  readonly durable: () => Promise<void>
  /** Gives up what is not begun, and waits for the writes and syncs under way. */
  readonly stop: () => Promise<void>
}

/**
 * Starts writing all files: first those that say what the others are, then one segment after the other.
 * @throws `damaged` when a piece is sound in no source, `unsafe-entry`, `disk-full`; told by the promises
 */
export function startWriting(request: WriteRequest, watch: Watch): Writing {
  const stop = new AbortController()
  const signals = [stop.signal, ...(watch.signal ? [watch.signal] : [])]
  const run = new WriteRun(request, { ...watch, signal: AbortSignal.any(signals) })
  const prepared = run.prepare()
  const written = prepared.then(() => run.writeAll()).finally(() => run.close())
  const durable = written.then(() => run.makeDurable())
  for (const each of [prepared, written, durable]) each.catch(() => {}) // told to whoever awaits it
  const ended = new AbortController()
  const end = () => ended.abort()
  written.then(end, end)
  const idle = prepared.then(() => processorsIdle(ended.signal)).catch(() => {}) // all is written
  return {
    prepared,
    written,
    some: async (paths) => {
      await prepared
      const arrived = run.arrived(paths)
      const early = paths.some(isSegment) ? Promise.all([arrived, idle]) : arrived
      await Promise.race([early, written])
    },
    durable: () => durable,
    stop: async () => {
      stop.abort(new Error('the restore was given up'))
      await durable.catch(() => run.settle())
    },
  }
}

/** Segments are the last: they are opened as they come, by what the other files say. */
const isSegment = (path: string): boolean => path.startsWith('segments/')

/** A file being written: opened with its first piece, handed to be synced with its last. */
interface Target {
  readonly file: SnapshotFile
  readonly path: string
  handle: Promise<DiskFile> | undefined
  missing: number
  lost?: LostFile
  /** Called when it is complete, or lost. */
  readonly arrive: () => void
}

/** What can be made again from the rest of the snapshot. */
const derivedFile = /^segments\/[^/]+\.(graph|lists|truth)$/

interface Piece {
  readonly target: Target
  readonly index: number
  readonly sha256: string
  readonly sizeBytes: number
}

function* piecesOf(target: Target): Generator<Piece> {
  const { sizeBytes, pieces } = target.file
  for (const [index, { sha256 }] of pieces.entries()) {
    yield { target, index, sha256, sizeBytes: pieceSize(sizeBytes, index) }
  }
}

class WriteRun {
  readonly #request: WriteRequest
  readonly #watch: Watch
  readonly #memory: PiecesInFlight
  readonly #targets: Target[] = []
  readonly #arrivals = new Map<string, Promise<void>>()
  readonly #place: RestorePlace
  readonly #sources: { url: string; pieces: number; bytes: number }[]
  readonly #fallbacks: Fallback[] = []
  /** Sources that went away. */
  readonly #away = new Map<Repository, OperatingError>()
  readonly #totalBytes: number
  /** Syncs of finished files, one after the other. */
  #syncs: Promise<void> = Promise.resolve()
  #unsynced = 0
  #doneBytes = 0
  #bytesWritten = 0
  #reused = 0

  constructor(request: WriteRequest, watch: Watch) {
    this.#request = request
    this.#watch = watch
    this.#totalBytes = request.files.reduce((sum, file) => sum + file.sizeBytes, 0)
    this.#memory = new PiecesInFlight(request.hashes, this.#totalBytes)
    this.#place = new RestorePlace(request.disk, request.directory)
    this.#sources = request.repositories.map((each) => ({
      url: each.destination.url,
      pieces: 0,
      bytes: 0,
    }))
  }

  /** Makes the directories, sees what is there already, and that the rest will fit. */
  async prepare(): Promise<void> {
    const { disk, files, directory, resumed } = this.#request
    for (const file of files.toSorted(
      (a, b) => Number(isSegment(a.path)) - Number(isSegment(b.path)),
    )) {
      const path = join(directory, file.path)
      const standing = await this.#place.prepare(file.path)
      if (standing !== undefined) {
        // a second name means that somebody else could change the file
        const may = resumed && standing.links === 1 && standing.sizeBytes === file.sizeBytes
        if (may && (await this.#isWhole(path, file))) {
          this.#reused++
          this.#advance(file.sizeBytes)
          continue
        }
        await disk.unlink(path)
      }
      const missing = file.pieces.length
      const arrival = new Promise<void>((arrive) => {
        this.#targets.push({ file, path, handle: undefined, missing, arrive })
      })
      this.#arrivals.set(file.path, arrival)
    }
    await this.#place.checkSpace(this.#totalBytes - this.#doneBytes)
  }

  async writeAll(): Promise<WrittenFiles> {
    const { signal } = this.#watch
    await this.#makeEmptyFiles()
    await inFlight(this.#pieces(), limits.requestsInFlight, signal, (each) => this.#write(each))
    return this.#result()
  }

  /** Resolves when those of `paths` that are written at all are complete; never rejects. */
  async arrived(paths: readonly string[]): Promise<void> {
    await Promise.all(paths.map((path) => this.#arrivals.get(path)))
  }

  /** As many files in turn as there are threads: two that write into one file wait for each other. */
  #pieces(): Iterable<Piece> {
    return inTurn(this.#targets.map(piecesOf), this.#memory.threads)
  }

  async #write(piece: Piece): Promise<void> {
    const { target } = piece
    target.handle ??= this.#request.disk.open(target.path, 'create')
    const handle = await target.handle
    if (target.lost === undefined) {
      await this.#fetch(piece, handle)
      this.#bytesWritten += piece.sizeBytes
    }
    this.#advance(piece.sizeBytes)
    if (--target.missing > 0) return
    target.handle = undefined
    if (target.lost === undefined) {
      target.arrive()
      await this.#syncLater(handle)
      return
    }
    await handle.close()
    await this.#request.disk.unlink(target.path)
    target.arrive()
  }

  /** Empty files have no piece. */
  async #makeEmptyFiles(): Promise<void> {
    for (const { file, path, arrive } of this.#targets) {
      if (file.pieces.length > 0) continue
      const handle = await this.#request.disk.open(path, 'create')
      arrive()
      await this.#syncLater(handle)
    }
  }

  /** Resolves when all bytes and then all names are durable. */
  async makeDurable(): Promise<void> {
    await this.#syncs
    await this.#place.sync()
  }

  /** Waits until no file is being synced any more. */
  async settle(): Promise<void> {
    await this.#syncs.catch(() => {})
  }

  /**
   * Syncs and closes a finished file, one file after the other so that reads and writes find free
   * threads meanwhile. Waits only when many files are open for it.
   */
  async #syncLater(handle: DiskFile): Promise<void> {
    this.#unsynced++
    const sync = async () => {
      try {
        await handle.sync()
      } finally {
        this.#unsynced--
        await handle.close()
      }
    }
    // a file after a failed one is closed all the same
    this.#syncs = this.#syncs.then(sync, async (error: unknown) => {
      await handle.close()
      throw error
    })
    this.#syncs.catch(() => {})
    if (this.#unsynced >= limits.unsyncedFiles) await this.#syncs
  }

  #result(): WrittenFiles {
    return {
      written: this.#targets.filter(({ lost }) => lost === undefined).length,
      reused: this.#reused,
      bytesWritten: this.#bytesWritten,
      sources: this.#sources,
      fallbacks: this.#fallbacks,
      lost: this.#targets.flatMap(({ lost }) => lost ?? []),
    }
  }

  async close(): Promise<void> {
    for (const { handle } of this.#targets) {
      // only after a failure is a file still open; that failure is the one to tell
      await handle?.then((file) => file.close()).catch(() => {})
    }
    await this.#memory.close()
  }

  /** @returns what is wrong with the source's copy; what stands in the file then is written over */
  async #copy(
    repository: Repository,
    piece: Piece,
    handle: DiskFile,
  ): Promise<{ readonly problem: string } | undefined> {
    const offset = piece.index * limits.pieceBytes
    const path = this.#request.disk.threadPath(handle.path)
    if (path !== undefined) {
      const checked = await checkFile(repository, piece, this.#memory, { path, offset })
      if (checked !== 'no file') return checked
    }
    return this.#memory.withBuffer(async (buffer) => {
      const found = await readPiece(repository, piece, buffer, this.#memory)
      if (found === undefined)
        await handle.write(new Uint8Array(buffer, 0, piece.sizeBytes), offset)
      return found
    })
  }

  #advance(bytes: number): void {
    this.#doneBytes += bytes
    const progress = { unit: 'bytes', done: this.#doneBytes, total: this.#totalBytes } as const
    this.#watch.progress({ phase: 'write', ...progress })
  }

  async #isWhole(path: string, file: SnapshotFile): Promise<boolean> {
    const handle = await this.#request.disk.open(path, 'read')
    try {
      for (const [index, { sha256 }] of file.pieces.entries()) {
        const sizeBytes = pieceSize(file.sizeBytes, index)
        const isSame = await this.#memory.withBuffer(async (buffer) => {
          const bytes = new Uint8Array(buffer, 0, sizeBytes)
          const readBytes = await handle.read(bytes, index * limits.pieceBytes)
          return readBytes === sizeBytes && (await this.#memory.hash(buffer, sizeBytes)) === sha256
        })
        if (!isSame) return false
      }
      await handle.sync() // the attempt that wrote it may have died before it did
      return true
    } finally {
      await handle.close()
    }
  }

  /** As {@link #copy}; a source that went away is a problem like others while there are further ones. */
  async #tryCopy(
    repository: Repository,
    piece: Piece,
    handle: DiskFile,
  ): Promise<{ readonly problem: string } | undefined> {
    const away = this.#away.get(repository)
    if (away !== undefined) return { problem: `cannot be had: ${away.message}` }
    try {
      return await this.#copy(repository, piece, handle)
    } catch (error) {
      const isOne = this.#request.repositories.length === 1
      if (isOne || !isOperatingError(error) || !isOfStore(error.code)) throw error
      this.#away.set(repository, error) // its own patience is spent: it is not asked again
      return { problem: `cannot be had: ${error.message}` }
    }
  }

  /** Writes the piece from the first source that has a sound copy. */
  async #fetch(piece: Piece, handle: DiskFile): Promise<void> {
    const { target, index, sha256, sizeBytes } = piece
    const problems: { source: string; problem: string }[] = []
    for (const [order, repository] of this.#request.repositories.entries()) {
      const { url } = repository.destination
      const found = await this.#tryCopy(repository, piece, handle)
      if (found !== undefined) {
        problems.push({ source: url, problem: found.problem })
        continue
      }
      const source = this.#sources[order]
      if (source !== undefined) {
        source.pieces++
        source.bytes += sizeBytes
      }
      if (problems.length > 0) {
        const key = repository.objectKey(sha256)
        this.#fallbacks.push({ path: target.file.path, piece: index, key, from: url, problems })
      }
      return
    }
    const places = this.#request.repositories.map((each) =>
      each.destination.locate(each.objectKey(sha256)),
    )
    const [away] = this.#away.values()
    if (derivedFile.test(target.file.path)) {
      target.lost = { path: target.file.path, problem: `${places[0]} ${problems[0]?.problem}` }
      return
    }
    // the one that is away may have it: that is no damage
    if (away !== undefined) throw away
    fail(
      'damaged',
      `no source has a sound copy of the object ${sha256}, which ${target.file.path} needs: ${places[0]} ${problems[0]?.problem}`,
      'Name another source that has the snapshot, or restore another snapshot; "backup verify" lists all damage.',
      { place: { file: places[0] ?? sha256 }, details: problems },
    )
  }
}
