/** Listing a bucket below a prefix, page by page; also as it was at an instant, from its versions. */
import type { StoredEntry } from './destination.ts'
import type { S3Bucket } from './s3-bucket.ts'

/** Newest keys and sizes, in the order of the store: UTF-8 bytes. */
export async function* listObjects(bucket: S3Bucket, prefix: string): AsyncIterable<StoredEntry> {
  let token: string | undefined
  do {
    const page = await bucket.connection.send(bucket.locate(prefix), (client, sdk) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: bucket.name,
          Prefix: bucket.prefix + prefix,
          EncodingType: 'url', // names with control characters are no XML
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      ),
    )
    for (const { Key, Size } of page.Contents ?? []) {
      const key = bucket.keyOf(decodeName(Key, page.EncodingType))
      if (key?.startsWith(prefix)) yield { key, sizeBytes: Size ?? 0 }
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

export interface StoredVersion extends StoredEntry {
  readonly versionId: string
}

/**
 * What a listing at `atMs` would have shown: of each name the newest version not younger, where that was
 * not a deletion. Stores keep the time of a version to the second.
 */
export async function* listVersions(
  bucket: S3Bucket,
  prefix: string,
  atMs: number,
): AsyncIterable<StoredVersion> {
  let from: VersionStart | undefined = {}
  // versions of one name are listed newest first, but deletions stand in a list of their own
  let newest: Candidate | undefined
  while (from !== undefined) {
    const start: VersionStart = from
    const page = await bucket.connection.send(bucket.locate(prefix), (client, sdk) =>
      client.send(
        new sdk.ListObjectVersionsCommand({
          Bucket: bucket.name,
          Prefix: bucket.prefix + prefix,
          EncodingType: 'url',
          ...start,
        }),
      ),
    )
    const entries = [
      ...(page.Versions ?? []).map((each) => ({ ...each, isDeletion: false })),
      ...(page.DeleteMarkers ?? []).map((each) => ({ ...each, Size: 0, isDeletion: true })),
    ].flatMap((each) => {
      const key = bucket.keyOf(decodeName(each.Key, page.EncodingType))
      const storedAt = each.LastModified?.getTime() ?? Number.POSITIVE_INFINITY
      if (!key?.startsWith(prefix) || storedAt > atMs) return []
      const { isDeletion, Size: sizeBytes = 0, VersionId: versionId = 'null' } = each
      return [{ key, sizeBytes, versionId, storedAt, isDeletion, isLatest: each.IsLatest === true }]
    })
    for (const each of byKey(entries)) {
      if (newest !== undefined && newest.key !== each.key) {
        if (!newest.isDeletion) yield newest
        newest = undefined
      }
      newest = newest === undefined || isNewer(each, newest) ? each : newest
    }
    from =
      page.IsTruncated === true
        ? {
            ...(page.NextKeyMarker && { KeyMarker: page.NextKeyMarker }),
            ...(page.NextVersionIdMarker && { VersionIdMarker: page.NextVersionIdMarker }),
          }
        : undefined
  }
  if (newest !== undefined && !newest.isDeletion) yield newest
}

interface VersionStart {
  readonly KeyMarker?: string
  readonly VersionIdMarker?: string
}

interface Candidate extends StoredVersion {
  readonly storedAt: number
  readonly isDeletion: boolean
  readonly isLatest: boolean
}

/** Within one second the store's own word decides which is the latest; else the first listed. */
const isNewer = (each: Candidate, than: Candidate): boolean =>
  each.storedAt > than.storedAt || (each.storedAt === than.storedAt && each.isLatest)

const byKey = (entries: Candidate[]): Candidate[] =>
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))

function decodeName(name: string | undefined, encoding: string | undefined): string | undefined {
  if (name === undefined || encoding !== 'url') return name
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name // a name that was not encoded after all
  }
}
