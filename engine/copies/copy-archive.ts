/**
 * Archived log from one repository to another: what goes on from the snapshots that are copied, so that the
 * copy restores to any moment that its source does.
 *
 * Files of one history are brought in the order of their records, each durable before the next: what a
 * crash leaves is a shorter archive. Each is proven before it is written, and read back and proven after.
 */
import {
  type ErrorCode,
  errorCatalogue,
  exitCodes,
  isOfStore,
  isOperatingError,
  type OperatingError,
  type SerialisedError,
} from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import { epochName, type Identity } from '../format/identity.ts'
import type { ArchiveName, ArchiveTrailer } from '../repository/archive-file.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import {
  archiveKey,
  divergence,
  diverges,
  listArchive,
  putArchive,
  readArchive,
  readTrailer,
} from '../repository/wal-archive.ts'
import type { CopyEnds, CopyWatch } from './copy-objects.ts'

/** Plain data. */
export interface CopiedArchive {
  /** Files that go with the snapshots. */
  readonly files: number
  readonly copied: number
  readonly bytes: number
  /** What could not be brought: the source's file is damaged, or the target has another one. */
  readonly problems: readonly { readonly key: string; readonly error: SerialisedError }[]
}

/** @throws what either store says about itself */
export async function copyArchive(
  ends: CopyEnds,
  snapshots: readonly StoredSnapshot[],
  { progress, signal }: CopyWatch,
): Promise<CopiedArchive> {
  const { files, lacking, problems } = await compareArchive(ends, snapshots, signal)
  let copied = 0
  let bytes = 0
  for (const name of lacking) {
    signal.throwIfAborted()
    try {
      bytes += await copyFile(ends, name)
      copied++
      progress({ phase: 'archive', unit: 'objects', done: copied, total: lacking.length })
    } catch (error) {
      if (!(error instanceof FileProblem)) throw error
      problems.push({ key: archiveKey(name), error: error.error })
    }
  }
  return { files, copied, bytes, problems }
}

export interface ComparedArchive {
  readonly files: number
  /** In the order in which they are brought. */
  readonly lacking: readonly ArchiveName[]
  readonly problems: { readonly key: string; readonly error: SerialisedError }[]
}

/** Which archived log that goes on from the snapshots the target lacks. */
export async function compareArchive(
  { from, to }: CopyEnds,
  snapshots: readonly StoredSnapshot[],
  signal: AbortSignal,
): Promise<ComparedArchive> {
  const files: ArchiveName[] = []
  for (const [, { identity, lsn }] of oldestByHistory(snapshots)) {
    const listed = await listArchive(from, identity)
    // what goes on from a snapshot can be replayed; what ends with it tells how long it was the newest
    files.push(...listed.files.filter((each) => each.lastLsn >= lsn))
  }
  const lacking = new Set<ArchiveName>()
  const problems: { key: string; error: SerialisedError }[] = []
  await inFlight(files, limits.requestsInFlight, signal, async (name) => {
    const standing = await soundTrailer(to, name)
    if (standing === undefined) {
      lacking.add(name)
      return
    }
    const source = await soundTrailer(from, name)
    if (source === undefined || source.chain === standing.chain) return
    const key = archiveKey(name)
    problems.push({ key, error: divergence(to.destination.locate(key), name.lastLsn).toJSON() })
  })
  return { files: files.length, lacking: files.filter((each) => lacking.has(each)), problems }
}

/** For each history the lowest LSN that one of the snapshots stands at. */
function oldestByHistory(
  snapshots: readonly StoredSnapshot[],
): ReadonlyMap<string, { readonly identity: Identity; readonly lsn: number }> {
  const oldest = new Map<string, { identity: Identity; lsn: number }>()
  for (const { manifest } of snapshots) {
    const identity = { uuid: manifest.collection.uuid, epoch: manifest.epoch }
    const key = `${identity.uuid}/${epochName(identity.epoch)}`
    const lsn = Math.min(manifest.lsn, oldest.get(key)?.lsn ?? manifest.lsn)
    oldest.set(key, { identity, lsn })
  }
  return oldest
}

/** What a file leads to; undefined when it is not there, or damaged. */
async function soundTrailer(
  repository: Repository,
  name: ArchiveName,
): Promise<ArchiveTrailer | undefined> {
  try {
    return await readTrailer(repository, name)
  } catch (error) {
    if (!isOperatingError(error) || isOfStore(error.code)) throw error
    return undefined
  }
}

/** @returns its bytes @throws {@link FileProblem} when it cannot be brought; else what a store says of itself */
async function copyFile({ from, to }: CopyEnds, name: ArchiveName): Promise<number> {
  const source = await aboutOne(() => readArchive(from, name), isOfStore)
  if (source === undefined) return 0 // pruned, or only listed: then nothing needs it
  return aboutOne(
    async () => {
      await putArchive(to, name, source.bytes, source.trailer.chain)
      const back = await readArchive(to, name)
      if (back?.trailer.chain !== source.trailer.chain) {
        diverges(to.destination.locate(archiveKey(name)), name.lastLsn)
      }
      return source.sizeBytes
    },
    (code) => errorCatalogue[code] !== exitCodes.damaged,
  )
}

/** Marks what is wrong with one file; other errors go on up as they are. */
class FileProblem extends Error {
  readonly error: SerialisedError

  constructor(error: OperatingError) {
    super(error.message, { cause: error })
    this.error = error.toJSON()
  }
}

async function aboutOne<T>(
  work: () => Promise<T>,
  isOfAll: (code: ErrorCode) => boolean,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isOperatingError(error) || isOfAll(error.code)) throw error
    throw new FileProblem(error)
  }
}
