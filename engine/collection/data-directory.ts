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
import { fail } from '../base/errors.ts'
import { HashThreads } from '../base/hash-threads.ts'
import { checkName } from '../base/name.ts'
import { besideModule, ThreadPool } from '../base/thread-pool.ts'
import { type CatalogueEntry, entryOf } from '../format/catalogue.ts'
import type { CollectionConfig } from '../format/config.ts'
import { type Identity, newEpoch, newUuid } from '../format/identity.ts'
import { Aliases, aliasesOf, keepAliases } from './aliases.ts'
import { CatalogueFile } from './catalogue-file.ts'
import { Collection } from './collection.ts'
import type { CollectionContext } from './context.ts'
import { noDirectoryHint, notFound, refuseForeign, tellUnknown } from './data-place.ts'
import { DirectoryLock } from './directory-lock.ts'
import { type DataDirectoryOptions, toWorld } from './directory-options.ts'
import { type MendResult, mendCollection, type SourcesOf } from './mend.ts'
import { NameGates } from './name-gates.ts'
import { emptyManifest, startHistory } from './open-files.ts'
import { type AdmitCut, checkCut, type RepairResult, repairCollection } from './repair.ts'
import { lookAtReplaced, type ReplacedCopy } from './replaced-copy.ts'
import { replicaFileName } from './replica-file.ts'
import {
  type CommitTarget,
  findStaged,
  proveAndRename,
  readNote,
  type StageRequest,
  type Staging,
  writeNote,
} from './staging.ts'

/**
 * Opens a data directory and locks it.
 * @throws `file-not-found`, `locked`, `damaged`, `newer-format`, `disk-refused`
 */
export async function openDataDirectory(
  directory: string,
  options: DataDirectoryOptions,
): Promise<DataDirectory> {
  const { plainDisk, ...world } = toWorld(options)
  const { disk, clock } = world
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
  // the lock is given back even when nothing else may be written
  const lock = await DirectoryLock.take(plainDisk, clock, root)
  try {
    const scratch = path.join(root, 'scratch')
    await disk.removeTree(scratch)
    for (const each of [path.join(root, 'collections'), scratch]) await disk.makeDirectory(each)
    // a name that a dead process left to the page cache is relied on from here on
    for (const each of [path.join(root, 'collections'), root]) await disk.syncDirectory(each)
    const catalogue = await CatalogueFile.open(disk, root)
    const threads = new ThreadPool(besideModule(import.meta.url, 'engine-worker'))
    const context: CollectionContext = {
      ...world,
      threads,
      ann: new AnnThreads(availableParallelism(), threads),
      hashes: new HashThreads(threads),
      scratch,
      aliasesOf: (name) => aliasesOf(catalogue.current, name),
    }
    const opened = new DataDirectory(root, context, lock, catalogue)
    await opened.sweep()
    return opened
  } catch (error) {
    await lock.release()
    throw error
  }
}

export class DataDirectory {
  readonly path: string
  /** Further names of collections. */
  readonly aliases: Aliases
  readonly #context: CollectionContext
  readonly #lock: DirectoryLock
  readonly #open = new Map<string, Promise<Collection>>()
  readonly #gates = new NameGates()
  readonly #catalogue: CatalogueFile

  /** Use {@link openDataDirectory}. */
  constructor(
    root: string,
    context: CollectionContext,
    lock: DirectoryLock,
    catalogue: CatalogueFile,
  ) {
    this.path = root
    this.aliases = new Aliases(catalogue)
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
    return [...this.#catalogue.current.collections.keys()].sort()
  }

  /** The identity of a collection, also of one that cannot be opened; undefined when there is none. */
  readonly uuidOf = (name: string): string | undefined =>
    this.#catalogue.current.collections.get(name)?.uuid

  /** Names of the collections that have copies on other nodes, or are one, sorted. */
  async replicated(): Promise<string[]> {
    const found: string[] = []
    for (const [name, entry] of this.#catalogue.current.collections) {
      const file = path.join(this.#directoryOf(entry), replicaFileName)
      if ((await this.#context.disk.stat(file)) !== undefined) found.push(name)
    }
    return found.sort()
  }

  /** Whether {@link open} finds something under `name`: a collection, or an alias of one. */
  has(name: string): boolean {
    return this.#catalogue.current.collections.has(this.aliases.resolve(name))
  }

  /** @throws `collection-exists` when a collection may not be put there: an alias, or one, unless `replace` */
  refuseTaken(name: string, replace = false): void {
    const means = this.aliases.resolve(name)
    if (means !== name) {
      fail(
        'collection-exists',
        `${name} is an alias of the collection ${means}`,
        `Choose another name, or free this one: vectra-cli aliases delete ${name}.`,
      )
    }
    if (replace || !this.has(name)) return
    fail(
      'collection-exists',
      `the collection ${name} exists already`,
      'Choose another name, drop it first, or use --replace where the command has it.',
    )
  }

  /** @throws `invalid-name`, `collection-exists`, `disk-full`, `disk-refused` */
  async create(name: string, config: CollectionConfig): Promise<Collection> {
    checkName('collection name', name)
    this.refuseTaken(name)
    const identity: Identity = { uuid: newUuid(), epoch: newEpoch(1) }
    const entry = entryOf(identity)
    await this.#catalogue.change((now) => ({
      ...now,
      leftovers: [...now.leftovers, entry.directory],
    }))
    const directory = this.#directoryOf(entry)
    try {
      await this.#context.disk.makeDirectory(directory)
      const manifest = emptyManifest(name, identity, config)
      await startHistory(this.#context.disk, directory, { manifest, config })
      await this.#context.disk.syncDirectory(path.dirname(directory))
      await this.#adopt(name, entry, { replace: false })
    } catch (error) {
      await this.#removeLeftover(entry.directory)
      throw error
    }
    return this.open(name)
  }

  /** The collection of that name or alias; opened once and shared. @throws `collection-not-found`, and what damage says */
  open(nameOrAlias: string): Promise<Collection> {
    const name = this.aliases.resolve(nameOrAlias)
    const changed = this.#gates.passing(name)
    if (changed !== undefined) return changed.then(() => this.open(nameOrAlias))
    const entry = this.#catalogue.current.collections.get(name)
    if (entry === undefined) return Promise.reject(this.#notFound(name))
    const opened =
      this.#open.get(name) ?? Collection.open(this.#context, this.#directoryOf(entry), entry.uuid)
    this.#open.set(name, opened)
    opened.catch(() => this.#open.delete(name))
    return opened
  }

  /** Removes a collection, its files, its aliases. @throws `usage` for an alias; `collection-not-found` without `ifExists` */
  async drop(name: string, options: { readonly ifExists?: boolean } = {}): Promise<boolean> {
    const means = this.aliases.resolve(name)
    if (means !== name) {
      fail(
        'usage',
        `${name} is an alias of the collection ${means}; nothing was dropped`,
        `Remove the alias with: vectra-cli aliases delete ${name}. Or drop ${means} itself.`,
      )
    }
    const dropped = await this.#gates.alone(name, async () => {
      const entry = this.#catalogue.current.collections.get(name)
      if (entry === undefined) return undefined
      await this.#closeOne(name)
      await this.#catalogue.change((now) => ({
        collections: new Map([...now.collections].filter(([each]) => each !== name)),
        aliases: new Map([...now.aliases].filter(([, each]) => each !== name)),
        leftovers: [...now.leftovers, entry.directory],
      }))
      return entry
    })
    if (dropped !== undefined) await this.#removeLeftover(dropped.directory)
    else if (options.ifExists !== true) throw this.#notFound(name)
    return dropped !== undefined
  }

  /** Cuts the log of a collection: see repair.ts. @throws also `collection-not-found`; `not-primary` for a standby */
  repair(nameOrAlias: string, toLsn: number, admit?: AdmitCut): Promise<RepairResult> {
    const repair = (each: string) => repairCollection(this.#context, each, toLsn)
    return this.#closed(nameOrAlias, repair, (...copy) => checkCut(...copy, admit))
  }

  /** Mends its files from other copies: see mend.ts. @throws also `collection-not-found` */
  mend(nameOrAlias: string, sourcesOf: SourcesOf): Promise<MendResult> {
    return this.#closed(nameOrAlias, (each) => mendCollection(this.#context, each, sourcesOf))
  }

  /** Closes a collection; the next {@link open} settles where it stands, as after a crash. */
  shut = (name: string): Promise<void> => this.#closed(name, async () => {})

  /** Works on the files of a collection while it is closed; `check` before that. */
  #closed<T>(
    nameOrAlias: string,
    work: (directory: string) => Promise<T>,
    check?: (context: CollectionContext, name: string, directory: string) => Promise<void>,
  ) {
    const name = this.aliases.resolve(nameOrAlias)
    return this.#gates.alone(name, async () => {
      const entry = this.#catalogue.current.collections.get(name)
      if (entry === undefined) throw this.#notFound(name)
      const directory = this.#directoryOf(entry)
      await check?.(this.#context, name, directory)
      await this.#closeOne(name)
      return work(directory)
    })
  }

  /** A place to restore into: see staging.ts. An interrupted restore of the same snapshot is found. */
  async stage(request: StageRequest): Promise<Staging> {
    const { disk } = this.#context
    await this.#lookAtReplaced(request)
    const { leftovers } = this.#catalogue.current
    const found = await findStaged(disk, path.join(this.path, 'collections'), leftovers, request)
    const identity = found ?? {
      uuid: request.newUuid ? newUuid() : request.uuid,
      epoch: newEpoch(request.epoch.number + 1),
    }
    const entry = entryOf(identity)
    const directory = this.#directoryOf(entry)
    if (found === undefined) {
      await this.#catalogue.change((now) => ({
        ...now,
        leftovers: [...now.leftovers, entry.directory],
      }))
    }
    // a power cut may have left the note and taken what was made before it
    await disk.makeDirectory(path.join(directory, 'segments'))
    if (found === undefined) await writeNote(disk, directory, request.key, identity)
    return {
      directory,
      resumed: found !== undefined,
      commit: async (target) => {
        const { name, replace } = target
        checkName('collection name', name)
        this.refuseTaken(name, replace)
        const restored = await proveAndRename(this.#context, directory, request, identity, target)
        try {
          await disk.syncDirectory(path.dirname(directory))
          await this.#gates.alone(name, async () => {
            const { remarks, kept } = await this.#lookAtReplaced(request) // it may have changed meanwhile
            if (kept) await restored.replication.change((now) => ({ ...now, ...kept }))
            await this.#adopt(name, entry, target)
            for (const each of remarks) target.onRemark?.(each)
            this.#open.set(name, Promise.resolve(restored))
          })
        } catch (error) {
          await restored.close()
          throw error
        }
        return restored
      },
      discard: async () => {
        // once the catalogue names it, it is no leftover any more
        if (this.#catalogue.current.leftovers.includes(entry.directory)) {
          await this.#removeLeftover(entry.directory)
        }
      },
    }
  }

  /** Says in the lock of the directory where this process answers for it. */
  announce(address: string): Promise<void> {
    return this.#lock.announce(address)
  }

  /** The collections that are open now. */
  async opened(): Promise<readonly Collection[]> {
    const all = await Promise.allSettled(this.#open.values())
    return all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  }

  /** Closes all collections, and gives the lock back whatever happens. @throws the first error of a collection */
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
    for (const leftover of this.#catalogue.current.leftovers) {
      const directory = path.join(this.path, 'collections', leftover)
      if ((await readNote(disk, directory).catch(() => undefined)) !== undefined) continue
      await this.#removeLeftover(leftover)
    }
    await tellUnknown(disk, this.path, this.#catalogue.current, onWarning)
  }

  readonly #directoryOf = (entry: CatalogueEntry): string =>
    path.join(this.path, 'collections', entry.directory)
  readonly #notFound = (name: string): Error => notFound(name, this.names(), this.path)

  async #lookAtReplaced({ inPlaceOf = '', uuid }: StageRequest): Promise<ReplacedCopy> {
    const entry = this.#catalogue.current.collections.get(inPlaceOf)
    return lookAtReplaced(this.#context.disk, inPlaceOf, entry && this.#directoryOf(entry), uuid)
  }

  /** Commits `entry` under `name`; what the name meant before becomes a leftover and is removed. */
  async #adopt(
    name: string,
    entry: CatalogueEntry,
    { replace, aliases = [], onRemark }: Omit<CommitTarget, 'name'>,
  ): Promise<void> {
    if (replace) await this.#closeOne(name)
    let replaced: CatalogueEntry | undefined
    let remarks: readonly string[] = []
    await this.#catalogue.change((now) => {
      replaced = now.collections.get(name)
      this.refuseTaken(name, replace)
      const kept = keepAliases(now, name, aliases)
      remarks = kept.remarks
      const leftovers = now.leftovers.filter((each) => each !== entry.directory)
      return {
        collections: new Map([...now.collections, [name, entry]]),
        aliases: kept.aliases,
        leftovers: replaced ? [...leftovers, replaced.directory] : leftovers,
      }
    })
    // the new one has the name; what cannot be removed now stays noted as a leftover
    if (replaced !== undefined) await this.#removeLeftover(replaced.directory).catch(() => {})
    for (const each of remarks) onRemark?.(each)
  }

  async #removeLeftover(directory: string): Promise<void> {
    const { disk } = this.#context
    // a catalogue write that failed late may stand on disk: what it names is not removed before it is undone
    await this.#catalogue.settle()
    await disk.removeTree(path.join(this.path, 'collections', directory))
    await disk.syncDirectory(path.join(this.path, 'collections'))
    await this.#catalogue.change((now) => ({
      ...now,
      leftovers: now.leftovers.filter((each) => each !== directory),
    }))
  }

  async #closeOne(name: string): Promise<void> {
    const opened = this.#open.get(name)
    this.#open.delete(name)
    const collection = await opened?.catch(() => undefined)
    await collection?.close()
  }
}
