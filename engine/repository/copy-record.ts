/**
 * When a snapshot got to a repository that it was copied to, and where from:
 * `copied/<collection>/<id>.json`, a document at the repository that it is about. The manifest is the one
 * that was copied and does not know. Written before the manifest: a record without a manifest means nothing.
 */
import { isOfStore, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nameProblem } from '../base/name.ts'
import type { StoredEntry } from '../destination/destination.ts'
import { type DocumentKind, encodeDocument } from '../format/document.ts'
import { Fields, patterns } from '../format/fields.ts'
import { instantPattern } from './instant.ts'
import { readDocument, withRepositoryHint } from './read-document.ts'
import type { Repository } from './repository.ts'

export interface CopyRecord {
  readonly collection: string
  readonly snapshotId: string
  /** SHA-256 of the manifest that was copied. */
  readonly manifestSha256: string
  /** The repository it came from: its id, and how it was named. */
  readonly from: { readonly id: string; readonly url: string }
  /** ISO 8601: all its objects had arrived and were proven. */
  readonly copiedAt: string
  readonly host: string
}

const kind: DocumentKind = { format: 'vectra-copy', version: 1 }
const folder = 'copied'

/** Where the record of a snapshot stands. Both must be checked names. */
export const copyRecordKey = (collection: string, snapshotId: string): string =>
  `${folder}/${collection}/${snapshotId}.json`

/** Stores a record, in place of one that stands. Durable after a flush. */
export async function writeCopyRecord(repository: Repository, record: CopyRecord): Promise<void> {
  const key = copyRecordKey(record.collection, record.snapshotId)
  await repository.writeValue(key, encodeDocument(kind, record))
}

/** The record of a snapshot; undefined when there is none that can be read. Both must be checked names. */
export async function readCopyRecord(
  repository: Repository,
  collection: string,
  snapshotId: string,
): Promise<CopyRecord | undefined> {
  const key = copyRecordKey(collection, snapshotId)
  try {
    const bytes = await repository.readValue(key, limits.snapshotRecordBytes)
    return bytes && decode(bytes, repository.destination.locate(key))
  } catch (error) {
    // it only tells of the past; what is there now does not rest on it
    if (!isOperatingError(error) || isOfStore(error.code)) throw error
    return undefined
  }
}

/** The records that a listing shows, with the snapshots that they are about. */
export async function* listCopyRecords({
  destination,
}: Repository): AsyncIterable<
  StoredEntry & { readonly collection: string; readonly snapshotId: string }
> {
  for await (const entry of destination.list(`${folder}/`)) {
    const [, collection = '', snapshotId = ''] =
      /^copied\/([^/]+)\/([^/]+)\.json$/.exec(entry.key) ?? []
    const isName = nameProblem(collection) === undefined && nameProblem(snapshotId) === undefined
    if (isName) yield { ...entry, collection, snapshotId }
  }
}

function decode(bytes: Uint8Array, place: string): CopyRecord {
  return withRepositoryHint(() => {
    const document = readDocument(kind, bytes, place, {
      bytes: limits.snapshotRecordBytes,
      values: 100,
    })
    const fields = new Fields(document, place)
    const from = fields.object('from')
    return {
      collection: fields.text('collection'),
      snapshotId: fields.text('snapshotId'),
      manifestSha256: fields.text('manifestSha256', patterns.sha256),
      from: { id: from.text('id', patterns.uuid), url: from.text('url') },
      copiedAt: fields.text('copiedAt', instantPattern),
      host: fields.text('host'),
    }
  })
}
