/** Paths and destinations: what the plan writes → absolute paths and URLs. */
import * as path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  checkEndpoint,
  isForbidden,
  isOperatingError,
  isShellPlace,
  parseRsyncUrl,
  parseS3Url,
  shellPlaceHint,
  toRsyncUrl,
  toS3Url,
} from '../../engine/index.ts'
import { problem, type Reading, value } from './reading.ts'

/** The text, once it can be a path. */
export function readPath(text: string): Reading<string> {
  if (text === '' || text.includes('\0')) return problem('is not a path', 'Write a path.')
  if (/^~(\/|$)/.test(text)) {
    return problem('starts with "~", which only a shell knows', 'Write ${env.HOME} instead of "~".')
  }
  return value(text)
}

/** Absolute `file://`, `s3://` or `rsync://` URL of a destination. A relative path starts at `directory`. */
export function readLocation(text: string, directory: string): Reading<string> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    if (isShellPlace(text)) {
      return problem('is how ssh names a place, and would be a path here', shellPlaceHint)
    }
    const plain = readPath(text)
    if (plain.problem !== undefined) return plain
    return value(pathToFileURL(path.resolve(directory, plain.value)).href)
  }
  if (scheme === 's3') return readBucket(text)
  if (scheme === 'rsync') return unlessRefused(() => toRsyncUrl(parseRsyncUrl(text)))
  const hint =
    'Write a path, a file:// URL with three slashes (file:///var/backups/vectra), s3://bucket/prefix, or rsync://host/path.'
  if (scheme !== 'file') {
    return problem(`is at "${scheme}:", where this version cannot store`, hint)
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url?.host === '' && url.search === '' && url.hash === ''
  if (!isPlain || !/^file:\/\/\//i.test(text) || /%2f|%00/i.test(text)) {
    return problem('is not a file:// URL of this machine', hint)
  }
  const written = pathOf(url)
  if (written === undefined) {
    return problem('has a "%" that stands for no character', 'Write a "%" of a name as %25.')
  }
  return value(pathToFileURL(path.resolve(written)).href)
}

/** The path of a `file://` URL; undefined where its escapes are no UTF-8. */
function pathOf(url: URL): string | undefined {
  try {
    return fileURLToPath(url)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** The same URL in its shortest form. What is wrong with it is told without what may be a secret. */
const readBucket = (text: string): Reading<string> => unlessRefused(() => toS3Url(parseS3Url(text)))

/** The endpoint of an object store. */
export const readEndpoint = (text: string): Reading<string> =>
  unlessRefused(() => checkEndpoint(text))

/** An address of the web. What is wrong with it is told without what may be a secret. */
export function readWebAddress(text: string): Reading<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return problem('is not an http:// or https:// address', 'Write http://host/path or https://….')
  }
  return unlessUnsafe(url, text)
}

const serviceSchemes = ['http:', 'https:', 'postgres:', 'postgresql:']

/** Where a system is served. */
export function readServiceAddress(text: string): Reading<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || !serviceSchemes.includes(url.protocol)) {
    const hint = 'Write http://host:port or https://…, for pgvector postgres://user@host/database.'
    return problem('is not the address of a system', hint)
  }
  return unlessUnsafe(url, text)
}

function unlessUnsafe(url: URL, text: string): Reading<string> {
  const isWeb = url.protocol.startsWith('http')
  if (url.password !== '' || (isWeb && url.username !== '')) {
    return problem('has credentials in it', 'Keep them in the environment: "${env.NAME}".')
  }
  if (isForbidden(url.hostname)) {
    return problem('is a link-local or metadata address', 'Name the host itself.')
  }
  return value(text)
}

function unlessRefused(read: () => string): Reading<string> {
  try {
    return value(read())
  } catch (error) {
    if (!isOperatingError(error, 'usage')) throw error
    return problem(error.message.replace(/^the (?:s3|rsync):\/\/ URL /, ''), error.hint)
  }
}

// a region of AWS; a failure domain may have any name
const regionPattern = /^[a-z]{2,4}(-[a-z]+)+-[0-9]+$/

/** An `s3://` URL with what the plan says beside it; any other as it is. */
export function withStore(
  url: string,
  endpoint: string | undefined,
  region: string | undefined,
): string {
  if (!url.startsWith('s3:')) return url
  const location = parseS3Url(url)
  const isOfAws = (endpoint ?? location.endpoint) === undefined
  const named =
    location.region ?? (isOfAws && regionPattern.test(region ?? '') ? region : undefined)
  return toS3Url({
    ...location,
    ...(endpoint !== undefined && { endpoint: checkEndpoint(endpoint) }),
    ...(named !== undefined && { region: named }),
  })
}
