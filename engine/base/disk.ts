/**
 * The disk: with blocking-file.ts, its side for threads, the only files that import `node:fs`.
 *
 * Everything durable goes through {@link Disk}, so that a test can put a disk underneath that fails,
 * forgets unsynced writes or reorders them. Duties of every implementation:
 * - `rename` replaces the target atomically; it is durable after `syncDirectory` of both parents;
 * - `file.sync` makes the bytes and the size of that file durable, not its name;
 * - `open` never follows a symbolic link in the last path element;
 * - errors are {@link OperatingError}s that name the path: ENOENT is `file-not-found`, ENOSPC/EDQUOT
 *   `disk-full`, EACCES/EPERM/EROFS `disk-refused`, the rest `disk-error`. EIO is never "not found".
 *   A failed fsync is `fsync-failed` whatever its reason: see guarded-disk.ts.
 */
import { constants, type Stats } from 'node:fs'
import * as fs from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import * as path from 'node:path'
import { attempt, diskError } from './disk-error.ts'
import { OperatingError } from './errors.ts'

/** `read`: existing file. `create`: must not exist. `append`: existing file, writes anywhere. */
export type OpenMode = 'read' | 'create' | 'append'

export type EntryKind = 'file' | 'directory' | 'link' | 'other'

export interface EntryStat {
  readonly kind: EntryKind
  readonly sizeBytes: number
  readonly modifiedAt: number
  readonly links: number
}

export interface DiskFile {
  readonly path: string
  /** Reads until `target` is full or the file ends; returns the bytes read. */
  read(target: Uint8Array, position: number): Promise<number>
  /** Writes all of `bytes` at `position`, or fails. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /**
   * Writes all of `bytes` at `position`, durably when it resolves, and the size that they need. Says nothing
   * of what was written before. When it fails any part of them may be there; `fsync-failed` unless the
   * disk refused to take them.
   */
  writeDurably(bytes: Uint8Array, position: number): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  sizeBytes(): Promise<number>
  /** fsync. */
  sync(): Promise<void>
  /** fdatasync: bytes and size, not times. */
  dataSync(): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** @throws `limit-exceeded` when the file is larger than `maxBytes`, before reading it. */
  readFile(path: string, maxBytes: number): Promise<Buffer>
  rename(from: string, to: string): Promise<void>
  /** Gives a file a second name. @returns false when `to` exists already. */
  link(from: string, to: string): Promise<boolean>
  /** Removes a file. Absent is fine. */
  unlink(path: string): Promise<void>
  /** Creates a directory and its parents. Present is fine. */
  makeDirectory(path: string): Promise<void>
  /** Names in a directory, sorted. @throws `file-not-found` */
  list(path: string): Promise<string[]>
  /** What stands at `path` (links are not followed), or undefined. */
  stat(path: string): Promise<EntryStat | undefined>
  /** Removes a directory and all below it. Absent is fine. */
  removeTree(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Free bytes for this user on the file system that holds `path`. */
  freeBytes(path: string): Promise<number>
  /**
   * Where another thread finds the file by {@link nodeDisk}; undefined when only this disk can read it.
   * A disk that fails or forgets on purpose answers undefined, so that nothing passes it by.
   */
  threadPath(path: string): string | undefined
}

const errnoIs = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '')

const kindOf = (stats: Stats): EntryKind => {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'link' : 'other'
}

/** O_NONBLOCK: opening a pipe for reading would wait for its writer before we can refuse it. */
export const openFlags: Record<OpenMode, number> = {
  read: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
  append: constants.O_RDWR | constants.O_NOFOLLOW,
}

/** What stands where a file must be is a directory, a pipe or a device. */
export function refuseIrregular(file: string): never {
  throw new OperatingError(
    'disk-refused',
    `${file} is not a regular file`,
    'Links, pipes and devices are not followed; replace it with the file itself.',
    { place: { file } },
  )
}

/** What a write is refused with before any of it is on its way to the disk. */
const refusals = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EACCES', 'EPERM']

class NodeDiskFile implements DiskFile {
  readonly path: string
  readonly #handle: fs.FileHandle
  /** The same file, opened so that each write is an fdatasync of what it wrote. */
  #durable: fs.FileHandle | undefined
  #opening: Promise<fs.FileHandle> | undefined

  constructor(file: string, handle: fs.FileHandle) {
    this.path = file
    this.#handle = handle
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return attempt('read', this.path, async () => {
      let done = 0
      while (done < target.length) {
        const { bytesRead } = await this.#handle.read(
          target,
          done,
          target.length - done,
          position + done,
        )
        if (bytesRead === 0) break
        done += bytesRead
      }
      return done
    })
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return attempt('write', this.path, () => writeAll(this.#handle, bytes, position))
  }

  async writeDurably(bytes: Uint8Array, position: number): Promise<void> {
    // elsewhere O_DSYNC is missing, or weaker than what datasync() does
    if (process.platform !== 'linux') {
      await this.write(bytes, position)
      return this.dataSync()
    }
    const handle = this.#durable ?? (await this.#durably())
    try {
      await writeAll(handle, bytes, position)
    } catch (error) {
      throw diskError(error, errnoIs(error, ...refusals) ? 'write' : 'fsync', this.path)
    }
  }

  async #durably(): Promise<fs.FileHandle> {
    this.#opening ??= this.#openDurable()
    try {
      this.#durable = await this.#opening
      return this.#durable
    } catch (error) {
      this.#opening = undefined // what is short now, descriptors say, need not be so for the next write
      throw diskError(error, 'open', this.path)
    }
  }

  async #openDurable(): Promise<fs.FileHandle> {
    const handle = await fs.open(this.path, openFlags.append | constants.O_DSYNC)
    const [own, other] = await Promise.all([this.#handle.stat(), handle.stat()])
    if (own.ino === other.ino && own.dev === other.dev) return handle
    await handle.close()
    throw new Error('another file stands at its path')
  }

  truncate(sizeBytes: number): Promise<void> {
    return attempt('truncate', this.path, () => this.#handle.truncate(sizeBytes))
  }

  sizeBytes(): Promise<number> {
    return attempt('stat', this.path, async () => (await this.#handle.stat()).size)
  }

  sync(): Promise<void> {
    return attempt('fsync', this.path, () => this.#handle.sync())
  }

  dataSync(): Promise<void> {
    return attempt('fsync', this.path, () => this.#handle.datasync())
  }

  close(): Promise<void> {
    return attempt('close', this.path, async () => {
      const durable = await this.#opening?.catch(() => undefined)
      await durable?.close()
      await this.#handle.close()
    })
  }
}

async function writeAll(handle: fs.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const rest = bytes.length - done
    done += (await handle.write(bytes, done, rest, position + done)).bytesWritten
  }
}

/** The real disk. */
export const nodeDisk: Disk = {
  open: (file, mode) =>
    attempt('open', file, async () => {
      const handle = await fs.open(file, openFlags[mode], 0o640)
      const stats = await handle.stat()
      if (!stats.isFile()) {
        await handle.close()
        refuseIrregular(file)
      }
      return new NodeDiskFile(file, handle)
    }),

  async readFile(file, maxBytes) {
    const handle = await nodeDisk.open(file, 'read')
    try {
      const sizeBytes = await handle.sizeBytes()
      if (sizeBytes > maxBytes) {
        throw new OperatingError(
          'limit-exceeded',
          `${file} is ${sizeBytes} bytes, more than the ${maxBytes} that are read`,
          'This is not a file the product wrote; check what stands at that path.',
          { place: { file } },
        )
      }
      const target = Buffer.allocUnsafe(sizeBytes)
      return target.subarray(0, await handle.read(target, 0))
    } finally {
      await handle.close()
    }
  },

  rename: (from, to) => attempt('rename', from, () => fs.rename(from, to)),

  link: (from, to) =>
    attempt('link', to, async () => {
      try {
        await fs.link(from, to)
        return true
      } catch (error) {
        if (errnoIs(error, 'EEXIST')) return false
        throw error
      }
    }),

  unlink: (file) => attempt('remove', file, () => fs.rm(file, { force: true })),

  makeDirectory: (directory) =>
    attempt('create directory', directory, () => makeDirectories(path.resolve(directory))),

  list: (directory) => attempt('list', directory, async () => (await fs.readdir(directory)).sort()),

  stat: (file) =>
    attempt('stat', file, async () => {
      try {
        const stats = await fs.lstat(file)
        return {
          kind: kindOf(stats),
          sizeBytes: stats.size,
          modifiedAt: stats.mtimeMs,
          links: stats.nlink,
        }
      } catch (error) {
        if (errnoIs(error, 'ENOENT', 'ENOTDIR')) return undefined
        throw error
      }
    }),

  removeTree: (directory) =>
    attempt('remove', directory, () => fs.rm(directory, { recursive: true, force: true })),

  async syncDirectory(directory) {
    const handle = await attempt('open', directory, () =>
      fs.open(directory, constants.O_RDONLY | constants.O_DIRECTORY),
    )
    try {
      await attempt('fsync directory', directory, () => handle.sync())
    } finally {
      await handle.close()
    }
  },

  freeBytes: (directory) =>
    attempt('stat', directory, async () => {
      const stats = await fs.statfs(directory)
      return stats.bavail * stats.bsize
    }),

  threadPath: (file) => file,
}

/**
 * Puts `bytes` at `file` durably: temporary name, fsync, rename, fsync of the directory. The rename is
 * the commit: readers see the old content or the new, never a part.
 */
export async function replaceFile(disk: Disk, file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.tmp`
  await disk.unlink(temporary)
  const handle = await disk.open(temporary, 'create')
  try {
    await handle.write(bytes, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await disk.rename(temporary, file)
  await disk.syncDirectory(path.dirname(file))
}

/** Writes a new file and makes its bytes durable; the caller syncs the directory. */
export async function writeNewFile(
  disk: Disk,
  file: string,
  bytes: Uint8Array,
  { durable = true }: { readonly durable?: boolean } = {},
): Promise<void> {
  const handle = await disk.open(file, 'create')
  try {
    await handle.write(bytes, 0)
    if (durable) await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * With those above it that are missing. Not by `recursive`: where a file system says ENOENT of a new directory below
 * one that is there (automounts, /proc), Node asks it again for ever (seen with 20.20).
 */
async function makeDirectories(directory: string): Promise<void> {
  const make = () => fs.mkdir(directory, { mode: 0o750 })
  try {
    await make().catch(async (error: unknown) => {
      const parent = path.dirname(directory)
      if (!errnoIs(error, 'ENOENT') || parent === directory) throw error
      await makeDirectories(parent)
      await make()
    })
  } catch (error) {
    const isThere = await fs.stat(directory).then(
      (stats) => stats.isDirectory(),
      () => false,
    )
    if (!isThere) throw error
  }
}

/** Makes a new directory for files of the moment, which nobody but its owner may enter. */
export const makeScratch = (name: string): Promise<string> =>
  attempt('create directory', tmpdir(), () => fs.mkdtemp(path.join(tmpdir(), `${name}-`)))

/**
 * A directory for sockets of this user, which nobody else may enter, below the one for temporary files.
 * @returns undefined where somebody else stands in its place
 */
export async function privateDirectory(name: string): Promise<string | undefined> {
  const { uid, username } = userInfo()
  const directory = path.join(tmpdir(), `${name}-${uid < 0 ? username : uid}`)
  return attempt('create directory', directory, async () => {
    await fs.mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
      if (!errnoIs(error, 'EEXIST')) throw error
    })
    const stats = await fs.lstat(directory)
    const isOurs = stats.isDirectory() && (stats.mode & 0o077) === 0
    return isOurs && (uid < 0 || stats.uid === uid) ? directory : undefined
  })
}

/**
 * Writes a new file that nobody but its owner may read, durably.
 * @throws `file-exists` when something stands there
 */
export async function writePrivateFile(file: string, bytes: Uint8Array): Promise<void> {
  await attempt('create', file, async () => {
    let handle: fs.FileHandle
    try {
      handle = await fs.open(file, openFlags.create, 0o600)
    } catch (error) {
      if (!errnoIs(error, 'EEXIST')) throw error
      const hint = 'A key is never overwritten: name another file.'
      throw new OperatingError('file-exists', `${file} exists already`, hint, { place: { file } })
    }
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
  await nodeDisk.syncDirectory(path.dirname(path.resolve(file)))
}
