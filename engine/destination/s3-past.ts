/**
 * A bucket with versions as it was at an instant (`?asOf=…`): what was overwritten or deleted since, by a
 * mistake or by a thief of the credentials, stands as it stood. Read only.
 */
import type { Destination, StoredEntry, StoredRange } from './destination.ts'
import { S3Bucket } from './s3-bucket.ts'
import { S3Connection, type S3Options } from './s3-client.ts'
import { listVersions, type StoredVersion } from './s3-list.ts'
import { readRange, refusePast } from './s3-read.ts'
import { type S3Location, toS3Url } from './s3-url.ts'

export class S3Past implements Destination {
  readonly url: string
  readonly #bucket: S3Bucket
  readonly #atMs: number
  /** Versions that a listing has shown; the past does not change. */
  readonly #known = new Map<string, StoredVersion>()

  constructor(location: S3Location & { readonly asOfMs: number }, options: S3Options = {}) {
    this.url = toS3Url(location)
    this.#atMs = location.asOfMs
    this.#bucket = new S3Bucket(new S3Connection(location, options))
  }

  locate(key: string): string {
    return `${this.#bucket.locate(key)} as of ${new Date(this.#atMs).toISOString()}`
  }

  async get(key: string, target: Uint8Array, offset = 0): Promise<StoredRange | undefined> {
    const version = await this.#version(key)
    return version && readRange(this.#bucket, key, target, offset, version.versionId)
  }

  async head(key: string): Promise<{ sizeBytes: number } | undefined> {
    const version = await this.#version(key)
    return version && { sizeBytes: version.sizeBytes }
  }

  async threadFile(key: string): Promise<undefined> {
    this.#bucket.nameOf(key)
  }

  async *list(prefix: string): AsyncIterable<StoredEntry> {
    for await (const version of listVersions(this.#bucket, prefix, this.#atMs)) {
      this.#known.set(version.key, version)
      yield { key: version.key, sizeBytes: version.sizeBytes }
    }
  }

  async put(): Promise<never> {
    return refusePast(this.url)
  }

  async delete(): Promise<never> {
    return refusePast(this.url)
  }

  async flush(): Promise<void> {}

  async #version(key: string): Promise<StoredVersion | undefined> {
    this.#bucket.nameOf(key)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    // names that only begin like it follow it, so the first one decides
    for await (const version of listVersions(this.#bucket, key, this.#atMs)) {
      if (version.key !== key) return undefined
      this.#known.set(key, version)
      return version
    }
    return undefined
  }
}
