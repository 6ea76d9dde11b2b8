/** What all parts of the S3 destination share: the connection, and from our keys to the bucket's and back. */
import { fail } from '../base/errors.ts'
import { checkKey } from './destination.ts'
import type { S3Connection } from './s3-client.ts'
import { hasStatus, isAbsent } from './s3-errors.ts'

/** Bytes of a name in a bucket. */
const nameBytes = 1_024

/**
 * Stands for ever beside what is stored, so that one conditional put tells whether the store keeps its word.
 * No key, never listed.
 */
export const probeName = '.vectra-probe'

export class S3Bucket {
  readonly connection: S3Connection
  readonly name: string
  readonly prefix: string
  #exists: Promise<void> | undefined

  constructor(connection: S3Connection) {
    this.connection = connection
    this.name = connection.location.bucket
    this.prefix = connection.location.prefix
  }

  /** The name of `key` in the bucket. @throws `unsafe-name` */
  nameOf(key: string): string {
    const name = this.prefix + checkKey(key)
    if (key === probeName) fail('unsafe-name', `the key ${key} is reserved`, 'Use another name.')
    if (Buffer.byteLength(name) > nameBytes) {
      fail(
        'unsafe-name',
        `the key ${key} is longer than ${nameBytes} bytes with the prefix of ${this.locate('')}`,
        'Use a shorter prefix.',
      )
    }
    return name
  }

  /** The key of a name that a listing shows; undefined for what is not ours to show. */
  keyOf(name: string | undefined): string | undefined {
    if (name === undefined || !name.startsWith(this.prefix)) return undefined
    const key = name.slice(this.prefix.length)
    return key === '' || key === probeName ? undefined : key
  }

  locate(key: string): string {
    return `s3://${this.name}/${this.prefix}${key}`
  }

  /** What a HEAD says of an object; undefined when there is none. */
  async head(key: string, versionId?: string) {
    const Key = this.nameOf(key)
    const which = { Bucket: this.name, Key, ...(versionId && { VersionId: versionId }) }
    const found = await this.connection.send(this.locate(key), async (client, sdk) => {
      try {
        return await client.send(new sdk.HeadObjectCommand(which))
      } catch (error) {
        if (isAbsent(error)) return 'absent'
        if (!hasStatus(error, 400, 403)) throw error
        // a refused HEAD has no body that says why; a GET of one byte has
        const one = new sdk.GetObjectCommand({ ...which, Range: 'bytes=0-0' })
        const got = await client.send(one).catch((cause: unknown) => {
          if (hasStatus(cause, 416) || isAbsent(cause)) throw error
          throw cause
        })
        got.Body?.transformToByteArray().catch(() => {}) // one byte, so that the connection is free again
        throw error
      }
    })
    if (found !== 'absent') return found
    await this.mustExist()
    return undefined
  }

  /** A missing object and a missing bucket look alike to a HEAD. @throws `bucket-not-found` */
  mustExist(): Promise<void> {
    this.#exists ??= this.connection.send(this.locate(''), async (client, sdk) => {
      // one key: a HEAD of the bucket would not say why it is refused
      const one = { Bucket: this.name, Prefix: this.prefix, MaxKeys: 1 }
      await client.send(new sdk.ListObjectsV2Command(one))
    })
    this.#exists.catch(() => {
      this.#exists = undefined // it is asked again: somebody may make the bucket
    })
    return this.#exists
  }
}
