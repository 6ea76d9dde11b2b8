/** Errors as records keep them: masked, without stacks. */
import { OperatingError } from '../../engine/index.ts'
import type { RecordedError } from '../step/record.ts'

export function recordError(error: unknown, redact: (text: string) => string): RecordedError {
  if (error instanceof OperatingError) {
    const { code, message, hint, place } = error.toJSON()
    return { code, message: redact(message), hint: redact(hint), ...(place && { place }) }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: 'bug',
    message: redact(message),
    hint: 'This is a bug in vectra-dr; please report it with the output of the command.',
  }
}
