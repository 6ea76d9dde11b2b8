/**
 * `s3://bucket/prefix?region=…&endpoint=…&pathStyle=…&profile=…&asOf=…`: where objects live.
 *
 * The URL names a place, never a secret: credentials come from the ordinary AWS chain (environment, profile,
 * container, instance). One that carries them, in itself or in its endpoint, is refused without being repeated.
 */
import { fail } from '../base/errors.ts'
import { isForbidden } from '../base/reach.ts'

export interface S3Location {
  readonly bucket: string
  /** Empty, or ends with `/`. */
  readonly prefix: string
  /** Undefined: what the environment or profile says. */
  readonly region?: string
  /** Of a store that is not AWS; `http://` or `https://`. */
  readonly endpoint?: string
  /** The bucket in the path instead of the host name. Default: where an endpoint is given. */
  readonly pathStyle?: boolean
  readonly profile?: string
  /** Epoch ms: reads what was stored at that instant, of a bucket with versions; nothing can be written. */
  readonly asOfMs?: number
}

const hint =
  'Write s3://bucket/prefix?region=eu-central-1, and &endpoint=https://… for a store that is not AWS.'

const wrong = (problem: string): never => fail('usage', `the s3:// URL ${problem}`, hint)

const parameters = ['region', 'endpoint', 'pathStyle', 'profile', 'asOf'] as const
type Parameter = (typeof parameters)[number]

/** @throws `usage`, never repeating what may be a secret */
export function parseS3Url(text: string): S3Location {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return wrong('cannot be read')
  }
  if (url.username !== '' || url.password !== '' || /^s3:\/\/[^/?#]*@/i.test(text)) {
    fail(
      'usage',
      'the s3:// URL carries a user name or a password',
      'Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine’s role.',
    )
  }
  if (url.hash !== '') wrong('has a fragment; percent-encode the #')
  // the parser would take them for steps in a path and walk them
  if (/\/(?:\.|%2e){1,2}(?:[/?#]|$)/i.test(text)) wrong('has a prefix that keys cannot have')
  const bucket = decoded(url.hostname)
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || url.port !== '') {
    wrong('has no bucket that can exist: 3 to 63 lower-case letters, digits, dots and hyphens')
  }
  return { bucket, prefix: readPrefix(url.pathname), ...readParameters(url.searchParams) }
}

/** The URL that {@link parseS3Url} reads back. */
export function toS3Url(location: S3Location): string {
  const { bucket, prefix, region, endpoint, pathStyle, profile, asOfMs } = location
  const path = prefix.slice(0, -1).split('/').map(encodeURIComponent).join('/')
  const values: Partial<Record<Parameter, string>> = {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(pathStyle !== undefined && { pathStyle: String(pathStyle) }),
    ...(profile !== undefined && { profile }),
    ...(asOfMs !== undefined && { asOf: new Date(asOfMs).toISOString() }),
  }
  // a slash and a colon need no escape in a query, and an endpoint is easier to read without
  const query = Object.entries(values).map(
    ([name, value]) =>
      `${name}=${encodeURIComponent(value).replaceAll('%2F', '/').replaceAll('%3A', ':')}`,
  )
  const place = path === '' ? `s3://${bucket}` : `s3://${bucket}/${path}`
  return query.length === 0 ? place : `${place}?${query.join('&')}`
}

function readPrefix(pathname: string): string {
  const elements = pathname.split('/').map(decoded)
  if (elements[0] === '') elements.shift()
  if (elements.at(-1) === '') elements.pop()
  for (const element of elements) {
    const isBad = element === '' || element === '.' || element === '..' || element.includes('/')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (isBad || /[\u0000-\u001f\u007f]/.test(element)) wrong('has a prefix that keys cannot have')
  }
  return elements.length === 0 ? '' : `${elements.join('/')}/`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return wrong('has a broken percent-encoding')
  }
}

function readParameters(query: URLSearchParams): Omit<S3Location, 'bucket' | 'prefix'> {
  for (const name of new Set(query.keys())) {
    if (!parameters.some((each) => each === name)) {
      // names only: a value may be a key that somebody put there
      wrong(`has the parameter ${name.slice(0, 40)}; there are ${parameters.join(', ')}`)
    }
    if (query.getAll(name).length > 1) wrong(`gives ${name} twice`)
  }
  const text = (name: Parameter): string | undefined => query.get(name) || undefined
  const region = text('region')
  const endpoint = text('endpoint')
  const pathStyle = text('pathStyle')
  const profile = text('profile')
  const asOf = text('asOf')
  if (region !== undefined && !/^[a-z0-9-]{2,40}$/i.test(region))
    wrong('has a region that cannot be')
  if (pathStyle !== undefined && pathStyle !== 'true' && pathStyle !== 'false') {
    wrong('has a pathStyle that is neither true nor false')
  }
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint: checkEndpoint(endpoint) }),
    ...(pathStyle !== undefined && { pathStyle: pathStyle === 'true' }),
    ...(profile !== undefined && { profile }),
    ...(asOf !== undefined && { asOfMs: readInstant(asOf) }),
  }
}

/** @throws `usage`, also for an endpoint that is link-local, or carries credentials or a path */
export function checkEndpoint(text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return wrong('has an endpoint that is no URL')
  }
  if (url.username !== '' || url.password !== '') wrong('has an endpoint with credentials in it')
  if (isForbidden(url.hostname)) wrong('has an endpoint that is a link-local or metadata address')
  const isPlain = (url.pathname === '/' || url.pathname === '') && !url.search && !url.hash
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || !isPlain) {
    wrong('has an endpoint that is not http://host or https://host, with a port or without')
  }
  return url.origin
}

function readInstant(text: string): number {
  // a plus sign that nobody encoded reads as a space
  const instant = text.replace(/ (?=[0-9]{2}:?[0-9]{2}$)/, '+')
  const hasOffset = /T.*(?:Z|[+-][0-9]{2}:?[0-9]{2})$/i.test(instant)
  const atMs = hasOffset ? Date.parse(instant) : Number.NaN
  if (!Number.isFinite(atMs)) {
    wrong('has an asOf that is no instant with an offset, such as 2026-11-01T00:00:00Z')
  }
  return atMs
}
