/** How long a step takes: from what runs before measured, else from a default that says so. */
import type { Takes } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'

export interface Estimate {
  readonly durationMs: number
  /** `measured`: median of runs in the ledger. `plan`: its author's word. `default`: nobody's. */
  readonly origin: 'measured' | 'plan' | 'default'
  /** What it rests on, in words: `median of 3 runs`. */
  readonly basis: string
}

/** What runs before measured, as far as a step asks. */
export interface History {
  /** Durations of passed runs of the step with this id and kind in the same sequence, oldest first. */
  durationsMs(step: string, kind: string): readonly number[]
}

export const noHistory: History = { durationsMs: () => [] }

/** Older runs say little about today's data. */
const runsCounted = 10

/** The median of the last ten passed runs; `fallbackMs` when there was none. */
export function estimateFrom(
  history: History,
  step: { readonly id: string; readonly kind: string },
  fallbackMs: number,
): Estimate {
  const durations = history.durationsMs(step.id, step.kind).slice(-runsCounted)
  const median = medianOf(durations)
  if (median === undefined) {
    return { durationMs: fallbackMs, origin: 'default', basis: 'never measured' }
  }
  const runs = durations.length === 1 ? '1 run' : `${durations.length} runs`
  return { durationMs: median, origin: 'measured', basis: `median of ${runs} in the ledger` }
}

/** What the plan says of a step counts as long as nobody measured it. */
export function estimateOr(estimate: Estimate, takes: Takes | undefined): Estimate {
  if (takes === undefined || estimate.origin === 'measured') return estimate
  const { minMs, likelyMs, maxMs } = takes
  const basis =
    minMs === maxMs ? 'by its word' : `${formatDuration(minMs)} to ${formatDuration(maxMs)}`
  return { durationMs: likelyMs, origin: 'plan', basis }
}

function medianOf(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const high = sorted[Math.floor(sorted.length / 2)]
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  return high === undefined || low === undefined ? undefined : (low + high) / 2
}
