/** Verdicts: what was wanted, what was measured, and what proves it. Plain JSON; instants ISO 8601. */
import type { ObjectiveKind } from '../plan/plan.ts'
import type { Evidence } from '../step/record.ts'

/** `unproven`: never tested, or the test does not count. It never counts as met. */
export type VerdictKind = 'met' | 'missed' | 'unproven'

/** A line of the ledger and what it vouches for. */
export interface EvidenceReference {
  readonly run: string
  readonly step: string
  readonly line: number
  readonly artefacts: readonly Evidence[]
}

/** A moment of a recovery, and how long after its start it came. */
export interface Phase {
  readonly name:
    | 'disaster'
    | 'run started'
    | 'restored'
    | 'verified'
    | 'decided'
    | 'fenced'
    | 'promoted'
    | 'switched'
    | 'answered'
    | 'serving'
    | 'checked'
  readonly at: string
  readonly afterMs: number
}

/** What stands behind an actual, as far as it was measured. */
export interface Measured {
  /** RTO: what it is counted from; `since` is the word of who started a recovery. */
  readonly countedFrom?: 'disaster' | 'since' | 'run start'
  readonly phases?: readonly Phase[]
  /** RPO: acknowledged log records that did not come back. */
  readonly recordsLost?: number
  readonly lastAcknowledgedLsn?: number
  readonly recoveryPointLsn?: number
  /** RPO: when the source was last seen at the recovery point. */
  readonly asOfAt?: string
  readonly disasterAt?: string
  /** Recall: at this k, over so many queries, against this truth. */
  readonly k?: number
  readonly queries?: number
  readonly truth?: string
}

export interface Verdict {
  readonly collection: string
  readonly objective: ObjectiveKind
  readonly verdict: VerdictKind
  /** Milliseconds for rpo and rto, 0 to 1 for recall. */
  readonly wanted: number
  /** In the unit of `wanted`; null when nothing was measured. */
  readonly actual: number | null
  /** By how much the objective was missed, in the same unit; 0 or less when it was met. */
  readonly gap: number | null
  /** Sentences: why it is not met, and what a reader should know. */
  readonly reasons: readonly string[]
  readonly measuredAt: string | null
  readonly run: string | null
  readonly measured: Measured
  readonly evidence: readonly EvidenceReference[]
}
