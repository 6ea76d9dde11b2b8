/** How a run ended. */

import type { RunOutcome } from '../ledger/ledger-line.ts'
import type { RecordedError, StepRecord } from '../step/record.ts'

export interface RunResult {
  readonly run: string
  readonly outcome: RunOutcome
  /** Of a resumed run: its first start. */
  readonly startedAt: number
  readonly endedAt: number
  /** Of a resumed run by the wall clock, with the time in which nothing ran. */
  readonly durationMs: number
  readonly records: readonly StepRecord[]
  readonly error?: RecordedError
  /** Something that should have been taken back was not. */
  readonly undoFailed: boolean
  /** An error outside the catalogue. The ledger has it; whoever called should let it out. */
  readonly bug?: unknown
}
