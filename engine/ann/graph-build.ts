/** What the steps of building a graph hand to each other, and to threads. */
import type { RunOptions } from '../base/thread-pool.ts'
import type { Metric } from '../format/config.ts'
import type { GraphSettings } from '../format/graph-file.ts'
import type { Half } from './halves.ts'
import type { StopFlag } from './stop-flag.ts'
import type { VectorBlock } from './vector-block.ts'

export interface BuildSettings {
  /** Number of the segment whose vectors these are. It is written into the graph file. */
  readonly segment: number
  readonly metric: Metric
  readonly m: number
  readonly efConstruction: number
  /** Unsigned 32-bit. The same vectors, settings and seed give the same bytes. */
  readonly seed: number
}

/** What the worker's task `build` is given. */
export interface BuildTask {
  readonly block: VectorBlock
  readonly settings: BuildSettings
  /** The half of the points that the graph is for; all of them when absent. */
  readonly half?: Half
  readonly scratchFile: string
  readonly stop: StopFlag
}

/** A build on its way: who runs its tasks, and how it is given up. */
export interface Build {
  readonly block: VectorBlock
  readonly settings: BuildSettings
  readonly scratchDirectory: string
  readonly stop: StopFlag
  /** How many of its tasks run side by side. */
  readonly threads: number
  /** Runs a task on a thread for builds. */
  run<Result>(task: string, input: object, options?: RunOptions): Promise<Result>
  /** Given the number of points that are done. */
  progress(done: number): void
}

/** What the worker's task `build-half` is given. Its settings are those of the half. */
export interface HalfTask extends BuildTask {
  readonly half: Half
}

/** One half, in memory that threads share. */
export interface BuiltHalf {
  /** The graph file of the half, checked; its elements are the indices of the half. */
  readonly graph: Uint8Array
  /** For each point of the other half as many ordinals of this one, nearest first, as {@link linksAcross}. */
  readonly across: Uint32Array
}

/** Both halves, and what their graph files must say of themselves. */
export interface Halves {
  readonly built: readonly [BuiltHalf, BuiltHalf]
  readonly settings: readonly [GraphSettings, GraphSettings]
}

/** How many neighbours a point is given in the other half: at most, where the half is small. */
export const linksAcross = (m: number): number => Math.max(4, m >> 1)

/** Stands in `across` where fewer points were found. */
export const notFound = 0xffffffff

/** What the worker's task `join-links` is given: it makes level 0 of the points from…to − 1. */
export interface JoinTask {
  readonly halves: Halves
  readonly block: VectorBlock
  readonly from: number
  readonly to: number
  readonly stop: StopFlag
}

/** What the worker's task `finish-join` is given. */
export interface FinishTask {
  readonly halves: Halves
  /** Settings of the joined graph. */
  readonly settings: GraphSettings
  /** Level 0 as the tasks `join-links` made it, in order. */
  readonly level0: readonly Uint32Array[]
}
