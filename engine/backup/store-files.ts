/**
 * The bytes of a backup: every piece of every file into the repository, each read once at most.
 *
 * Read → hash → put, several pieces at a time, in one buffer each. Incremental: a piece whose hash has
 * been known since its segment was sealed, and which the repository holds in the right size, is neither
 * read nor hashed. Full: every piece is read, held against what is known of it, and written again,
 * which also heals an object that has rotted.
 */
import { fail } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits, MiB } from '../base/limits.ts'
import type { PinnedFile } from '../collection/pinned-state.ts'
import type { Repository } from '../repository/repository.ts'
import {
  type BackupMode,
  pieceCount,
  pieceSize,
  type SnapshotFile,
} from '../repository/snapshot-manifest.ts'
import type { Sealer } from '../repository/stored-objects.ts'
import type { Watch } from './golden.ts'
import { PiecesInFlight } from './pieces-in-flight.ts'

export interface StoredFiles {
  readonly files: readonly SnapshotFile[]
  readonly totalBytes: number
  /** Bytes of the objects that were written. */
  readonly addedBytes: number
  readonly objects: { readonly total: number; readonly written: number; readonly reused: number }
}

/** Smaller pieces are read and put as quickly. */
const leastCopied = MiB

interface Piece {
  readonly file: PinnedFile
  readonly index: number
  readonly sizeBytes: number
  readonly known: string | undefined
}

function* piecesOf(files: readonly PinnedFile[]): Iterable<Piece> {
  for (const file of files) {
    for (let index = 0; index < pieceCount(file.sizeBytes); index++) {
      const sizeBytes = pieceSize(file.sizeBytes, index)
      yield { file, index, sizeBytes, known: file.pieces?.[index] }
    }
  }
}

/**
 * Stores the files of one state, all at once or as they become known.
 * @throws (its methods) `damaged` when the source's bytes are not what was sealed; what disk and
 *   destination say
 */
export class FileStore {
  readonly #repository: Repository
  readonly #mode: BackupMode
  readonly #watch: Watch
  /** Hashes of the pieces of each file that was given, by its path. */
  readonly #hashes = new Map<string, string[]>()
  /** Objects that this run has seen to, so that equal pieces are written once. */
  readonly #settled = new Map<string, Promise<boolean>>()
  #totalBytes = 0
  #doneBytes = 0
  #addedBytes = 0
  #written = 0

  constructor(repository: Repository, mode: BackupMode, watch: Watch) {
    this.#repository = repository
    this.#mode = mode
    this.#watch = watch
  }

  /** Stores those of `files` that it was not given before, by their paths. */
  async store(files: readonly PinnedFile[]): Promise<void> {
    const more = files.filter(({ path }) => !this.#hashes.has(path))
    for (const { path } of more) this.#hashes.set(path, [])
    const bytes = more.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    this.#totalBytes += bytes
    const pieces = new PiecesInFlight(undefined, bytes)
    try {
      await inFlight(piecesOf(more), limits.requestsInFlight, this.#watch.signal, (piece) =>
        this.#store(piece, pieces),
      )
    } finally {
      await pieces.close()
    }
  }

  /** What came of `files`, which are all that were stored. */
  result(files: readonly PinnedFile[]): StoredFiles {
    const stored = files.map(({ path, sizeBytes }) => ({
      path,
      sizeBytes,
      pieces: (this.#hashes.get(path) ?? []).map((sha256) => ({ sha256 })),
    }))
    const total = new Set(stored.flatMap(({ pieces }) => pieces.map(({ sha256 }) => sha256))).size
    return {
      files: stored,
      totalBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      addedBytes: this.#addedBytes,
      objects: { total, written: this.#written, reused: total - this.#written },
    }
  }

  async #store(piece: Piece, pieces: PiecesInFlight): Promise<void> {
    const reused =
      this.#mode === 'incremental' &&
      piece.known !== undefined &&
      (await this.#holds(piece.known, piece))
        ? piece.known
        : undefined
    this.#note(
      piece,
      reused ?? (await this.#copy(piece, pieces)) ?? (await this.#readAndPut(piece, pieces)),
    )
  }

  #note(piece: Piece, sha256: string): void {
    const hashes = this.#hashes.get(piece.file.path)
    if (hashes !== undefined) hashes[piece.index] = sha256
    this.#doneBytes += piece.sizeBytes
    const progress = { unit: 'bytes', done: this.#doneBytes, total: this.#totalBytes } as const
    this.#watch.progress({ phase: 'upload', ...progress })
  }

  async #holds(sha256: string, { sizeBytes }: Piece): Promise<boolean> {
    return (await this.#repository.objectSize(sha256)) === sizeBytes
  }

  /**
   * A piece that is known, from file to file by a thread, hashed on the way. The bytes are in the
   * processor's cache then, and in no buffer here.
   * @returns undefined where files cannot be had
   */
  async #copy(
    { file, index, sizeBytes, known }: Piece,
    pieces: PiecesInFlight,
  ): Promise<string | undefined> {
    const { threadPath } = file
    if (threadPath === undefined || known === undefined || sizeBytes < leastCopied) return
    if (this.#settled.has(known)) return
    const staged = await this.#repository.stageObject()
    if (staged === undefined) return
    let hashed: string
    try {
      const part = { path: threadPath, offset: index * limits.pieceBytes, length: sizeBytes }
      hashed = await pieces.hashFile({ ...part, copyTo: { path: staged.path, offset: 0 } })
    } catch (error) {
      await staged.discard().catch(() => {}) // the first error is the one to tell
      throw error
    }
    const elsewhere = this.#settled.get(known)
    if (hashed !== known || elsewhere !== undefined) {
      await staged.discard()
      await elsewhere
      return hashed === known ? known : undefined // what is wrong, reading it once more tells
    }
    const settled = staged.commit(known, true)
    this.#settled.set(known, settled)
    if (await settled) {
      this.#written++
      this.#addedBytes += sizeBytes
    }
    return known
  }

  #readAndPut(piece: Piece, pieces: PiecesInFlight): Promise<string> {
    return pieces.withBuffer(async (buffer) => {
      const bytes = new Uint8Array(buffer, 0, piece.sizeBytes)
      const position = piece.index * limits.pieceBytes
      const readBytes = await piece.file.read(bytes, position)
      if (readBytes !== piece.sizeBytes)
        this.#refuse(piece, `it ends at byte ${position + readBytes}`)
      const sha256 = await pieces.hash(buffer, piece.sizeBytes)
      if (piece.known !== undefined && piece.known !== sha256) {
        this.#refuse(piece, `the ${piece.sizeBytes} bytes from ${position} are not what was sealed`)
      }
      const isFirst = !this.#settled.has(sha256)
      const sealer: Sealer = (_, box) => pieces.seal(buffer, piece.sizeBytes, box)
      const settled = this.#settled.get(sha256) ?? this.#put(sha256, bytes, piece, sealer)
      this.#settled.set(sha256, settled)
      if ((await settled) && isFirst) {
        this.#written++
        this.#addedBytes += piece.sizeBytes
      }
      return sha256
    })
  }

  /** @returns whether the object was written */
  async #put(sha256: string, bytes: Uint8Array, piece: Piece, sealer: Sealer): Promise<boolean> {
    if (this.#mode === 'full') return this.#repository.putObject(sha256, bytes, true, sealer)
    const standing = await this.#repository.objectSize(sha256)
    if (standing === piece.sizeBytes) return false
    // an object of another size was cut off or rotted: it is replaced by what it should be
    return this.#repository.putObject(sha256, bytes, standing !== undefined, sealer)
  }

  #refuse(piece: Piece, problem: string): never {
    const offset = piece.index * limits.pieceBytes
    fail(
      'damaged',
      `${piece.file.path} of the collection is damaged: ${problem}`,
      'The source itself is damaged; restore it from an earlier snapshot. Nothing was backed up.',
      { place: { file: piece.file.path, offset } },
    )
  }
}
