/** What the end of a step means for those that follow. */
import { OperatingError } from '../../engine/index.ts'
import type { StepTask } from '../compile/task.ts'
import { isBad, type StepRecord } from '../step/record.ts'

/** How a list of tasks ended. */
export type Verdict = 'passed' | 'failed' | 'undo'

/** `passed`: the next one may start. Nothing goes on where a yes was asked for and not given. */
export function verdictOf({ onFailure, stepKind }: StepTask, record: StepRecord): Verdict {
  if (!isBad(record)) return 'passed'
  const mayGoOn = record.outcome === 'failed' && stepKind !== 'approve'
  if (mayGoOn && onFailure === 'continue') return 'passed'
  return onFailure === 'undo' ? 'undo' : 'failed'
}

/** What a step is told when one beside it failed. */
export const siblingFailed = ({ id }: StepTask): OperatingError =>
  new OperatingError(
    'step-failed',
    `stopped because step ${id} beside it failed`,
    `See what step ${id} says.`,
  )
