/**
 * Archiving: the durable log of a collection, shipped to a repository while writes go on.
 *
 * A run pins the log, ships what the repository lacks of it, oldest first, and makes each file durable
 * before the next and before it is noted as archived. Nothing beyond the durable LSN is shipped. What was
 * removed before it could be shipped is a gap, and told as one, never bridged in silence.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { PinnedLog } from '../collection/pinned-log.ts'
import type { Epoch } from '../format/identity.ts'
import type { ArchiveName, ArchiveTrailer } from '../repository/archive-file.ts'
import { toInstant } from '../repository/instant.ts'
import { readSnapshots } from '../repository/read-snapshots.ts'
import type { Repository } from '../repository/repository.ts'
import { archiveKey, isSameHistory, listArchive, readTrailer } from '../repository/wal-archive.ts'
import { toCommittedAt } from './backup-result.ts'
import { firstUncovered } from './coverage.ts'
import { Phases, type PhaseTime } from './phases.ts'
import type { LogStart } from './pinned-records.ts'
import { type Shipped, shipLog } from './ship-log.ts'
import { type Location, openOrCreateRepository } from './sources.ts'

/** What is archived: a collection. */
export interface ArchiveSource {
  pinLog(): Promise<PinnedLog>
}

export interface ArchiveOptions {
  /** A URL, a path, an open destination, or one of these with keys. */
  readonly destination: Location
  readonly disk: Disk
  readonly clock: Clock
  readonly progress?: Progress
  readonly signal?: AbortSignal
}

/** Log that is neither archived nor covered by a snapshot: both ends stand in the archive or before it. */
export interface ArchiveGap {
  /** The archive is whole up to this LSN; 0 when nothing was archived before. */
  readonly afterLsn: number
  /** It goes on with this one. */
  readonly beforeLsn: number
}

/** Plain data. Instants are ISO 8601. */
export interface ArchiveResult {
  readonly collection: { readonly uuid: string; readonly name: string }
  readonly epoch: Epoch
  readonly destination: string
  /** What this run shipped. */
  readonly files: number
  readonly records: number
  readonly bytes: number
  /** LSNs of it; null when there was nothing to ship. */
  readonly firstLsn: number | null
  readonly lastLsn: number | null
  /** LSNs of it that follow each other without a gap up to the last, read back and sound; null as above. */
  readonly readBack: { readonly firstLsn: number; readonly lastLsn: number } | null
  /** The archive is durable up to here. */
  readonly archivedLsn: number
  readonly committedAt: string | null
  /** When the source was seen at that LSN, with nothing newer acknowledged. */
  readonly asOfAt: string
  readonly count: number
  readonly digest: string
  /** Why the newest archived records cannot be reached by a restore; null when they can. */
  readonly gap: ArchiveGap | null
  /** Whether a snapshot stands there that the newest archived records follow on from. */
  readonly restorable: boolean
  readonly remarks: readonly string[]
  readonly phases: readonly PhaseTime[]
  readonly durationMs: number
}

/**
 * Ships what is durable in `source` and not yet in the archive at `destination`.
 * @throws `divergence` when the archive holds other records under the same LSNs, or newer ones than the
 *   source; `damaged` when the source's log is; `limit-exceeded`; what the destination says
 */
export const archiveOnce = (
  source: ArchiveSource,
  options: ArchiveOptions,
): Promise<ArchiveResult> => new Archiver(source, options).run()

/** Archives one collection to one destination again and again, remembering what it has found there. */
export class Archiver {
  readonly #source: ArchiveSource
  readonly #options: ArchiveOptions
  #repository: Repository | undefined
  /** What the repository holds of the current history, as listed once and added to since. */
  #known: { readonly identity: ArchiveName['identity']; files: ArchiveName[] } | undefined
  #start: LogStart | undefined
  #restorable = false

  constructor(source: ArchiveSource, options: ArchiveOptions) {
    this.#source = source
    this.#options = options
  }

  /** One run. @throws see {@link archiveOnce} */
  async run(): Promise<ArchiveResult> {
    const { clock, disk, signal, progress = noProgress } = this.#options
    const phases = new Phases(clock)
    signal?.throwIfAborted()
    this.#repository ??= await phases.run('open', () =>
      openOrCreateRepository(this.#options.destination, disk, clock),
    )
    const repository = this.#repository
    const log = await phases.run('pin', () => this.#source.pinLog())
    try {
      const remarks: string[] = []
      const files = await phases.run('list', () => this.#list(repository, log, remarks))
      const { start, previousLsn } = await this.#whereToStart(repository, log, files, remarks)
      if (log.archived(repository.file.id) === undefined) {
        await noteArchived(repository, log, start.lsn) // from here on the log is kept
      }
      const shipped: Shipped[] = []
      await phases.run('ship', () =>
        shipLog({ repository, log, start, previousLsn, covered: files, signal }, async (each) => {
          shipped.push(each)
          files.push(each.name)
          this.#start = each.end
          progress({ phase: 'archive', unit: 'bytes', done: each.bytes, total: each.bytes })
          await noteArchived(repository, log, each.name.lastLsn)
        }),
      )
      if (log.archived(repository.file.id) !== log.lsn) await noteArchived(repository, log, log.lsn)
      const gap = await phases.run('reach', () => this.#reach(repository, log, files, remarks))
      return this.#result({ log, repository, shipped, gap, remarks, phases })
    } catch (error) {
      this.#known = undefined // whatever it was: look again
      this.#start = undefined
      throw error
    } finally {
      await log.release()
    }
  }

  /** The files of this history. A listing is a hint: what was noted here is asked for by its name. */
  async #list(
    repository: Repository,
    { identity }: PinnedLog,
    remarks: string[],
  ): Promise<ArchiveName[]> {
    if (this.#known !== undefined && isSameHistory(this.#known.identity, identity)) {
      const last = this.#known.files.at(-1)
      const stands =
        last === undefined || (await repository.destination.head(archiveKey(last))) !== undefined
      if (stands) return this.#known.files
      remarks.push(`the archived file ${archiveKey(last)} is gone; the archive is listed again`)
    }
    this.#start = undefined
    const { uuid, epoch } = identity
    const { files, strangers } = await listArchive(repository, { uuid, epoch })
    for (const each of strangers) remarks.push(`${each} was not written by an archive`)
    this.#known = { identity, files: [...files] }
    return this.#known.files
  }

  /** After which record shipping goes on, and up to where the archive reached before. */
  async #whereToStart(
    repository: Repository,
    log: PinnedLog,
    files: ArchiveName[],
    remarks: string[],
  ): Promise<{ start: LogStart; previousLsn: number }> {
    const newest = files.reduce((best, each) => Math.max(best, each.lastLsn), 0)
    if (newest > log.lsn) {
      const file = files.find((each) => each.lastLsn === newest)
      fail(
        'divergence',
        `the archive holds LSN ${newest} of this history, but ${log.name} ends at LSN ${log.lsn}: its directory is older than its archive`,
        'Restore the collection with --at latest; that begins a history of its own.',
        {
          place: {
            file: repository.destination.locate(file ? archiveKey(file) : ''),
            lsn: newest,
          },
        },
      )
    }
    const available = log.files[0]?.firstLsn ?? log.lsn + 1
    for (;;) {
      const next = firstUncovered(files, available)
      const before = files.filter((each) => each.lastLsn < next)
      const previousLsn = before.reduce((best, each) => Math.max(best, each.lastLsn), 0)
      const last = before.findLast((each) => each.lastLsn === next - 1)
      if (last === undefined) return { start: { lsn: next - 1, chain: undefined }, previousLsn }
      if (this.#start?.lsn === last.lastLsn) return { start: this.#start, previousLsn }
      const trailer = await trailerOrProblem(repository, last)
      if (typeof trailer !== 'string') {
        return { start: { lsn: last.lastLsn, chain: trailer.chain }, previousLsn }
      }
      remarks.push(`${trailer}; as far as its records are still here they are archived again`)
      files.splice(files.indexOf(last), 1)
    }
  }

  /** Whether a restore can reach what is archived now: a snapshot must stand in the last unbroken run. */
  async #reach(
    repository: Repository,
    { identity, name, lsn }: PinnedLog,
    files: readonly ArchiveName[],
    remarks: string[],
  ): Promise<ArchiveGap | null> {
    if (this.#restorable) return null
    const { snapshots } = await readSnapshots(repository, name, this.#options.signal)
    const same = snapshots.filter(({ manifest: { collection, epoch } }) =>
      isSameHistory(identity, { uuid: collection.uuid, epoch }),
    )
    const runStart = startOfRun(files, lsn)
    this.#restorable = same.some(({ manifest }) => manifest.lsn >= runStart - 1)
    if (this.#restorable) return null
    if (same.length === 0) {
      remarks.push(
        `no snapshot of this history of ${name} stands at ${repository.destination.url} yet; the archive can be restored from the first one on`,
      )
      return null
    }
    const known = [
      ...same.map(({ manifest }) => manifest.lsn),
      ...files.map((each) => each.lastLsn).filter((each) => each < runStart),
    ]
    return { afterLsn: Math.max(...known), beforeLsn: runStart }
  }

  #result(parts: {
    readonly log: PinnedLog
    readonly repository: Repository
    readonly shipped: readonly Shipped[]
    readonly gap: ArchiveGap | null
    readonly remarks: readonly string[]
    readonly phases: Phases
  }): ArchiveResult {
    const { log, shipped, phases } = parts
    const sum = (of: (each: Shipped) => number) => shipped.reduce((all, each) => all + of(each), 0)
    return {
      collection: { uuid: log.identity.uuid, name: log.name },
      epoch: log.identity.epoch,
      destination: parts.repository.destination.url,
      files: shipped.length,
      records: sum((each) => each.records),
      bytes: sum((each) => each.bytes),
      firstLsn: shipped[0]?.name.firstLsn ?? null,
      lastLsn: shipped.at(-1)?.name.lastLsn ?? null,
      readBack: lastRun(shipped.map(({ name }) => name)),
      archivedLsn: log.lsn,
      committedAt: toCommittedAt(log),
      asOfAt: toInstant(log.pinnedAtUs / 1000),
      count: log.count,
      digest: log.digest,
      gap: parts.gap,
      restorable: this.#restorable,
      remarks: parts.remarks,
      phases: phases.times,
      durationMs: phases.totalMs,
    }
  }
}

/** The error that a gap means to a caller that must fail: exit code 13. */
export function gapError({ gap, collection, destination }: ArchiveResult): OperatingError {
  const { afterLsn = 0, beforeLsn = 0 } = gap ?? {}
  return new OperatingError(
    'archive-gap',
    `the archive of ${collection.name} at ${destination} has a gap: it ends at LSN ${afterLsn} and goes on at LSN ${beforeLsn}; the log in between was removed before it was archived`,
    `Take a new snapshot now: vectra-cli collections backup ${collection.name} --destination ${destination} --snapshot-id … ; later moments can be restored from it.`,
    { details: [{ afterLsn, beforeLsn }] },
  )
}

const noteArchived = ({ file, destination }: Repository, log: PinnedLog, lsn: number) =>
  log.noteArchived({ repository: file.id, url: destination.url, lsn })

/** First LSN of the unbroken run of files that ends at `lsn`; the LSN after it when there is none. */
function startOfRun(files: readonly ArchiveName[], lsn: number): number {
  let start = lsn + 1
  for (const each of [...files].sort((a, b) => b.lastLsn - a.lastLsn)) {
    if (each.lastLsn >= start - 1) start = Math.min(start, each.firstLsn)
  }
  return start
}

/** The unbroken run at the end of what was shipped; shipping reads each file back. */
function lastRun(names: readonly ArchiveName[]) {
  const last = names.at(-1)
  return last === undefined
    ? null
    : { firstLsn: startOfRun(names, last.lastLsn), lastLsn: last.lastLsn }
}

async function trailerOrProblem(
  repository: Repository,
  name: ArchiveName,
): Promise<ArchiveTrailer | string> {
  try {
    const place = repository.destination.locate(archiveKey(name))
    return (await readTrailer(repository, name)) ?? `${place} was listed and is not there`
  } catch (error) {
    if (!isOperatingError(error, 'damaged')) throw error
    return error.message
  }
}
