/** Several runs, one exit code. */
import { fail, OperatingError } from '../../engine/index.ts'

/** One error for all: the highest exit code decides, and every message is told. `failures` is not empty. */
export function worstFailure(failures: readonly OperatingError[]): OperatingError {
  const [worst, second] = [...failures].sort((a, b) => b.exitCode - a.exitCode)
  if (worst === undefined || second === undefined) return worst ?? fail('step-failed', 'failed', '')
  const message = failures.map((failure) => failure.message).join('; ')
  return new OperatingError(worst.code, message, worst.hint, { details: failures })
}
