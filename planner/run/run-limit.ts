/** The time-out of a whole run. A resumed run has all of it again: it bounds work, not an outage. */
import { OperatingError, type Timer } from '../../engine/index.ts'
import type { TaskTree } from '../compile/task.ts'
import { showDuration } from '../step/quantity.ts'

export interface RunLimit {
  /** Aborted when the time is over, with the error that says so. */
  readonly signal: AbortSignal
  cancel(): void
}

/** Counts from now. */
export function limitRun({ timeoutMs }: TaskTree, timer: Timer): RunLimit {
  const controller = new AbortController()
  if (timeoutMs === undefined) return { signal: controller.signal, cancel: () => {} }
  const cancel = timer.after(timeoutMs, () =>
    controller.abort(
      new OperatingError(
        'step-failed',
        `the run took longer than its timeout of ${showDuration(timeoutMs)}`,
        'Find out which step took the time, or give the run a longer timeout.',
      ),
    ),
  )
  return { signal: controller.signal, cancel }
}
