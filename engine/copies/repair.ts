/**
 * Repairing a repository: what is damaged or missing in it is brought back from its copies.
 *
 * Everything that its snapshots need is read and hashed (depth objects of a verification), and so is its
 * archived log. What is wrong is asked of the copies in their order; what one of them has whole is written
 * in place, and read back. A manifest goes back last, once all its objects are there. Everything that was
 * found is told, also what nobody has.
 *
 * A damaged manifest says nothing of itself: which snapshot it was is known from the records beside it
 * (when it was verified or copied), and a copy with another one under that name is not asked. A snapshot
 * that is not there at all was removed, or never was here: that is for `copy` to bring.
 */
import { hostname } from 'node:os'
import { checkObjects, objectsOf } from '../backup/check-objects.ts'
import { Phases, type PhaseTime } from '../backup/phases.ts'
import { PiecesInFlight } from '../backup/pieces-in-flight.ts'
import {
  holdSources,
  type Location,
  openOrCreateRepository,
  openRepository,
  openSources,
} from '../backup/sources.ts'
import { sha256Hex } from '../base/checksum.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { isOfStore, isOperatingError, OperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import { noProgress, type Progress } from '../base/progress.ts'
import type { Timer } from '../base/timer.ts'
import type { ArchiveName } from '../repository/archive-file.ts'
import { readCopyRecord } from '../repository/copy-record.ts'
import { toInstant } from '../repository/instant.ts'
import { holdShared } from '../repository/locks.ts'
import { readSnapshots, type UnreadableSnapshot } from '../repository/read-snapshots.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import {
  listVerifications,
  readVerifications,
  writeVerification,
} from '../repository/verifications.ts'
import { archiveKey, listArchive, readArchive } from '../repository/wal-archive.ts'
import { compareArchive } from './copy-archive.ts'
import {
  type Refill,
  type RefillRun,
  refillArchive,
  refillManifest,
  refillObject,
} from './refill.ts'
import { withoutSigner } from './signatures.ts'

export interface RepairOptions {
  readonly repository: Location
  /** Copies of it, asked in this order. At least one. */
  readonly from: readonly Location[]
  /** Say what would be done, and write nothing. Default false. */
  readonly dryRun?: boolean
  readonly disk: Disk
  readonly clock: Clock
  readonly timer?: Timer
  readonly progress?: Progress
  readonly signal?: AbortSignal
}

/** Plain data. */
export interface RepairResult {
  /** Whether nothing is damaged any more, or, in a dry run, nothing would be. */
  readonly ok: boolean
  readonly repository: string
  readonly from: readonly string[]
  readonly dryRun: boolean
  readonly checked: {
    readonly snapshots: number
    readonly objects: number
    readonly bytes: number
    readonly archived: number
  }
  /** Everything that was found damaged or missing. */
  readonly refills: readonly Refill[]
  readonly remarks: readonly string[]
  readonly phases: readonly PhaseTime[]
  readonly durationMs: number
}

/**
 * Repairs a repository. What no copy has does not throw: see {@link repairError}.
 * @throws `repository-not-found`, `missing-file`, `damaged` for repository.json itself; `usage` when no copy
 *   is named; `locked` while it is pruned; what a store says about itself
 */
export async function repairRepository(options: RepairOptions): Promise<RepairResult> {
  const { clock, disk, timer, dryRun = false, progress = noProgress } = options
  const phases = new Phases(clock)
  const reader = await phases.run('open', () => openRepository(options.repository, disk))
  const to = dryRun
    ? reader
    : await phases.run('open', () =>
        openOrCreateRepository(withoutSigner(options.repository), disk, clock),
      )
  const opened = await phases.run('open', () => openSources(options.from, disk))
  const copies = opened.repositories
  const request = { purpose: 'a repair', clock, timer, signal: options.signal }
  const protection = dryRun ? 'where-writable' : 'required'
  const lock = await phases.run('lock', () => holdShared(to, request, protection))
  const signal = AbortSignal.any([lock.lost, ...(options.signal ? [options.signal] : [])])
  const held = await holdSources(copies, request).catch((error) =>
    lock.release().then(() => Promise.reject(error)),
  )
  const pieces = new PiecesInFlight(undefined, limits.pieceBytes)
  try {
    const run = { to, copies, pieces, dryRun }
    const set = await phases.run('manifests', () => readSnapshots(reader, undefined, signal))
    const lost = await phases.run('manifests', () =>
      Promise.all(set.unreadable.map((each) => findLost(run, each))),
    )
    const replacements = lost.flatMap(({ standing }) => [...standing.values()].slice(0, 1))
    const all = [...set.snapshots, ...replacements.map(({ snapshot }) => snapshot)]
    const check = await phases.run('objects', () =>
      checkObjects(to, objectsOf(all), 'content', { progress, signal }),
    )
    const objects = await phases.run('refill', async () => {
      const refills: Refill[] = []
      await inFlight(check.problems, limits.piecesInFlight, signal, async (problem) => {
        refills.push(await refillObject(run, problem))
      })
      return refills
    })
    const archived = await phases.run('archive', () => repairArchive(run, set.snapshots, signal))
    await to.destination.flush()
    await lock.confirm()
    const left = new Set(objects.flatMap(({ key, outcome }) => (outcome === 'left' ? [key] : [])))
    const isWhole = (snapshot: StoredSnapshot) =>
      objectsOf([snapshot]).every(({ sha256 }) => !left.has(to.objectKey(sha256)))
    const manifests: Refill[] = []
    for (const each of lost) {
      const whole = [...each.standing].filter(([, { snapshot }]) => isWhole(snapshot))
      manifests.push(await refillManifest(run, each, new Map(whole)))
    }
    const refills = [...manifests, ...objects, ...archived.refills].sort((a, b) =>
      a.key < b.key ? -1 : 1,
    )
    if (!dryRun) await record(to, set.snapshots.filter(isWhole), clock)
    return {
      ok: refills.every(({ outcome }) => outcome !== 'left'),
      repository: to.destination.url,
      from: copies.map((each) => each.destination.url),
      dryRun,
      checked: {
        snapshots: set.snapshots.length + set.unreadable.length,
        objects: check.checked,
        bytes: check.checkedBytes,
        archived: archived.checked,
      },
      refills,
      remarks: [...opened.remarks, ...held.remarks],
      phases: phases.times,
      durationMs: phases.totalMs,
    }
  } finally {
    await pieces.close()
    await held.release()
    await lock.release()
  }
}

/** The error that a result means in which something is left damaged: exit code 13. */
export function repairError({ refills, repository }: RepairResult): OperatingError {
  const left = refills.filter(({ outcome }) => outcome === 'left')
  const [first] = left
  const rest = left.length > 1 ? `, and ${left.length - 1} more` : ''
  return new OperatingError(
    'damaged',
    `${repository} is still damaged: ${first?.problem}${rest}`,
    'Name further copies with --from. Snapshots that need none of it can be restored; "backup verify" tells which.',
    { ...(first && { place: { file: first.place } }), details: left },
  )
}

interface LostManifest {
  readonly key: string
  readonly problem: string
  /** What the copies have under its name. */
  readonly standing: ReadonlyMap<Repository, { snapshot: StoredSnapshot; bytes: Buffer }>
}

async function findLost(
  { to, copies }: RefillRun,
  { collection, id, key, error }: UnreadableSnapshot,
): Promise<LostManifest> {
  const standing = new Map<Repository, { snapshot: StoredSnapshot; bytes: Buffer }>()
  // what a newer version wrote, or what was planted in place of a file, is not damage to be written over
  const isDamaged = ['damaged', 'unsafe-name', 'disk-error'].includes(error.code)
  const known = await knownHashes(to, collection, id)
  for (const copy of isDamaged ? copies : []) {
    try {
      const snapshot = await copy.snapshot(collection, id)
      const bytes = snapshot && (await copy.readValue(key, limits.snapshotManifestBytes))
      if (snapshot === undefined || bytes === undefined) continue
      const isKnown = known.size === 0 || known.has(snapshot.sha256)
      if (isKnown && sha256Hex(bytes) === snapshot.sha256) standing.set(copy, { snapshot, bytes })
    } catch (problem) {
      if (!isOperatingError(problem) || isOfStore(problem.code)) throw problem
    }
  }
  return { key, problem: error.message, standing }
}

/** Hashes that records beside a snapshot give of its manifest. */
async function knownHashes(
  to: Repository,
  collection: string,
  id: string,
): Promise<ReadonlySet<string>> {
  const names = await listVerifications(to, collection, id)
  const records = await readVerifications(to, names)
  const copied = await readCopyRecord(to, collection, id)
  const hashes = records.map(({ verification }) => verification.manifestSha256)
  return new Set([...hashes, ...(copied ? [copied.manifestSha256] : [])])
}

/** Files that are damaged, and those that a copy has and the snapshots here would go on through. */
async function repairArchive(
  run: RefillRun,
  snapshots: readonly StoredSnapshot[],
  signal: AbortSignal,
): Promise<{ readonly checked: number; readonly refills: readonly Refill[] }> {
  const { to, copies } = run
  const { files } = await listArchive(to)
  const wrong = new Map<string, { name: ArchiveName; problem: string }>()
  await inFlight(files, limits.piecesInFlight, signal, async (name) => {
    const key = archiveKey(name)
    try {
      const found = await readArchive(to, name)
      if (found === undefined)
        wrong.set(key, { name, problem: `${key} was listed and is not there` })
    } catch (error) {
      if (!isOperatingError(error) || isOfStore(error.code)) throw error
      wrong.set(key, { name, problem: error.message })
    }
  })
  for (const copy of copies) {
    const { lacking } = await compareArchive({ from: copy, to }, snapshots, signal)
    for (const name of lacking) {
      const key = archiveKey(name)
      const problem = `${to.destination.locate(key)} is missing`
      if (!wrong.has(key)) wrong.set(key, { name, problem })
    }
  }
  const refills: Refill[] = []
  for (const key of [...wrong.keys()].sort()) {
    const { name, problem } = wrong.get(key) ?? {}
    signal.throwIfAborted()
    if (name !== undefined && problem !== undefined) {
      refills.push(await refillArchive(run, name, key, problem))
    }
  }
  return { checked: files.length, refills }
}

/** All of these was read and hashed here. */
async function record(
  to: Repository,
  snapshots: readonly StoredSnapshot[],
  clock: Clock,
): Promise<void> {
  for (const { manifest, sha256 } of snapshots) {
    await writeVerification(to, {
      collection: manifest.collection.name,
      snapshotId: manifest.id,
      manifestSha256: sha256,
      depth: 'objects',
      ok: true,
      problem: null,
      readShare: 1,
      verifiedAt: toInstant(clock.nowMs()),
      host: hostname(),
    })
  }
  await to.destination.flush()
}
