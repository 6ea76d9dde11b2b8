/**
 * What long work tells whoever watches. The engine reports; the command line and the planner draw.
 * `done` and `total` count `unit`s; `total` is absent where it is not known yet.
 */
export interface ProgressEvent {
  /** A stable word for the phase: `read`, `hash`, `upload`, `write`, `build-graph`, `load-graph`, … */
  readonly phase: string
  readonly unit: 'bytes' | 'points' | 'objects' | 'queries'
  readonly done: number
  readonly total?: number
}

export type Progress = (event: ProgressEvent) => void

export const noProgress: Progress = () => {}
