/**
 * A data directory: the collections of one machine, owned by one process.
 *
 * ```
 * <path>/LOCK
 *        catalogue.json                     which name means which directory
 *        collections/<uuid>-<history>/      one history of one collection (see open-files.ts)
 *        scratch/                           files of a moment, emptied at each open
 * ```
 *
 * Every change of the catalogue is one atomic replacement, and one at a time.
 */
import { availableParallelism } from 'node:os'
import * as path from 'node:path'
import { AnnThreads } from '../ann/ann-threads.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type Disk, nodeDisk, replaceFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { HashThreads } from '../base/hash-threads.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import { besideModule, ThreadPool } from '../base/thread-pool.ts'
import {
  type Catalogue,
  type CatalogueEntry,
  collectionDirectory,
  decodeCatalogue,
  emptyCatalogue,
  encodeCatalogue,
} from '../format/catalogue.ts'
import type { CollectionConfig } from '../format/config.ts'
import { type Identity, newEpoch, newUuid } from '../format/identity.ts'
import { Collection } from './collection.ts'
import type { CollectionContext } from './context.ts'
import { DirectoryLock, lockName } from './directory-lock.ts'
import { emptyManifest, startHistory } from './open-files.ts'
import { proveAndRename, readNote, type StageRequest, type Staging, writeNote } from './staging.ts'

const catalogueName = 'catalogue.json'

export interface DataDirectoryOptions {
  readonly disk?: Disk
  readonly clock?: Clock
  /** Make the directory when it is not there. Otherwise its absence is `file-not-found`. */
  readonly create: boolean
  readonly progress?: Progress
  readonly onWarning?: (text: string) => void
}

/** A catalogue without its sequence: what a change returns. */
type CatalogueChange = Omit<Catalogue, 'sequence'>

/**
 * Opens a data directory and locks it.
 * @throws `file-not-found`, `locked`, `damaged`, `newer-format`, `disk-refused`
 */
export async function openDataDirectory(
  directory: string,
  options: DataDirectoryOptions,
): Promise<DataDirectory> {
  const disk = options.disk ?? nodeDisk
  const clock = options.clock ?? systemClock
  const root = path.resolve(directory)
  if ((await disk.stat(root)) === undefined) {
    if (!options.create) {
      fail('file-not-found', `there is no data directory at ${root}`, noDirectoryHint, {
        place: { file: root },
      })
    }
    await disk.makeDirectory(root)
    await disk.syncDirectory(path.dirname(root))
  }
  await refuseForeign(disk, root, options.create)
  const lock = await DirectoryLock.take(disk, clock, root)
  try {
    const scratch = path.join(root, 'scratch')
    await disk.removeTree(scratch)
    for (const each of [path.join(root, 'collections'), scratch]) await disk.makeDirectory(each)
    const catalogue = await readCatalogue(disk, root)
    const threads = new ThreadPool(besideModule(import.meta.url, 'engine-worker'))
    const context: CollectionContext = {
      disk,
      clock,
      threads,
      ann: new AnnThreads(availableParallelism(), threads),
      hashes: new HashThreads(threads),
      scratch,
      progress: options.progress ?? noProgress,
      onWarning: options.onWarning ?? (() => {}),
    }
    const opened = new DataDirectory(root, context, lock, catalogue)
    await opened.sweep()
    return opened
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** What an open that was cut off may leave in an otherwise empty directory. */
const ownNames = [lockName, `${catalogueName}.tmp`, 'collections', 'scratch']

const noDirectoryHint =
  'Give the directory with --data or VECTRA_DATA, or create a collection to make one.'

/** A directory with other things in it is not turned into a data directory. */
async function refuseForeign(disk: Disk, root: string, create: boolean): Promise<void> {
  const names = await disk.list(root)
  if (names.includes(catalogueName)) return
  if (
    names.includes('collections') &&
    (await disk.list(path.join(root, 'collections'))).length > 0
  ) {
    fail(
      'missing-file',
      `${path.join(root, catalogueName)} is missing, but there are collections beside it`,
      'Put the file back, or restore the collections from a backup into another directory.',
      { place: { file: path.join(root, catalogueName) } },
    )
  }
  const own = names.every((name) => ownNames.some((own) => name.startsWith(own)))
  if (!own) {
    fail(
      'usage',
      `${root} is not a data directory`,
      'Give an empty directory, or one made by vectra-cli.',
      {
        place: { file: root },
      },
    )
  }
  if (!create) fail('file-not-found', `there is no data directory at ${root}`, noDirectoryHint)
}

async function readCatalogue(disk: Disk, root: string): Promise<Catalogue> {
  const file = path.join(root, catalogueName)
  if ((await disk.stat(file)) === undefined) return emptyCatalogue
  return decodeCatalogue(await disk.readFile(file, limits.manifestBytes), file)
}

export class DataDirectory {
  readonly path: string
  readonly #context: CollectionContext
  readonly #lock: DirectoryLock
  readonly #open = new Map<string, Promise<Collection>>()
  #catalogue: Catalogue
  /** The last write of the catalogue failed, and may have reached the disk all the same. */
  #inDoubt = false
  #turn: Promise<unknown> = Promise.resolve()

  /** Use {@link openDataDirectory}. */
  constructor(root: string, context: CollectionContext, lock: DirectoryLock, catalogue: Catalogue) {
    this.path = root
    this.#context = context
    this.#lock = lock
    this.#catalogue = catalogue
  }

  /** Threads that hash, for whoever works for this directory. */
  get hashes(): HashThreads {
    return this.#context.hashes
  }

  /** Names of the collections, sorted. */
  names(): string[] {
    return [...this.#catalogue.collections.keys()].sort()
  }

  has(name: string): boolean {
    return this.#catalogue.collections.has(name)
  }

  /** @throws `invalid-name`, `collection-exists`, `disk-full`, `disk-refused` */
  async create(name: string, config: CollectionConfig): Promise<Collection> {
    checkName('collection name', name)
    this.#refuseExisting(name)
    const identity: Identity = { uuid: newUuid(), epoch: newEpoch(1) }
    const entry = entryOf(identity)
    await this.#change((now) => ({ ...now, leftovers: [...now.leftovers, entry.directory] }))
    const directory = this.#directoryOf(entry)
    try {
      await this.#context.disk.makeDirectory(directory)
      const manifest = emptyManifest(name, identity, config)
      await startHistory(this.#context.disk, directory, { manifest, config })
      await this.#context.disk.syncDirectory(path.dirname(directory))
      await this.#adopt(name, entry, false)
    } catch (error) {
      await this.#removeLeftover(entry.directory)
      throw error
    }
    return this.open(name)
  }

  /** The collection; opened once and shared. @throws `collection-not-found`, and what damage says */
  open(name: string): Promise<Collection> {
    const entry = this.#catalogue.collections.get(name)
    if (entry === undefined) return Promise.reject(this.#notFound(name))
    const opened =
      this.#open.get(name) ?? Collection.open(this.#context, this.#directoryOf(entry), entry.uuid)
    this.#open.set(name, opened)
    opened.catch(() => this.#open.delete(name))
    return opened
  }

  /**
   * Removes a collection and its files.
   * @returns whether it was there
   * @throws `collection-not-found` unless `ifExists`
   */
  async drop(name: string, options: { readonly ifExists?: boolean } = {}): Promise<boolean> {
    const entry = this.#catalogue.collections.get(name)
    if (entry === undefined) {
      if (options.ifExists === true) return false
      throw this.#notFound(name)
    }
    await this.#closeOne(name)
    await this.#change((now) => ({
      collections: new Map([...now.collections].filter(([each]) => each !== name)),
      aliases: new Map([...now.aliases].filter(([, each]) => each !== name)),
      leftovers: [...now.leftovers, entry.directory],
    }))
    await this.#removeLeftover(entry.directory)
    return true
  }

  /** A place to restore into: see staging.ts. An interrupted restore of the same snapshot is found. */
  async stage(request: StageRequest): Promise<Staging> {
    const { disk } = this.#context
    const found = await this.#findStaged(request.key)
    const identity = found ?? {
      uuid: request.newUuid ? newUuid() : request.uuid,
      epoch: newEpoch(request.epoch.number + 1),
    }
    const entry = entryOf(identity)
    const directory = this.#directoryOf(entry)
    if (found === undefined) {
      await this.#change((now) => ({ ...now, leftovers: [...now.leftovers, entry.directory] }))
      await disk.makeDirectory(path.join(directory, 'segments'))
      await writeNote(disk, directory, request.key, identity)
    }
    return {
      directory,
      resumed: found !== undefined,
      commit: async (target) => {
        const { name, replace } = target
        checkName('collection name', name)
        if (!replace) this.#refuseExisting(name)
        const restored = await proveAndRename(this.#context, directory, request, identity, target)
        try {
          await disk.syncDirectory(path.dirname(directory))
          await this.#adopt(name, entry, replace)
        } catch (error) {
          await restored.close()
          throw error
        }
        this.#open.set(name, Promise.resolve(restored))
        return restored
      },
      discard: async () => {
        // once the catalogue names it, it is no leftover any more
        if (this.#catalogue.leftovers.includes(entry.directory)) {
          await this.#removeLeftover(entry.directory)
        }
      },
    }
  }

  /**
   * Waits for what is under way, closes all collections and gives the lock back, whatever happens.
   * @throws the first error of a collection that did not close cleanly
   */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(
      [...this.#open.keys()].map((name) => this.#closeOne(name)),
    )
    await this.#context.ann.close()
    await this.#context.threads.close()
    await this.#lock.release()
    const failed = closed.find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Removes what a crash left and nobody can go on with. Called once, at open. */
  async sweep(): Promise<void> {
    const { disk, onWarning } = this.#context
    for (const leftover of this.#catalogue.leftovers) {
      const directory = path.join(this.path, 'collections', leftover)
      if ((await readNote(disk, directory).catch(() => undefined)) !== undefined) continue
      await this.#removeLeftover(leftover)
    }
    const known = new Set([
      ...[...this.#catalogue.collections.values()].map((entry) => entry.directory),
      ...this.#catalogue.leftovers,
    ])
    for (const name of await disk.list(path.join(this.path, 'collections'))) {
      if (!known.has(name)) {
        onWarning(`collections/${name} is not in the catalogue of ${this.path}; it is left alone`)
      }
    }
  }

  #directoryOf(entry: CatalogueEntry): string {
    return path.join(this.path, 'collections', entry.directory)
  }

  #refuseExisting(name: string): void {
    if (!this.has(name)) return
    fail(
      'collection-exists',
      `the collection ${name} exists already`,
      'Choose another name, drop it first, or use --replace where the command has it.',
    )
  }

  #notFound(name: string): Error {
    const names = this.names()
    try {
      return fail(
        'collection-not-found',
        `there is no collection ${JSON.stringify(name)} in ${this.path}`,
        names.length === 0
          ? 'The data directory is empty; check --data.'
          : `It holds: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}.`,
      )
    } catch (error) {
      return error as Error // fail always throws an OperatingError
    }
  }

  /** Commits `entry` under `name`; what the name meant before becomes a leftover and is removed. */
  async #adopt(name: string, entry: CatalogueEntry, replace: boolean): Promise<void> {
    if (replace) await this.#closeOne(name)
    let replaced: CatalogueEntry | undefined
    await this.#change((now) => {
      replaced = now.collections.get(name)
      if (replaced !== undefined && !replace) this.#refuseExisting(name)
      const leftovers = now.leftovers.filter((each) => each !== entry.directory)
      return {
        collections: new Map([...now.collections, [name, entry]]),
        aliases: now.aliases,
        leftovers: replaced ? [...leftovers, replaced.directory] : leftovers,
      }
    })
    // the new one has the name; what cannot be removed now stays noted as a leftover
    if (replaced !== undefined) await this.#removeLeftover(replaced.directory).catch(() => {})
  }

  /** One change of the catalogue after the other, each durable when it resolves. */
  #change(change: (now: Catalogue) => CatalogueChange): Promise<void> {
    const result = this.#turn.then(async () => {
      const next = { ...change(this.#catalogue), sequence: this.#catalogue.sequence + 1 }
      this.#inDoubt = true
      await replaceFile(
        this.#context.disk,
        path.join(this.path, catalogueName),
        encodeCatalogue(next),
      )
      this.#inDoubt = false
      this.#catalogue = next
    })
    this.#turn = result.catch(() => {})
    return result
  }

  async #removeLeftover(directory: string): Promise<void> {
    const { disk } = this.#context
    // a catalogue write that failed late may stand on disk: what it names is not removed before it is undone
    if (this.#inDoubt) await this.#change((now) => now)
    await disk.removeTree(path.join(this.path, 'collections', directory))
    await disk.syncDirectory(path.join(this.path, 'collections'))
    await this.#change((now) => ({
      ...now,
      leftovers: now.leftovers.filter((each) => each !== directory),
    }))
  }

  async #findStaged(key: string): Promise<Identity | undefined> {
    for (const leftover of this.#catalogue.leftovers) {
      const directory = path.join(this.path, 'collections', leftover)
      const note = await readNote(this.#context.disk, directory).catch(() => undefined)
      if (note?.key === key && entryOf(note.identity).directory === leftover) return note.identity
    }
    return undefined
  }

  async #closeOne(name: string): Promise<void> {
    const opened = this.#open.get(name)
    this.#open.delete(name)
    const collection = await opened?.catch(() => undefined)
    await collection?.close()
  }
}

const entryOf = ({ uuid, epoch }: Identity): CatalogueEntry => ({
  directory: collectionDirectory(uuid, epoch.history),
  uuid,
})
