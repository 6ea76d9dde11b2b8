/**
 * Large values in parts, and the uploads in parts that a crash left behind.
 *
 * Until it is completed an upload is invisible, but its parts take space that is paid for. One that fails is
 * aborted; one whose process died is found by a listing of its own, and dead after a day.
 */
import { randomUUID } from 'node:crypto'
import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { fail } from '../base/errors.ts'
import type { UnfinishedPut, UnfinishedPuts } from './destination.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { s3Bounds } from './s3-client.ts'
import { hasStatus, isAbsent } from './s3-errors.ts'

const tokenName = 'vectra-put'

/** Stores a value in parts, replacing what stands. All or nothing. */
export async function uploadInParts(
  bucket: S3Bucket,
  key: string,
  bytes: Uint8Array,
  input: Omit<PutObjectCommandInput, 'Body'>,
): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage')
  const token = randomUUID()
  const place = bucket.locate(key)
  const { partBytes = s3Bounds.partBytes } = bucket.connection.options
  await bucket.connection.send(place, async (client) => {
    const upload = new Upload({
      client,
      params: {
        ...input,
        Body: Buffer.from(bytes), // its parts are views that outlive a try
        ChecksumAlgorithm: 'SHA256',
        Metadata: { [tokenName]: token },
      },
      partSize: partBytes,
      queueSize: s3Bounds.partsInFlight,
      leavePartsOnError: false,
    })
    try {
      await upload.done()
    } catch (error) {
      // completed by a try whose answer was lost: the upload is gone because the value is there
      const standing = isAbsent(error) ? await bucket.head(key) : undefined
      if (standing?.Metadata?.[tokenName] !== token) throw error
    }
  })
  const standing = await bucket.head(key)
  if (standing?.ContentLength === bytes.length) return
  fail(
    'damaged',
    `${place}: the store put the parts together to ${standing?.ContentLength ?? 0} bytes instead of ${bytes.length}`,
    'Run the command again; if it stays so, use another store.',
    { place: { file: place } },
  )
}

interface UploadStart {
  readonly KeyMarker?: string
  readonly UploadIdMarker?: string
}

/** Uploads in parts that nobody has ended, seen from `bucket`. */
export const unfinishedUploads = (bucket: S3Bucket): UnfinishedPuts => ({
  async *list() {
    let from: UploadStart | undefined = {}
    while (from !== undefined) {
      const start: UploadStart = from
      const page = await bucket.connection.send(bucket.locate(''), async (client, sdk) => {
        const which = { Bucket: bucket.name, Prefix: bucket.prefix, ...start }
        return client.send(new sdk.ListMultipartUploadsCommand(which)).catch((error: unknown) => {
          if (hasStatus(error, 501)) return undefined // a store without them has none left
          throw error
        })
      })
      for (const upload of page?.Uploads ?? []) {
        const found = toUnfinished(bucket, upload)
        if (found !== undefined) yield found
      }
      from =
        page?.IsTruncated === true
          ? {
              ...(page.NextKeyMarker && { KeyMarker: page.NextKeyMarker }),
              ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }),
            }
          : undefined
    }
  },
  async remove({ key, id }) {
    await bucket.connection.send(bucket.locate(key), async (client, sdk) => {
      const which = { Bucket: bucket.name, Key: bucket.nameOf(key), UploadId: id }
      await client.send(new sdk.AbortMultipartUploadCommand(which)).catch((error: unknown) => {
        if (!isAbsent(error)) throw error // somebody was first
      })
    })
  },
})

function toUnfinished(
  bucket: S3Bucket,
  upload: { Key?: string | undefined; UploadId?: string | undefined; Initiated?: Date | undefined },
): UnfinishedPut | undefined {
  const key = bucket.keyOf(upload.Key)
  if (key === undefined || upload.UploadId === undefined) return undefined
  const startedAt = upload.Initiated?.getTime() ?? bucket.connection.clock.nowMs()
  const isDead = startedAt < bucket.connection.clock.nowMs() - s3Bounds.deadUploadMs
  return { key, id: upload.UploadId, startedAt, isDead }
}
