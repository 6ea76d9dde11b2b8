/**
 * The standbys of this node: which of its collections follow another node, and the bases they take.
 *
 * A promise and a new base never cross: the base replaces the directory that the promise is written to, so one
 * waits for the other, and a promise that comes ends a base under way.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { isOperatingError, OperatingError } from '../base/errors.ts'
import { NamedTurns } from '../base/named-turns.ts'
import type { Timer } from '../base/timer.ts'
import type { Collection } from '../collection/collection.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import { type NodeAddress, unreplicated } from '../collection/replica-file.ts'
import { Follower, type FollowerStatus } from './follow.ts'
import { type SeedOptions, seedCollection } from './seed.ts'
import { type BaseSource, type Joined, seedFromRepository } from './seed-from-repository.ts'
import type { Transport } from './transport.ts'

export interface StandbysOptions {
  readonly self: NodeAddress
  readonly data: DataDirectory
  readonly transport: Transport
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
  readonly open: (name: string) => Promise<Collection>
  readonly onWarning: (text: string) => void
}

/** Default: the primary. */
interface SeedFrom {
  readonly base?: BaseSource | undefined
  readonly signal?: AbortSignal
}

/** What goes wrong here, wherever the base comes from. */
const isOwn = (error: OperatingError) =>
  isOperatingError(error, 'interrupted', 'disk-full', 'disk-error', 'disk-refused', 'fsync-failed')

export class Standbys {
  readonly #options: StandbysOptions
  readonly #followers = new Map<string, Follower>()
  readonly #seeding = new Map<string, AbortController>()
  /**
   * Repositories that standbys began with, as they were named to this process: keys of repositories are written
   * down nowhere.
   */
  readonly #repositories = new Map<string, BaseSource['location']>()
  /** What replaces a copy, and what it promises. */
  readonly #guards = new NamedTurns()
  #closed = false

  constructor(options: StandbysOptions) {
    this.#options = options
  }

  /** Lets a collection follow its primary; nothing happens when it does already. */
  follow(name: string): void {
    if (this.#closed || this.#followers.get(name)?.hasEnded === false) return
    const { self, transport, clock, timer, onWarning, open } = this.#options
    const follower = new Follower({
      ...{ name, self, transport, clock, timer, onWarning },
      collection: () => open(name),
      seed: (primary, signal) => this.#seedAgain(name, primary, signal),
    })
    this.#followers.set(name, follower)
    follower.start()
  }

  /** Resolves when nothing of it is applied any more. */
  async stop(name: string): Promise<void> {
    const follower = this.#followers.get(name)
    this.#followers.delete(name)
    await follower?.stop()
  }

  status(name: string): FollowerStatus | undefined {
    return this.#followers.get(name)?.status()
  }

  /**
   * Takes a base in place of what is here: of `primary`, or where `base` names a repository of that, as long as
   * a snapshot there leads up to the primary's log.
   * @throws see {@link seedCollection}, {@link seedFromRepository}
   */
  seed(name: string, primary: NodeAddress, { base, signal }: SeedFrom = {}): Promise<Joined> {
    const ended = new AbortController()
    this.#seeding.set(name, ended)
    const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])
    return this.#guards
      .run(name, () => this.#seed(name, primary, base, either))
      .finally(() => this.#seeding.delete(name))
  }

  /** It fell behind the primary's log: the repository that it began with may lead up to that, else the primary does. */
  async #seedAgain(name: string, primary: NodeAddress, signal: AbortSignal): Promise<void> {
    const { data, onWarning } = this.#options
    const location = data.has(name) ? this.#repositories.get(name) : undefined
    if (location !== undefined) {
      try {
        const { from } = await this.seed(name, primary, { base: { location }, signal })
        if (from !== undefined) {
          onWarning(`${name} began again with snapshot ${from.snapshotId} of ${from.source}`)
        }
        return
      } catch (error) {
        if (signal.aborted || !isOperatingError(error) || isOwn(error)) throw error
        onWarning(
          `${name} takes its base from ${primary.name}, not from a snapshot: ${error.message}`,
        )
      }
    }
    await this.seed(name, primary, { signal })
  }

  async #seed(
    name: string,
    primary: NodeAddress,
    base: BaseSource | undefined,
    signal: AbortSignal,
  ): Promise<Joined> {
    const { data, transport, disk, clock, timer, onWarning } = this.#options
    const before = data.has(name) ? (await data.open(name)).replication : undefined
    const options: SeedOptions = {
      ...{ name, primary, transport, disk, signal },
      stage: (request) => data.stage(request),
      replaces: before?.directory,
      promises: before?.state ?? unreplicated,
    }
    if (base === undefined && before === undefined) this.#repositories.delete(name)
    if (base !== undefined) {
      const { hashes } = data
      const from = await seedFromRepository({ ...options, base, clock, timer, hashes })
      this.#repositories.set(name, base.location)
      if (!('short' in from)) return { how: 'snapshot', from }
      const { short: instead } = from
      onWarning(`${name} takes its base from ${primary.name}, not from a snapshot: ${instead}`)
      await seedCollection(options)
      return { how: 'base', instead }
    }
    await seedCollection(options)
    return { how: 'base' }
  }

  /** Runs what changes a promise: no base takes the place of the collection meanwhile. */
  promising<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#seeding.get(name)?.abort(interrupted())
    return this.#guards.run(name, work)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#followers.keys()].map((name) => this.stop(name)))
  }
}

const interrupted = () =>
  new OperatingError('interrupted', 'a promotion came while a base was taken', 'It is taken again.')
