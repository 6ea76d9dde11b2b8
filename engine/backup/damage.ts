/** What a verification found wrong, and which snapshots and files need it. */
import type { SnapshotSet } from '../repository/read-snapshots.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { pieceSize } from '../repository/snapshot-manifest.ts'
import type { ObjectProblem, ObjectProblemKind } from './check-objects.ts'
import type { ContentProof } from './verify-content.ts'

/** What needs a damaged object. */
export interface Need {
  readonly collection: string
  readonly snapshotId: string
  readonly path: string
  readonly piece: number
}

export interface Damage {
  readonly kind: 'manifest' | ObjectProblemKind | 'content' | 'archive' | 'archive-gap'
  readonly key: string
  /** Where it stands. */
  readonly place: string
  /** A sentence. */
  readonly problem: string
  readonly neededBy: readonly Need[]
}

/** The damage that an unreadable snapshot manifest is. */
export function toManifestDamage(
  repository: Repository,
  { key, error, collection, id }: SnapshotSet['unreadable'][number],
): Damage {
  return {
    kind: 'manifest',
    key,
    place: repository.destination.locate(key),
    problem: error.message,
    neededBy: [{ collection, snapshotId: id, path: '', piece: 0 }],
  }
}

/** The damage that a bad object is, with the snapshots and files that need it. */
export function toObjectDamage(found: ObjectProblem, snapshots: readonly StoredSnapshot[]): Damage {
  const { kind, key, place, sha256, sizeBytes, problem } = found
  const neededBy: Need[] = []
  for (const { manifest } of snapshots) {
    for (const { path, sizeBytes: fileBytes, pieces } of manifest.files) {
      for (const [piece, { sha256: hash }] of pieces.entries()) {
        if (hash !== sha256 || pieceSize(fileBytes, piece) !== sizeBytes) continue
        const { id, collection } = manifest
        neededBy.push({ collection: collection.name, snapshotId: id, path, piece })
      }
    }
  }
  return { kind, key, place, problem: `${place} ${problem}`, neededBy }
}

/** The damage that a snapshot is which somebody has changed after it was signed. */
export function toSignatureDamage({ manifest, key, place, signature }: StoredSnapshot): Damage[] {
  if (signature.status !== 'wrong') return []
  const { id, collection } = manifest
  const neededBy = [{ collection: collection.name, snapshotId: id, path: '', piece: 0 }]
  const problem = `${place} was changed after it was signed: its signature does not fit`
  return [{ kind: 'manifest', key, place, problem, neededBy }]
}

/** The damage that a snapshot is whose content cannot be proven. */
export function toContentDamage(
  { manifest, key, place }: StoredSnapshot,
  proof: ContentProof,
): Damage {
  const { id, collection } = manifest
  return {
    kind: 'content',
    key,
    place,
    problem: `${collection.name} ${id}: ${proof.problem ?? 'its content could not be proven'}`,
    neededBy: [{ collection: collection.name, snapshotId: id, path: '', piece: 0 }],
  }
}

/** Whether any of `damage` touches the snapshot. */
export const isDamaged = ({ manifest }: StoredSnapshot, damage: readonly Damage[]): boolean =>
  damage.some(({ neededBy }) =>
    neededBy.some(
      (need) => need.collection === manifest.collection.name && need.snapshotId === manifest.id,
    ),
  )
