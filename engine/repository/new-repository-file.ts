/** What repository.json says in a repository that is being made. */
import { randomUUID } from 'node:crypto'
import { toInstant } from './instant.ts'
import { makeEncryption } from './key-ring.ts'
import type { LockPolicy } from './lock-policy.ts'
import type { RepositoryFile } from './repository-file.ts'
import type { RepositoryKey } from './repository-key.ts'

/** With a new id, and a new data key where keys are to open it. */
export async function newRepositoryFile(
  keys: readonly RepositoryKey[],
  objectLock: LockPolicy | undefined,
  nowMs: number,
): Promise<RepositoryFile> {
  const id = randomUUID()
  const encryption = keys.length === 0 ? null : await makeEncryption(id, keys, nowMs)
  return { id, createdAt: toInstant(nowMs), encryption, ...(objectLock && { objectLock }) }
}
