/**
 * What steps ask of repositories: is what lies there whole, and what does a snapshot promise. The
 * backup format is ours whatever the target is, so there is one implementation beside the tests'.
 */
import type { Expectation } from './expectation.ts'
import type { Work } from './target.ts'

export interface SnapshotVerifyRequest {
  readonly source: string
  readonly collection?: string
  readonly snapshotId?: string
  readonly depth: 'manifest' | 'objects' | 'content'
}

export interface VerifiedSnapshot {
  readonly collection: string
  readonly snapshotId: string
  readonly ok: boolean
  /** Position of the source that the snapshot holds, and the digest of its content. */
  readonly lsn: number
  readonly digest: string
}

export interface Verified {
  readonly snapshots: readonly VerifiedSnapshot[]
  readonly objects: number
  readonly bytes: number
  /** One sentence for each damaged or missing thing; empty when all is whole. */
  readonly damage: readonly string[]
}

export interface Repositories {
  /** Reads what is stored; damage is returned, not thrown. @throws `snapshot-not-found`, … */
  verify(request: SnapshotVerifyRequest, work: Work): Promise<Verified>
  /** Id of the newest snapshot of the collection. @throws `snapshot-not-found` */
  latest(source: string, collection: string): Promise<string>
  /** @throws `snapshot-not-found`, `damaged` */
  expectation(source: string, collection: string, snapshotId: string): Promise<Expectation>
}
