/** Runs and their steps as reports show them. Plain JSON. */

import type { RunOutcome } from '../ledger/ledger-line.ts'
import type { AnySequence } from '../plan/plan.ts'
import { toIso } from '../step/observation.ts'
import type { Evidence, RecordedError, StageName, StepOutcome } from '../step/record.ts'
import type { LedgerRun, LedgerStep } from './ledger-run.ts'

export interface StepSummary {
  readonly step: string
  readonly kind: string
  readonly stage: StageName
  readonly outcome: StepOutcome
  readonly startedAt: string
  readonly durationMs: number
  readonly attempts: number
  /** Line of the ledger. */
  readonly line: number
  readonly remarks: readonly string[]
  readonly evidence: readonly Evidence[]
  readonly error?: RecordedError
}

export interface RunSummary {
  readonly run: string
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  /** `unfinished`: it still runs, or its process died. */
  readonly outcome: RunOutcome | 'unfinished'
  readonly startedAt: string
  readonly durationMs: number | null
  readonly line: number
  readonly planSha256: string
  readonly gitCommit: string | null
  readonly error?: RecordedError
  readonly steps: readonly StepSummary[]
  /** Times at which its process had died, from the last thing it wrote to the resumption. */
  readonly interruptions?: readonly { readonly lastSeenAt: string; readonly resumedAt: string }[]
}

export const summarise = (run: LedgerRun): RunSummary => ({
  run: run.run,
  sequence: run.sequence,
  outcome: run.ended?.outcome ?? 'unfinished',
  startedAt: toIso(run.startedAt),
  durationMs: run.ended?.durationMs ?? null,
  line: run.line,
  planSha256: run.planSha256,
  gitCommit: run.gitCommit,
  ...(run.ended?.error && { error: run.ended.error }),
  steps: run.steps.map(summariseStep),
  ...(run.interruptions.length > 0 && {
    interruptions: run.interruptions.map(({ lastSeenAt, resumedAt }) => ({
      lastSeenAt: toIso(lastSeenAt),
      resumedAt: toIso(resumedAt),
    })),
  }),
})

const summariseStep = ({ line, record }: LedgerStep): StepSummary => ({
  step: record.step,
  kind: record.kind,
  stage: record.stage,
  outcome: record.outcome,
  startedAt: record.startedAt,
  durationMs: record.durationMs,
  attempts: record.attempts,
  line,
  remarks: record.remarks,
  evidence: record.evidence,
  ...(record.error && { error: record.error }),
})
