/**
 * A destination in an object store that speaks S3 (`s3://bucket/prefix?…`).
 *
 * Key `a/b` is the object `<prefix>/a/b`. A put is whole and durable when the store has answered, so `flush`
 * has nothing to do. A listing may lag behind; `head` and `get` do not. Which store keeps which promise
 * differs: conditional puts are tried before the first write, object lock is asked for before the first lock.
 *
 * | part | file |
 * | --- | --- |
 * | the URL | s3-url.ts |
 * | client, retries, renewed credentials | s3-client.ts |
 * | names, HEAD | s3-bucket.ts |
 * | reading, writing, parts, copying, listing, locks | s3-read.ts, s3-write.ts, s3-parts.ts, s3-copy.ts, s3-list.ts, s3-locks.ts |
 * | removing old versions too | s3-purge.ts |
 * | the past of a bucket with versions | s3-past.ts |
 * | errors | s3-errors.ts |
 */
import { isOperatingError } from '../base/errors.ts'
import {
  type Destination,
  isLocked,
  type PutOptions,
  refuseWhileLocked,
  type StoredEntry,
  type StoredRange,
  type UnfinishedPuts,
} from './destination.ts'
import { S3Bucket } from './s3-bucket.ts'
import { S3Connection, type S3Options } from './s3-client.ts'
import { copyObject } from './s3-copy.ts'
import { listObjects } from './s3-list.ts'
import { S3Locks } from './s3-locks.ts'
import { unfinishedUploads } from './s3-parts.ts'
import { purgeObject } from './s3-purge.ts'
import { readRange } from './s3-read.ts'
import { type S3Location, toS3Url } from './s3-url.ts'
import { S3Writer } from './s3-write.ts'

export class S3Destination implements Destination {
  readonly url: string
  readonly objectLock: S3Locks
  readonly unfinished: UnfinishedPuts
  readonly #bucket: S3Bucket
  readonly #writer: S3Writer

  /** Asks nothing of the store yet. */
  constructor(location: S3Location, options: S3Options = {}) {
    this.url = toS3Url(location)
    this.#bucket = new S3Bucket(new S3Connection(location, options))
    this.#writer = new S3Writer(this.#bucket)
    this.objectLock = new S3Locks(this.#bucket)
    this.unfinished = unfinishedUploads(this.#bucket)
  }

  locate(key: string): string {
    return this.#bucket.locate(key)
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    if (options.lock !== undefined || options.legalHold === true) await this.objectLock.mustHonour()
    return this.#writer.put(key, bytes, options)
  }

  async get(key: string, target: Uint8Array, offset = 0): Promise<StoredRange | undefined> {
    return readRange(this.#bucket, key, target, offset)
  }

  async head(key: string): Promise<{ sizeBytes: number } | undefined> {
    const found = await this.#bucket.head(key)
    return found && { sizeBytes: found.ContentLength ?? 0 }
  }

  async threadFile(key: string): Promise<undefined> {
    this.#bucket.nameOf(key)
  }

  list(prefix: string): AsyncIterable<StoredEntry> {
    return listObjects(this.#bucket, prefix)
  }

  /** In a bucket with versions the old version stays, until a rule of the bucket removes it. */
  async delete(key: string): Promise<void> {
    const Key = this.#bucket.nameOf(key)
    if (await this.#mayBeLocked()) {
      const lock = await this.objectLock.lockOf(key)
      const nowMs = this.#bucket.connection.clock.nowMs()
      if (isLocked(lock, nowMs)) refuseWhileLocked(this.locate(key), lock, nowMs)
    }
    await this.#bucket.connection.send(this.locate(key), (client, sdk) =>
      client.send(new sdk.DeleteObjectCommand({ Bucket: this.#bucket.name, Key })),
    )
  }

  /** A role that may not ask about the bucket is told by the object itself. */
  async #mayBeLocked(): Promise<boolean> {
    try {
      return await this.objectLock.isHonoured()
    } catch (error) {
      if (!isOperatingError(error, 'credential-refused')) throw error
      return true
    }
  }

  async flush(): Promise<void> {}

  purge(key: string): Promise<void> {
    return purgeObject(this.#bucket, this.#bucket.nameOf(key))
  }

  async copyFrom(
    source: Destination,
    key: string,
    options: PutOptions = {},
  ): Promise<boolean | undefined> {
    if (!(source instanceof S3Destination)) return undefined
    if (options.lock !== undefined || options.legalHold === true) await this.objectLock.mustHonour()
    if (options.ifAbsent === true) await this.#writer.mustGuard()
    return copyObject(source.#bucket, this.#bucket, key, options)
  }
}
