/**
 * Storing an object so that it is known to be stored: SHA-256 sent, the answer held against what was sent.
 *
 * `If-None-Match: *` guards everything that must not be overwritten, in one request whatever the size: the
 * end of an upload in parts is not guarded by every store. Before the first of them, one conditional put of a
 * name of its own tells whether the store keeps to the condition, for some ignore it, and some ignore it in
 * buckets with versions only (Ceph 16). Where it does not, nothing that must be absent is written: no
 * repository comes into being, no backup begins.
 *
 * A conditional put whose answer was lost is sent again and finds itself: each carries a token, so that the
 * winner still learns that it has won.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { PutObjectCommandInput, PutObjectCommandOutput } from '@aws-sdk/client-s3'
import { fail, OperatingError } from '../base/errors.ts'
import type { PutOptions } from './destination.ts'
import { probeName, type S3Bucket } from './s3-bucket.ts'
import { s3Bounds } from './s3-client.ts'
import { hasStatus, readFailure } from './s3-errors.ts'
import { uploadInParts } from './s3-parts.ts'
import { purgeObject } from './s3-purge.ts'
import { readRange } from './s3-read.ts'

const tokenName = 'vectra-put'

/** Puts into one bucket. */
export class S3Writer {
  readonly #bucket: S3Bucket
  #guarded: Promise<void> | undefined

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket
  }

  /** @throws `unsupported-destination` when the store does not honour conditional puts */
  mustGuard(): Promise<void> {
    this.#guarded ??= this.#probe()
    this.#guarded.catch((error: unknown) => {
      const isFinal = error instanceof OperatingError && error.code === 'unsupported-destination'
      if (!isFinal) this.#guarded = undefined
    })
    return this.#guarded
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<boolean> {
    const Key = this.#bucket.nameOf(key)
    if (options.ifAbsent === true) await this.mustGuard()
    const { connection } = this.#bucket
    const { multipartBytes = s3Bounds.multipartBytes } = connection.options
    const input = { Bucket: this.#bucket.name, Key, ...lockInput(options) }
    if (options.ifAbsent !== true && bytes.length > multipartBytes) {
      await uploadInParts(this.#bucket, key, bytes, input)
      return true
    }
    const body = toBody(bytes)
    return options.ifAbsent === true
      ? this.#putIfAbsent(key, input, body)
      : this.#putOver(key, input, body)
  }

  async #putOver(key: string, input: Omit<PutObjectCommandInput, 'Body'>, body: Buffer) {
    const checksum = sha256Base64(body)
    const stored = await this.#bucket.connection.send(this.#bucket.locate(key), (client, sdk) =>
      client.send(new sdk.PutObjectCommand({ ...input, Body: body, ChecksumSHA256: checksum })),
    )
    await this.#mustBeWhole(key, body, checksum, stored)
    return true
  }

  async #putIfAbsent(key: string, input: Omit<PutObjectCommandInput, 'Body'>, body: Buffer) {
    const checksum = sha256Base64(body)
    const token = randomUUID()
    const outcome = await conditionalPut(this.#bucket, key, {
      ...input,
      Body: body,
      ChecksumSHA256: checksum,
      Metadata: { [tokenName]: token },
    })
    if (outcome.kind === 'stored') {
      await this.#mustBeWhole(key, body, checksum, outcome.answer)
      return true
    }
    if (outcome.kind === 'refused')
      return this.#refuse('refuses conditional writes (If-None-Match: *)')
    if (outcome.tries === 1) return false
    // an earlier try may have been the one that stored it
    const standing = await this.#bucket.head(key)
    return standing?.Metadata?.[tokenName] === token
  }

  /** Whether the store says that it holds what was sent; where it cannot tell, the bytes are read back. */
  async #mustBeWhole(key: string, body: Buffer, checksum: string, answer: PutObjectCommandOutput) {
    const place = this.#bucket.locate(key)
    const refuse = (problem: string) =>
      fail(
        'damaged',
        `${place}: ${problem}`,
        'The store or the way to it changed the bytes. Run the command again; if it stays so, use another store.',
        { place: { file: place } },
      )
    if (answer.ChecksumSHA256 !== undefined) {
      if (answer.ChecksumSHA256 === checksum) return
      refuse('the store says that it holds bytes of another SHA-256 than it was sent')
    }
    // of a value in one part, not encrypted by a key of the user's, the tag is its MD5, at most stores
    const tag = /^"?([0-9a-f]{32})"?$/.exec(answer.ETag ?? '')?.[1]
    const isTagged = tag !== undefined && !answer.ServerSideEncryption?.startsWith('aws:kms')
    if (!isTagged || createHash('md5').update(body).digest('hex') === tag) return
    const standing = Buffer.alloc(body.length)
    const got = await readRange(this.#bucket, key, standing, 0)
    if (got?.sizeBytes !== body.length || !standing.equals(body)) {
      refuse('the store holds other bytes than it was sent')
    }
  }

  async #probe(): Promise<void> {
    const input = {
      Bucket: this.#bucket.name,
      Key: this.#bucket.prefix + probeName,
      Body: Buffer.from('This file tells whether the store honours conditional writes.\n'),
    }
    // the first one stands from now on; the second one must lose
    for (let round = 0; round < 2; round++) {
      const outcome = await conditionalPut(this.#bucket, probeName, input)
      if (outcome.kind === 'present') return
      if (outcome.kind === 'refused') {
        this.#refuse('refuses conditional writes (If-None-Match: *)')
      }
    }
    // it was of no use
    await purgeObject(this.#bucket, input.Key).catch(() => {})
    this.#refuse('ignores conditional writes (If-None-Match: *)')
  }

  #refuse(what: string): never {
    fail(
      'unsupported-destination',
      `${this.#bucket.locate('')}: the store ${what}, so two backups could overwrite each other; nothing is written`,
      'Use a store or a version of it that honours them; vectra-cli repository probe tells. Reading works.',
    )
  }
}

type Conditional =
  | { readonly kind: 'stored'; readonly answer: PutObjectCommandOutput }
  | { readonly kind: 'present'; readonly tries: number }
  /** The store does not know the condition. */
  | { readonly kind: 'refused' }

/** One put with `If-None-Match: *`. 409, a conflict with another writer, is tried again; 412 is "present". */
export function conditionalPut(
  bucket: S3Bucket,
  key: string,
  input: PutObjectCommandInput,
): Promise<Conditional> {
  return bucket.connection.send(bucket.locate(key), async (client, sdk, patience) => {
    for (let tries = 0; ; ) {
      try {
        const answer = await client.send(new sdk.PutObjectCommand({ ...input, IfNoneMatch: '*' }))
        return { kind: 'stored', answer }
      } catch (error) {
        tries += readFailure(error).attempts
        if (hasStatus(error, 412)) return { kind: 'present', tries }
        if (hasStatus(error, 501)) return { kind: 'refused' }
        if (!hasStatus(error, 409)) throw error
        await patience().catch(() => {
          throw error
        })
      }
    }
  })
}

/** What a put says about locks. */
export function lockInput({ lock, legalHold }: PutOptions) {
  return {
    ...(lock && {
      ObjectLockMode:
        lock.mode === 'compliance' ? ('COMPLIANCE' as const) : ('GOVERNANCE' as const),
      ObjectLockRetainUntilDate: new Date(lock.untilMs),
    }),
    ...(legalHold === true && { ObjectLockLegalHoldStatus: 'ON' as const }),
  }
}

/** The same memory as a Buffer; memory that threads share is copied, which the SDK wants. */
export const toBody = (bytes: Uint8Array): Buffer =>
  bytes.buffer instanceof SharedArrayBuffer
    ? Buffer.from(bytes)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** As S3 writes checksums. */
export const sha256Base64 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('base64')
