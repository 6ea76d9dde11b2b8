/** What a failed run of rsync means: its exit code and what it and ssh say → our errors. */
import { type ErrorCode, OperatingError } from '../base/errors.ts'
import type { RsyncEnd } from './rsync-process.ts'

/** The connection or the other side went away in the middle; the same again may pass. */
export class RsyncInterrupted extends OperatingError {}

/** Some could not be transferred; some vanished meanwhile. */
export const rsyncExit = { partial: 23, vanished: 24 } as const

/** Socket, stream, pipes, a signal, a time-out, and what ssh and a shell end with. */
const broken = [10, 12, 14, 20, 21, 30, 35, 255]

interface Meaning {
  readonly says: RegExp
  readonly code: ErrorCode
  readonly hint: string
}

const meanings: readonly Meaning[] = [
  {
    says: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'credential-refused',
    hint: 'The host is another one than before, or somebody stands in between. Ask who runs it; only then replace its key in known_hosts.',
  },
  {
    says: /Host key verification failed|No \S+ host key is known/,
    code: 'credential-refused',
    hint: 'The host’s key is not known here, and nothing is asked. Connect once by hand with ssh, or run ssh-keyscan, compare the fingerprint with what the host’s owner tells you, and keep the key in known_hosts (or in the file of ?knownHosts=).',
  },
  {
    says: /Permission denied \([a-z,-]+\)|Too many authentication failures|bad permissions|Load key/,
    code: 'credential-refused',
    hint: 'ssh has no key that the other side takes: load it into the agent, name it with ?identity=/path, and put its public half into authorized_keys there. No password is asked.',
  },
  {
    says: /connect to (?:host|address)|Could not resolve hostname|Network is unreachable|No route to host|banner exchange/,
    code: 'unreachable',
    hint: 'Check the name, the port and the network; try the same with ssh by hand.',
  },
  {
    says: /rsync: (?:command )?not found|rsync: No such file|Failed to exec rsync|\brsync\b.*command not found/,
    code: 'unsupported-destination',
    hint: 'Install the package rsync on the other side, where the shell of that user finds it.',
  },
  {
    says: /Failed to exec|ssh: No such file|Failed to exec ssh/,
    code: 'unsupported-destination',
    hint: 'Install an ssh client on this machine (package openssh-client).',
  },
  {
    says: /--fsync: unknown option/,
    code: 'unsupported-destination',
    hint: 'Both sides need rsync 3.2.4 or newer: before it, nothing tells when bytes are on the disk over there.',
  },
  {
    says: /unknown option|protocol version mismatch|is your shell clean/,
    code: 'unsupported-destination',
    hint: 'Both sides need rsync 3.2.4 or newer, and a shell over there that prints nothing by itself.',
  },
  {
    says: /No space left on device|Disk quota exceeded/,
    code: 'disk-full',
    hint: 'Free space over there, or prune the repository, and run the command again.',
  },
  {
    says: /Permission denied|Operation not permitted|Read-only file system|Not a directory/,
    code: 'disk-refused',
    hint: 'Check the owner and the permissions of the path over there, and that it is not mounted read-only.',
  },
]

/** @param url what was asked for */
export function rsyncError(url: string, end: RsyncEnd): OperatingError {
  const said = firstSaid(end.stderr)
  const message = `${url}: rsync ended with exit code ${end.exitCode}${said === '' ? '' : `: ${said}`}`
  const meaning = meanings.find(({ says }) => says.test(end.stderr))
  if (meaning !== undefined) return new OperatingError(meaning.code, message, meaning.hint)
  if (end.exitCode === 127) {
    return new OperatingError(
      'unsupported-destination',
      message,
      'Install the package rsync on the other side, where the shell of that user finds it.',
    )
  }
  if (end.exitCode <= 4) {
    return new OperatingError(
      'unsupported-destination',
      message,
      'Both sides need rsync 3.2.4 or newer. Run rsync by hand to see what it says.',
    )
  }
  if (broken.includes(end.exitCode)) {
    return new RsyncInterrupted(
      'unreachable',
      message,
      'The connection broke. Check the network and the other side, and run the command again.',
    )
  }
  return new OperatingError(
    'disk-error',
    message,
    'The operation was not completed. Run rsync by hand to see what it says.',
  )
}

/** Whether the directory itself is what is missing over there. */
export const isRootMissing = ({ exitCode, stderr }: RsyncEnd): boolean =>
  exitCode !== 0 && /change_dir ".*" failed: No such file or directory \(2\)/.test(stderr)

/** The first line that says something; the last ones only say that something was said. */
function firstSaid(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.trim())
  const isNews = (line: string) => line !== '' && !/^@|^rsync (?:error|warning):/.test(line)
  return (lines.find(isNews) ?? lines.find((line) => line !== '') ?? '').slice(0, 500)
}
