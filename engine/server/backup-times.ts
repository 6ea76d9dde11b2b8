/**
 * When each collection was last backed up, kept beside the data so that a restart does not forget it: an alert
 * on it must not fall silent. It is a memory for whoever watches, and decides nothing.
 */
import { join } from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from '../format/document.ts'
import { Fields } from '../format/fields.ts'

const kind: DocumentKind = { format: 'vectra-backup-times', version: 1 }
const fileName = 'backup-times.json'

export class BackupTimes {
  readonly #disk: Disk
  readonly #file: string
  readonly #times: Map<string, number>
  /** One write after the other. */
  #writing: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, file: string, times: Map<string, number>) {
    this.#disk = disk
    this.#file = file
    this.#times = times
  }

  /** What is remembered in the data directory. @returns nothing known where the file is not what it was */
  static async open(disk: Disk, data: string): Promise<BackupTimes> {
    const file = join(data, fileName)
    return new BackupTimes(disk, file, await read(disk, file))
  }

  /** As-of times by collection, epoch ms. */
  get all(): ReadonlyMap<string, number> {
    return this.#times
  }

  /** Notes a backup that succeeded. @throws what the disk says; the time is known all the same */
  note(collection: string, asOfAt: number): Promise<void> {
    this.#times.set(collection, Math.max(asOfAt, this.#times.get(collection) ?? 0))
    const write = this.#writing.then(() => {
      const times = [...this.#times].map(([name, at]) => ({ collection: name, asOfAt: at }))
      return replaceFile(this.#disk, this.#file, encodeDocument(kind, { times }))
    })
    this.#writing = write.catch(() => {})
    return write
  }
}

async function read(disk: Disk, file: string): Promise<Map<string, number>> {
  try {
    const bytes = await disk.readFile(file, limits.manifestBytes)
    const fields = new Fields(decodeDocument(kind, bytes, file), file)
    const times = fields.objects('times', limits.collections)
    return new Map(times.map((each) => [each.text('collection'), each.integer('asOfAt')]))
  } catch (error) {
    if (isOperatingError(error)) return new Map()
    throw error
  }
}
