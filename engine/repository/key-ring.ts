/**
 * The keys of an encrypted repository: made with it, added, removed, listed. They wrap one data key, so
 * that what is stored never changes with them.
 *
 * `repository.json` is replaced atomically and read back. It is refused to leave it with no key, or with
 * none that the one who asks holds: a repository that nobody can open is lost.
 */
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Destination } from '../destination/destination.ts'
import { holdRetention } from './locks.ts'
import { damaged } from './read-document.ts'
import {
  type Encryption,
  encodeRepositoryFile,
  type RepositoryFile,
  readRepositoryFile,
  repositoryKey,
} from './repository-file.ts'
import type { RepositoryKey } from './repository-key.ts'
import { type Unlocked, unlock } from './unlock.ts'
import {
  keyLabelPattern,
  makeDataKey,
  type ScryptCost,
  type WrappedKey,
  wrapDataKey,
} from './wrapped-key.ts'

/** A new data key, wrapped by each of `keys`. @throws `usage` when one is easily guessed */
export async function makeEncryption(
  repositoryId: string,
  keys: readonly RepositoryKey[],
  nowMs: number,
  cost?: ScryptCost,
): Promise<Encryption> {
  const dataKey = makeDataKey()
  const wrapped: WrappedKey[] = []
  for (const [index, key] of keys.entries()) {
    const label = index === 0 ? 'first' : `first-${index + 1}`
    wrapped.push(
      await wrapDataKey(dataKey, repositoryId, key, { label, nowMs, ...(cost && { cost }) }),
    )
  }
  return { cipher: 'aes-256-gcm', keys: wrapped }
}

/** A key as a listing shows it; nothing in it is secret. */
export interface ListedKey {
  readonly id: string
  readonly label: string
  readonly createdAt: string
  readonly kind: 'random' | 'passphrase'
  /** Whether one of the given keys is this one. */
  readonly given: boolean
}

export interface KeyRing {
  readonly repository: string
  readonly url: string
  readonly keys: readonly ListedKey[]
}

export interface KeyChange {
  readonly destination: Destination
  /** That the one who asks holds. */
  readonly keys: readonly RepositoryKey[]
}

/** The keys of a repository. Without any given key they are listed all the same. @throws `key-refused` */
export async function listKeys({ destination, keys }: KeyChange): Promise<KeyRing> {
  const file = await encryptedFile(destination)
  const { opened = [] } = keys.length === 0 ? {} : await unlocked(destination, file, keys)
  return ringOf(destination, file, opened)
}

/**
 * Adds `key` under `label`.
 * @throws `key-refused`; `usage` when the label or the key is taken, or it is easily guessed; `locked`
 */
export async function addKey(
  change: KeyChange,
  key: RepositoryKey,
  label: string,
  clock: Clock,
  cost?: ScryptCost,
): Promise<KeyRing> {
  const { destination, keys } = change
  if (!keyLabelPattern.test(label)) {
    const hint = 'Use letters, digits, . _ @ - and spaces.'
    fail('usage', `a key cannot be called ${JSON.stringify(label)}`, hint)
  }
  return alone(change, clock, async (file, { dataKey, opened }) => {
    const { encryption, id } = file
    if (encryption.keys.some((each) => each.label === label)) {
      fail('usage', `the repository has a key called ${label} already`, 'Choose another label.')
    }
    if (encryption.keys.length >= limits.repositoryKeys) {
      fail('limit-exceeded', `it has ${limits.repositoryKeys} keys already`, 'Remove one first.')
    }
    if (await opensAny(destination, file, key)) {
      fail('usage', 'this key opens the repository already', 'Nothing was written.')
    }
    const entry = await wrapDataKey(dataKey, id, key, {
      label,
      nowMs: clock.nowMs(),
      ...(cost && { cost }),
    })
    const next = { ...file, encryption: { ...encryption, keys: [...encryption.keys, entry] } }
    await replace(destination, file, next, [...keys, key])
    return ringOf(destination, next, [...opened, entry.id])
  })
}

/**
 * Removes the key with this id or label. Whoever opened the repository with it may have kept the data
 * key: what was stored until now is not protected from them any more.
 * @throws `key-refused`, `name-not-found`; `usage` when it is the last, or the only one that is given;
 *   `locked`
 */
export async function removeKey(
  change: KeyChange,
  idOrLabel: string,
  clock: Clock,
): Promise<KeyRing> {
  const { destination, keys } = change
  return alone(change, clock, async (file, { opened }) => {
    const { encryption } = file
    const doomed = encryption.keys.find(({ id, label }) => id === idOrLabel || label === idOrLabel)
    if (doomed === undefined) {
      const labels = encryption.keys.map((each) => each.label).join(', ')
      return fail('name-not-found', `the repository has no key ${idOrLabel}`, `It has: ${labels}.`)
    }
    const left = encryption.keys.filter((each) => each !== doomed)
    if (left.length === 0) {
      const hint = 'Add another one first; without a key everything in it is lost.'
      return fail('usage', `${doomed.label} is the last key of the repository`, hint)
    }
    const stays = opened.filter((id) => id !== doomed.id)
    if (stays.length === 0) {
      return fail(
        'usage',
        `the key that was given is ${doomed.label} itself: nothing shows that somebody has another one`,
        'Give a key that stays, so that the repository can still be opened afterwards.',
      )
    }
    const next = { ...file, encryption: { ...encryption, keys: left } }
    await replace(destination, file, next, keys)
    return ringOf(destination, next, stays)
  })
}

/** Does `work` with what is read while nobody else changes it; before the key fits nothing is written. */
async function alone<T>(
  { destination, keys }: KeyChange,
  clock: Clock,
  work: (file: EncryptedFile, unlocked: Unlocked) => Promise<T>,
): Promise<T> {
  const read = async () => {
    const file = await encryptedFile(destination)
    return [file, await unlocked(destination, file, keys)] as const
  }
  await read()
  const lock = await holdRetention({ destination }, { purpose: 'a change of its keys', clock })
  try {
    return await work(...(await read()))
  } finally {
    await lock.release()
  }
}

type EncryptedFile = RepositoryFile & { readonly encryption: Encryption }

/** @throws `repository-not-found`, `damaged`; `key-refused` when it is not encrypted */
async function encryptedFile(destination: Destination): Promise<EncryptedFile> {
  const file = await readRepositoryFile(destination)
  if (file === undefined) {
    const problem = `there is no repository at ${destination.url}`
    return fail('repository-not-found', problem, 'Check the location.')
  }
  const { encryption } = file
  if (encryption !== null) return { ...file, encryption }
  return fail(
    'key-refused',
    `the repository at ${destination.url} is not encrypted: it has no keys`,
    'Encryption is chosen when a repository is made: back up with a key to an empty destination.',
  )
}

async function unlocked(
  destination: Destination,
  file: EncryptedFile,
  keys: readonly RepositoryKey[],
): Promise<Unlocked> {
  const at = { url: destination.url, place: destination.locate(repositoryKey) }
  const found = await unlock(file, keys, at, true)
  // only a plain repository has nothing to unlock
  return found ?? fail('key-refused', `${at.place} is not encrypted`, '')
}

async function opensAny(
  destination: Destination,
  file: EncryptedFile,
  key: RepositoryKey,
): Promise<boolean> {
  try {
    await unlocked(destination, file, [key])
    return true
  } catch (error) {
    if (isOperatingError(error, 'key-refused')) return false
    throw error
  }
}

/** Puts the file in place of the one that was read, unless somebody has changed that meanwhile. */
async function replace(
  destination: Destination,
  before: EncryptedFile,
  next: EncryptedFile,
  keys: readonly RepositoryKey[],
): Promise<void> {
  const isStill = async (file: RepositoryFile) => {
    const found = await readRepositoryFile(destination)
    return found !== undefined && encodeRepositoryFile(found).equals(encodeRepositoryFile(file))
  }
  if (!(await isStill(before))) {
    fail('locked', 'somebody else changes the keys of this repository', 'Try again.')
  }
  await destination.put(repositoryKey, encodeRepositoryFile(next))
  await destination.flush()
  if (!(await isStill(next))) {
    damaged(destination.locate(repositoryKey), 'what was written cannot be read back')
  }
  await unlocked(destination, next, keys)
}

const ringOf = (
  { url }: Destination,
  { id, encryption }: EncryptedFile,
  opened: readonly string[],
): KeyRing => ({
  repository: id,
  url,
  keys: encryption.keys.map((each) => ({
    id: each.id,
    label: each.label,
    createdAt: each.createdAt,
    kind: each.scrypt === null ? 'random' : 'passphrase',
    given: opened.includes(each.id),
  })),
})
