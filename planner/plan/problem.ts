/** One thing that is wrong with a plan, before and after it has a place in the file. */
import type { Place } from './place.ts'

/** Stable word for the kind of problem; scripts may rely on it. */
export type ProblemRule =
  | 'encoding'
  | 'too-large'
  | 'yaml-syntax'
  | 'yaml-feature'
  | 'duplicate-key'
  | 'forbidden-key'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-type'
  | 'wrong-value'
  | 'unknown-name'
  | 'unknown-variable'
  | 'missing-variable'
  | 'circle'
  | 'never-runs'
  | 'collision'
  | 'unconfirmed'

/** Found while reading the text: it stands at an offset. */
export interface TextProblem {
  readonly rule: ProblemRule
  /** UTF-16 offset in the text. */
  readonly offset: number
  readonly path: string
  readonly message: string
  readonly hint?: string
}

/** Found in the values: it stands at a key or a value of the document. */
export interface ValueProblem {
  readonly rule: ProblemRule
  /** JSON pointer of the value. */
  readonly pointer: string
  /** Point at the key that introduces the value rather than at the value. */
  readonly atKey: boolean
  readonly message: string
  readonly hint?: string
}

/** What a person gets to see: `formatPlanErrors` prints it, `--json` gives it as it is. */
export interface PlanError extends Place {
  readonly rule: ProblemRule
  readonly message: string
  readonly hint?: string
  /** The line of the file, clipped around the column where it is long. */
  readonly source: string
  /** Column in {@link source} that the caret points at, from 1. */
  readonly caret: number
}
