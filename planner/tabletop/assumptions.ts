/** What is assumed where neither the ledger nor the plan says anything. Milliseconds; every report names what it used. */
import { type Distribution, pert } from './distribution.ts'

const seconds = 1_000
const minutes = 60 * seconds

export interface Assumed {
  readonly distribution: Distribution
  readonly text: string
}

const assume = (min: number, likely: number, max: number, text: string): Assumed => ({
  distribution: pert(min, likely, max),
  text,
})

export const assumptions = {
  /** From the disaster until somebody or something raises the alarm. */
  noticed: assume(1 * minutes, 5 * minutes, 15 * minutes, '1 min to 15 min, mostly 5 min'),
  /** From the call until a person who is there has answered it. */
  answer: assume(1 * minutes, 3 * minutes, 10 * minutes, '1 min to 10 min, mostly 3 min'),
  /** An answer to one question that a procedure asks before it runs. */
  question: assume(30 * seconds, 2 * minutes, 10 * minutes, '30 s to 10 min, mostly 2 min'),
  /** How far an asynchronous standby is behind. */
  lag: assume(0, 1 * seconds, 10 * seconds, '0 ms to 10 s, mostly 1 s'),
} as const

/** After so long without an answer the next holder of a role is called. */
export const nextCallMs = 5 * minutes

/** How long it takes to find out that a place does not answer. */
export const unreachableMs = 10 * seconds

/** Around a default, or the only run that was measured: half of it to three times as long. */
export const aroundDefault = (durationMs: number): Distribution =>
  pert(durationMs / 2, durationMs, 3 * durationMs)
