/**
 * The histories of a collection as some repositories know them: each with its snapshots and its archived
 * log. Two of them are never mixed, although both may count the same LSNs.
 */
import { isOperatingError, type OperatingError } from '../base/errors.ts'
import { epochName, type Identity } from '../format/identity.ts'
import type { ArchiveName, ArchiveTrailer } from '../repository/archive-file.ts'
import { toInstant } from '../repository/instant.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { archiveKey, listArchive, readTrailer } from '../repository/wal-archive.ts'
import { reachFrom } from './coverage.ts'
import { readAll } from './sources.ts'

/** An archived file, and where it stands. */
export interface KnownFile {
  readonly name: ArchiveName
  /** In the order in which they are asked. */
  readonly repositories: readonly Repository[]
}

export interface KnownSnapshot {
  readonly snapshot: StoredSnapshot
  readonly repository: Repository
}

/** One history: what its snapshots and archived files say together. */
export class KnownHistory {
  readonly identity: Identity
  readonly #snapshots: KnownSnapshot[] = []
  readonly #files = new Map<string, { name: ArchiveName; repositories: Repository[] }>()
  readonly #trailers = new Map<string, Promise<ArchiveTrailer | undefined>>()

  constructor(identity: Identity) {
    this.identity = identity
  }

  /** Puts a snapshot in; the first source of it counts. */
  addSnapshot(known: KnownSnapshot): void {
    if (!this.#snapshots.some((each) => each.snapshot.key === known.snapshot.key)) {
      this.#snapshots.push(known)
    }
  }

  addFile(name: ArchiveName, repository: Repository): void {
    const key = archiveKey(name)
    const known = this.#files.get(key)
    if (known === undefined) this.#files.set(key, { name, repositories: [repository] })
    else known.repositories.push(repository)
  }

  get text(): string {
    return `epoch ${epochName(this.identity.epoch)}`
  }

  /** Oldest state first. */
  get snapshots(): readonly KnownSnapshot[] {
    return [...this.#snapshots].sort(
      ({ snapshot: { manifest: a } }, { snapshot: { manifest: b } }) =>
        a.lsn - b.lsn || (a.createdAt < b.createdAt ? -1 : 1),
    )
  }

  /** By first LSN, the longer one first. */
  get files(): readonly KnownFile[] {
    return [...this.#files.values()].sort(
      ({ name: a }, { name: b }) => a.firstLsn - b.firstLsn || b.lastLsn - a.lastLsn,
    )
  }

  /** The newest LSN that anything here speaks of. */
  get lastLsn(): number {
    const lsns = [
      ...this.#snapshots.map((each) => each.snapshot.manifest.lsn),
      ...this.files.map((each) => each.name.lastLsn),
    ]
    return Math.max(0, ...lsns)
  }

  /** Up to where the archive goes on without a gap from the state at `lsn`. */
  reach(lsn: number): number {
    return (
      reachFrom(
        this.files.map((each) => each.name),
        lsn + 1,
      ) ?? lsn
    )
  }

  /** What stands next after a gap that begins behind `lsn`; undefined when there is nothing. */
  nextAfter(lsn: number): number | undefined {
    const next = [
      ...this.files.map((each) => each.name.firstLsn),
      ...this.#snapshots.map((each) => each.snapshot.manifest.lsn),
    ].filter((each) => each > lsn)
    return next.length === 0 ? undefined : Math.min(...next)
  }

  /** A trailer from the first source that has a sound one; undefined when none has. */
  trailer({ name, repositories }: KnownFile): Promise<ArchiveTrailer | undefined> {
    const key = archiveKey(name)
    const read = async () => {
      let away: OperatingError | undefined
      for (const repository of repositories) {
        try {
          const trailer = await readTrailer(repository, name)
          if (trailer !== undefined) return trailer
        } catch (error) {
          if (!isOperatingError(error)) throw error
          if (!isOperatingError(error, 'damaged', 'unsafe-entry')) away ??= error
        }
      }
      if (away !== undefined) throw away
      return undefined
    }
    const trailer = this.#trailers.get(key) ?? read()
    this.#trailers.set(key, trailer)
    return trailer
  }

  /**
   * Until when the state at `lsn` is known to have been the newest, epoch µs, to the end of that
   * millisecond: instants are printed in milliseconds. Undefined when unknown.
   */
  async asOfUs(lsn: number): Promise<number | undefined> {
    const known = this.#snapshots
      .filter((each) => each.snapshot.manifest.lsn === lsn)
      .map((each) => Date.parse(each.snapshot.manifest.asOfAt) * 1000)
    for (const file of this.files.filter((each) => each.name.lastLsn === lsn)) {
      const trailer = await this.trailer(file)
      if (trailer !== undefined) known.push(trailer.asOfUs)
    }
    return known.length === 0 ? undefined : Math.floor(Math.max(...known) / 1000) * 1000 + 999
  }

  /** From when on something is known, epoch µs. `isSure`: not before the history itself began. */
  async firstUs(): Promise<{ readonly earliestUs: number; readonly sureUs: number }> {
    const [first] = this.snapshots
    const [file] = this.files
    const trailer = file && (await this.trailer(file))
    const { committedAtUs, asOfAt } = first?.snapshot.manifest ?? { committedAtUs: 0, asOfAt: '' }
    const asOf = first === undefined ? Number.POSITIVE_INFINITY : Date.parse(asOfAt) * 1000
    const sureUs = Math.min(asOf, trailer?.firstCommittedAtUs ?? Number.POSITIVE_INFINITY)
    return { earliestUs: committedAtUs > 0 ? Math.min(committedAtUs, sureUs) : sureUs, sureUs }
  }
}

/** An instant of the archive, for people. */
export const showUs = (us: number | undefined): string =>
  us === undefined || !Number.isFinite(us) ? 'an unknown time' : toInstant(Math.floor(us / 1000))

/** All histories that the sources know under this name, and the snapshots that cannot be read. */
export async function findHistories(
  repositories: readonly Repository[],
  collection: string,
  signal?: AbortSignal,
): Promise<{ readonly histories: readonly KnownHistory[]; readonly remarks: readonly string[] }> {
  const histories = new Map<string, KnownHistory>()
  const { sets, remarks } = await readAll(repositories, collection, signal)
  const of = (identity: Identity): KnownHistory => {
    const key = `${identity.uuid}/${epochName(identity.epoch)}`
    const known = histories.get(key) ?? new KnownHistory(identity)
    histories.set(key, known)
    return known
  }
  const uuids = new Set<string>()
  for (const { repository, set } of sets) {
    const { snapshots, unreadable } = set
    for (const snapshot of snapshots) {
      const { manifest } = snapshot
      const identity = { uuid: manifest.collection.uuid, epoch: manifest.epoch }
      of(identity).addSnapshot({ snapshot, repository })
      uuids.add(identity.uuid)
    }
    remarks.push(...unreadable.map(({ error }) => `a snapshot was passed over: ${error.message}`))
  }
  for (const { repository } of sets) {
    try {
      for (const uuid of uuids) {
        const { files } = await listArchive(repository, { uuid })
        for (const name of files) of(name.identity).addFile(name, repository)
      }
    } catch (error) {
      if (sets.length === 1 || !isOperatingError(error)) throw error
      remarks.push(`a source was passed over: ${error.message}`)
    }
  }
  return { histories: [...histories.values()], remarks }
}
