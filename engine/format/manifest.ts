/**
 * The manifest of a collection: the files that make up one consistent state at one LSN.
 *
 * A document (see document.ts) named `manifest-<sequence>.json`. Its rename into place is the commit
 * of a checkpoint. Paths are derived from segment numbers and checked, never trusted.
 */
import { limits } from '../base/limits.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from './document.ts'
import { Fields, patterns } from './fields.ts'
import type { Epoch } from './identity.ts'

export interface FileEntry {
  /** Relative to the collection's directory, `/` separated. */
  readonly path: string
  readonly sizeBytes: number
  /** SHA-256, hex, of each piece of at most 16 MiB, in order. */
  readonly pieces: readonly string[]
}

export interface SegmentEntry {
  readonly number: number
  /** Points in the files, dead ones included. */
  readonly count: number
  readonly vectors: FileEntry
  readonly points: FileEntry
  readonly graph: FileEntry | null
  readonly tombstones: FileEntry | null
}

/** Where a restored collection came from. */
export interface RestoredFrom {
  readonly snapshotId: string
  readonly uuid: string
  readonly epoch: Epoch
  readonly lsn: number
}

export interface Manifest {
  readonly sequence: number
  readonly name: string
  readonly uuid: string
  readonly epoch: Epoch
  /** The state is exactly the one after this record. */
  readonly lsn: number
  /** Header checksum of the record at `lsn`: the WAL must go on from it. */
  readonly chain: number
  readonly committedAtUs: number
  readonly count: number
  readonly digest: string
  readonly nextSegment: number
  /** SHA-256 of the config document. */
  readonly config: string
  readonly segments: readonly SegmentEntry[]
  readonly restoredFrom: RestoredFrom | null
}

const kind: DocumentKind = { format: 'vectra-manifest', version: 1 }

export const encodeManifest = (manifest: Manifest): Buffer => encodeDocument(kind, manifest)

export const manifestName = (sequence: number): string =>
  `manifest-${String(sequence).padStart(10, '0')}.json`

/** The sequence that a file name states, or undefined when it is no manifest. */
export const manifestSequence = (name: string): number | undefined => {
  const match = /^manifest-([0-9]{10})\.json$/.exec(name)
  return match?.[1] === undefined ? undefined : Number(match[1])
}

export type SegmentPart = 'vectors' | 'points' | 'graph' | 'tombstones'

/** The path of a segment's file; tombstones carry the LSN of their state. */
export const segmentPath = (number: number, part: SegmentPart, lsn?: number): string => {
  const stem = `segments/${String(number).padStart(8, '0')}`
  return lsn === undefined ? `${stem}.${part}` : `${stem}.${String(lsn).padStart(16, '0')}.${part}`
}

const collectionPaths = [
  /^segments\/[0-9]{8}(\.[0-9]{16})?\.(vectors|points|graph|tombstones)$/,
  /^wal\/[0-9]{6,10}-[0-9a-f]{16}\/[0-9]{16}\.wal$/,
  /^manifest-[0-9]{10}\.json$/,
  /^config\.json$/,
]

/** Whether `path` is one that a collection directory may hold; `..` and the like never match. */
export const isCollectionPath = (path: string): boolean =>
  collectionPaths.some((pattern) => pattern.test(path))

/** @throws `damaged`, `newer-format` */
export function decodeManifest(bytes: Uint8Array, file: string): Manifest {
  const fields = new Fields(decodeDocument(kind, bytes, file), file)
  return {
    sequence: fields.integer('sequence', 1),
    name: fields.text('name'),
    uuid: fields.text('uuid', patterns.uuid),
    epoch: readEpoch(fields.object('epoch')),
    lsn: fields.integer('lsn'),
    chain: fields.integer('chain', 0, 0xffffffff),
    committedAtUs: fields.integer('committedAtUs'),
    count: fields.integer('count'),
    digest: fields.text('digest', patterns.sha256),
    nextSegment: fields.integer('nextSegment', 1),
    config: fields.text('config', patterns.sha256),
    segments: fields.objects('segments', limits.snapshotFiles).map(readSegment),
    restoredFrom: fields.has('restoredFrom')
      ? readRestoredFrom(fields.object('restoredFrom'))
      : null,
  }
}

export const readEpoch = (fields: Fields): Epoch => ({
  number: fields.integer('number', 1, 0xffffffff),
  history: fields.text('history', patterns.history),
})

const readRestoredFrom = (fields: Fields): RestoredFrom => ({
  snapshotId: fields.text('snapshotId'),
  uuid: fields.text('uuid', patterns.uuid),
  epoch: readEpoch(fields.object('epoch')),
  lsn: fields.integer('lsn'),
})

function readSegment(fields: Fields): SegmentEntry {
  const optional = (key: string) => (fields.has(key) ? readFile(fields.object(key)) : null)
  return {
    number: fields.integer('number', 1, 0xffffffff),
    count: fields.integer('count', 1, limits.segmentPointsRead),
    vectors: readFile(fields.object('vectors')),
    points: readFile(fields.object('points')),
    graph: optional('graph'),
    tombstones: optional('tombstones'),
  }
}

const segmentFile = /^segments\/[0-9]{8}(\.[0-9]{16})?\.(vectors|points|graph|tombstones)$/

const readFile = (fields: Fields): FileEntry => ({
  path: fields.text('path', segmentFile),
  sizeBytes: fields.integer('sizeBytes', 1),
  pieces: fields.texts('pieces', limits.snapshotFiles, patterns.sha256),
})

/** Every file that the state needs. */
export const filesOf = (manifest: Manifest): readonly FileEntry[] =>
  manifest.segments.flatMap((segment) =>
    [segment.vectors, segment.points, segment.graph, segment.tombstones].filter(
      (entry) => entry !== null,
    ),
  )
