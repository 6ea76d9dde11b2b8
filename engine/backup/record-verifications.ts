/**
 * Leaving a record of a verification beside each snapshot that it looked at, at the destination that was
 * verified: what "last verified, and how" is answered from (repository/verifications.ts).
 */
import { hostname } from 'node:os'
import { isOperatingError } from '../base/errors.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import { pieceSize } from '../repository/snapshot-manifest.ts'
import { writeVerification } from '../repository/verifications.ts'
import { type Damage, isDamaged } from './damage.ts'

export interface VerifiedPart {
  readonly depth: 'manifest' | 'objects'
  /** Hashes of the objects that were read; undefined: all. */
  readonly read: ReadonlySet<string> | undefined
  /** Snapshots whose content was proven, or found wrong. */
  readonly proven: ReadonlySet<StoredSnapshot>
  /** ISO 8601. */
  readonly verifiedAt: string
}

/** @returns undefined; or why nothing was recorded, where nothing may be written */
export async function recordVerifications(
  repository: Repository,
  snapshots: readonly StoredSnapshot[],
  damage: readonly Damage[],
  { depth, read, proven, verifiedAt }: VerifiedPart,
): Promise<string | undefined> {
  try {
    for (const snapshot of snapshots) {
      const { manifest, sha256 } = snapshot
      const isProven = proven.has(snapshot)
      await writeVerification(repository, {
        collection: manifest.collection.name,
        snapshotId: manifest.id,
        manifestSha256: sha256,
        depth: isProven ? 'content' : depth,
        ok: !isDamaged(snapshot, damage),
        problem: damage.find((each) => isDamaged(snapshot, [each]))?.problem ?? null,
        // a restore reads all of it
        readShare: isProven ? 1 : depth === 'manifest' ? 0 : shareRead(snapshot, read),
        verifiedAt,
        host: hostname(),
      })
    }
    await repository.destination.flush()
    return undefined
  } catch (error) {
    if (!isOperatingError(error, 'disk-refused', 'credential-refused', 'disk-full')) throw error
    return `the verification was not recorded: ${error.message}`
  }
}

/** Of the bytes of its distinct objects. */
function shareRead({ manifest }: StoredSnapshot, read: ReadonlySet<string> | undefined): number {
  if (read === undefined) return 1
  const sizes = new Map<string, number>()
  for (const { pieces, sizeBytes } of manifest.files) {
    for (const [index, { sha256 }] of pieces.entries())
      sizes.set(sha256, pieceSize(sizeBytes, index))
  }
  let all = 0
  let seen = 0
  for (const [sha256, bytes] of sizes) {
    all += bytes
    if (read.has(sha256)) seen += bytes
  }
  return all === 0 ? 1 : seen / all
}
