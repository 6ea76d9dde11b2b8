/**
 * What is left of a step: the same record whether it passed or failed.
 *
 * It is kept in the ledger, read by later steps of the run, by the audit and by the renderers. Values
 * of environment variables never stand in it. Instants are ISO 8601 in UTC, durations milliseconds on
 * the monotonic clock.
 */
import type { JsonObject, SerialisedError } from '../../engine/index.ts'

/** Something that proves a claim, and the SHA-256 of its bytes. */
export interface Evidence {
  /** A path below the state directory, or `<destination>:<path>` for what stands there. */
  readonly artefact: string
  readonly sha256: string
}

export type StageName = 'steady-before' | 'steps' | 'steady-after' | 'undo' | 'always'

/**
 * `cancelled`: a sibling failed or the run was interrupted while it ran. `skipped`: it never started.
 */
export type StepOutcome = 'passed' | 'failed' | 'cancelled' | 'skipped'

/** An operating error as the ledger keeps it; `bug` stands for an error outside the catalogue. */
export interface RecordedError {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly place?: NonNullable<SerialisedError['place']>
}

export interface StepRecord {
  /** The step's id, unique in its sequence. */
  readonly step: string
  readonly kind: string
  readonly stage: StageName
  readonly outcome: StepOutcome
  readonly startedAt: string
  readonly endedAt: string
  readonly durationMs: number
  /** Tries made, 1 unless it was retried. */
  readonly attempts: number
  readonly inputs: JsonObject
  readonly outputs: JsonObject
  readonly evidence: readonly Evidence[]
  /** What the step said while it ran; bounded. */
  readonly remarks: readonly string[]
  readonly error?: RecordedError
  /** Of a skipped one: it waits for a failure, or for none, and the run went the other way. That is well. */
  readonly because?: 'condition'
  /** Present when a process that died had begun the step: then the times above are not those of a whole run of it. */
  readonly interrupted?: {
    /** When it began first. */
    readonly at: string
    readonly verdict: 'done' | 'repeat'
    readonly by: 'examination' | 'person'
  }
}

/** Whether the run cannot pass with it: a step that waited for another turn of things is well. */
export const isBad = ({ outcome, because }: StepRecord): boolean =>
  outcome !== 'passed' && because === undefined
