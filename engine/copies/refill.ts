/** Single values of a damaged repository, brought from the first of its copies that has a sound one. */
import { checkContent, type ObjectProblem, readPiece } from '../backup/check-objects.ts'
import type { PiecesInFlight } from '../backup/pieces-in-flight.ts'
import { type ErrorCode, isOfStore, isOperatingError } from '../base/errors.ts'
import type { ArchiveName } from '../repository/archive-file.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { putArchive, readArchive } from '../repository/wal-archive.ts'

/** What became of one damaged or missing value. Plain data. */
export interface Refill {
  readonly kind: 'object' | 'manifest' | 'archive'
  readonly key: string
  /** Where it stands. */
  readonly place: string
  /** What is wrong with it, as a sentence. */
  readonly problem: string
  /** `found`: a copy has it, and nothing was written because nothing should be. */
  readonly outcome: 'refilled' | 'found' | 'left'
  /** The copy that has a sound one. */
  readonly from: string | null
  /** Why it was left. */
  readonly reason: string | null
}

/** What all refills of one run share. */
export interface RefillRun {
  readonly to: Repository
  /** In the order in which they are asked. */
  readonly copies: readonly Repository[]
  readonly pieces: PiecesInFlight
  readonly dryRun: boolean
}

/** Brings an object, and reads back what was brought. @throws what a store says about itself */
export function refillObject(run: RefillRun, damaged: ObjectProblem): Promise<Refill> {
  const { to, pieces } = run
  const named = { kind: 'object', key: damaged.key, place: damaged.place } as const
  const problem = `${damaged.place} ${damaged.problem}`
  return refill(
    run,
    { ...named, problem },
    (copy, write) =>
      pieces.withBuffer(async (buffer) => {
        const found = await readPiece(copy, damaged, buffer, pieces)
        if (found !== undefined) return `${copy.destination.url}: it ${found.problem}`
        if (!write) return undefined
        const bytes = new Uint8Array(buffer, 0, damaged.sizeBytes)
        await to.putObject(damaged.sha256, bytes, damaged.kind !== 'missing')
        return undefined
      }),
    async () => {
      const back = await checkContent(to, damaged, pieces)
      return back && `written and read back it ${back.problem}`
    },
  )
}

/** Brings a file of archived log. @throws what a store says about itself */
export function refillArchive(
  run: RefillRun,
  name: ArchiveName,
  key: string,
  problem: string,
): Promise<Refill> {
  const named = { kind: 'archive', key, place: run.to.destination.locate(key), problem } as const
  return refill(
    run,
    named,
    async (copy, write) => {
      const source = await readArchive(copy, name)
      if (source === undefined) return `${copy.destination.url}: it is not there`
      if (write) await putArchive(run.to, name, source.bytes, source.trailer.chain)
      return undefined
    },
    async () => ((await readArchive(run.to, name)) === undefined ? 'it is not there' : undefined),
  )
}

/**
 * Brings a manifest, whose objects must be there.
 * @param standing what the copies have under its name
 */
export function refillManifest(
  run: RefillRun,
  damaged: { readonly key: string; readonly problem: string },
  standing: ReadonlyMap<Repository, { readonly snapshot: StoredSnapshot; readonly bytes: Buffer }>,
): Promise<Refill> {
  const { to } = run
  const { key, problem } = damaged
  const named = { kind: 'manifest', key, place: to.destination.locate(key), problem } as const
  return refill(
    run,
    named,
    async (copy, write) => {
      const source = standing.get(copy)
      if (source === undefined) return `${copy.destination.url}: no sound one, or another snapshot`
      if (!write) return undefined
      await to.destination.flush()
      await to.writeValue(key, source.bytes)
      await to.destination.flush()
      return undefined
    },
    async () => undefined,
  )
}

async function refill(
  { to, copies, dryRun }: RefillRun,
  named: Pick<Refill, 'kind' | 'key' | 'place' | 'problem'>,
  bring: (copy: Repository, write: boolean) => Promise<string | undefined>,
  readBack: () => Promise<string | undefined>,
): Promise<Refill> {
  const reasons: string[] = []
  for (const copy of copies) {
    const reason = await ofOne(async () => {
      const missing = await bring(copy, !dryRun)
      if (missing !== undefined || dryRun) return missing
      const unsound = await readBack()
      return unsound && `${to.destination.url}: ${unsound}`
    })
    const outcome = dryRun ? 'found' : 'refilled'
    const from = copy.destination.url
    if (reason === undefined) return { ...named, outcome, from, reason: null }
    reasons.push(reason)
  }
  const reason = reasons.length === 0 ? 'no copy was named' : reasons.join('; ')
  return { ...named, outcome: 'left', from: null, reason }
}

/** Errors that are about more than one value. */
const isOfAll = (code: ErrorCode): boolean =>
  isOfStore(code) || ['disk-full', 'fsync-failed', 'locked'].includes(code)

async function ofOne(work: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!isOperatingError(error) || isOfAll(error.code)) throw error
    return error.message
  }
}
