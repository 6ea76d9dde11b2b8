/**
 * The points of a snapshot as its objects tell them, without restoring it: the segments of its collection
 * manifest minus their tombstones, and what its log does after that. Vectors are not read; a point is
 * known by its id and the SHA-256 of its canonical bytes.
 */
import { sha256Hex } from '../base/checksum.ts'
import { fail } from '../base/errors.ts'
import {
  decodeManifest,
  type FileEntry,
  type Manifest,
  manifestSequence,
  type SegmentEntry,
} from '../format/manifest.ts'
import { decodeOperation } from '../format/operation.ts'
import { hashPoint, type PointId } from '../format/point.ts'
import { decodePoints, type PointTable } from '../format/points-file.ts'
import { decodeTombstones, Tombstones } from '../format/tombstones-file.ts'
import { decodeWalHeader, readRecord, WAL_HEADER_BYTES } from '../format/wal-record.ts'
import { damaged, repositoryHint } from '../repository/read-document.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { pieceSize, type SnapshotFile } from '../repository/snapshot-manifest.ts'

/** SHA-256 of a point, or null: deleted. */
export type LoggedPoint = string | null

/** A point's hash in a form that maps can hold many of. */
export const hashText = (bytes: Buffer, offset = 0): string =>
  bytes.toString('latin1', offset, offset + 32)

export class SnapshotContent {
  readonly #repository: Repository
  readonly #snapshot: StoredSnapshot

  constructor(repository: Repository, snapshot: StoredSnapshot) {
    this.#repository = repository
    this.#snapshot = snapshot
  }

  /** The collection manifest that the snapshot's files hang on. @throws `damaged` */
  async state(): Promise<Manifest> {
    const { files } = this.#snapshot.manifest
    const newest = files
      .filter(({ path }) => manifestSequence(path) !== undefined)
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .at(-1)
    if (newest === undefined) return damaged(this.#snapshot.place, 'it has no collection manifest')
    return decodeManifest(await this.#read(newest), this.#nameOf(newest.path))
  }

  async points(segment: SegmentEntry): Promise<PointTable> {
    return decodePoints(await this.#entry(segment.points), ...this.#expected(segment, 'points'))
  }

  async tombstones(segment: SegmentEntry): Promise<Tombstones> {
    if (segment.tombstones === null) return new Tombstones(segment.count)
    const bytes = await this.#entry(segment.tombstones)
    return decodeTombstones(bytes, ...this.#expected(segment, 'tombstones'))
  }

  /** What the log after `state` leaves of the points that it names. */
  async logged(state: Manifest): Promise<ReadonlyMap<PointId, LoggedPoint>> {
    const { config, lsn: last, files } = this.#snapshot.manifest
    const logged = new Map<PointId, LoggedPoint>()
    const logs = files.filter(({ path }) => path.startsWith('wal/'))
    for (const log of logs.sort((a, b) => (a.path < b.path ? -1 : 1))) {
      const bytes = await this.#read(log)
      const name = this.#nameOf(log.path)
      const header = decodeWalHeader(bytes, state, name)
      let [lsn, chain, committedAtUs] = [header.firstLsn - 1, header.chain, 0]
      for (let offset = WAL_HEADER_BYTES; offset < bytes.length; ) {
        const next = readRecord(bytes, offset, {
          identity: state,
          lsn: lsn + 1,
          chain,
          committedAtUs,
        })
        if ('problem' in next) damaged(name, `LSN ${lsn + 1} at offset ${offset} is no record`)
        ;({ lsn, committedAtUs, checksum: chain } = next.record)
        offset = next.end
        if (lsn <= state.lsn || lsn > last) continue
        const operation = decodeOperation(next.record, config.dimension)
        if (operation.kind === 'delete') for (const id of operation.ids) logged.set(id, null)
        if (operation.kind !== 'upsert') continue
        for (const point of operation.points) logged.set(point.id, hashText(hashPoint(point)))
      }
    }
    return logged
  }

  #expected(segment: SegmentEntry, part: 'points' | 'tombstones') {
    const { dimension } = this.#snapshot.manifest.config
    return [{ ...segment, dimension }, this.#nameOf(segment[part]?.path ?? part)] as const
  }

  #nameOf(path: string): string {
    return `${path} of snapshot ${this.#snapshot.manifest.id}`
  }

  /** A file that the collection manifest names: the snapshot must have it under that path. */
  #entry({ path }: FileEntry): Promise<Buffer> {
    const file = this.#snapshot.manifest.files.find((each) => each.path === path)
    return this.#read(file ?? damaged(this.#snapshot.place, `it lacks ${path}`))
  }

  /** A whole file from its objects, each held against its name. */
  async #read(file: SnapshotFile): Promise<Buffer> {
    const parts: Buffer[] = []
    for (const [index, { sha256 }] of file.pieces.entries()) {
      const bytes = Buffer.alloc(pieceSize(file.sizeBytes, index))
      const got = await this.#repository.getObject(sha256, bytes)
      const isWhole = got?.authentic === true && got.sizeBytes === bytes.length
      if (!isWhole || sha256Hex(bytes) !== sha256) {
        const place = this.#repository.destination.locate(this.#repository.objectKey(sha256))
        const problem = got === undefined ? 'is missing' : 'is damaged'
        const code = got === undefined ? 'missing-file' : 'damaged'
        fail(code, `${place}, a piece of ${this.#nameOf(file.path)}, ${problem}`, repositoryHint, {
          place: { file: place },
        })
      }
      parts.push(bytes)
    }
    return Buffer.concat(parts)
  }
}
