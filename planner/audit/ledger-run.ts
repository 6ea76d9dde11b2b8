/** Entries of the ledger, put together to runs. */

import type { LedgerEntry, RunOutcome } from '../ledger/ledger-line.ts'
import type { AnySequence, ObjectiveKind } from '../plan/plan.ts'
import type { RecordedError, StepRecord } from '../step/record.ts'

export interface LedgerStep {
  /** Line of the ledger. */
  readonly line: number
  readonly record: StepRecord
}

export interface LedgerRun {
  readonly run: string
  readonly line: number
  readonly planSha256: string
  readonly gitCommit: string | null
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly proves: readonly ObjectiveKind[]
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** Absent while it runs, and for ever when its process died. */
  readonly ended?: {
    readonly at: number
    readonly outcome: RunOutcome
    readonly durationMs: number
    readonly error?: RecordedError
  }
  /** In the order in which they ended. */
  readonly steps: readonly LedgerStep[]
  /** Times at which its process had died and another one went on. */
  readonly interruptions: readonly Interruption[]
}

/** Epoch milliseconds: the last line that the dead process wrote, and the first of the one that went on. */
export interface Interruption {
  readonly lastSeenAt: number
  readonly resumedAt: number
}

type Building = { -readonly [Key in keyof LedgerRun]: LedgerRun[Key] } & {
  steps: LedgerStep[]
  interruptions: Interruption[]
  lastSeenAt: number
}

/** The runs of the plan named `plan`, oldest first. */
export function runsOf(plan: string, entries: readonly LedgerEntry[]): LedgerRun[] {
  const runs = new Map<string, Building>()
  for (const entry of entries) {
    if (entry.plan !== plan) continue
    if (entry.kind === 'run-started') {
      const { run, line, planSha256, gitCommit, sequence, proves } = entry
      const startedAt = Date.parse(entry.at)
      const known = { run, line, planSha256, gitCommit, sequence, proves, startedAt }
      runs.set(run, { ...known, steps: [], interruptions: [], lastSeenAt: startedAt })
      continue
    }
    const run = runs.get(entry.run)
    if (run === undefined) continue
    const at = Date.parse(entry.at)
    if (entry.kind === 'run-resumed') {
      run.interruptions.push({ lastSeenAt: run.lastSeenAt, resumedAt: at })
    }
    run.lastSeenAt = at
    if (entry.kind === 'step') run.steps.push({ line: entry.line, record: entry.record })
    if (entry.kind === 'run-ended') {
      run.startedAt = Date.parse(entry.startedAt)
      run.ended = {
        at: Date.parse(entry.endedAt),
        outcome: entry.outcome,
        durationMs: entry.durationMs,
        ...(entry.error && { error: entry.error }),
      }
    }
  }
  return [...runs.values()]
}
