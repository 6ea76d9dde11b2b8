/**
 * The catalogue on disk: one change after the other, each an atomic replacement and durable when it
 * resolves. A change that throws before it is written leaves everything as it was.
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { limits } from '../base/limits.ts'
import {
  type Catalogue,
  decodeCatalogue,
  emptyCatalogue,
  encodeCatalogue,
} from '../format/catalogue.ts'

export const catalogueName = 'catalogue.json'

/** A catalogue without its sequence: what a change returns. */
export type CatalogueChange = Omit<Catalogue, 'sequence'>

export class CatalogueFile {
  readonly #disk: Disk
  readonly #file: string
  #current: Catalogue
  /** The last write failed, and may have reached the disk all the same. */
  #inDoubt = false
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(disk: Disk, file: string, current: Catalogue) {
    this.#disk = disk
    this.#file = file
    this.#current = current
  }

  /** Reads the catalogue of the data directory `root`; none is an empty one. @throws `damaged`, `newer-format` */
  static async open(disk: Disk, root: string): Promise<CatalogueFile> {
    const file = path.join(root, catalogueName)
    const there = (await disk.stat(file)) !== undefined
    const current = there
      ? decodeCatalogue(await disk.readFile(file, limits.manifestBytes), file)
      : emptyCatalogue
    return new CatalogueFile(disk, file, current)
  }

  get current(): Catalogue {
    return this.#current
  }

  /** Replaces the catalogue by what `change` makes of the current one, in turn. */
  change(change: (now: Catalogue) => CatalogueChange): Promise<void> {
    const result = this.#turn.then(async () => {
      const next = { ...change(this.#current), sequence: this.#current.sequence + 1 }
      const bytes = encodeCatalogue(next)
      this.#inDoubt = true
      await replaceFile(this.#disk, this.#file, bytes)
      this.#inDoubt = false
      this.#current = next
    })
    this.#turn = result.catch(() => {})
    return result
  }

  /** A write that failed late may stand on disk: it is undone before what it names is touched. */
  async settle(): Promise<void> {
    if (this.#inDoubt) await this.change((now) => now)
  }
}
