/**
 * How far the log of a collection is archived, and where: `archive.json` in its directory.
 *
 * A self-checking document: the history it speaks of, and for each repository its id, how people name
 * it, and the LSN up to which the log is durable there. As long as there is one entry, checkpoints keep
 * the log that is not archived yet, up to a bound (log-retention.ts). The file is advice, never truth:
 * what an archive holds is asked there. So a damaged one does not keep the collection from opening; the
 * log is then kept as if nothing had been archived, and the next archive run writes it anew.
 */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../base/disk.ts'
import { isOperatingError } from '../base/errors.ts'
import { KiB, limits } from '../base/limits.ts'
import { type DocumentKind, decodeDocument, encodeDocument } from '../format/document.ts'
import { Fields, patterns } from '../format/fields.ts'
import type { Epoch } from '../format/identity.ts'

export const archiveNoteName = 'archive.json'
const kind: DocumentKind = { format: 'vectra-archive-positions', version: 1 }
const maxNoteBytes = 256 * KiB
const urlLength = 2_048

export interface ArchivePosition {
  /** Id of the repository. */
  readonly repository: string
  /** How people name it, without credentials. */
  readonly url: string
  /** Everything up to this LSN is durable there, as far as the log was there. */
  readonly lsn: number
}

export class ArchivePositions {
  readonly #disk: Disk
  readonly #file: string
  readonly #history: string
  readonly #positions: Map<string, ArchivePosition>
  #turn: Promise<void> = Promise.resolve()

  private constructor(
    disk: Disk,
    file: string,
    history: string,
    positions: readonly ArchivePosition[],
  ) {
    this.#disk = disk
    this.#file = file
    this.#history = history
    this.#positions = new Map(positions.map((each) => [each.repository, each]))
  }

  /** @param onWarning told when the file is damaged */
  static async open(
    disk: Disk,
    directory: string,
    { history }: Epoch,
    onWarning: (text: string) => void,
  ): Promise<ArchivePositions> {
    const file = path.join(directory, archiveNoteName)
    const make = (positions: readonly ArchivePosition[]) =>
      new ArchivePositions(disk, file, history, positions)
    if ((await disk.stat(file)) === undefined) return make([])
    try {
      return make(read(await disk.readFile(file, maxNoteBytes), file, history))
    } catch (error) {
      if (!isOperatingError(error, 'damaged', 'newer-format', 'limit-exceeded')) throw error
      onWarning(
        `${error.message}; the log is kept from here on until the next archive run says how far it is archived`,
      )
      return make([{ repository: unknownRepository, url: 'unknown', lsn: 0 }])
    }
  }

  get all(): readonly ArchivePosition[] {
    return [...this.#positions.values()]
  }

  /** Log records after this LSN are wanted by an archive; undefined when nobody archives. */
  get keepAfter(): number | undefined {
    return this.#positions.size === 0 ? undefined : Math.min(...this.all.map((each) => each.lsn))
  }

  /** Up to where the log is archived in that repository; undefined when it never was. */
  of(repository: string): number | undefined {
    return this.#positions.get(repository)?.lsn
  }

  /** Notes a position, durably. */
  note(position: ArchivePosition): Promise<void> {
    const result = this.#turn.then(async () => {
      const next = new Map(this.#positions)
      next.delete(unknownRepository)
      next.delete(position.repository)
      // the one that was noted longest ago makes room
      const [oldest] = next.keys()
      if (next.size >= limits.archivePositions && oldest !== undefined) next.delete(oldest)
      next.set(position.repository, { ...position, url: position.url.slice(0, urlLength) })
      const body = { history: this.#history, positions: [...next.values()] }
      await replaceFile(this.#disk, this.#file, encodeDocument(kind, body))
      this.#positions.clear()
      for (const [key, each] of next) this.#positions.set(key, each)
    })
    this.#turn = result.catch(() => {})
    return result
  }
}

const unknownRepository = '00000000-0000-0000-0000-000000000000'

/** Positions of another history mean nothing here. */
function read(bytes: Buffer, file: string, history: string): readonly ArchivePosition[] {
  const fields = new Fields(decodeDocument(kind, bytes, file), file)
  const isOurs = fields.text('history', patterns.history) === history
  const positions = fields.objects('positions', limits.archivePositions).map((each) => ({
    repository: each.text('repository', patterns.uuid),
    url: each.text('url'),
    lsn: each.integer('lsn'),
  }))
  return isOurs ? positions : []
}
