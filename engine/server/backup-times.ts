/**
 * When each collection was last backed up and archived, kept beside the data so that a restart does not forget
 * it: an alert on it must not fall silent. It is a memory for whoever watches, and decides nothing. What was
 * noted of a collection does not hold for another one that has its name now.
 */
import { join } from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from '../format/document.ts'
import { Fields, patterns } from '../format/fields.ts'

const kind: DocumentKind = { format: 'vectra-backup-times', version: 1 }
const fileName = 'backup-times.json'

/** What was copied: a snapshot, or the log up to its newest record. */
export type Copied = 'backup' | 'archive'

/** As-of times of the last ones of a collection, epoch ms. */
export type LastCopies = Readonly<Partial<Record<Copied, number>>>

export class BackupTimes {
  readonly #disk: Disk
  readonly #file: string
  /** By UUID. */
  readonly #times: Map<string, LastCopies>
  /** One write after the other. */
  #writing: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, file: string, times: Map<string, LastCopies>) {
    this.#disk = disk
    this.#file = file
    this.#times = times
  }

  /** What is remembered in the data directory. @returns nothing known where the file is not what it was */
  static async open(disk: Disk, data: string): Promise<BackupTimes> {
    const file = join(data, fileName)
    return new BackupTimes(disk, file, await read(disk, file))
  }

  /** @param uuid of a collection */
  of(uuid: string): LastCopies {
    return this.#times.get(uuid) ?? {}
  }

  /**
   * Notes what succeeded. @param exists whether there is a collection of a UUID: others are forgotten
   * @throws what the disk says; the time is known all the same
   */
  note(
    what: Copied,
    uuid: string,
    asOfAt: number,
    exists: (uuid: string) => boolean,
  ): Promise<void> {
    const before = this.of(uuid)
    this.#times.set(uuid, { ...before, [what]: Math.max(asOfAt, before[what] ?? 0) })
    const write = this.#writing.then(() => {
      for (const each of this.#times.keys()) if (!exists(each)) this.#times.delete(each)
      const times = [...this.#times].map(([each, copies]) => ({ uuid: each, ...copies }))
      return replaceFile(this.#disk, this.#file, encodeDocument(kind, { times }))
    })
    this.#writing = write.catch(() => {})
    return write
  }
}

async function read(disk: Disk, file: string): Promise<Map<string, LastCopies>> {
  try {
    const bytes = await disk.readFile(file, limits.manifestBytes)
    const fields = new Fields(decodeDocument(kind, bytes, file), file)
    const times = fields.objects('times', limits.collections)
    return new Map(times.map((each) => [each.text('uuid', patterns.uuid), toCopies(each)]))
  } catch (error) {
    if (isOperatingError(error)) return new Map()
    throw error
  }
}

const toCopies = (fields: Fields): LastCopies => ({
  ...(fields.has('backup') && { backup: fields.integer('backup') }),
  ...(fields.has('archive') && { archive: fields.integer('archive') }),
})
