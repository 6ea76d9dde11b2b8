/**
 * Object lock: retention until an instant and legal hold, where the bucket was made with it.
 *
 * A lock is prolonged, never shortened; the header that bypasses governance is not written anywhere here.
 */
import { fail, isOperatingError } from '../base/errors.ts'
import {
  coversLock,
  type LockMode,
  type ObjectLock,
  type ObjectLocking,
  type StoredLock,
} from './destination.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { hasStatus, isAbsent, readFailure } from './s3-errors.ts'
import { removeVersion } from './s3-purge.ts'

const modes: Readonly<Record<string, LockMode>> = {
  COMPLIANCE: 'compliance',
  GOVERNANCE: 'governance',
}

export class S3Locks implements ObjectLocking {
  readonly #bucket: S3Bucket
  #honoured: Promise<boolean> | undefined

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket
  }

  async lockOf(key: string): Promise<StoredLock | undefined> {
    const head = await this.#bucket.head(key)
    if (head === undefined) return undefined
    const mode = modes[head.ObjectLockMode ?? '']
    const until = head.ObjectLockRetainUntilDate
    const legalHold = head.ObjectLockLegalHoldStatus === 'ON'
    const retention = mode && until && { mode, untilMs: until.getTime() }
    return retention || legalHold ? { legalHold, ...(retention && { retention }) } : undefined
  }

  async extend(key: string, lock: ObjectLock): Promise<void> {
    await this.mustHonour()
    const place = this.#bucket.locate(key)
    const standing = await this.lockOf(key)
    if (coversLock(standing, lock)) return
    const retention = standing?.retention
    const isStrict = retention?.mode === 'compliance' || lock.mode === 'compliance'
    const untilMs = Math.max(retention?.untilMs ?? 0, lock.untilMs)
    await this.#bucket.connection.send(place, async (client, sdk) => {
      const request = new sdk.PutObjectRetentionCommand({
        Bucket: this.#bucket.name,
        Key: this.#bucket.nameOf(key),
        Retention: {
          Mode: isStrict ? 'COMPLIANCE' : 'GOVERNANCE',
          RetainUntilDate: new Date(untilMs),
        },
      })
      await client.send(request).catch((error: unknown) => {
        if (isAbsent(error)) {
          fail('file-not-found', `${place} is not there to be locked`, 'Store it first.')
        }
        if (!hasStatus(error, 403) || retention?.mode !== 'governance' || !isStrict) throw error
        fail(
          'object-locked',
          `${place} is locked by governance, and the store does not let that become compliance`,
          'Back up with --mode full, which writes it anew under compliance; a bypass is never asked for.',
          { place: { file: place } },
        )
      })
    })
  }

  isHonoured(): Promise<boolean> {
    this.#honoured ??= this.#ask()
    this.#honoured.catch(() => {
      this.#honoured = undefined
    })
    return this.#honoured
  }

  async resists(key: string): Promise<boolean> {
    const before = await this.#bucket.head(key)
    if (before?.VersionId === undefined) return false
    await removeVersion(this.#bucket, this.#bucket.nameOf(key), before.VersionId).catch(
      (error: unknown) => {
        if (!isOperatingError(error, 'object-locked')) throw error
      },
    )
    return (await this.#bucket.head(key))?.VersionId === before.VersionId
  }

  /** @throws `unsupported-destination` when the bucket has no object lock */
  async mustHonour(): Promise<void> {
    if (await this.isHonoured()) return
    fail(
      'unsupported-destination',
      `${this.#bucket.locate('')}: the bucket ${this.#bucket.name} has no object lock, so nothing can be locked in it`,
      'Make a bucket with object lock enabled, or leave --object-lock away.',
    )
  }

  #ask(): Promise<boolean> {
    const { connection, name } = this.#bucket
    return connection.send(this.#bucket.locate(''), async (client, sdk) => {
      try {
        const which = { Bucket: name }
        const answer = await client.send(new sdk.GetObjectLockConfigurationCommand(which))
        return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled'
      } catch (error) {
        const { code } = readFailure(error)
        if (code === 'NoSuchBucket') throw error
        const isWithout =
          code === 'ObjectLockConfigurationNotFoundError' || code === 'InvalidRequest'
        if (isWithout || hasStatus(error, 400, 404, 405, 501)) return false
        throw error
      }
    })
  }
}
