/**
 * A directory behind rsync: its runs, looked at one by one.
 *
 * Names that reach it are keys, checked before. Below the root nothing that is a link is walked through: the
 * directories on the way to a key are listed once, and anything else in their place is refused.
 */
import { dirname } from 'node:path'
import { makeScratch, nodeDisk, privateDirectory } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { pause, systemTimer, type Timer } from '../base/timer.ts'
import { isRootMissing, RsyncInterrupted, rsyncError } from './rsync-errors.ts'
import { parseListed, type RsyncEntry } from './rsync-listing.ts'
import { type RsyncEnd, runRsync } from './rsync-process.ts'
import { remoteShell, rsyncRoot } from './rsync-shell.ts'
import { type RsyncLocation, toRsyncUrl } from './rsync-url.ts'

export interface RsyncOptions {
  /** Default: `rsync` and `ssh`, from PATH. */
  readonly rsyncProgram?: string
  readonly sshProgram?: string
  readonly timer?: Timer
}

/** What is put aside on the way to its name, as in a directory of ours: no key, never listed. */
export const asideFolder = '.tmp'

/** A broken connection is made anew so often, after these pauses. */
const retryAfterMs = [200, 1_000]

export class RsyncPlace {
  readonly url: string
  readonly #root: string
  readonly #options: RsyncOptions
  readonly #location: RsyncLocation
  #shell: Promise<string | undefined> | undefined
  /** What stands where a directory should, and of which directories that is known. */
  readonly #kinds = new Map<string, RsyncEntry['kind']>()
  readonly #looked = new Set<string>()

  constructor(location: RsyncLocation, options: RsyncOptions) {
    this.url = toRsyncUrl(location)
    this.#root = rsyncRoot(location)
    this.#options = options
    this.#location = location
  }

  /** Where a key stands, for messages. */
  locate(key: string): string {
    return `${this.url.split('?')[0]}/${key}`
  }

  /**
   * Sends what `names` says of the directory `from`, into the root or a directory below it.
   * @returns how it ended, whatever that is
   */
  send(from: string, below: string, names: readonly string[], options: readonly string[]) {
    return this.#run(options, `${from}/`, this.#root + below, names)
  }

  /** Fetches `names` into the directory `to`. Missing ones are passed over. @returns how it ended */
  fetch(to: string, names: readonly string[], options: readonly string[]) {
    return this.#run(['--ignore-missing-args', ...options], this.#root, `${to}/`, names)
  }

  /**
   * What stands under `names`, links as such; nothing of what is missing, or when the root is.
   * @param depth of directories: themselves, with what is in them, or with all below them
   */
  async entries(
    names: readonly string[],
    depth: 'self' | 'children' | 'all',
  ): Promise<RsyncEntry[]> {
    const options = [
      '--list-only',
      '--no-human-readable',
      '--links',
      '--devices',
      '--specials',
      '--ignore-missing-args',
      ...(depth === 'self' ? [] : [depth === 'all' ? '--recursive' : '--dirs']),
    ]
    const end = await this.again(async () => {
      const found = await this.#run(options, this.#root, '/', names)
      if (found.exitCode !== 0 && !isRootMissing(found)) throw rsyncError(this.url, found)
      return found
    })
    if (end.exitCode !== 0) return []
    return end.lines.flatMap((line) => parseListed(line) ?? [])
  }

  /** Does it again when the connection broke. For what may be done twice. */
  async again<T>(work: () => Promise<T>): Promise<T> {
    for (const waitMs of retryAfterMs) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof RsyncInterrupted)) throw error
        await pause(this.#options.timer ?? systemTimer, waitMs)
      }
    }
    return work()
  }

  /** @throws `unsafe-entry` when anything but a directory stands on the way to one of `keys` */
  async mustBePlain(keys: readonly string[]): Promise<void> {
    const parents = new Set(keys.flatMap(parentsOf))
    const unknown = [...new Set([...parents].map(above))].filter((each) => !this.#looked.has(each))
    if (unknown.length > 0) await this.look(unknown)
    for (const parent of parents) {
      const kind = this.#kinds.get(parent)
      if (kind !== undefined && kind !== 'directory') this.refuse(parent, kind)
    }
  }

  /** What stands in some directories, `''` for the root, and is known from now on. */
  async look(directories: readonly string[]): Promise<RsyncEntry[]> {
    const entries = await this.entries(directories.map(withSlash), 'children')
    for (const { name, kind } of entries) this.#kinds.set(name, kind)
    for (const each of directories) this.#looked.add(each)
    return entries
  }

  /** @throws `unsafe-entry`, always */
  refuse(key: string, kind: RsyncEntry['kind']): never {
    const what = { file: 'a file', link: 'a symbolic link', directory: 'a directory' }
    const file = this.locate(key)
    return fail(
      'unsafe-entry',
      `${file} is ${kind === 'other' ? 'a pipe or device' : what[kind]}; a destination holds directories and regular files only`,
      'It was not followed, read or replaced. Find out who put it there, and remove it.',
      { place: { file } },
    )
  }

  async #run(
    options: readonly string[],
    from: string,
    to: string,
    names: readonly string[],
  ): Promise<RsyncEnd> {
    this.#shell ??= this.#openShell()
    const { rsyncProgram } = this.#options
    const shell = await this.#shell
    return runRsync({
      ...(rsyncProgram !== undefined && { program: rsyncProgram }),
      ...(shell !== undefined && { shell }),
      options,
      from,
      to,
      names,
    })
  }

  async #openShell(): Promise<string | undefined> {
    if (this.#location.host === undefined) return undefined
    const sockets = await privateDirectory('vectra-ssh').catch(() => undefined) // slower without
    return remoteShell(this.#location, sockets, this.#options.sshProgram)
  }
}

/** Gives `work` a directory of the moment, and takes it away. */
export async function withScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await makeScratch('vectra-rsync')
  try {
    return await work(directory)
  } finally {
    await nodeDisk.removeTree(directory)
  }
}

const withSlash = (directory: string): string => (directory === '' ? './' : `${directory}/`)

const above = (directory: string): string => {
  const parent = dirname(directory)
  return parent === '.' ? '' : parent
}

const parentsOf = (key: string): string[] => {
  const elements = key.split('/').slice(0, -1)
  return elements.map((_, index) => elements.slice(0, index + 1).join('/'))
}
