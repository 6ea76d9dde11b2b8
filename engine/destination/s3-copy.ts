/** Copying inside one store, without the bytes passing here. */
import { fail } from '../base/errors.ts'
import type { PutOptions } from './destination.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { hasStatus, isAbsent } from './s3-errors.ts'
import { lockInput } from './s3-write.ts'

/**
 * @returns whether it was copied, false when `ifAbsent` and present; undefined when the two are not of one
 *   store and one identity, or the store cannot
 */
export async function copyObject(
  source: S3Bucket,
  target: S3Bucket,
  key: string,
  options: PutOptions,
): Promise<boolean | undefined> {
  const Key = target.nameOf(key)
  const from = source.connection
  const to = target.connection
  const isOne =
    from.location.endpoint === to.location.endpoint &&
    from.location.profile === to.location.profile &&
    from.options.credentials === to.options.credentials
  if (!isOne || from.location.asOfMs !== undefined) return undefined
  if (options.ifAbsent === true && (await target.head(key)) !== undefined) return false
  const original = await source.head(key)
  if (original === undefined) return undefined
  const path = `${source.name}/${source.nameOf(key)}`
  const copied = await to.send(target.locate(key), async (client, sdk) => {
    const request = new sdk.CopyObjectCommand({
      Bucket: target.name,
      Key,
      CopySource: path.split('/').map(encodeURIComponent).join('/'),
      ...(options.ifAbsent === true && { IfNoneMatch: '*' }),
      ...lockInput(options),
    })
    try {
      await client.send(request)
      return true
    } catch (error) {
      if (options.ifAbsent === true && hasStatus(error, 412)) return false
      // the role may write here and not read there, or the store cannot: bytes can still be streamed
      if (isAbsent(error) || hasStatus(error, 400, 403, 405, 501)) return undefined
      throw error
    }
  })
  if (copied !== true) return copied
  const standing = await target.head(key)
  if (standing?.ContentLength === original.ContentLength) return true
  const place = target.locate(key)
  return fail(
    'damaged',
    `${place}: the copy has ${standing?.ContentLength ?? 0} bytes instead of ${original.ContentLength ?? 0}`,
    'Run the command again; if it stays so, the store is at fault.',
    { place: { file: place } },
  )
}
