/** What a backup reports: plain data, as the command line prints it and the ledger keeps it. */
import type { PinnedState } from '../collection/pinned-state.ts'
import type { Epoch } from '../format/identity.ts'
import { toInstant } from '../repository/instant.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import type { BackupMode, Golden } from '../repository/snapshot-manifest.ts'
import { objectsOf } from './check-objects.ts'
import type { KeptLocks } from './keep-locked.ts'
import type { Phases, PhaseTime } from './phases.ts'
import type { StoredFiles } from './store-files.ts'

/** Plain data. Instants are ISO 8601. */
export interface BackupResult {
  readonly snapshotId: string
  readonly collection: { readonly uuid: string; readonly name: string }
  readonly epoch: Epoch
  readonly lsn: number
  readonly committedAt: string | null
  /** When the source was seen at this LSN, with nothing newer acknowledged. */
  readonly asOfAt: string
  readonly count: number
  readonly digest: string
  readonly mode: BackupMode
  /** The repository held this very snapshot already; nothing was written. */
  readonly unchanged: boolean
  readonly destination: string
  /** Where the snapshot's manifest stands, and the SHA-256 of that file. */
  readonly manifest: { readonly path: string; readonly sha256: string }
  readonly golden: Omit<Golden, 'queries'> & { readonly queries: number }
  readonly sizes: { readonly totalBytes: number; readonly addedBytes: number }
  readonly objects: StoredFiles['objects']
  readonly parent: string | null
  /** Where what was written is locked. */
  readonly objectLock?: KeptLocks
  readonly phases: readonly PhaseTime[]
  readonly durationMs: number
}

/** What the caller of a backup is told, put together from what the phases found. */
export function toBackupResult(parts: {
  readonly repository: Repository
  readonly state: PinnedState
  readonly snapshot: StoredSnapshot
  readonly unchanged: boolean
  readonly objectLock: KeptLocks | undefined
  readonly phases: Phases
  readonly objects?: StoredFiles['objects']
}): BackupResult {
  const { snapshot, unchanged, state, phases } = parts
  const { manifest } = snapshot
  const total = objectsOf([snapshot]).length
  return {
    snapshotId: manifest.id,
    collection: manifest.collection,
    epoch: manifest.epoch,
    lsn: manifest.lsn,
    committedAt: toCommittedAt(manifest),
    asOfAt: toInstant(state.pinnedAt),
    count: manifest.count,
    digest: manifest.digest,
    mode: manifest.mode,
    unchanged,
    destination: parts.repository.destination.url,
    manifest: { path: snapshot.place, sha256: snapshot.sha256 },
    golden: { ...manifest.golden, queries: manifest.golden.queries.length },
    sizes: unchanged ? { ...manifest.sizes, addedBytes: 0 } : manifest.sizes,
    objects: parts.objects ?? { total, written: 0, reused: total },
    parent: manifest.parent,
    ...(parts.objectLock && { objectLock: parts.objectLock }),
    phases: phases.times,
    durationMs: phases.totalMs,
  }
}

/** The commit time of the newest record, ISO 8601, or null when nothing was ever written. */
export const toCommittedAt = ({
  committedAtUs,
}: {
  readonly committedAtUs: number
}): string | null => (committedAtUs === 0 ? null : toInstant(committedAtUs / 1000))
