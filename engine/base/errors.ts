/**
 * Operating errors: everything that can go wrong without the program being wrong.
 *
 * One class and one catalogue. A code is stable: scripts and reports may rely on it. Messages say what
 * happened and where; hints say what to do next. Only the two `cli/main.ts` turn `exitCode` into a
 * process exit, only `server/` turns it into an HTTP status. Bugs are not in here: they are thrown by
 * `node:assert` and exit 1 with a stack.
 */

/** Exit codes of both commands, as documented for users. */
export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  objectiveMissed: 3,
  planInvalid: 10,
  locked: 11,
  unreachable: 12,
  damaged: 13,
  notFound: 14,
  stepFailed: 15,
  undoFailed: 16,
  refused: 17,
  interrupted: 130,
  outputClosed: 141,
  terminated: 143,
} as const

/** Stable code → exit code. A new error is a line here and nowhere else. */
export const errorCatalogue = {
  // the command, a flag, a name or a value is not acceptable
  usage: exitCodes.usage,
  'invalid-name': exitCodes.usage,
  'invalid-vector': exitCodes.usage,
  'invalid-point': exitCodes.usage,
  'invalid-filter': exitCodes.usage,
  'invalid-config': exitCodes.usage,
  'invalid-input-file': exitCodes.usage,
  'unsupported-destination': exitCodes.usage,
  'collection-exists': exitCodes.usage,
  'snapshot-exists': exitCodes.usage,
  'snapshot-kept': exitCodes.usage,
  'file-exists': exitCodes.usage,
  'limit-exceeded': exitCodes.usage,
  'request-too-large': exitCodes.usage,
  'index-unavailable': exitCodes.usage,
  'not-offered': exitCodes.usage,
  'address-refused': exitCodes.usage,
  // an objective was measured and missed, or could not be proven
  'objective-missed': exitCodes.objectiveMissed,
  // the plan was looked at, and cannot keep what it promises
  'plan-falls-short': exitCodes.objectiveMissed,
  // the written runbook was compared, and says something else than the plan
  'runbook-outdated': exitCodes.objectiveMissed,
  // the plan
  'plan-invalid': exitCodes.planInvalid,
  'plan-too-large': exitCodes.planInvalid,
  // somebody else holds it
  locked: exitCodes.locked,
  'object-locked': exitCodes.locked,
  // another node writes: a standby, a copy fenced by a newer epoch, a standby that has not confirmed yet
  'not-primary': exitCodes.locked,
  fenced: exitCodes.locked,
  'not-confirmed': exitCodes.unreachable,
  // the machine or the network does not let us
  unreachable: exitCodes.unreachable,
  'disk-full': exitCodes.unreachable,
  'disk-refused': exitCodes.unreachable,
  'disk-error': exitCodes.unreachable,
  'fsync-failed': exitCodes.unreachable,
  // damage found
  damaged: exitCodes.damaged,
  'missing-file': exitCodes.damaged,
  'unsafe-name': exitCodes.damaged,
  'unsafe-entry': exitCodes.damaged,
  'newer-format': exitCodes.damaged,
  'digest-mismatch': exitCodes.damaged,
  'possible-loss': exitCodes.damaged,
  rollback: exitCodes.damaged,
  divergence: exitCodes.damaged,
  'archive-gap': exitCodes.damaged,
  'log-gap': exitCodes.damaged,
  'suspicious-backup': exitCodes.damaged,
  'ledger-broken': exitCodes.damaged,
  // named things that are not there
  'collection-not-found': exitCodes.notFound,
  'snapshot-not-found': exitCodes.notFound,
  'moment-not-found': exitCodes.notFound,
  'repository-not-found': exitCodes.notFound,
  'point-not-found': exitCodes.notFound,
  'file-not-found': exitCodes.notFound,
  'plan-not-found': exitCodes.notFound,
  'name-not-found': exitCodes.notFound,
  'bucket-not-found': exitCodes.notFound,
  // a key, token or credential is missing, wrong or not trusted
  'key-refused': exitCodes.refused,
  'signature-refused': exitCodes.refused,
  'credential-refused': exitCodes.refused,
  // runs
  'step-failed': exitCodes.stepFailed,
  'check-failed': exitCodes.stepFailed,
  'command-failed': exitCodes.stepFailed,
  'unexpected-answer': exitCodes.stepFailed,
  declined: exitCodes.stepFailed,
  'undo-failed': exitCodes.undoFailed,
  interrupted: exitCodes.interrupted,
  'output-closed': exitCodes.outputClosed,
  terminated: exitCodes.terminated,
} as const satisfies Record<string, number>

export type ErrorCode = keyof typeof errorCatalogue

/** Where it happened. Everything optional: say what is known. */
export interface ErrorPlace {
  readonly file?: string
  readonly offset?: number
  readonly lsn?: number
  readonly line?: number
  readonly column?: number
}

export interface OperatingErrorOptions {
  readonly place?: ErrorPlace
  readonly cause?: unknown
  /** Several findings reported at once (all errors of a plan, all damaged objects of a repository). */
  readonly details?: readonly unknown[]
}

/** The one error class of the product. Throw it through {@link fail} or `new`. */
export class OperatingError extends Error {
  override readonly name = 'OperatingError'
  readonly code: ErrorCode
  readonly hint: string
  readonly place: ErrorPlace
  readonly details: readonly unknown[]

  constructor(code: ErrorCode, message: string, hint: string, options: OperatingErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = hint
    this.place = options.place ?? {}
    this.details = options.details ?? []
  }

  get exitCode(): number {
    return errorCatalogue[this.code]
  }

  /** The record that `--json`, the ledger and other threads see. */
  toJSON(): SerialisedError {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      exitCode: this.exitCode,
      ...(Object.keys(this.place).length > 0 && { place: this.place }),
      ...(this.details.length > 0 && { details: this.details }),
    }
  }
}

export interface SerialisedError {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly exitCode: number
  readonly place?: ErrorPlace
  readonly details?: readonly unknown[]
}

/** Throws the operating error `code`. Returns `never`, so callers narrow after it. */
export function fail(
  code: ErrorCode,
  message: string,
  hint: string,
  options?: OperatingErrorOptions,
): never {
  throw new OperatingError(code, message, hint, options)
}

/** Revives an error that crossed a thread or process boundary. */
export function fromSerialised(error: SerialisedError): OperatingError {
  return new OperatingError(error.code, error.message, error.hint, {
    ...(error.place && { place: error.place }),
    ...(error.details && { details: error.details }),
  })
}

/** Whether `error` is the operating error with one of `codes` (any, when none is given). */
export function isOperatingError(error: unknown, ...codes: ErrorCode[]): error is OperatingError {
  return error instanceof OperatingError && (codes.length === 0 || codes.includes(error.code))
}

/** Whether an error is about a whole store, and so says nothing of the value that was asked for. */
export const isOfStore = (code: ErrorCode): boolean =>
  code === 'unreachable' || code === 'credential-refused' || code === 'bucket-not-found'
