/** What the end of a step means for those that follow. */
import type { StepTask } from '../compile/task.ts'
import { isBad, type StepRecord } from '../step/record.ts'

/** How a list of tasks ended. */
export type Verdict = 'passed' | 'failed' | 'undo'

/** `passed`: the next one may start. */
export function verdictOf({ onFailure }: StepTask, record: StepRecord): Verdict {
  if (!isBad(record) || (record.outcome === 'failed' && onFailure === 'continue')) return 'passed'
  return onFailure === 'undo' ? 'undo' : 'failed'
}
