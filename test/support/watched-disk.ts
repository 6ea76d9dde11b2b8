/**
 * A disk in memory that rings before one of its changes: the moment to take a picture of what a power
 * cut would leave. It goes on unharmed, so that a picture can be taken in the middle of anything.
 */
import type { Disk, DiskFile, EntryStat, OpenMode } from '../../engine/base/disk.ts'
import type { MemoryDisk } from './memory-disk.ts'

export class WatchedDisk implements Disk {
  readonly inner: MemoryDisk
  #changesLeft = Number.POSITIVE_INFINITY
  #ring = () => {}

  constructor(inner: MemoryDisk) {
    this.inner = inner
  }

  /** Rings before change number `change` from now, counted from 1; once. */
  ringBefore(change: number, ring: () => void): void {
    this.#changesLeft = change
    this.#ring = ring
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    if (mode === 'create') this.#change()
    const file = await this.inner.open(path, mode)
    return {
      path,
      read: (target, position) => file.read(target, position),
      write: (bytes, position) => this.#before(() => file.write(bytes, position)),
      writeDurably: (bytes, position) =>
        this.#before(() => {
          const written = file.writeDurably(bytes, position)
          this.#change() // written and not yet durable
          return written
        }),
      truncate: (sizeBytes) => this.#before(() => file.truncate(sizeBytes)),
      sizeBytes: () => file.sizeBytes(),
      sync: () => this.#before(() => file.sync()),
      dataSync: () => this.#before(() => file.dataSync()),
      close: () => file.close(),
    }
  }

  readFile(path: string, maxBytes: number): Promise<Buffer> {
    return this.inner.readFile(path, maxBytes)
  }

  rename(from: string, to: string): Promise<void> {
    return this.#before(() => this.inner.rename(from, to))
  }

  link(from: string, to: string): Promise<boolean> {
    return this.#before(() => this.inner.link(from, to))
  }

  unlink(path: string): Promise<void> {
    return this.#before(() => this.inner.unlink(path))
  }

  makeDirectory(path: string): Promise<void> {
    return this.#before(() => this.inner.makeDirectory(path))
  }

  list(path: string): Promise<string[]> {
    return this.inner.list(path)
  }

  stat(path: string): Promise<EntryStat | undefined> {
    return this.inner.stat(path)
  }

  removeTree(path: string): Promise<void> {
    return this.#before(() => this.inner.removeTree(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#before(() => this.inner.syncDirectory(path))
  }

  freeBytes(): Promise<number> {
    return this.inner.freeBytes()
  }

  threadPath(): undefined {
    return undefined
  }

  async #before<T>(change: () => Promise<T>): Promise<T> {
    this.#change()
    return change()
  }

  #change(): void {
    this.#changesLeft--
    if (this.#changesLeft === 0) this.#ring()
  }
}
