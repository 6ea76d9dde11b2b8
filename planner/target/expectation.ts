/**
 * What a snapshot promises about the collection that is restored from it. A check holds the restored
 * collection against this, never against what the source says today.
 */
import type { Shape } from './shape.ts'

export interface ExpectedNeighbour {
  readonly id: string | number
  readonly distance: number
}

/** Exact neighbours at the snapshot's LSN, nearest first; a stored point is left out of its own. */
export interface GoldenQuery {
  /** The stored point whose vector is searched; the name of a question that has a vector of its own. */
  readonly id: string | number
  readonly vector?: Float32Array
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
