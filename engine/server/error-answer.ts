/**
 * How a failure is answered: the only place that knows which operating error is which HTTP status.
 *
 * The shape is Qdrant's, `{"status": {"error": …}, "time": …}`; beside it `vectra` holds the whole operating
 * error, from which our own client makes the same one again.
 */
import {
  type ErrorCode,
  errorCatalogue,
  exitCodes,
  OperatingError,
  type SerialisedError,
} from '../base/errors.ts'

export interface ErrorBody {
  readonly status: { readonly error: string }
  /** Seconds. */
  readonly time: number
  readonly vectra?: SerialisedError
}

/** Where the status of the exit code would say too little. */
const statusOfCode: Partial<Record<ErrorCode, number>> = {
  'collection-exists': 409,
  'snapshot-exists': 409,
  'snapshot-kept': 409,
  'file-exists': 409,
  divergence: 409,
  'address-refused': 403,
  'request-too-large': 413,
  'not-offered': 501,
  'index-unavailable': 501,
  'disk-full': 507,
  'credential-refused': 401,
}

const statusOfExit: Readonly<Record<number, number>> = {
  [exitCodes.usage]: 400,
  [exitCodes.locked]: 409,
  [exitCodes.unreachable]: 503,
  [exitCodes.damaged]: 500,
  [exitCodes.notFound]: 404,
  [exitCodes.refused]: 403,
  [exitCodes.interrupted]: 503,
  [exitCodes.terminated]: 503,
}

/** The HTTP status of an operating error. */
export const statusOf = (code: ErrorCode): number =>
  statusOfCode[code] ?? statusOfExit[errorCatalogue[code]] ?? 500

/** Status and body for whatever was thrown. A bug tells its message to the log, not to the client. */
export function toErrorAnswer(
  error: unknown,
  seconds: number,
): { readonly status: number; readonly body: ErrorBody } {
  if (!(error instanceof OperatingError)) {
    const message = 'an internal error; the log of the server has more'
    return { status: 500, body: { status: { error: message }, time: seconds } }
  }
  const message = error.hint === '' ? error.message : `${error.message}. ${error.hint}`
  const body = { status: { error: message }, time: seconds, vectra: error.toJSON() }
  return { status: statusOf(error.code), body }
}
