/** A disk that counts the bytes that pass through it, by path. Threads cannot pass it by. */
import type { Disk, DiskFile } from '../../engine/base/disk.ts'

export interface CountedBytes {
  readonly readBytes: number
  readonly writtenBytes: number
}

interface Passed {
  readonly path: string
  readonly bytes: number
}

export class CountingDisk implements Disk {
  readonly #inner: Disk
  #read: Passed[] = []
  #written: Passed[] = []

  constructor(inner: Disk) {
    this.#inner = inner
  }

  /** What passed through since the last call, on paths that match. */
  take(path = /^/): CountedBytes {
    const sum = (calls: readonly Passed[]) =>
      calls.reduce((total, each) => total + (path.test(each.path) ? each.bytes : 0), 0)
    const counted = { readBytes: sum(this.#read), writtenBytes: sum(this.#written) }
    this.#read = []
    this.#written = []
    return counted
  }

  /** Paths that were read since the last {@link take}. */
  pathsRead(): string[] {
    return [...new Set(this.#read.map(({ path }) => path))]
  }

  async open(path: string, mode: Parameters<Disk['open']>[1]): Promise<DiskFile> {
    const file = await this.#inner.open(path, mode)
    return {
      path,
      read: async (target, position) => {
        const bytes = await file.read(target, position)
        this.#read.push({ path, bytes })
        return bytes
      },
      write: async (bytes, position) => {
        this.#written.push({ path, bytes: bytes.length })
        return file.write(bytes, position)
      },
      writeDurably: async (bytes, position) => {
        this.#written.push({ path, bytes: bytes.length })
        return file.writeDurably(bytes, position)
      },
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      sizeBytes: () => file.sizeBytes(),
      sync: () => file.sync(),
      dataSync: () => file.dataSync(),
      close: () => file.close(),
    }
  }

  async readFile(path: string, maxBytes: number): Promise<Buffer> {
    const bytes = await this.#inner.readFile(path, maxBytes)
    this.#read.push({ path, bytes: bytes.length })
    return bytes
  }

  rename = (from: string, to: string) => this.#inner.rename(from, to)
  link = (from: string, to: string) => this.#inner.link(from, to)
  unlink = (path: string) => this.#inner.unlink(path)
  makeDirectory = (path: string) => this.#inner.makeDirectory(path)
  list = (path: string) => this.#inner.list(path)
  stat = (path: string) => this.#inner.stat(path)
  removeTree = (path: string) => this.#inner.removeTree(path)
  syncDirectory = (path: string) => this.#inner.syncDirectory(path)
  freeBytes = (path: string) => this.#inner.freeBytes(path)
  threadPath = () => undefined
}
