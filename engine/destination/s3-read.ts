/**
 * Reading a part of an object: as many tries as a request has, each going on where the last one broke off.
 *
 * A body counts as whole only when it has the length that its range promised. Later tries ask for the same
 * entity tag, so that two versions are never put together; where it has changed, reading begins again.
 */
import type { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { fail, OperatingError } from '../base/errors.ts'
import type { StoredRange } from './destination.ts'
import type { S3Bucket } from './s3-bucket.ts'
import type { Patience, Sdk } from './s3-client.ts'
import { hasStatus, isAbsent, readFailure } from './s3-errors.ts'

/** Fills `target` from `offset` on. */
export async function readRange(
  bucket: S3Bucket,
  key: string,
  target: Uint8Array,
  offset: number,
  versionId?: string,
): Promise<StoredRange | undefined> {
  const sizeOnly = async (): Promise<StoredRange | undefined> => {
    const head = await bucket.head(key, versionId)
    return head && { readBytes: 0, sizeBytes: head.ContentLength ?? 0 }
  }
  if (target.length === 0) return sizeOnly()
  const reading = new Reading(bucket, key, target, offset, versionId)
  const found = await bucket.connection.send(bucket.locate(key), (client, sdk, patience) =>
    reading.run(client, sdk, patience),
  )
  if (found !== 'nothing there') return found === 'absent' ? undefined : found
  return sizeOnly() // the value ends before `offset`
}

type Outcome = StoredRange | 'absent' | 'nothing there'

class Reading {
  readonly #bucket: S3Bucket
  readonly #key: string
  readonly #target: Uint8Array
  readonly #offset: number
  readonly #versionId: string | undefined
  #doneBytes = 0
  #etag: string | undefined

  constructor(
    bucket: S3Bucket,
    key: string,
    target: Uint8Array,
    offset: number,
    versionId: string | undefined,
  ) {
    this.#bucket = bucket
    this.#key = key
    this.#target = target
    this.#offset = offset
    this.#versionId = versionId
  }

  async run(client: S3Client, sdk: Sdk, patience: Patience): Promise<Outcome> {
    for (;;) {
      const outcome = await this.#once(client, sdk)
      if (!('problem' in outcome)) return outcome.found
      await patience().catch(() => {
        const place = this.#bucket.locate(this.#key)
        throw new OperatingError(
          outcome.isDamage ? 'damaged' : 'unreachable',
          `${place}: ${outcome.problem}, try after try`,
          'Run the command again later, or read from another copy.',
          { place: { file: place } },
        )
      })
    }
  }

  async #once(
    client: S3Client,
    sdk: Sdk,
  ): Promise<{ found: Outcome } | { problem: string; isDamage: boolean }> {
    const from = this.#offset + this.#doneBytes
    const last = this.#offset + this.#target.length - 1
    try {
      const got = await client.send(
        new sdk.GetObjectCommand({
          Bucket: this.#bucket.name,
          Key: this.#bucket.nameOf(this.#key),
          Range: `bytes=${from}-${last}`,
          ...(this.#versionId && { VersionId: this.#versionId }),
          ...(this.#etag !== undefined && { IfMatch: this.#etag }),
          // the store's own checksum is of the whole value
          ...(from === 0 && { ChecksumMode: 'ENABLED' as const }),
        }),
      )
      this.#etag = got.ETag
      // in Node the body is a stream of Node
      const body = got.Body as Readable
      const range = toRange(got.ContentRange, got.ContentLength)
      const skipBytes = got.ContentRange === undefined ? from : 0
      if (range === undefined || (got.ContentRange !== undefined && range.from !== from)) {
        body.destroy()
        return this.#again('it answers with another range than it was asked for')
      }
      return await this.#take(body, skipBytes, range.sizeBytes)
    } catch (error) {
      return this.#refused(error)
    }
  }

  async #take(body: Readable, skipBytes: number, sizeBytes: number) {
    const wantedBytes = Math.max(0, Math.min(this.#target.length, sizeBytes - this.#offset))
    const before = this.#doneBytes
    let skipped = 0
    let problem: string | undefined
    let isDamage = false
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        const cut = Math.min(chunk.length, skipBytes - skipped)
        skipped += cut
        const room = wantedBytes - this.#doneBytes
        const bytes = chunk.subarray(cut, cut + room)
        if (chunk.length - cut > room && skipBytes === 0) problem = 'it sends more than its range'
        this.#target.set(bytes, this.#doneBytes)
        this.#doneBytes += bytes.length
      }
    } catch (error) {
      const { code, message } = readFailure(error)
      // of a body that ends early the checksum is wrong too, but what has come of it counts
      isDamage = message.startsWith('Checksum mismatch') && this.#doneBytes === wantedBytes
      problem = isDamage
        ? 'the bytes are not what the store’s own checksum says'
        : `it breaks off (${code})`
    }
    if (this.#doneBytes === wantedBytes && problem === undefined) {
      return { found: { readBytes: wantedBytes, sizeBytes } }
    }
    const got = `${this.#doneBytes} of ${wantedBytes} bytes arrived`
    if (isDamage || problem?.startsWith('it sends')) this.#doneBytes = before
    return { problem: `${problem ?? 'the body ends early'}, ${got}`, isDamage }
  }

  #again(problem: string) {
    return { problem, isDamage: false }
  }

  async #refused(error: unknown) {
    if (isAbsent(error)) {
      await this.#bucket.mustExist()
      return { found: 'absent' as const }
    }
    if (hasStatus(error, 416)) {
      if (this.#doneBytes === 0) return { found: 'nothing there' as const }
    } else if (!hasStatus(error, 412)) {
      throw error
    }
    this.#doneBytes = 0
    this.#etag = undefined
    return this.#again('it changes while it is read')
  }
}

function toRange(
  contentRange: string | undefined,
  length: number | undefined,
): { from: number; sizeBytes: number } | undefined {
  if (contentRange === undefined) {
    return length === undefined ? undefined : { from: 0, sizeBytes: length }
  }
  const [, from, sizeBytes] = /^bytes ([0-9]+)-[0-9]+\/([0-9]+)$/.exec(contentRange) ?? []
  return from === undefined || sizeBytes === undefined
    ? undefined
    : { from: Number(from), sizeBytes: Number(sizeBytes) }
}

/** @throws `disk-refused`, always: a view of the past is read only */
export function refusePast(url: string): never {
  return fail(
    'disk-refused',
    `${url} shows the past (asOf), which cannot be written`,
    'Leave asOf away to write; it is for restore, verify, list and copy from.',
  )
}
