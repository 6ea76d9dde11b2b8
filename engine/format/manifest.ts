/**
 * The manifest of a collection: the files that make up one consistent state at one LSN.
 *
 * A document (see document.ts) named `manifest-<sequence>.json`. Its rename into place is the commit
 * of a checkpoint. Paths are derived from segment numbers and checked, never trusted. Version 2 adds
 * `lists` and `truth` to a segment; in version 1 it has neither.
 */
import { fail } from '../base/errors.ts'
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
  /** The inverted lists of an `ivf` index. */
  readonly lists: FileEntry | null
  /** Exact neighbours of the golden sample within this segment. */
  readonly truth: FileEntry | null
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
  /** Number of the segment that takes writes next. */
  readonly nextSegment: number
  /** SHA-256 of the config document. */
  readonly config: string
  readonly segments: readonly SegmentEntry[]
  readonly restoredFrom: RestoredFrom | null
}

const kind: DocumentKind = { format: 'vectra-manifest', version: 2 }

export const encodeManifest = (manifest: Manifest): Buffer => encodeDocument(kind, manifest)

/** The file name of a manifest; names sort as their sequences do. */
export const manifestName = (sequence: number): string =>
  `manifest-${String(sequence).padStart(10, '0')}.json`

/** The sequence that a file name states, or undefined when it is no manifest. */
export const manifestSequence = (name: string): number | undefined => {
  const match = /^manifest-([0-9]{10})\.json$/.exec(name)
  return match?.[1] === undefined ? undefined : Number(match[1])
}

export type SegmentPart = 'vectors' | 'points' | 'graph' | 'lists' | 'truth' | 'tombstones'

/** The highest number that eight digits hold. */
const maxSegment = 99_999_999

/**
 * Numbers from here on are given to merged segments. Those below depend on the log alone, whenever
 * segments are merged: the same log gives the same files on every machine.
 */
export const firstMergedSegment = 50_000_000

const segmentDigits = (number: number): string => String(number).padStart(8, '0')

/**
 * The path of a segment's file. `stamp` tells versions of it apart: tombstones carry the LSN of their
 * state, truth a number that rises, a graph or lists built by a later reindex the sequence of the
 * manifest that it began from.
 */
export const segmentPath = (number: number, part: SegmentPart, stamp?: number): string => {
  const stem = `segments/${segmentDigits(number)}`
  return stamp === undefined
    ? `${stem}.${part}`
    : `${stem}.${String(stamp).padStart(16, '0')}.${part}`
}

const collectionPaths = [
  /^segments\/[0-9]{8}(\.[0-9]{16})?\.(vectors|points|graph|lists|truth|tombstones)$/,
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
    nextSegment: fields.integer('nextSegment', 1, firstMergedSegment),
    config: fields.text('config', patterns.sha256),
    segments: readSegments(fields, file),
    restoredFrom: fields.has('restoredFrom')
      ? readRestoredFrom(fields.object('restoredFrom'))
      : null,
  }
}

/** Reads an epoch embedded in another document. @throws `damaged` */
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

/** Numbers rise, and those of sealed segments stay below `nextSegment`: none is given twice. */
function readSegments(fields: Fields, file: string): readonly SegmentEntry[] {
  const segments = fields.objects('segments', limits.snapshotFiles).map(readSegment)
  const next = fields.integer('nextSegment')
  const numbers = segments.map(({ number }) => number)
  numbers.forEach((number, index) => {
    const given = number < next || number >= firstMergedSegment
    if (!given || number <= (numbers[index - 1] ?? 0)) {
      fail(
        'damaged',
        `${file} is damaged: its segment numbers do not rise`,
        'Restore the file or the collection from a backup.',
        { place: { file } },
      )
    }
  })
  return segments
}

function readSegment(fields: Fields): SegmentEntry {
  const number = fields.integer('number', 1, maxSegment)
  const part = (name: SegmentPart) => readFile(fields.object(name), number, name)
  return {
    number,
    count: fields.integer('count', 1, limits.segmentPointsRead),
    vectors: part('vectors'),
    points: part('points'),
    graph: fields.has('graph') ? part('graph') : null,
    lists: fields.has('lists') ? part('lists') : null,
    truth: fields.has('truth') ? part('truth') : null,
    tombstones: fields.has('tombstones') ? part('tombstones') : null,
  }
}

/** The number in the path of a segment's truth. */
export const truthNumber = (path: string): number => Number(path.split('.')[1])

/** What stands between the number and the name of a part. */
const stamps: Readonly<Record<SegmentPart, string>> = {
  vectors: '',
  points: '',
  graph: '(\\.[0-9]{16})?',
  lists: '(\\.[0-9]{16})?',
  truth: '\\.[0-9]{16}',
  tombstones: '\\.[0-9]{16}',
}

/** The path that a part of segment `number` has, whatever its stamp. */
const pathPattern = (number: number, part: SegmentPart): RegExp => {
  return new RegExp(`^segments/${segmentDigits(number)}${stamps[part]}\\.${part}$`)
}

function readFile(fields: Fields, number: number, part: SegmentPart): FileEntry {
  const sizeBytes = fields.integer('sizeBytes', 1)
  const pieces = Math.ceil(sizeBytes / limits.pieceBytes)
  return {
    path: fields.text('path', pathPattern(number, part)),
    sizeBytes,
    // each piece, no less: a file is trusted as far as its pieces were hashed
    pieces: fields.texts('pieces', pieces, patterns.sha256, pieces),
  }
}

/** Every file of a segment. */
export const segmentFiles = (segment: SegmentEntry): readonly FileEntry[] =>
  [
    segment.vectors,
    segment.points,
    segment.graph,
    segment.lists,
    segment.truth,
    segment.tombstones,
  ].filter((entry) => entry !== null)

/** Every file that the state needs. */
export const filesOf = (manifest: Manifest): readonly FileEntry[] =>
  manifest.segments.flatMap(segmentFiles)
