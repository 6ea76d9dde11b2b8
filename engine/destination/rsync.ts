/**
 * A destination in a directory that rsync reaches: behind ssh, or on a mounted share of this machine.
 *
 * What lies there is what a directory destination would write (key `a/b` is the file `a/b`, `.tmp` is no
 * key), and can be opened as one on the other side. A run of rsync costs some round trips, so requests that
 * arrive together share one. See rsync-reads.ts and rsync-writes.ts for what the contract is built on.
 */
import { type Clock, systemClock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import {
  checkKey,
  compareKeys,
  type Destination,
  type PutOptions,
  refuseLock,
  type StoredEntry,
  type StoredRange,
  type UnfinishedPut,
  type UnfinishedPuts,
} from './destination.ts'
import { asideFolder, type RsyncOptions, RsyncPlace } from './rsync-place.ts'
import { RsyncReads } from './rsync-reads.ts'
import type { RsyncLocation } from './rsync-url.ts'
import { RsyncWrites } from './rsync-writes.ts'

/** What lies aside and is older is nobody's: a put takes minutes at most. */
const deadPutMs = 86_400_000

export class RsyncDestination implements Destination {
  readonly url: string
  readonly unfinished: UnfinishedPuts = {
    list: () => this.#listAside(),
    remove: ({ id }) => this.#writes.removeAside(checkKey(id)),
  }
  readonly #place: RsyncPlace
  readonly #reads: RsyncReads
  readonly #writes: RsyncWrites
  readonly #clock: Clock

  /** The directory need not exist; the first `put` creates it. Nothing is asked yet. */
  constructor(location: RsyncLocation, options: RsyncOptions = {}, clock: Clock = systemClock) {
    this.#place = new RsyncPlace(location, options)
    this.#reads = new RsyncReads(this.#place)
    this.#writes = new RsyncWrites(this.#place, this.#reads)
    this.#clock = clock
    this.url = this.#place.url
  }

  locate(key: string): string {
    return this.#place.locate(key)
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    checkStored(key)
    if (options.lock !== undefined || options.legalHold === true) refuseLock(this.url)
    if (options.ifAbsent === true) return this.#writes.put(key, bytes)
    await this.#writes.replace(key, bytes)
    return true
  }

  async get(key: string, target: Uint8Array, offset = 0): Promise<StoredRange | undefined> {
    return this.#reads.read(checkStored(key), target, offset)
  }

  async head(key: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const entry = await this.#reads.file(checkStored(key))
    if (entry === undefined) return undefined
    this.#writes.note()
    return { sizeBytes: entry.sizeBytes }
  }

  async threadFile(key: string): Promise<undefined> {
    checkKey(key)
  }

  async *list(prefix: string): AsyncIterable<StoredEntry> {
    const directory = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')))
    if (directory !== '') {
      checkKey(directory)
      await this.#place.mustBePlain([`${directory}/x`])
    }
    const from = directory === '' ? './' : `${directory}/`
    const entries = await this.#place.entries([from], 'all')
    const found = entries
      .filter(({ kind, name }) => kind !== 'directory' && name.startsWith(prefix) && !isAside(name))
      .map(({ name, sizeBytes }) => ({ key: name, sizeBytes }))
    yield* found.sort((a, b) => compareKeys(a.key, b.key))
  }

  async delete(key: string): Promise<void> {
    await this.#writes.remove(checkStored(key))
  }

  flush(): Promise<void> {
    return this.#writes.flush()
  }

  async *#listAside(): AsyncIterable<UnfinishedPut> {
    await this.#place.mustBePlain([`${asideFolder}/x`])
    for (const entry of await this.#place.entries([`${asideFolder}/`], 'children')) {
      const id = entry.name.slice(asideFolder.length + 1)
      if (id === '' || id === 'flushed' || entry.name === asideFolder) continue
      const isDead = entry.modifiedAt < this.#clock.nowMs() - deadPutMs
      yield { key: entry.name, id, startedAt: entry.modifiedAt, isDead }
    }
  }
}

const isAside = (key: string): boolean => key === asideFolder || key.startsWith(`${asideFolder}/`)

/** @throws `unsafe-name` */
function checkStored(key: string): string {
  checkKey(key)
  if (isAside(key)) fail('unsafe-name', `the key ${key} is reserved`, 'Use another name.')
  return key
}
