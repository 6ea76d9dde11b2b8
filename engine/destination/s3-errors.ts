/**
 * From what the SDK throws to what people can act on: a stable code, the place, the store's own code, the
 * HTTP status, the number of tries and the request's id, which is what a provider's support asks for.
 *
 * Nothing of the request is repeated: no header, no signature, no address that could carry a secret.
 */
import { type ErrorCode, isOperatingError, OperatingError } from '../base/errors.ts'
import type { S3Location } from './s3-url.ts'

/** What is known of a failure, whatever shape it came in. */
interface Failure {
  /** The store's own code, or Node's for a network error. */
  readonly code: string
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly attempts: number
  readonly message: string
}

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** Reads what there is to know of anything that was thrown. */
export function readFailure(error: unknown): Failure {
  const fields = asObject(error)
  const metadata = asObject(fields['$metadata'])
  const status = metadata['httpStatusCode']
  const attempts = metadata['attempts']
  const name = error instanceof Error ? error.name : undefined
  return {
    code: asText(fields['Code']) ?? asText(fields['code']) ?? name ?? 'unknown',
    status: typeof status === 'number' ? status : undefined,
    requestId: asText(metadata['requestId']) ?? asText(metadata['extendedRequestId']),
    attempts: typeof attempts === 'number' ? attempts : 1,
    message: error instanceof Error ? error.message : '',
  }
}

const expiredCodes = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']

/** Whether the store says that the credentials were good once. */
export const isExpired = (error: unknown): boolean => expiredCodes.includes(readFailure(error).code)

/** Whether the store says that there is no such value; a missing bucket is another matter. */
export function isAbsent(error: unknown): boolean {
  const { code, status } = readFailure(error)
  return status === 404 && code !== 'NoSuchBucket'
}

/** Whether the store answered with one of these HTTP statuses. */
export const hasStatus = (error: unknown, ...statuses: number[]): boolean =>
  statuses.includes(readFailure(error).status ?? 0)

const networkCodes =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|ERR_(TLS|SSL|HTTP2)|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/
const credentialCodes = [
  'CredentialsProviderError',
  'TokenProviderError',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'AccessDenied',
  'AllAccessDisabled',
  'AccountProblem',
  ...expiredCodes,
]
const regionCodes = [
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]
const transitCodes = [
  'BadDigest',
  'InvalidDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
]
const fullCodes = ['QuotaExceeded', 'InsufficientStorage', 'EntityTooLarge', 'InsufficientCapacity']

/** Code and hint for a failure. */
function classify(
  { code, status, message }: Failure,
  { bucket, endpoint, region }: S3Location,
): { readonly code: ErrorCode; readonly hint: string } {
  const of = (errorCode: ErrorCode, hint: string) => ({ code: errorCode, hint })
  if (code === 'NoSuchBucket') {
    return of(
      'bucket-not-found',
      `Make the bucket ${bucket} first, or correct the name; nothing makes it by itself.`,
    )
  }
  if (code === 'Error' && /region is missing/i.test(message)) {
    return of('usage', 'Say which: ?region=eu-central-1 in the URL, AWS_REGION, or the profile.')
  }
  if (regionCodes.includes(code) || (status !== undefined && status >= 300 && status < 400)) {
    const now = region === undefined ? '' : ` instead of ${region}`
    return of(
      'usage',
      `The bucket lives elsewhere: give its region${now} with ?region=… in the URL. Redirects are not followed.`,
    )
  }
  if (credentialCodes.includes(code) || status === 403 || status === 401) {
    return of('credential-refused', credentialHint(code))
  }
  if (code === 'NotImplemented' || status === 501) {
    return of(
      'unsupported-destination',
      'The store cannot do this; see vectra-cli repository probe.',
    )
  }
  if (fullCodes.includes(code) || status === 507) {
    return of('disk-full', 'Free or order space at the store, then run the command again.')
  }
  if (transitCodes.includes(code)) {
    return of(
      'damaged',
      'Bytes were changed on the way to the store. Nothing was stored; run the command again.',
    )
  }
  const away = `Check ${endpoint ?? 'the network and the region'}, then run the command again; what is stored already is not sent twice.`
  return of('unreachable', away)
}

function credentialHint(code: string): string {
  if (code === 'CredentialsProviderError') {
    return 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached.'
  }
  if (code === 'AccessDenied') {
    return 'The role needs s3:ListBucket, s3:GetObject and s3:PutObject, for locks s3:PutObjectRetention, to prune s3:DeleteObject.'
  }
  return 'Check the access key, its secret, its session token and the clock of this machine.'
}

/** An operating error as it is, a failure of the store or the network as one, a bug as the bug it is. */
export function toOperatingError(error: unknown, place: string, location: S3Location): unknown {
  if (isOperatingError(error)) return error
  const failure = readFailure(error)
  const isOfStore =
    failure.status !== undefined ||
    networkCodes.test(failure.code) ||
    credentialCodes.includes(failure.code) ||
    /region is missing|retry token/i.test(failure.message) ||
    ['TimeoutError', 'AbortError', 'Parse Error', 'HPE_INVALID_CONSTANT'].includes(failure.code)
  if (!isOfStore && !isSyntaxOfAnswer(error)) return error
  const { code, hint } = classify(failure, location)
  return new OperatingError(code, `${place}: ${describe(failure)}`, hint, {
    place: { file: place },
    cause: withoutRequest(error),
  })
}

/** The SDK's error carries the whole request, its signature included. */
const withoutRequest = (error: unknown): unknown =>
  error instanceof Error ? new Error(`${error.name}: ${error.message}`) : undefined

/** An answer that was no XML, or broke off inside it. */
const isSyntaxOfAnswer = (error: unknown): boolean =>
  error instanceof Error && '$responseBodyText' in error

function describe({ code, status, requestId, attempts }: Failure): string {
  const details = [
    ...(status === undefined ? [] : [`HTTP ${status}`]),
    ...(requestId === undefined ? [] : [`request ${requestId}`]),
    ...(attempts > 1 ? [`after ${attempts} tries`] : []),
  ]
  const what = explanations[code] ?? `the store answers ${code}`
  return details.length === 0 ? what : `${what} (${details.join(', ')})`
}

const explanations: Readonly<Record<string, string>> = {
  CredentialsProviderError: 'there are no AWS credentials',
  AccessDenied: 'the store refuses access (AccessDenied)',
  NoSuchBucket: 'there is no such bucket',
  ENOTFOUND: 'the host is not known (ENOTFOUND)',
  ECONNREFUSED: 'nobody answers (ECONNREFUSED)',
  ECONNRESET: 'the connection broke (ECONNRESET)',
  TimeoutError: 'the store did not answer in time',
  Error: 'the region is missing',
}
