/** How long, and how strictly, what is written to a repository is locked. */
import { limits } from '../base/limits.ts'
import {
  type LockMode,
  lockModes,
  type ObjectLock,
  type StoredLock,
} from '../destination/destination.ts'
import type { Fields } from '../format/fields.ts'

export interface LockPolicy {
  readonly mode: LockMode
  /** How long from the moment of writing, milliseconds. */
  readonly forMs: number
}

/** The fields of a policy in repository.json. @throws `damaged` */
export const readLockPolicy = (fields: Fields): LockPolicy => ({
  mode: fields.oneOf('mode', lockModes),
  forMs: fields.integer('forMs', 1, limits.lockMs),
})

const secondMs = 1_000

/** The lock for what is written at `nowMs`. Stores keep whole seconds: never a moment shorter. */
export const toLock = ({ mode, forMs }: LockPolicy, nowMs: number): ObjectLock => ({
  mode,
  untilMs: Math.ceil((nowMs + forMs) / secondMs) * secondMs,
})

/** Whether less than half of the time remains, or the lock is none, or a weaker one. */
export function isDue(
  lock: StoredLock | undefined,
  { mode, forMs }: LockPolicy,
  nowMs: number,
): boolean {
  const retention = lock?.retention
  if (retention === undefined || retention.untilMs < nowMs + forMs / 2) return true
  return mode === 'compliance' && retention.mode !== 'compliance'
}
