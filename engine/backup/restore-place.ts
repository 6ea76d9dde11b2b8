/**
 * The directory that a restore writes to. It may have been there before, so it is not trusted: only
 * directories lead to a file, and nothing but a regular file is ever replaced. A planted link, pipe or
 * device leads nowhere; it is refused.
 */
import { dirname, join } from 'node:path'
import type { Disk, EntryStat } from '../base/disk.ts'
import { fail } from '../base/errors.ts'

export class RestorePlace {
  readonly #disk: Disk
  readonly #directory: string
  /** Known to be directories, or made. */
  readonly #directories = new Set<string>()

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /**
   * Makes the directories that lead to the file `path` (relative, `/` separated).
   * @returns the regular file that stands there already, or undefined
   * @throws `unsafe-entry` for anything else
   */
  async prepare(path: string): Promise<EntryStat | undefined> {
    const elements = dirname(path).split('/')
    const parents = elements.map((_, index) =>
      join(this.#directory, ...elements.slice(0, index + 1)),
    )
    for (const directory of [this.#directory, ...parents]) {
      if (this.#directories.has(directory)) continue
      const standing = await this.#disk.stat(directory)
      if (standing === undefined) await this.#disk.makeDirectory(directory)
      else if (standing.kind !== 'directory') refuseEntry(directory)
      this.#directories.add(directory)
    }
    const file = join(this.#directory, path)
    const standing = await this.#disk.stat(file)
    if (standing !== undefined && standing.kind !== 'file') refuseEntry(file)
    return standing
  }

  /** @throws `disk-full` when `neededBytes` will not fit */
  async checkSpace(neededBytes: number): Promise<void> {
    const freeBytes = await this.#disk.freeBytes(this.#directory)
    if (neededBytes <= freeBytes) return
    fail(
      'disk-full',
      `the restore needs ${neededBytes} bytes in ${this.#directory}, and ${freeBytes} are free`,
      'Free space on that file system, or restore into a data directory on another one.',
      { place: { file: this.#directory } },
    )
  }

  /** Makes the names of all files durable. */
  async sync(): Promise<void> {
    const deepestFirst = [...this.#directories].sort((a, b) => b.length - a.length)
    for (const directory of deepestFirst) await this.#disk.syncDirectory(directory)
  }
}

function refuseEntry(path: string): never {
  fail(
    'unsafe-entry',
    `${path} is a link, pipe or device, or a directory in place of a file`,
    'It was not followed or replaced. Find out who put it there, remove it, and restore again.',
    { place: { file: path } },
  )
}
