/**
 * The archived log from a snapshot to a moment, as a restore replays it.
 *
 * Each file is read whole and proven, from the first source that has a sound copy; it must go on from
 * the very record that the state before it ends with. Files that overlap must lead to the same records.
 */
import { fail, isOperatingError, type OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { LogPiece, LogReplay } from '../collection/roll-forward.ts'
import type { ArchivedRecord, ArchiveFile } from '../repository/archive-file.ts'
import { archiveKey, diverges, readArchive } from '../repository/wal-archive.ts'
import type { LogPosition } from '../wal/replay.ts'
import type { ChosenMoment } from './choose-moment.ts'
import type { KnownFile } from './histories.ts'
import type { Moment } from './moment.ts'

/** What a replay did. */
export interface Replayed {
  readonly files: number
  readonly records: number
  readonly bytes: number
  /** The newest LSN whose state was held against a recorded digest. */
  readonly lastProvenLsn: number
}

/** How much log is replayed before the state is sealed; a piece ends with the record that reaches a bound. */
export interface PieceBound {
  /** Of records. */
  readonly bytes: number
  /** Upserted. */
  readonly points: number
}

/** What a log and a memory segment hold in ordinary work. */
const usualPiece: PieceBound = { bytes: limits.walFileBytes, points: limits.segmentPoints }

export class ArchivedLog implements LogReplay {
  readonly remarks: string[] = []
  readonly chosen: ChosenMoment
  readonly #signal: AbortSignal | undefined
  readonly #bound: PieceBound
  /** Files not yet opened. */
  readonly #files: KnownFile[]
  readonly #used = new Set<string>()
  /** Header checksums at the LSNs where other files end. */
  readonly #chains = new Map<number, number>()
  readonly #ends: ReadonlySet<number>
  /** Records of the open file that were not handed out. */
  #open: { file: ArchiveFile; next: number } | undefined
  #done = false
  #replayed: Replayed

  constructor(chosen: ChosenMoment, signal?: AbortSignal, bound = usualPiece) {
    this.chosen = chosen
    this.#bound = bound
    this.#signal = signal
    this.#files = [...chosen.files]
    this.#ends = new Set(chosen.history.files.map((each) => each.name.lastLsn))
    const { lsn } = chosen.snapshot.manifest
    this.#replayed = { files: 0, records: 0, bytes: 0, lastProvenLsn: lsn }
  }

  get replayed(): Replayed {
    return this.#replayed
  }

  async next(after: LogPosition): Promise<LogPiece | undefined> {
    const records: Uint8Array[] = []
    let { lsn, chain } = after
    let bytes = 0
    let points = 0
    let state: LogPiece['state']
    while (!this.#done && bytes < this.#bound.bytes && points < this.#bound.points) {
      this.#signal?.throwIfAborted()
      this.#open ??= await this.#openNext(lsn, chain)
      if (this.#open === undefined) break
      const { file } = this.#open
      const each = file.records[this.#open.next]
      if (each === undefined) {
        this.#open = undefined
        continue
      }
      if (isBeyond(each, this.chosen.moment)) {
        this.#done = true
        break
      }
      this.#open.next++
      records.push(each.bytes)
      bytes += each.bytes.length
      points += pointsOf(each)
      ;({ lsn, checksum: chain } = each.record)
      if (this.#ends.has(lsn)) this.#chains.set(lsn, chain)
      const { trailer } = file
      const isEnd = lsn === trailer.lastLsn
      state = isEnd ? { count: trailer.count, digest: trailer.digest } : undefined
      if (isEnd || each.record.kind === 'digest') this.#note({ lastProvenLsn: lsn })
    }
    if (records.length === 0) {
      this.#done = true
      await this.#refuseOtherEnds(lsn)
      return undefined
    }
    this.#note({
      records: this.#replayed.records + records.length,
      bytes: this.#replayed.bytes + bytes,
    })
    return { records, lastLsn: lsn, state }
  }

  #note(change: Partial<Replayed>): void {
    this.#replayed = { ...this.#replayed, ...change }
  }

  /** The next file, at the record after `lsn`, which must follow on from it. */
  async #openNext(lsn: number, chain: number) {
    const known = this.#files.shift()
    if (known === undefined) return undefined
    const file = await this.#read(known)
    const index = lsn + 1 - known.name.firstLsn
    const before = index === 0 ? file.chainBefore : file.records[index - 1]?.record.checksum
    if (before !== chain) {
      const [repository] = known.repositories
      diverges(repository?.destination.locate(archiveKey(known.name)) ?? '', lsn)
    }
    this.#used.add(archiveKey(known.name))
    this.#note({ files: this.#replayed.files + 1 })
    return { file, next: index }
  }

  async #read({ name, repositories }: KnownFile): Promise<ArchiveFile> {
    const errors: OperatingError[] = []
    for (const repository of repositories) {
      try {
        const file = await readArchive(repository, name)
        if (file === undefined) continue
        this.remarks.push(
          ...errors.map((each) => `an archived file was passed over: ${each.message}`),
        )
        return file
      } catch (error) {
        if (!isOperatingError(error)) throw error
        errors.push(error)
      }
    }
    const [first] = errors
    if (first !== undefined) throw first
    const place = repositories[0]?.destination.locate(archiveKey(name)) ?? archiveKey(name)
    return fail(
      'archive-gap',
      `${place} was listed and is not there: LSN ${name.firstLsn} to ${name.lastLsn} cannot be replayed`,
      `Restore to --at lsn:${name.firstLsn - 1}, or name another copy of the repository too.`,
      { place: { file: place, lsn: name.firstLsn } },
    )
  }

  /** Files that were not needed and end among the replayed records must end with the same ones. */
  async #refuseOtherEnds(reachedLsn: number): Promise<void> {
    const { history } = this.chosen
    for (const each of history.files) {
      const { lastLsn } = each.name
      const chain = this.#chains.get(lastLsn)
      if (chain === undefined || lastLsn > reachedLsn || this.#used.has(archiveKey(each.name))) {
        continue
      }
      const trailer = await history.trailer(each)
      if (trailer === undefined || trailer.chain === chain) continue
      diverges(each.repositories[0]?.destination.locate(archiveKey(each.name)) ?? '', lastLsn)
    }
  }
}

function isBeyond({ record }: ArchivedRecord, moment: Moment): boolean {
  if (moment.kind === 'lsn') return record.lsn > moment.lsn
  return moment.kind === 'time' && record.committedAtUs > moment.atUs
}

const pointsOf = ({ record }: ArchivedRecord): number =>
  record.kind === 'upsert' ? record.payload.readUInt32LE(0) : 0
