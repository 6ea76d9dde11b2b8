/**
 * What a collection must be: plain maps, one for every LSN of a history. Nothing of the engine is in
 * here but the meaning of ids and digests.
 */
import type { CollectionConfig } from '../../engine/format/config.ts'
import type { PointId } from '../../engine/format/point.ts'
import { modelDigest, type TestPoint } from './collections.ts'

export type Points = ReadonlyMap<PointId, TestPoint>

interface State {
  readonly lsn: number
  readonly points: Points
}

export class ModelHistory {
  readonly #states: State[]

  /** Starts with `points` at `lsn`: a new collection, or what was restored. */
  constructor(lsn = 0, points: Points = new Map()) {
    this.#states = [{ lsn, points }]
  }

  /** LSN of the newest operation. Digest records of the engine may have later ones. */
  get lsn(): number {
    return this.#newest.lsn
  }

  get points(): Points {
    return this.#newest.points
  }

  record(lsn: number, change: (points: Map<PointId, TestPoint>) => void): void {
    if (lsn <= this.lsn) throw new Error(`LSN ${lsn} was given after ${this.lsn}`)
    const points = new Map(this.points)
    change(points)
    this.#states.push({ lsn, points })
  }

  /** The points after every operation up to `lsn`. */
  at(lsn: number): Points {
    const state = this.#states.findLast((each) => each.lsn <= lsn)
    if (state === undefined) throw new Error(`LSN ${lsn} is before this history`)
    return state.points
  }

  /** A crash took what came after `lsn`; the numbers are given again. */
  cut(lsn: number): void {
    while (this.lsn > lsn) this.#states.pop()
  }

  get #newest(): State {
    const newest = this.#states.at(-1)
    if (newest === undefined) throw new Error('a history has a first state')
    return newest
  }
}

export interface SnapshotState {
  readonly lsn: number
  readonly points: Points
}

/** The model of one sequence of commands: a collection, and the snapshots taken of it. */
export interface ModelState {
  readonly config: CollectionConfig
  history: ModelHistory
  readonly snapshots: Map<string, SnapshotState>
  /** Snapshot ids are never used twice. */
  snapshotsTaken: number
}

export const digestOf = (points: Points, config: CollectionConfig): string =>
  modelDigest(points.values(), config)
