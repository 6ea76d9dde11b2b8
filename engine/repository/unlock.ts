/** Whether the keys that were given fit a repository, and the data key that they open. */
import { fail } from '../base/errors.ts'
import type { RepositoryFile } from './repository-file.ts'
import type { RepositoryKey } from './repository-key.ts'
import { unwrapDataKey } from './wrapped-key.ts'

export interface Unlocked {
  readonly dataKey: Buffer
  /** Ids of the wrapped keys that the given ones opened, at least one. */
  readonly opened: readonly string[]
}

/** How a key is given, for hints. */
export const keyHint =
  'Give its key with --key-file FILE, --key-command COMMAND or VECTRA_BACKUP_KEY; in a plan, as encryption of the destination.'

/**
 * @param every look for all entries that the keys open, not only for the first
 * @returns undefined for a plain repository and no keys
 * @throws `key-refused` when a key is missing, wrong, or given for a plain repository; `damaged`
 */
export async function unlock(
  { id, encryption }: RepositoryFile,
  keys: readonly RepositoryKey[],
  at: { readonly url: string; readonly place: string },
  every = false,
): Promise<Unlocked | undefined> {
  const place = { place: { file: at.place } }
  if (encryption === null) {
    if (keys.length === 0) return undefined
    return fail(
      'key-refused',
      `the repository at ${at.url} is not encrypted, but a key was given: nothing was read or written`,
      'Leave the key away to use it as it is; for an encrypted copy name an empty destination.',
      place,
    )
  }
  if (keys.length === 0) {
    const problem = `the repository at ${at.url} is encrypted, and no key was given`
    return fail('key-refused', problem, keyHint, place)
  }
  const opened: string[] = []
  let dataKey: Buffer | undefined
  for (const entry of encryption.keys) {
    for (const key of keys) {
      const found = await unwrapDataKey(entry, id, key, at.place)
      if (found === undefined) continue
      dataKey ??= found
      opened.push(entry.id)
      if (!every) return { dataKey, opened }
      break
    }
  }
  if (dataKey !== undefined) return { dataKey, opened }
  const labels = encryption.keys.map((each) => each.label).join(', ')
  const given =
    keys.length === 1 ? 'the key that was given' : `none of the ${keys.length} keys given`
  return fail(
    'key-refused',
    `${given} ${keys.length === 1 ? 'does not open' : 'opens'} the repository at ${at.url}; it has: ${labels}`,
    'Nothing was written. Check which key belongs to this repository.',
    place,
  )
}
