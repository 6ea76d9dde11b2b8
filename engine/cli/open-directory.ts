/**
 * The data directory of one command: opened under its lock, always closed, created only by commands
 * that write. Where a server has it, the server is asked instead.
 */
import { isOperatingError } from '../base/errors.ts'
import { checkName } from '../base/name.ts'
import type { Aliases } from '../collection/aliases.ts'
import type { Collection } from '../collection/collection.ts'
import type { CollectionStats } from '../collection/collection-stats.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import type { CollectionConfig } from '../format/config.ts'
import type { Context } from './context.ts'
import { servedBy } from './served-by.ts'

/**
 * `look`: the work leaves nothing behind and ends at once when the user interrupts. `use`: the work
 * watches the signal itself, so that what it began is finished or undone. `create`: the same, and the
 * directory is made when it is missing; the other two fail then.
 */
export type Access = 'look' | 'use' | 'create'

/** What commands do with a collection, opened here or asked of a server. */
export interface OpenCollection
  extends Pick<
    Collection,
    | 'name'
    | 'uuid'
    | 'config'
    | 'count'
    | 'lsn'
    | 'describe'
    | 'upsert'
    | 'delete'
    | 'get'
    | 'points'
    | 'search'
    | 'checkpoint'
    | 'compact'
    | 'reindex'
    | 'configure'
  > {
  stats(): CollectionStats | Promise<CollectionStats>
}

/** What commands do with a directory, opened here or asked of a server. */
export interface OpenDirectory {
  /** For people. */
  readonly path: string
  readonly aliases: Pick<Aliases, 'list' | 'of' | 'resolve' | 'set' | 'delete'>
  names(): string[]
  has(name: string): boolean
  open(name: string): Promise<OpenCollection>
  create(name: string, config: CollectionConfig): Promise<OpenCollection>
  drop(name: string, options?: { readonly ifExists?: boolean }): Promise<boolean>
}

/** Works with the directory, wherever it is. @throws what {@link withOwnDirectory} throws; `unreachable` */
export async function withDirectory<T>(
  context: Context,
  access: Access,
  work: (directory: OpenDirectory) => Promise<T>,
): Promise<T> {
  const client = await servedBy(context)
  if (client === undefined) return withOwnDirectory(context, access, work)
  const { RemoteDirectory } = await import('../server/remote-directory.ts')
  return work(await RemoteDirectory.open(client))
}

/**
 * Opens the directory in this process, works, closes: for whoever has seen that no server has it. A failed fsync ends the work at once, also work that waits for input.
 * @throws `locked` when another process has the directory; `fsync-failed`
 */
export async function withOwnDirectory<T>(
  context: Context,
  access: Access,
  work: (directory: DataDirectory) => Promise<T>,
): Promise<T> {
  const { disk, clock, signal } = context.io
  const { openDataDirectory } = await import('../collection/data-directory.ts')
  signal.throwIfAborted()
  let end: (error: unknown) => void = () => {}
  const fatal = new Promise<never>((_, reject) => {
    end = reject
  })
  fatal.catch(() => {}) // told by the race below, if work is still under way
  const directory = await openDataDirectory(context.data, {
    disk,
    clock,
    create: access === 'create',
    compaction: 'manual', // a command ends before a merge would
    progress: context.progress,
    onWarning: (text) => void context.warn(text).catch(() => {}),
    // Anything else is told to the work itself, which undoes what it began. The work has its turn first:
    // unless it waits for something, its own error says more.
    onFatal: (error) => {
      if (isOperatingError(error, 'fsync-failed')) setImmediate(() => end(error))
    },
  })
  try {
    const working = work(directory)
    working.catch(() => {}) // when it loses the race, nobody is left to hear it fail
    const ended = Promise.race([working, fatal])
    return access === 'look' ? await orInterrupted(ended, signal) : await ended
  } finally {
    await directory.close()
  }
}

/** The same with one collection, opened. @throws `invalid-name`, `collection-not-found` */
export function withCollection<T>(
  context: Context,
  access: 'look' | 'use',
  name: string,
  work: (collection: OpenCollection) => Promise<T>,
): Promise<T> {
  checkName('collection name', name)
  return withDirectory(context, access, async (directory) => work(await directory.open(name)))
}

/** {@link withOwnDirectory} with one collection, opened. @throws `invalid-name`, `collection-not-found` */
export function withOwnCollection<T>(
  context: Context,
  access: 'look' | 'use',
  name: string,
  work: (collection: Collection) => Promise<T>,
): Promise<T> {
  checkName('collection name', name)
  return withOwnDirectory(context, access, async (directory) => work(await directory.open(name)))
}

async function orInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {}) // when it loses the race, nobody is left to hear it fail
  let stop = () => {}
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, interrupted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
