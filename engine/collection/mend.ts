/**
 * Mending: damaged or missing data files of a collection are put together again from pieces that another copy
 * has under the very hash that the manifest promises.
 *
 * The collection is closed. A file is written whole beside the old one, synced, and renamed into its place, so
 * that a death leaves the old file or the mended one. In the end the content digest is computed from every
 * stored byte. Indexes and truth files are derived: opening and searching find them again.
 *
 * A peer has the same bytes where its segments were cut at the same records, which the log alone decides;
 * background merges may have come to other ones. Then nobody has the hash, and this fails: content is taken from
 * the primary instead (a standby seeds itself), or another node is promoted.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import type { DiskFile } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type FileEntry, filesOf } from '../format/manifest.ts'
import { Collection } from './collection.ts'
import type { CollectionContext } from './context.ts'
import { readNewestManifest } from './open-files.ts'
import { ReplicaFile, type ReplicaState } from './replica-file.ts'

export interface WantedPiece {
  readonly uuid: string
  /** Of the whole piece: what must be given has this hash. */
  readonly sha256: string
  readonly sizeBytes: number
}

/** Another copy. */
export interface PieceSource {
  /** For people. */
  readonly name: string
  /** The bytes, whoever checks them; undefined when it has none under that hash. */
  read(piece: WantedPiece): Promise<Uint8Array | undefined>
}

export interface MendedFile {
  readonly path: string
  readonly pieces: number
  /** Names of the sources. */
  readonly from: readonly string[]
}

export interface MendResult {
  /** What was damaged or missing; empty: nothing was. */
  readonly files: readonly MendedFile[]
  readonly count: number
  /** Computed from every stored byte. */
  readonly digest: string
}

/** Which copies may be asked, by what the collection knows of them. */
export type SourcesOf = (copy: {
  readonly uuid: string
  readonly name: string
  readonly state: ReplicaState
}) => readonly PieceSource[]

/**
 * Mends the closed collection in `directory`, and proves it.
 * @throws `damaged` when a piece is sound in no source: that file is as it was; `digest-mismatch`, `disk-full`
 */
export async function mendCollection(
  context: CollectionContext,
  directory: string,
  sourcesOf: SourcesOf,
): Promise<MendResult> {
  const { disk } = context
  const manifest = await readNewestManifest(disk, directory)
  const { current: state } = await ReplicaFile.open(disk, directory)
  const { uuid, name } = manifest
  const sources = sourcesOf({ uuid, name, state })
  const files: MendedFile[] = []
  for (const entry of filesOf(manifest)) {
    if (/\.(graph|lists|truth)$/.test(entry.path)) continue
    const mended = await mendFile(context, directory, entry, { uuid, sources })
    if (mended !== undefined) files.push(mended)
  }
  const opened = await Collection.open(context, directory, uuid)
  try {
    const { count, digest } = opened
    const proven = await opened.proveDigest()
    if (proven !== digest) {
      fail(
        'digest-mismatch',
        `the stored points of ${name} have the digest ${proven}, and ${digest} was promised`,
        'Restore the collection from a backup, or promote a standby.',
        { place: { file: directory } },
      )
    }
    return { files, count, digest }
  } finally {
    await opened.close()
  }
}

async function mendFile(
  { disk }: CollectionContext,
  directory: string,
  entry: FileEntry,
  { uuid, sources }: { readonly uuid: string; readonly sources: readonly PieceSource[] },
): Promise<MendedFile | undefined> {
  const target = path.join(directory, entry.path)
  const there = await disk.stat(target)
  const old = there?.kind === 'file' ? await disk.open(target, 'read') : undefined
  try {
    const own = old && (await ownPieces(old, entry))
    if (there?.sizeBytes === entry.sizeBytes && own?.every((sound) => sound)) return undefined
    const temporary = `${target}.tmp`
    await disk.unlink(temporary)
    const from = new Set<string>()
    let pieces = 0
    const written = await disk.open(temporary, 'create')
    try {
      for (const [index, sha256] of entry.pieces.entries()) {
        const position = index * limits.pieceBytes
        const sizeBytes = Math.min(limits.pieceBytes, entry.sizeBytes - position)
        let bytes: Uint8Array = Buffer.alloc(sizeBytes)
        if (own?.[index] === true) await old?.read(bytes, position)
        else {
          const found = await fetchPiece(target, { uuid, sha256, sizeBytes }, position, sources)
          bytes = found.bytes
          from.add(found.from)
          pieces++
        }
        await written.write(bytes, position)
      }
      await written.sync()
    } catch (error) {
      // what cannot be removed now is removed by the next mending; after a failed fsync nothing is touched
      if (!isOperatingError(error, 'fsync-failed')) await disk.unlink(temporary).catch(() => {})
      throw error
    } finally {
      await written.close()
    }
    await disk.rename(temporary, target)
    await disk.syncDirectory(path.dirname(target))
    return { path: entry.path, pieces, from: [...from] }
  } finally {
    await old?.close()
  }
}

/** Which pieces of what stands there are sound. */
async function ownPieces(file: DiskFile, { pieces, sizeBytes }: FileEntry): Promise<boolean[]> {
  const sound: boolean[] = []
  for (const [index, sha256] of pieces.entries()) {
    const position = index * limits.pieceBytes
    const bytes = Buffer.alloc(Math.min(limits.pieceBytes, sizeBytes - position))
    const length = await file.read(bytes, position)
    sound.push(length === bytes.length && sha256Hex(bytes) === sha256)
  }
  return sound
}

async function fetchPiece(
  file: string,
  piece: WantedPiece,
  offset: number,
  sources: readonly PieceSource[],
): Promise<{ readonly bytes: Uint8Array; readonly from: string }> {
  for (const source of sources) {
    const bytes = await source.read(piece)
    const fits = bytes?.length === piece.sizeBytes && sha256Hex(bytes) === piece.sha256
    if (bytes !== undefined && fits) return { bytes, from: source.name }
  }
  const asked = sources.map(({ name }) => name).join(', ')
  return fail(
    'damaged',
    `${file} is damaged, and ${asked === '' ? 'there is no other copy to ask' : `nobody has the piece ${piece.sha256.slice(0, 16)}…: ${asked}`}`,
    'Name a repository that has a snapshot of it: vectra-cli collections repair NAME --segments --source URL. Or promote a standby, or restore a backup.',
    { place: { file, offset } },
  )
}
