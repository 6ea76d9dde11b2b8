/**
 * A destination in a directory of the file system (`file://`, a plain path).
 *
 * Key `a/b` is the file `<root>/a/b`. A value is written to `<root>/.tmp/<random>`, made durable, and
 * then gets its name: `link` where it must be absent (the file system picks the one winner), `rename`
 * where it may replace. So a name never stands for bytes that are not on the disk, and `flush` has
 * only directories to sync. `.tmp` is no key and never listed; what a crash leaves there is garbage.
 *
 * The root itself may be a link (people mount that way); below it every element is looked at before
 * it is used, and anything but a directory on the way or a regular file at the end is refused.
 */
import { randomUUID } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Disk, DiskFile, EntryKind } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import {
  checkKey,
  compareKeys,
  type Destination,
  type PutOptions,
  refuseLock,
  type StagedFile,
  type StoredEntry,
  type StoredFile,
  type StoredRange,
  type UnfinishedPut,
  type UnfinishedPuts,
} from './destination.ts'

const temporaryName = '.tmp'
/** A temporary file that is older is nobody's: a put takes seconds. */
const deadPutMs = 86_400_000

export class DirectoryDestination implements Destination {
  readonly url: string
  readonly #disk: Disk
  readonly #root: string
  readonly #clock: Clock
  readonly unfinished: UnfinishedPuts = {
    list: () => this.#listTemporary(),
    remove: ({ id }) => this.#disk.unlink(join(this.#root, temporaryName, id)),
  }
  /** Directories with names that a power failure could still take away. */
  readonly #unsynced = new Set<string>()

  /** The directory need not exist; the first `put` creates it. */
  constructor(disk: Disk, root: string, clock: Clock = systemClock) {
    this.#disk = disk
    this.#clock = clock
    this.#root = resolve(root)
    this.url = pathToFileURL(this.#root).href
  }

  locate(key: string): string {
    return join(this.#root, key)
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    const file = this.#file(key)
    if (options.lock !== undefined || options.legalHold === true) refuseLock(this.url)
    if (await this.#isTaken(key, options)) return false
    return this.#name(await this.#writeTemporary(bytes), file, key, options)
  }

  async stageFile(): Promise<StagedFile | undefined> {
    if (this.#disk.threadPath(this.#root) === undefined) return undefined
    if (!(await this.#rootStands())) await this.#makeRoot()
    const { file, path } = await this.#createTemporary()
    const discard = async () => {
      await file.close()
      await this.#disk.unlink(path)
    }
    const commit = async (key: string, options: PutOptions = {}) => {
      let target: string
      let isTaken: boolean
      try {
        target = this.#file(key)
        isTaken = await this.#isTaken(key, options)
        if (!isTaken) await file.dataSync()
      } catch (error) {
        await discard().catch(() => {}) // the first error is the one to tell
        throw error
      }
      if (isTaken) {
        await discard()
        return false
      }
      await file.close()
      return this.#name(path, target, key, options)
    }
    return { path, commit, discard }
  }

  /** Makes the way to `key`. @returns whether something stands there that is to be kept */
  async #isTaken(key: string, { ifAbsent }: PutOptions): Promise<boolean> {
    await this.#makeParents(key)
    const file = this.#file(key)
    const standing = await this.#disk.stat(file)
    if (standing === undefined) return false
    if (standing.kind !== 'file') this.#refuse(file, standing.kind)
    if (ifAbsent === true) this.#note(key)
    return ifAbsent === true
  }

  /** Gives a temporary file, which is durable, its name. */
  async #name(temporary: string, file: string, key: string, options: PutOptions): Promise<boolean> {
    try {
      if (options.ifAbsent !== true) {
        await this.#disk.rename(temporary, file)
        return true
      }
      const won = await this.#disk.link(temporary, file)
      await this.#disk.unlink(temporary)
      return won
    } catch (error) {
      await this.#disk.unlink(temporary).catch(() => {}) // the first error is the one to tell
      throw error
    } finally {
      this.#note(key)
    }
  }

  async get(key: string, target: Uint8Array, offset = 0): Promise<StoredRange | undefined> {
    if ((await this.head(key)) === undefined) return undefined
    let file: Awaited<ReturnType<Disk['open']>>
    try {
      file = await this.#disk.open(this.#file(key), 'read')
    } catch (error) {
      if (isOperatingError(error, 'file-not-found')) return undefined // deleted since head
      throw error
    }
    try {
      const sizeBytes = await file.sizeBytes()
      return { readBytes: await file.read(target, offset), sizeBytes }
    } finally {
      await file.close()
    }
  }

  async head(key: string): Promise<{ sizeBytes: number } | undefined> {
    const file = this.#file(key)
    if (!(await this.#parentsStand(key))) return undefined
    const stat = await this.#disk.stat(file)
    if (stat === undefined || stat.kind === 'directory') return undefined
    if (stat.kind !== 'file') this.#refuse(file, stat.kind)
    this.#note(key)
    return { sizeBytes: stat.sizeBytes }
  }

  async threadFile(key: string): Promise<StoredFile | undefined> {
    const path = this.#disk.threadPath(this.#file(key))
    const standing = path === undefined ? undefined : await this.head(key)
    return path === undefined || standing === undefined ? undefined : { path, ...standing }
  }

  async *list(prefix: string): AsyncIterable<StoredEntry> {
    const directory = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    if (directory !== '') checkKey(directory.slice(0, -1))
    if (!(await this.#parentsStand(`${directory}x`))) return
    yield* this.#walk(directory, prefix)
  }

  async delete(key: string): Promise<void> {
    const file = this.#file(key)
    if (!(await this.#parentsStand(key))) return
    const stat = await this.#disk.stat(file)
    if (stat === undefined || stat.kind === 'directory') return
    if (stat.kind !== 'file') this.#refuse(file, stat.kind)
    await this.#disk.unlink(file)
    this.#note(key)
  }

  async flush(): Promise<void> {
    // the deepest first: a name is worth nothing before the directory that it stands in
    const directories = [...this.#unsynced].sort((a, b) => b.length - a.length)
    for (const directory of directories) {
      try {
        await this.#disk.syncDirectory(directory)
      } catch (error) {
        // above the root is somebody else's place, which we may not be allowed to open; a name that
        // we made there ourselves would have been refused before
        const isAbove = directory.length < this.#root.length
        if (!isAbove || !isOperatingError(error, 'disk-refused')) throw error
      }
      this.#unsynced.delete(directory)
    }
  }

  /** Every name on the way to `key` is to be durable, also one that another process has just made. */
  #note(key: string): void {
    for (const directory of [dirname(this.#root), this.#root, ...this.#parents(key)]) {
      this.#unsynced.add(directory)
    }
  }

  #file(key: string): string {
    checkKey(key)
    if (key === temporaryName || key.startsWith(`${temporaryName}/`)) {
      fail('unsafe-name', `the key ${key} is reserved`, 'Use another name.')
    }
    return join(this.#root, key)
  }

  /** The directories on the way to `key`, below the root, outermost first. */
  #parents(key: string): string[] {
    const elements = key.split('/').slice(0, -1)
    return elements.map((_, index) => join(this.#root, ...elements.slice(0, index + 1)))
  }

  /** Whether all directories on the way exist. @throws `unsafe-entry` when one is no directory */
  async #parentsStand(key: string): Promise<boolean> {
    if (!(await this.#rootStands())) return false
    for (const directory of this.#parents(key)) {
      const stat = await this.#disk.stat(directory)
      if (stat === undefined) return false
      if (stat.kind !== 'directory') this.#refuse(directory, stat.kind)
    }
    return true
  }

  /** Whether the root is there. @throws `disk-refused` when something else stands in its place */
  async #rootStands(): Promise<boolean> {
    const inside = `${this.#root}/.` // the dot: a root that is a link is followed
    if ((await this.#disk.stat(inside)) !== undefined) return true
    // absent is an answer only when nothing stands there; a file in place of the root is not
    if ((await this.#disk.stat(this.#root)) === undefined) return false
    if ((await this.#disk.stat(inside)) !== undefined) return true // made between our two looks
    return this.#refuseRoot()
  }

  async #makeParents(key: string): Promise<void> {
    if (!(await this.#rootStands())) await this.#makeRoot()
    for (const directory of this.#parents(key)) await this.#makeOne(directory)
  }

  async #makeRoot(): Promise<void> {
    let above = dirname(this.#root)
    while (above !== dirname(above) && (await this.#disk.stat(`${above}/.`)) === undefined) {
      above = dirname(above)
      this.#unsynced.add(above)
    }
    await this.#disk.makeDirectory(this.#root)
  }

  async #makeOne(directory: string): Promise<void> {
    const stat = await this.#disk.stat(directory)
    if (stat === undefined) await this.#disk.makeDirectory(directory)
    else if (stat.kind !== 'directory') this.#refuse(directory, stat.kind)
  }

  async #createTemporary(): Promise<{ file: DiskFile; path: string }> {
    const directory = join(this.#root, temporaryName)
    await this.#makeOne(directory)
    const path = join(directory, randomUUID())
    return { file: await this.#disk.open(path, 'create'), path }
  }

  async #writeTemporary(bytes: Uint8Array): Promise<string> {
    const { file, path: temporary } = await this.#createTemporary()
    try {
      await file.write(bytes, 0)
      await file.dataSync()
    } catch (error) {
      await this.#disk.unlink(temporary).catch(() => {}) // the first error is the one to tell
      throw error
    } finally {
      await file.close()
    }
    return temporary
  }

  async *#listTemporary(): AsyncIterable<UnfinishedPut> {
    if (!(await this.#parentsStand(`${temporaryName}/x`))) return
    const directory = join(this.#root, temporaryName)
    for (const id of await this.#disk.list(directory)) {
      const stat = await this.#disk.stat(join(directory, id))
      if (stat?.kind !== 'file') continue // gone meanwhile, or not ours
      const isDead = stat.modifiedAt < this.#clock.nowMs() - deadPutMs
      yield { key: `${temporaryName}/${id}`, id, startedAt: stat.modifiedAt, isDead }
    }
  }

  async *#walk(directory: string, prefix: string): AsyncIterable<StoredEntry> {
    const names = await this.#disk.list(join(this.#root, directory))
    const entries: { key: string; kind: EntryKind; sizeBytes: number }[] = []
    for (const name of names) {
      const key = directory + name
      if (key === temporaryName) continue
      if (!key.startsWith(prefix) && !prefix.startsWith(`${key}/`)) continue
      const stat = await this.#disk.stat(join(this.#root, key))
      if (stat === undefined) continue // deleted meanwhile
      const isDirectory = stat.kind === 'directory'
      entries.push({ key: isDirectory ? `${key}/` : key, ...stat })
    }
    entries.sort((a, b) => compareKeys(a.key, b.key))
    for (const { key, kind, sizeBytes } of entries) {
      if (kind === 'directory') yield* this.#walk(key, prefix)
      else if (key.startsWith(prefix)) yield { key, sizeBytes }
    }
  }

  #refuse(file: string, kind: EntryKind): never {
    const what = {
      file: 'a file',
      directory: 'a directory',
      link: 'a symbolic link',
      other: 'a pipe or device',
    }
    fail(
      'unsafe-entry',
      `${file} is ${what[kind]}; a destination holds directories and regular files only`,
      'It was not followed, read or replaced. Find out who put it there, and remove it.',
      { place: { file } },
    )
  }

  #refuseRoot(): never {
    fail(
      'disk-refused',
      `${this.#root} is not a directory`,
      'Name a directory as the destination, one that exists or can be created.',
      { place: { file: this.#root } },
    )
  }
}
