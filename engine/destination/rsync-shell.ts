/**
 * How rsync reaches the other side: the words of the ssh that it starts. No shell reads them here; rsync
 * splits them at spaces, outside of single quotes.
 *
 * ssh never asks anything (`BatchMode`), takes no host whose key is not known, forwards nothing, and gives up
 * on a line that is dead. One connection serves all requests (`ControlMaster`); it ends by itself some seconds
 * after the last one. Its socket stands in a directory that only the user may enter.
 */
import { createHash } from 'node:crypto'
import type { RsyncLocation } from './rsync-url.ts'

/** Seconds until a host that does not answer counts as away; how often a silent line is tried, and how often in vain. */
const connectSeconds = 15
const aliveSeconds = 15
const aliveTries = 4
/** Seconds that the connection outlives the last request. */
const persistSeconds = 10

const settings = [
  'BatchMode=yes',
  'StrictHostKeyChecking=yes',
  'PermitLocalCommand=no',
  'ForwardAgent=no',
  'ForwardX11=no',
  'ClearAllForwardings=yes',
  'RequestTTY=no',
  `ConnectTimeout=${connectSeconds}`,
  `ServerAliveInterval=${aliveSeconds}`,
  `ServerAliveCountMax=${aliveTries}`,
]

/** Bytes that the path of a socket may have where it may have the fewest, with what ssh adds to it. */
const socketBytes = 104 - 18

/**
 * @param sockets where the socket of the connection may stand; undefined: each request connects by itself
 * @param program the ssh to start
 */
export function remoteShell(
  location: RsyncLocation,
  sockets: string | undefined,
  program = 'ssh',
): string {
  const { port, identity, knownHosts } = location
  const mine = [
    ...sharing(location, sockets),
    ...(identity === undefined ? [] : ['IdentitiesOnly=yes', `IdentityFile="${identity}"`]),
    ...(knownHosts === undefined
      ? []
      : [`UserKnownHostsFile="${knownHosts}"`, 'GlobalKnownHostsFile=/dev/null']),
  ]
  const words = [
    program,
    '-T',
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...[...settings, ...mine].flatMap((setting) => ['-o', setting]),
  ]
  return words.map((word) => (/[\s"]/.test(word) ? `'${word}'` : word)).join(' ')
}

/** A connection that was proven with one key must not serve somebody who gives another. */
function sharing(location: RsyncLocation, sockets: string | undefined): string[] {
  const { host, user, port, identity, knownHosts } = location
  const access = JSON.stringify([host, user ?? '', port ?? 0, identity ?? '', knownHosts ?? ''])
  const name = createHash('sha256').update(access).digest('hex').slice(0, 16)
  const socket = `${sockets}/${name}`
  const canBe = /^[\w./+-]+$/.test(socket) && Buffer.byteLength(socket) <= socketBytes
  if (sockets === undefined || !canBe) return ['ControlMaster=no', 'ControlPath=none']
  return ['ControlMaster=auto', `ControlPath=${socket}`, `ControlPersist=${persistSeconds}`]
}

/** The directory as rsync's arguments name it, with the `/` that means what is in it. */
export function rsyncRoot({ host, user, path }: RsyncLocation): string {
  if (host === undefined) return `${path}/`
  return `${user === undefined ? '' : `${user}@`}${host}:${path}/`
}
