/**
 * A disk in memory that knows what a power cut may forget. `memory-nodes.ts` says what is durable when.
 *
 * Paths are absolute or resolved against the working directory; the root exists, nothing else does.
 * There are no links to follow and no permissions.
 */
import * as path from 'node:path'
import type { Disk, DiskFile, EntryStat, OpenMode } from '../../engine/base/disk.ts'
import { diskError } from '../../engine/base/disk-error.ts'
import { fail } from '../../engine/base/errors.ts'
import { MemoryDirectory, MemoryFile, type MemoryNode } from './memory-nodes.ts'
import { type SeededRandom, seededRandom } from './seeded-random.ts'

export interface MemoryDiskOptions {
  /** Bytes that all files together may hold before a write fails with ENOSPC. Default: no bound. */
  readonly capacityBytes?: number
}

const raise = (errno: string, action: string, file: string): never => {
  throw diskError(Object.assign(new Error(errno), { code: errno }), action, file)
}

/** An absolute path without empty and dotted elements: what nearly all of them are. */
const plainPath = /^(\/[^/.][^/]*)+$/

const elements = (file: string): string[] =>
  plainPath.test(file) ? file.slice(1).split('/') : path.resolve(file).split('/').filter(Boolean)

export class MemoryDisk implements Disk {
  readonly #root: MemoryDirectory
  readonly #capacityBytes: number
  #usedBytes: number
  #ticks = 0

  constructor(options: MemoryDiskOptions = {}, root = new MemoryDirectory(0)) {
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
    this.#root = root
    this.#usedBytes = [...allFiles(root)].reduce((sum, file) => sum + file.sizeBytes, 0)
  }

  /**
   * The power goes: a new disk with everything durable and, chosen by `seed`, any part of the rest. This
   * disk goes on unharmed, so that one state can be cut many times.
   */
  crash(seed: number): MemoryDisk {
    return this.#cut(seededRandom(seed))
  }

  /** The power goes, and everything that was not synced is lost. */
  crashLosingAll(): MemoryDisk {
    return this.#cut({ ...seededRandom(0), chance: () => false })
  }

  /** The process dies and the machine does not: everything written is there. */
  crashLosingNothing(): MemoryDisk {
    return this.#cut({ ...seededRandom(0), chance: () => true })
  }

  /** The process dies; what it did not sync is there, and can still be lost. For {@link crash} later. */
  death(): MemoryDisk {
    const capacityBytes = this.#capacityBytes
    return new MemoryDisk({ capacityBytes }, this.#root.copy())
  }

  #cut(random: SeededRandom): MemoryDisk {
    return new MemoryDisk({ capacityBytes: this.#capacityBytes }, this.#root.survivor(random))
  }

  async open(file: string, mode: OpenMode): Promise<DiskFile> {
    const { parent, name } = this.#parentOf(file, 'open')
    let node = parent.entries.get(name)
    if (mode === 'create') {
      if (node !== undefined) raise('EEXIST', 'open', file)
      node = new MemoryFile(this.#tick())
      node.links = 1
      parent.change(new Map([[name, node]]), this.#tick())
    }
    if (node === undefined) return raise('ENOENT', 'open', file)
    if (node.kind === 'directory') {
      return fail('disk-refused', `${file} is not a regular file`, 'Name a file.', {
        place: { file },
      })
    }
    return this.#handle(file, node, mode)
  }

  async readFile(file: string, maxBytes: number): Promise<Buffer> {
    const handle = await this.open(file, 'read')
    const sizeBytes = await handle.sizeBytes()
    if (sizeBytes > maxBytes) {
      fail('limit-exceeded', `${file} is ${sizeBytes} bytes`, 'Check the file.', {
        place: { file },
      })
    }
    const target = Buffer.alloc(sizeBytes)
    await handle.read(target, 0)
    return target
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#parentOf(from, 'rename')
    const target = this.#parentOf(to, 'rename')
    const node = source.parent.entries.get(source.name) ?? raise('ENOENT', 'rename', from)
    const present = target.parent.entries.get(target.name)
    if (present === node) return
    if (present?.kind === 'directory') {
      if (node.kind === 'file') raise('EISDIR', 'rename', to)
      if (present.entries.size > 0) raise('ENOTEMPTY', 'rename', to)
    } else if (present !== undefined) {
      if (node.kind === 'directory') raise('ENOTDIR', 'rename', to)
      this.#release(present)
    }
    const lose = [source.name, undefined] as const
    const gain = [target.name, node] as const
    if (source.parent === target.parent) {
      source.parent.change(new Map<string, MemoryNode | undefined>([lose, gain]), this.#tick())
    } else {
      const gained = target.parent.change(new Map([gain]), this.#tick())
      source.parent.change(new Map([lose]), this.#tick(), gained)
    }
  }

  async link(from: string, to: string): Promise<boolean> {
    const source = this.#parentOf(from, 'link')
    const target = this.#parentOf(to, 'link')
    const node = source.parent.entries.get(source.name) ?? raise('ENOENT', 'link', from)
    if (node.kind === 'directory') return raise('EPERM', 'link', from)
    if (target.parent.entries.has(target.name)) return false
    node.links++
    target.parent.change(new Map([[target.name, node]]), this.#tick())
    return true
  }

  async unlink(file: string): Promise<void> {
    const node = this.#find(file)
    if (node === undefined) return
    if (node.kind === 'directory') return raise('EISDIR', 'remove', file)
    this.#release(node)
    const { parent, name } = this.#parentOf(file, 'remove')
    parent.change(new Map([[name, undefined]]), this.#tick())
  }

  async makeDirectory(directory: string): Promise<void> {
    let current = this.#root
    for (const name of elements(directory)) {
      let next = current.entries.get(name)
      if (next === undefined) {
        next = new MemoryDirectory(this.#tick())
        current.change(new Map([[name, next]]), this.#tick())
      }
      if (next.kind === 'file') return raise('ENOTDIR', 'create directory', directory)
      current = next
    }
  }

  async list(directory: string): Promise<string[]> {
    return [...this.#directory(directory, 'list').entries.keys()].sort()
  }

  async stat(file: string): Promise<EntryStat | undefined> {
    const node = this.#find(file)
    if (node === undefined) return undefined
    return {
      kind: node.kind,
      sizeBytes: node.kind === 'file' ? node.sizeBytes : 0,
      modifiedAt: node.modifiedAt,
      links: node.kind === 'file' ? node.links : 1,
    }
  }

  async removeTree(directory: string): Promise<void> {
    const node = this.#find(directory)
    if (node === undefined) return
    if (node.kind === 'file') return this.unlink(directory)
    for (const name of [...node.entries.keys()]) await this.removeTree(path.join(directory, name))
    const { parent, name } = this.#parentOf(directory, 'remove')
    parent.change(new Map([[name, undefined]]), this.#tick())
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#directory(directory, 'open').sync()
  }

  async freeBytes(): Promise<number> {
    return this.#capacityBytes - this.#usedBytes
  }

  threadPath(): undefined {
    return undefined
  }

  #handle(file: string, node: MemoryFile, mode: OpenMode): DiskFile {
    let closed = false
    const check = (action: string, writes = false): void => {
      if (closed || (writes && mode === 'read')) raise('EBADF', action, file)
    }
    const grow = (sizeBytes: number, action: string): void => {
      const growth = sizeBytes - node.sizeBytes
      if (this.#usedBytes + growth > this.#capacityBytes) raise('ENOSPC', action, file)
      if (node.links > 0) this.#usedBytes += growth
      node.modifiedAt = this.#tick()
    }
    const sync = async (): Promise<void> => {
      check('fsync')
      node.sync()
    }
    return {
      path: file,
      sync,
      dataSync: sync,
      read: async (target, position) => {
        check('read')
        const part = node.content.subarray(position, position + target.length)
        target.set(part)
        return part.length
      },
      write: async (bytes, position) => {
        check('write', true)
        grow(Math.max(node.sizeBytes, position + bytes.length), 'write')
        node.write(bytes, position)
      },
      writeDurably: async (bytes, position) => {
        check('write', true)
        grow(Math.max(node.sizeBytes, position + bytes.length), 'write')
        const settle = node.write(bytes, position)
        await Promise.resolve() // written and not yet durable
        settle()
      },
      truncate: async (sizeBytes) => {
        check('truncate', true)
        grow(sizeBytes, 'truncate')
        node.truncate(sizeBytes)
      },
      sizeBytes: async () => {
        check('stat')
        return node.sizeBytes
      },
      close: async () => {
        check('close')
        closed = true
      },
    }
  }

  #release(file: MemoryFile): void {
    file.links--
    if (file.links === 0) this.#usedBytes -= file.sizeBytes
  }

  #find(file: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.#root
    for (const name of elements(file)) {
      node = node?.kind === 'directory' ? node.entries.get(name) : undefined
    }
    return node
  }

  #directory(directory: string, action: string): MemoryDirectory {
    const node = this.#find(directory) ?? raise('ENOENT', action, directory)
    return node.kind === 'directory' ? node : raise('ENOTDIR', action, directory)
  }

  #parentOf(file: string, action: string): { parent: MemoryDirectory; name: string } {
    const resolved = path.resolve(file)
    const parent = this.#find(path.dirname(resolved)) ?? raise('ENOENT', action, file)
    if (parent.kind === 'file') return raise('ENOTDIR', action, file)
    return { parent, name: path.basename(resolved) }
  }

  #tick(): number {
    return ++this.#ticks
  }
}

function* allFiles(directory: MemoryDirectory): Generator<MemoryFile> {
  for (const node of new Set(directory.entries.values())) {
    if (node.kind === 'file') yield node
    else yield* allFiles(node)
  }
}
