/** Removing an object for good: in a bucket with versions, each of them and each mark of a deletion. */
import { fail } from '../base/errors.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { hasStatus } from './s3-errors.ts'

const placeOf = (bucket: S3Bucket, name: string): string => `s3://${bucket.name}/${name}`

/**
 * @param name as the bucket has it
 * @throws `object-locked` when the store refuses: it is locked, or the role may not remove versions
 */
export function removeVersion(bucket: S3Bucket, name: string, versionId: string): Promise<void> {
  const place = placeOf(bucket, name)
  return bucket.connection.send(place, async (client, sdk) => {
    try {
      const which = { Bucket: bucket.name, Key: name, VersionId: versionId }
      await client.send(new sdk.DeleteObjectCommand(which))
    } catch (error) {
      if (!hasStatus(error, 400, 403)) throw error
      const hint = 'It stays until its lock runs out.'
      fail('object-locked', `${place}: the store keeps this version`, hint, {
        place: { file: place },
      })
    }
  })
}

/** All versions of one name. A store without versions removes the object. */
export async function purgeObject(bucket: S3Bucket, name: string): Promise<void> {
  const place = placeOf(bucket, name)
  const found = await bucket.connection.send(place, async (client, sdk) => {
    const request = new sdk.ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: name })
    return client.send(request).catch((error: unknown) => {
      if (hasStatus(error, 400, 403, 405, 501)) return undefined
      throw error
    })
  })
  const versions = [...(found?.Versions ?? []), ...(found?.DeleteMarkers ?? [])]
  const ids = versions.flatMap((each) =>
    each.Key === name && each.VersionId !== undefined ? [each.VersionId] : [],
  )
  for (const id of ids) await removeVersion(bucket, name, id)
  if (found !== undefined) return
  await bucket.connection.send(place, (client, sdk) =>
    client.send(new sdk.DeleteObjectCommand({ Bucket: bucket.name, Key: name })),
  )
}
