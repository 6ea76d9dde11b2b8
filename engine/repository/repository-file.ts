/**
 * `repository.json`: the first file of a repository, and the one without which nothing is read.
 *
 * A document (see format/document.ts): `id` tells two repositories apart. Version 1 is a plain
 * repository, with `encryption` null. Version 2 has more: `encryption` holds the cipher and its data key,
 * wrapped by each key that opens it (wrapped-key.ts); `objectLock`, absent where there is none, says how
 * whoever writes locks what is written (lock-policy.ts). It is the only file that is ever replaced, when
 * keys are added or removed.
 */
import { limits } from '../base/limits.ts'
import type { Destination } from '../destination/destination.ts'
import { type DocumentKind, encodeDocument } from '../format/document.ts'
import { Fields, patterns } from '../format/fields.ts'
import { instantPattern } from './instant.ts'
import { type LockPolicy, readLockPolicy } from './lock-policy.ts'
import { damaged, readDocument, wholeOrDamaged, withRepositoryHint } from './read-document.ts'
import { readWrappedKey, type WrappedKey } from './wrapped-key.ts'

export const repositoryKey = 'repository.json'

export interface Encryption {
  /** Sealed boxes (base/sealed-box.ts), names by HMAC-SHA256. */
  readonly cipher: 'aes-256-gcm'
  /** At least one. */
  readonly keys: readonly WrappedKey[]
}

export interface RepositoryFile {
  /** A UUID. */
  readonly id: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly encryption: Encryption | null
  /** Absent: nothing is locked unless somebody asks for it. */
  readonly objectLock?: LockPolicy
}

const kind: DocumentKind = { format: 'vectra-repository', version: 2 }

/** Its bytes: version 1 where nothing is encrypted or locked, so that older builds read it too. */
export const encodeRepositoryFile = (file: RepositoryFile): Buffer =>
  encodeDocument(kind, file, file.encryption === null && file.objectLock === undefined ? 1 : 2)

/** @throws `damaged`, `newer-format` */
export const decodeRepositoryFile = (bytes: Uint8Array, file: string): RepositoryFile =>
  withRepositoryHint(() => decode(bytes, file))

/** The file of the repository at a destination; undefined when there is none. @throws `damaged`, … */
export async function readRepositoryFile(
  destination: Destination,
): Promise<RepositoryFile | undefined> {
  const bytes = await wholeOrDamaged(destination, repositoryKey, limits.repositoryFileBytes)
  return bytes && decodeRepositoryFile(bytes, destination.locate(repositoryKey))
}

function decode(bytes: Uint8Array, file: string): RepositoryFile {
  const bounds = { bytes: limits.repositoryFileBytes, values: 1_000 }
  const fields = new Fields(readDocument(kind, bytes, file, bounds), file)
  const decoded: RepositoryFile = {
    id: fields.text('id', patterns.uuid),
    createdAt: fields.text('createdAt', instantPattern),
    encryption: fields.has('encryption') ? readEncryption(fields.object('encryption'), file) : null,
    ...(fields.has('objectLock') && { objectLock: readLockPolicy(fields.object('objectLock')) }),
  }
  if (!encodeRepositoryFile(decoded).equals(bytes)) damaged(file, 'it has unknown fields')
  return decoded
}

function readEncryption(fields: Fields, file: string): Encryption {
  const cipher = fields.oneOf('cipher', ['aes-256-gcm'] as const)
  const keys = fields
    .objects('keys', limits.repositoryKeys)
    .map((entry) => readWrappedKey(entry, file))
  const distinct = new Set(keys.flatMap((each) => [each.id, each.label]))
  if (keys.length === 0 || distinct.size !== 2 * keys.length) {
    damaged(file, 'it has no keys, or two of one id or label')
  }
  return { cipher, keys }
}
