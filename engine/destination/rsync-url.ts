/**
 * `rsync://user@host:port/path?identity=…&knownHosts=…`: a directory behind ssh, written by rsync. Without a
 * host (`rsync:///path`) it is a directory of this machine, written by rsync too: a mounted share.
 *
 * ssh, always. rsync has a protocol of its own for such URLs, spoken to a daemon on port 873: it encrypts
 * nothing and proves neither side to the other. We do not speak it, and the port is that of ssh.
 *
 * The URL names a place, never a secret. Host, user and path are checked so that none of them can become an
 * option of rsync or ssh, a word of a shell, or another place.
 */
import { fail } from '../base/errors.ts'
import { isForbidden } from '../base/reach.ts'

export interface RsyncLocation {
  /** Undefined: this machine, without ssh. */
  readonly host?: string
  /** Undefined: what ssh's own configuration says. */
  readonly user?: string
  readonly port?: number
  /** Absolute, or `.` and what lies below the home directory of the user over there; no `/` at its end. */
  readonly path: string
  /** A private key for ssh, instead of what its configuration and its agent have. */
  readonly identity?: string
  /** The file with the host's key, instead of ssh's own. */
  readonly knownHosts?: string
}

const hint =
  'Write rsync://user@host/absolute/path, with :port where ssh does not listen on 22, or rsync://host/~/path below the home directory.'

const wrong = (problem: string): never => fail('usage', `the rsync:// URL ${problem}`, hint)

const parameters = ['identity', 'knownHosts'] as const
const daemonPort = 873

/** Whether a text is `user@host:path`, as scp has it: taken for a path, it would silently stay on this machine. */
export const isShellPlace = (text: string): boolean => /^[\w.+-]+@[\w.[\]:-]+:/.test(text)

export const shellPlaceHint =
  'Write rsync://user@host/path for a directory behind ssh, or ./ before the name of a local one.'

/** @throws `usage`, never repeating what may be a secret */
export function parseRsyncUrl(text: string): RsyncLocation {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return wrong('cannot be read')
  }
  if (url.password !== '') {
    fail(
      'usage',
      'the rsync:// URL has a password in it',
      'Nothing is asked and no password is sent: ssh proves who you are with a key, in its agent or in ?identity=/path.',
    )
  }
  if (url.hash !== '') wrong('has a fragment; percent-encode the #')
  // the parser would take them for steps in a path and walk them
  if (/\/(?:\.|%2e){1,2}(?:[/?#]|$)/i.test(text)) wrong('has . or .. in its path')
  const host = readHost(decoded(url.hostname))
  const user = readUser(decoded(url.username))
  const port = url.port === '' ? undefined : Number(url.port)
  if (port === daemonPort) {
    fail(
      'usage',
      'the rsync:// URL names port 873, that of the rsync daemon',
      'The daemon’s protocol encrypts nothing and is not spoken. Leave the port away, or give that of ssh.',
    )
  }
  const query = readParameters(url.searchParams)
  if (host === undefined && (user !== undefined || port !== undefined || query !== undefined)) {
    wrong('names no host to go with a user, a port, or a key')
  }
  return {
    ...(host !== undefined && { host }),
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port }),
    path: readRsyncPath(url.pathname, host !== undefined),
    ...query,
  }
}

/** The URL that {@link parseRsyncUrl} reads back. */
export function toRsyncUrl(location: RsyncLocation): string {
  const { host = '', user, port, path, identity, knownHosts } = location
  const name = user === undefined ? host : `${encodeURIComponent(user)}@${host}`
  const authority = port === undefined ? name : `${name}:${port}`
  const full = path.startsWith('.') ? `/~${path.slice(1)}` : path
  const encoded = full.split('/').map(encodeURIComponent).join('/').replace('/%7E', '/~')
  const query = Object.entries({ identity, knownHosts }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value).replaceAll('%2F', '/')}`],
  )
  const place = `rsync://${authority}${encoded}`
  return query.length === 0 ? place : `${place}?${query.join('&')}`
}

function readHost(host: string): string | undefined {
  if (host === '') return undefined
  const isName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(host)
  const isAddress = /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(host)
  if (!isName && !isAddress) {
    wrong('has a host that cannot be: letters, digits, dots, hyphens, underscores, or an address')
  }
  // as http:// has it: ssh, too, takes an address in any spelling
  if (isForbidden(URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host)) {
    wrong('has a host that is a link-local or metadata address')
  }
  return host
}

function readUser(user: string): string | undefined {
  if (user === '') return undefined
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}$/.test(user)) wrong('has a user that cannot be')
  return user
}

function readRsyncPath(pathname: string, isRemote: boolean): string {
  const elements = pathname.split('/').map(decoded)
  if (elements[0] === '') elements.shift()
  if (elements.at(-1) === '') elements.pop()
  const isBelowHome = isRemote && elements[0] === '~'
  if (isBelowHome) elements.shift()
  if (elements.length === 0) wrong('has no path: what is stored needs a directory of its own')
  for (const element of elements) {
    if (element === '' || element === '.' || element === '..' || element.includes('/')) {
      wrong('has an empty element, ., .. or an encoded / in its path')
    }
    refuseControl(element)
  }
  return `${isBelowHome ? '.' : ''}/${elements.join('/')}`
}

function refuseControl(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f]/.test(text)) wrong('has a control character')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return wrong('has a broken percent-encoding')
  }
}

function readParameters(
  query: URLSearchParams,
): Pick<RsyncLocation, 'identity' | 'knownHosts'> | undefined {
  const found: { identity?: string; knownHosts?: string } = {}
  for (const name of new Set(query.keys())) {
    const known = parameters.find((each) => each === name)
    if (known === undefined) {
      return wrong(`has the parameter ${name.slice(0, 40)}; there are ${parameters.join(', ')}`)
    }
    const [file = '', second] = query.getAll(name)
    if (second !== undefined) wrong(`gives ${name} twice`)
    // it becomes a word of the line that rsync splits at spaces and quotes, and ssh expands % in it
    if (!file.startsWith('/') || /["'\\%]/.test(file)) {
      wrong(`needs an absolute path without quotes, backslashes or % for ${name}`)
    }
    refuseControl(file)
    found[known] = file
  }
  return Object.keys(found).length === 0 ? undefined : found
}
