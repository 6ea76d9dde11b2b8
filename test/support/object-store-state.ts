/** What an object store in memory holds: buckets, names, versions, locks, uploads in parts. */
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../engine/base/clock.ts'

export interface ObjectVersion {
  readonly versionId: string
  readonly body: Buffer
  readonly etag: string
  /** Base64, where the writer sent it. */
  readonly sha256?: string
  /** Epoch ms, whole seconds as object stores have them. */
  readonly storedAt: number
  readonly metadata: Readonly<Record<string, string>>
  readonly isDeletion: boolean
  mode?: string
  retainUntil?: number
  legalHold?: boolean
}

export interface PartUpload {
  readonly id: string
  readonly name: string
  readonly startedAt: number
  readonly metadata: Readonly<Record<string, string>>
  readonly lock: LockHeaders
  readonly parts: Map<number, Buffer>
}

export interface LockHeaders {
  readonly mode?: string
  readonly retainUntil?: number
  readonly legalHold?: boolean
}

export interface Bucket {
  readonly isVersioned: boolean
  readonly hasLock: boolean
  /** Of each name the versions, the newest last. */
  readonly versions: Map<string, ObjectVersion[]>
  readonly uploads: Map<string, PartUpload>
}

export class StoreState {
  readonly buckets = new Map<string, Bucket>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nowSeconds(): number {
    return Math.floor(this.#clock.nowMs() / 1000) * 1000
  }

  addBucket(name: string, { versioned = false, lock = false } = {}): void {
    const bucket: Bucket = {
      isVersioned: versioned || lock,
      hasLock: lock,
      versions: new Map(),
      uploads: new Map(),
    }
    this.buckets.set(name, bucket)
  }

  /** The newest version; undefined where there is none or it was deleted. */
  current(bucket: Bucket, name: string, versionId?: string): ObjectVersion | undefined {
    const all = bucket.versions.get(name) ?? []
    if (versionId !== undefined) return all.find((each) => each.versionId === versionId)
    const newest = all.at(-1)
    return newest?.isDeletion ? undefined : newest
  }

  store(
    bucket: Bucket,
    name: string,
    body: Buffer,
    how: LockHeaders & {
      readonly metadata?: Readonly<Record<string, string>>
      readonly sha256?: string
      readonly etag?: string
    } = {},
  ): ObjectVersion {
    const { metadata = {}, sha256, etag = md5(body), mode, retainUntil, legalHold } = how
    const version: ObjectVersion = {
      versionId: bucket.isVersioned ? randomBytes(8).toString('hex') : 'null',
      body,
      etag,
      storedAt: this.nowSeconds(),
      metadata,
      isDeletion: false,
      ...(sha256 !== undefined && { sha256 }),
      ...(mode !== undefined && { mode }),
      ...(retainUntil !== undefined && { retainUntil }),
      ...(legalHold !== undefined && { legalHold }),
    }
    this.#append(bucket, name, version)
    return version
  }

  /** Deletes as S3 does: a marker in a bucket with versions, the value itself in another. */
  delete(bucket: Bucket, name: string, versionId?: string): 'done' | 'locked' {
    const all = bucket.versions.get(name) ?? []
    if (versionId !== undefined) {
      const version = all.find((each) => each.versionId === versionId)
      if (version !== undefined && this.isLocked(version)) return 'locked'
      const left = all.filter((each) => each !== version)
      if (left.length > 0) bucket.versions.set(name, left)
      else bucket.versions.delete(name)
    } else if (!bucket.isVersioned) {
      bucket.versions.delete(name)
    } else {
      const body = Buffer.alloc(0)
      const storedAt = this.nowSeconds()
      const versionId = randomBytes(8).toString('hex')
      this.#append(bucket, name, {
        versionId,
        body,
        etag: '',
        storedAt,
        metadata: {},
        isDeletion: true,
      })
    }
    return 'done'
  }

  isLocked({ legalHold, retainUntil }: ObjectVersion): boolean {
    return legalHold === true || (retainUntil ?? 0) > this.#clock.nowMs()
  }

  #append(bucket: Bucket, name: string, version: ObjectVersion): void {
    const before = bucket.isVersioned ? (bucket.versions.get(name) ?? []) : []
    bucket.versions.set(name, [...before, version])
  }
}

export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')
