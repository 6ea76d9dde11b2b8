/**
 * Whether archived log is whole: every file sound, each going on from the one before, none missing.
 *
 * A hole is damage when a file that stood there is gone, and when no snapshot stands behind it, so that
 * what comes after cannot be reached. A hole that the archive run told, and a later snapshot bridges, is
 * a remark: moments inside it cannot be restored.
 */
import { isOfStore, isOperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import { type Epoch, epochName } from '../format/identity.ts'
import type { ArchiveName, ArchiveTrailer } from '../repository/archive-file.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { archiveKey, listArchive, readArchive, readTrailer } from '../repository/wal-archive.ts'
import { joinRanges, type LsnRange } from './coverage.ts'
import type { Damage } from './damage.ts'

/** A stretch of one history that can be restored to at any of its LSNs. */
export interface RecoverableRange extends LsnRange {
  readonly uuid: string
  readonly epoch: Epoch
}

/** What a check found: plain data but the damage, which joins that of the snapshots. */
export interface ArchiveCheck {
  readonly files: number
  readonly records: number
  readonly bytes: number
  readonly ranges: readonly RecoverableRange[]
  readonly remarks: readonly string[]
  readonly damage: readonly Damage[]
  readonly strangers: readonly string[]
}

export type ArchiveDepth = 'trailer' | 'content'

/**
 * Checks the archived log of the collections that `uuids` names, of all when undefined.
 * @param depthOf `trailer` reads the end of a file, `content` all of it
 * @throws `unreachable`, and bugs; a single file that cannot be read is damage
 */
export async function checkArchive(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  uuids: ReadonlySet<string> | undefined,
  depthOf: (name: ArchiveName) => ArchiveDepth,
  signal?: AbortSignal,
): Promise<ArchiveCheck> {
  const { files, strangers } = await listArchive(repository)
  const wanted = files.filter((each) => uuids === undefined || uuids.has(each.identity.uuid))
  const run = new ArchiveRun(repository, wanted, depthOf)
  await inFlight(wanted, limits.piecesInFlight, signal, (each) => run.read(each))
  return { ...run.result(wanted, snapshots), strangers }
}

/**
 * What snapshots and archived files of a repository make recoverable, by the names of the files: from
 * each snapshot as far as the archive goes on.
 */
export function recoverableRanges(
  files: readonly ArchiveName[],
  snapshots: readonly StoredSnapshot[],
): readonly RecoverableRange[] {
  const histories = new Map<string, { uuid: string; epoch: Epoch; lsns: number[] }>()
  for (const { manifest } of snapshots) {
    const { epoch, lsn } = manifest
    const { uuid } = manifest.collection
    const key = historyKey(uuid, epoch)
    const history = histories.get(key) ?? { uuid, epoch, lsns: [] }
    history.lsns.push(lsn)
    histories.set(key, history)
  }
  return [...histories.entries()].flatMap(([key, { uuid, epoch, lsns }]) => {
    const own = files.filter(({ identity }) => historyKey(identity.uuid, identity.epoch) === key)
    const runs = joinRanges(own)
    const reached = lsns.map((lsn) => {
      const run = runs.find((each) => each.firstLsn <= lsn + 1 && lsn < each.lastLsn)
      return { firstLsn: lsn, lastLsn: run?.lastLsn ?? lsn }
    })
    return joinRanges(reached).map((range) => ({ uuid, epoch, ...range }))
  })
}

const historyKey = (uuid: string, epoch: Epoch): string => `${uuid}/${epochName(epoch)}`

class ArchiveRun {
  readonly #repository: Repository
  readonly #depthOf: (name: ArchiveName) => ArchiveDepth
  readonly #trailers = new Map<string, ArchiveTrailer>()
  /** Header checksums at LSNs where files begin and end, by history: all files must agree. */
  readonly #chains = new Map<string, { readonly chain: number; readonly key: string }>()
  readonly #damage: Damage[] = []
  #records = 0
  #bytes = 0

  readonly #joints: ReadonlySet<number>

  constructor(
    repository: Repository,
    files: readonly ArchiveName[],
    depthOf: (name: ArchiveName) => ArchiveDepth,
  ) {
    this.#repository = repository
    this.#depthOf = depthOf
    this.#joints = new Set(files.flatMap((each) => [each.firstLsn - 1, each.lastLsn]))
  }

  async read(name: ArchiveName): Promise<void> {
    try {
      if (this.#depthOf(name) === 'trailer') {
        const trailer = await readTrailer(this.#repository, name)
        if (trailer === undefined) return this.#add(name, 'archive', 'was listed and is not there')
        this.#trailers.set(archiveKey(name), trailer)
        return
      }
      const file = await readArchive(this.#repository, name)
      if (file === undefined) return this.#add(name, 'archive', 'was listed and is not there')
      this.#trailers.set(archiveKey(name), file.trailer)
      this.#records += file.records.length
      this.#bytes += file.sizeBytes
      this.#hold(name, name.firstLsn - 1, file.chainBefore)
      for (const { record } of file.records) {
        if (this.#joints.has(record.lsn)) this.#hold(name, record.lsn, record.checksum)
      }
    } catch (error) {
      if (!isOperatingError(error) || isOfStore(error.code)) throw error
      this.#add(name, 'archive', error.message)
    }
  }

  result(
    files: readonly ArchiveName[],
    snapshots: readonly StoredSnapshot[],
  ): Omit<ArchiveCheck, 'strangers'> {
    const remarks: string[] = []
    const histories = new Map<string, ArchiveName[]>()
    for (const each of files) {
      const key = historyKey(each.identity.uuid, each.identity.epoch)
      histories.set(key, [...(histories.get(key) ?? []), each])
    }
    for (const [key, own] of histories) {
      const lsns = snapshots
        .filter(({ manifest: m }) => historyKey(m.collection.uuid, m.epoch) === key)
        .map(({ manifest }) => manifest.lsn)
      this.#checkHoles(own, lsns, remarks)
      if (lsns.length === 0) remarks.push(`wal/${key} has no snapshot that it goes on from`)
    }
    const order = (a: Damage, b: Damage) => (a.key < b.key ? -1 : 1)
    return {
      files: files.length,
      records: this.#records,
      bytes: this.#bytes,
      ranges: recoverableRanges(files, snapshots),
      remarks,
      damage: this.#damage.sort(order),
    }
  }

  #checkHoles(files: readonly ArchiveName[], lsns: readonly number[], remarks: string[]): void {
    if (lsns.length === 0) return
    const oldest = Math.min(...lsns)
    const runs = joinRanges(files).filter((each) => each.lastLsn > oldest)
    let reach = oldest
    for (const { firstLsn, lastLsn } of runs) {
      if (firstLsn > reach + 1) {
        const next = files.find((each) => each.firstLsn === firstLsn)
        const trailer = next && this.#trailers.get(archiveKey(next))
        const isLost = trailer?.previousLsn === firstLsn - 1
        const isBridged = lsns.some((lsn) => lsn >= firstLsn - 1)
        const hole = `is followed by nothing between LSN ${reach} and LSN ${firstLsn}`
        if (next !== undefined && (isLost || !isBridged)) {
          const why = isLost ? 'an archived file is gone' : 'no snapshot stands behind the gap'
          const problem = `the archive ends at LSN ${reach} and goes on at LSN ${firstLsn}: ${why}`
          this.#add(next, 'archive-gap', problem)
        } else {
          remarks.push(`the state at LSN ${reach} ${hole} in the archive; a later snapshot goes on`)
        }
      }
      reach = Math.max(reach, lastLsn)
    }
  }

  /** Two records of one history under the same LSN are a divergence. */
  #hold(name: ArchiveName, lsn: number, chain: number): void {
    const { uuid, epoch } = name.identity
    const at = `${historyKey(uuid, epoch)}/${lsn}`
    const known = this.#chains.get(at)
    if (known === undefined) this.#chains.set(at, { chain, key: archiveKey(name) })
    else if (known.chain !== chain && known.key !== archiveKey(name)) {
      this.#add(name, 'archive', `LSN ${lsn} is another record than in ${known.key}`)
    }
  }

  #add(name: ArchiveName, kind: 'archive' | 'archive-gap', problem: string): void {
    const key = archiveKey(name)
    const place = this.#repository.destination.locate(key)
    const sentence = problem.includes(place) ? problem : `${place}: ${problem}`
    if (this.#damage.some((each) => each.key === key && each.kind === kind)) return
    this.#damage.push({ kind, key, place, problem: sentence, neededBy: [] })
  }
}
