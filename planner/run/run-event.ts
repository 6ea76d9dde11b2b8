/** What a run tells whoever watches. Renderers draw it; nothing in a run depends on them. */
import type { ProgressEvent } from '../../engine/index.ts'
import type { Stage, StepTask, TaskTree } from '../compile/task.ts'
import type { RunOutcome } from '../ledger/ledger-line.ts'
import type { RecordedError, StageName, StepRecord } from '../step/record.ts'

/** A step id is unique in its stage only. */
export interface StepKey {
  readonly stage: StageName
  readonly step: string
}

export type RunEvent =
  | {
      readonly kind: 'run-started'
      readonly run: string
      readonly at: number
      readonly tree: TaskTree
      /** Present when a run whose process died goes on: when it started first. */
      readonly startedAt?: number
    }
  | { readonly kind: 'stage-started'; readonly stage: Stage['name'] | 'undo' }
  | ({ readonly kind: 'step-started'; readonly task: StepTask; readonly attempt: number } & StepKey)
  | ({ readonly kind: 'progress'; readonly event: ProgressEvent } & StepKey)
  | ({ readonly kind: 'remark'; readonly text: string } & StepKey)
  | ({
      readonly kind: 'step-retried'
      readonly attempt: number
      readonly pauseMs: number
      readonly error: RecordedError
    } & StepKey)
  /** `earlier`: it ended before the run was resumed, and is not run again. */
  | ({
      readonly kind: 'step-ended'
      readonly record: StepRecord
      readonly earlier?: true
    } & StepKey)
  /** About the run itself, not about a step. */
  | { readonly kind: 'run-remark'; readonly text: string }
  | {
      readonly kind: 'run-ended'
      readonly run: string
      readonly outcome: RunOutcome
      readonly durationMs: number
      readonly error?: RecordedError
    }

export type RunObserver = (event: RunEvent) => void
