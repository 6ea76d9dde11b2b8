/**
 * What a snapshot promises about the collection that is restored from it. A check holds the restored
 * collection against this, never against what the source says today.
 */
import type { Shape } from './shape.ts'

export interface ExpectedNeighbour {
  readonly id: string | number
  readonly distance: number
}

/** Exact neighbours at the snapshot's LSN, nearest first; the point itself is left out. */
export interface GoldenQuery {
  /** The stored point whose vector is searched. */
  readonly id: string | number
  readonly neighbours: readonly ExpectedNeighbour[]
}

export interface Expectation {
  readonly snapshotId: string
  readonly source: string
  readonly lsn: number
  readonly count: number
  /** Content digest, 64 hex digits. */
  readonly digest: string
  readonly shape: Shape
  readonly golden?: { readonly k: number; readonly queries: readonly GoldenQuery[] }
}
