/**
 * The lock of a data directory: one process owns it.
 *
 * The lock file names its owner by host, pid and the start time of that process, so that a reused pid
 * is not taken for the owner. A lock whose owner is proven gone is taken over; one that cannot be
 * judged from here (another host) never is.
 *
 * It rests on hard links: a name is given once, to one of all that ask. Whether the file system keeps to
 * that is tried on a name of its own before the lock is touched; where it does not, nothing is opened.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import * as path from 'node:path'
import type { Clock } from '../base/clock.ts'
import { type Disk, writeNewFile } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'
import { ownStart, processStart } from '../base/process-start.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from '../format/document.ts'
import { Fields } from '../format/fields.ts'

export const lockName = 'LOCK'

const kind: DocumentKind = { format: 'vectra-lock', version: 1 }
const maxLockBytes = 64 * KiB
/** Two processes may find the same stale lock; one of them wins within this many looks. */
const attempts = 5

interface Owner {
  readonly pid: number
  readonly host: string
  /** When that process started, in the clock ticks of its host; null where that is not known. */
  readonly startedAt: string | null
  readonly since: string
  /** Random: two locks of one process differ. */
  readonly nonce: string
  /** Where the owner answers for the directory, `http://127.0.0.1:7700`; absent where it does not. */
  readonly address?: string
}

/** Held until {@link DirectoryLock.release}. */
export class DirectoryLock {
  readonly #disk: Disk
  readonly #file: string
  readonly #owner: Owner
  #held = true

  private constructor(disk: Disk, file: string, owner: Owner) {
    this.#disk = disk
    this.#file = file
    this.#owner = owner
  }

  /**
   * @throws `locked` naming pid and host of the owner; `disk-refused` on a file system whose hard links
   *   cannot keep two processes apart
   */
  static async take(disk: Disk, clock: Clock, directory: string): Promise<DirectoryLock> {
    const file = path.join(directory, lockName)
    const nonce = randomBytes(8).toString('hex')
    const mine = path.join(directory, `${lockName}.${process.pid}.${nonce}`)
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      startedAt: (await ownStart()) ?? null,
      since: new Date(clock.nowMs()).toISOString(),
      nonce,
    }
    await writeNewFile(disk, mine, encodeDocument(kind, owner))
    try {
      await refuseWithoutLinks(disk, mine, directory)
      for (let attempt = 0; attempt < attempts; attempt++) {
        // a link appears with its whole content, and only where nothing stands
        if (await disk.link(mine, file)) return new DirectoryLock(disk, file, owner)
        await removeStale(disk, file, `${mine}.stale`)
      }
      return fail('locked', `${directory} is being locked by other processes`, 'Try again.', {
        place: { file },
      })
    } finally {
      await disk.unlink(mine)
    }
  }

  /** Says in the lock where its owner answers for the directory. */
  async announce(address: string): Promise<void> {
    const next = `${this.#file}.${this.#owner.pid}.${this.#owner.nonce}.served`
    await writeNewFile(this.#disk, next, encodeDocument(kind, { ...this.#owner, address }))
    // it replaces a file of ours: whoever looks sees one of the two, and neither is stale
    await this.#disk.rename(next, this.#file)
  }

  async release(): Promise<void> {
    if (!this.#held) return
    this.#held = false
    await this.#disk.unlink(this.#file)
  }
}

/** What link(2) says where a file system has none. The file is our own: EPERM is not about permissions. */
const withoutLinks: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** Gives `mine` the same further name twice. @throws `disk-refused` unless the first time works alone */
async function refuseWithoutLinks(disk: Disk, mine: string, directory: string): Promise<void> {
  const probe = `${mine}.probe`
  const refuse = (problem: string): never =>
    fail(
      'disk-refused',
      `${directory} is on a file system ${problem}: two processes could open it at once`,
      'Put the data directory on a local file system such as ext4, XFS or APFS; a repository may stay there.',
      { place: { file: directory } },
    )
  try {
    await disk.link(mine, probe)
    if (await disk.link(mine, probe)) refuse('that gives one name to two files')
  } catch (error) {
    const errno =
      isOperatingError(error) && (error.cause as NodeJS.ErrnoException | undefined)?.code // of a Disk: a system error
    if (!withoutLinks.includes(errno)) throw error
    refuse(`without hard links (${errno})`)
  } finally {
    await disk.unlink(probe)
  }
}

/** Removes the lock when its owner is gone. @throws `locked` when it is not, or when it is in doubt */
async function removeStale(disk: Disk, file: string, aside: string): Promise<void> {
  const owner = await readOwner(disk, file)
  if (owner === undefined) return // released meanwhile
  if (owner.host !== hostname()) {
    fail(
      'locked',
      `${path.dirname(file)} is locked by process ${owner.pid} on host ${owner.host} since ${owner.since}`,
      `Stop that process. If the host is gone for good, remove ${file}.`,
      { place: { file } },
    )
  }
  if (await isAlive(owner)) {
    const serving = owner.address === undefined ? '' : `, which serves it at ${owner.address}`
    fail(
      'locked',
      `${path.dirname(file)} is locked by process ${owner.pid} on host ${owner.host} since ${owner.since}${serving}`,
      'Wait until it is done, or stop it. One process owns a data directory at a time.',
      { place: { file } },
    )
  }
  // Moved aside first: if another process was faster, what was moved is its fresh lock; put it back.
  try {
    await disk.rename(file, aside)
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return
    throw error
  }
  const moved = await readOwner(disk, aside)
  if (moved !== undefined && moved.nonce !== owner.nonce) await disk.link(aside, file)
  await disk.unlink(aside)
}

async function readOwner(disk: Disk, file: string): Promise<Owner | undefined> {
  let bytes: Buffer
  try {
    bytes = await disk.readFile(file, maxLockBytes)
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return undefined
    throw error
  }
  const fields = new Fields(decodeDocument(kind, bytes, file), file)
  return {
    pid: fields.integer('pid', 1),
    host: fields.text('host'),
    startedAt: fields.has('startedAt') ? fields.text('startedAt') : null,
    since: fields.text('since'),
    nonce: fields.text('nonce'),
    ...(fields.has('address') && { address: fields.text('address') }),
  }
}

/** Where a living process of this machine answers for the directory; undefined when none does. */
export async function servedAddress(disk: Disk, directory: string): Promise<string | undefined> {
  const owner = await readOwner(disk, path.join(directory, lockName))
  if (owner?.address === undefined || owner.host !== hostname()) return undefined
  return (await isAlive(owner)) ? owner.address : undefined
}

/** Whether the process that took the lock still runs. */
async function isAlive({ pid, startedAt: since }: Owner): Promise<boolean> {
  const startedAt = await processStart(pid)
  return startedAt !== undefined && (since === null || since === startedAt)
}
