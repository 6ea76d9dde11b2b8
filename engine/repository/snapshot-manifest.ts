/**
 * The snapshot manifest, `snapshots/<collection>/<id>.json`: a collection's whole state at one LSN.
 *
 * A document (see format/document.ts). It is complete by itself: every file of the state is a list of
 * objects named by the SHA-256 of their content, each of 16 MiB but the last of a file. `parent` only
 * remembers which snapshot came before. What it says about content (`count`, `digest`, `golden`) is
 * what a restore has to prove. Names in it are data: a path that a collection cannot have is refused.
 * Version 2 adds `config.durability`, `golden.measuredIn`, `tags`, further kinds of segment files, and `signature`
 * where it is signed: Ed25519 over the bytes of this very document without that field. Version 3 adds `vector` to golden
 * queries that are no stored points; where none has one, version 2 is written.
 */
import type { JsonObject } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nameProblem } from '../base/name.ts'
import { type CollectionConfig, toConfigVersion1 } from '../format/config.ts'
import { type DocumentKind, encodeDocument } from '../format/document.ts'
import type { Epoch } from '../format/identity.ts'
import type { PointId } from '../format/point.ts'
import {
  checkSignature,
  type Signature,
  type SignatureCheck,
  type Signer,
  type Trust,
} from './signing.ts'

export interface SnapshotPiece {
  /** SHA-256 of the piece, hex: the name of its object. */
  readonly sha256: string
}

export interface SnapshotFile {
  /** Relative inside the collection's directory. */
  readonly path: string
  readonly sizeBytes: number
  readonly pieces: readonly SnapshotPiece[]
}

export interface GoldenNeighbour {
  readonly id: PointId
  readonly distance: number
}

export interface GoldenQuery {
  /** The stored point whose vector is searched, and which is left out of its own answer; a name where `vector` is given. */
  readonly id: PointId
  /** Of a question that is no stored point: its values, float32 little-endian, in base64. */
  readonly vector?: string
  /** The exact nearest, nearest first; fewer than k when the collection has fewer. */
  readonly neighbours: readonly GoldenNeighbour[]
}

export interface Golden {
  readonly k: number
  readonly queries: readonly GoldenQuery[]
  /** recall@k of the source when it was measured, 0 to 1; null when there was nothing to find. */
  readonly recall: number | null
  /** Of the source's searches then. */
  readonly latencyMs: { readonly p50: number; readonly p95: number } | null
  /**
   * Id of the snapshot whose backup measured recall and latency: this one, or an earlier one of the same
   * history that nearly all of the vectors are shared with. The queries are always of this state.
   */
  readonly measuredIn: string
}

export interface Provenance {
  /** What made the vectors, as the user said; null when nobody did. */
  readonly embedding: JsonObject | null
  /** Version of Vectra DR. */
  readonly engine: string
  readonly node: string
  /** Operating system and processor, e.g. `linux-x64`. */
  readonly platform: string
  readonly host: string
}

export type BackupMode = 'incremental' | 'full'

export interface SnapshotManifest {
  readonly id: string
  readonly collection: { readonly uuid: string; readonly name: string }
  readonly epoch: Epoch
  /** The state is exactly the one after this record. */
  readonly lsn: number
  /** Commit time of that record, epoch µs; 0 when nothing was ever written. */
  readonly committedAtUs: number
  /** ISO 8601: when the state was pinned, and nothing newer was acknowledged. */
  readonly asOfAt: string
  /** ISO 8601: when this manifest was written. */
  readonly createdAt: string
  readonly count: number
  /** Content digest, 64 hex digits. */
  readonly digest: string
  readonly config: CollectionConfig
  /** Other names that meant the collection. */
  readonly aliases: readonly string[]
  /** What it was called for retention rules; sorted, each once. */
  readonly tags: readonly string[]
  readonly files: readonly SnapshotFile[]
  readonly golden: Golden
  readonly provenance: Provenance
  /** Id of the newest snapshot of the same history that the repository held; null for the first. */
  readonly parent: string | null
  readonly mode: BackupMode
  readonly sizes: {
    /** Of all files. */
    readonly totalBytes: number
    /** Of the objects that this backup wrote. */
    readonly addedBytes: number
  }
  /** Absent: nobody has signed it. */
  readonly signature?: Signature
}

export const snapshotKind: DocumentKind = { format: 'vectra-snapshot', version: 3 }

/** As {@link GoldenQuery.vector} has them. */
export const encodeVector = (vector: Float32Array): string => {
  const bytes = Buffer.alloc(4 * vector.length)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, 4 * index)
  return bytes.toString('base64')
}

/** The values that {@link encodeVector} wrote. */
export const decodeVector = (text: string): Float32Array => {
  const bytes = Buffer.from(text, 'base64')
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index))
}

/** The oldest version that says all of it, so that older readers read what they can. */
const versionOf = ({ golden }: SnapshotManifest): number =>
  golden.queries.some(({ vector }) => vector !== undefined) ? 3 : 2

/**
 * @param version an older one only to hold given bytes against what its writer made
 * @throws `limit-exceeded`: the reader would refuse it
 */
export function encodeSnapshot(manifest: SnapshotManifest, version = versionOf(manifest)): Buffer {
  const body = version === 1 ? toVersion1(manifest) : manifest
  const bytes = encodeDocument(snapshotKind, body, version)
  if (bytes.length > limits.snapshotManifestBytes) {
    fail(
      'limit-exceeded',
      `the manifest of snapshot ${manifest.id} would be ${bytes.length} bytes`,
      `At most ${limits.snapshotManifestBytes} are read back: take fewer golden queries.`,
    )
  }
  return bytes
}

function toVersion1({ signature: _, tags: _tags, ...manifest }: SnapshotManifest): object {
  const { measuredIn: __, ...golden } = manifest.golden
  return { ...manifest, golden, config: toConfigVersion1(manifest.config) }
}

/** The manifest with a signature over all of it. One that has a signature keeps it. */
export function signSnapshot(manifest: SnapshotManifest, signer: Signer): SnapshotManifest {
  if (manifest.signature !== undefined) return manifest
  return { ...manifest, signature: signer.sign('snapshot', encodeSnapshot(manifest)) }
}

/** What the signature of a manifest is worth. */
export function checkSnapshotSignature(
  { signature, ...unsigned }: SnapshotManifest,
  trust: Trust | undefined,
): SignatureCheck {
  // encoding again is work; most repositories have no signatures
  const bytes = signature === undefined ? new Uint8Array() : encodeSnapshot(unsigned)
  return checkSignature('snapshot', bytes, signature, trust)
}

/** Bytes that the manifest takes for a piece; most of the room is theirs. */
const pieceEntryBytes = 80

/** @throws `limit-exceeded` when a manifest could not name so many files and pieces */
export function checkFits(files: readonly { readonly sizeBytes: number }[]): void {
  const pieces = files.reduce((sum, file) => sum + pieceCount(file.sizeBytes), 0)
  const fits = pieces * pieceEntryBytes < 0.9 * limits.snapshotManifestBytes
  if (files.length <= limits.snapshotFiles && fits) return
  fail(
    'limit-exceeded',
    `the collection has ${files.length} files and ${pieces} pieces, more than one snapshot may name`,
    'Divide it into several collections.',
  )
}

const folder = 'snapshots'

/** @throws `invalid-name` is the caller's: both must be checked names */
export const snapshotKey = (collection: string, id: string): string =>
  `${folder}/${collection}/${id}.json`

/** Prefix of all snapshots, or of one collection's. */
export const snapshotPrefix = (collection?: string): string =>
  collection === undefined ? `${folder}/` : `${folder}/${collection}/`

/** Which snapshot a key means; undefined when it is not the key of one. */
export function parseSnapshotKey(key: string): { collection: string; id: string } | undefined {
  const match = /^snapshots\/([^/]+)\/([^/]+)\.json$/.exec(key)
  const [, collection, id] = match ?? []
  if (collection === undefined || id === undefined) return undefined
  if (nameProblem(collection) !== undefined || nameProblem(id) !== undefined) return undefined
  return { collection, id }
}

/** How many pieces a file of this size has. */
export const pieceCount = (sizeBytes: number): number => Math.ceil(sizeBytes / limits.pieceBytes)

/** Size of the piece `index` of a file. */
export const pieceSize = (sizeBytes: number, index: number): number =>
  Math.min(limits.pieceBytes, sizeBytes - index * limits.pieceBytes)
