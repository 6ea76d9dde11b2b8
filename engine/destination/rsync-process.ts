/**
 * Running rsync: an argument list, no shell, names on standard input, a process group of its own, and of the
 * environment only what rsync and ssh need. The only file that starts it.
 *
 * A first Ctrl-C does not reach it: what is under way is finished, or given up within its time-outs, and locks
 * are given back. When our process ends, all that is still running ends with it.
 */
import { tmpdir } from 'node:os'
import { fail } from '../base/errors.ts'
import { MiB } from '../base/limits.ts'
import { untilEnd } from '../outside/process-group.ts'

/** Output of one run: some two million names. */
const outputBytes = 256 * MiB
/** Seconds without a byte in either direction after which rsync gives up. */
const silentSeconds = 120

const passedOn = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'KRB5CCNAME',
  'SYSTEMROOT',
]

export interface RsyncEnd {
  readonly exitCode: number
  /** Latin-1: one character a byte. */
  readonly lines: readonly string[]
  readonly stderr: string
}

export interface RsyncRun {
  /** Default: `rsync`, from PATH. */
  readonly program?: string
  /** Options, without those that every run has. */
  readonly options: readonly string[]
  readonly from: string
  readonly to: string
  /** Relative to `from`: what is meant of it. */
  readonly names: readonly string[]
  /** The words of ssh; undefined for a directory of this machine. */
  readonly shell?: string
}

/** @throws `unsupported-destination` when there is no rsync here; any exit code is an answer */
export async function runRsync(run: RsyncRun): Promise<RsyncEnd> {
  const { program = 'rsync', options, from, to, names, shell } = run
  const { execa } = await import('execa') // only here: it takes as long to load as all the rest
  const args = [
    '--8-bit-output',
    '--from0',
    '--files-from=-',
    '--no-implied-dirs',
    ...(shell === undefined ? [] : ['--secluded-args', `--timeout=${silentSeconds}`, '-e', shell]),
    ...options,
    '--',
    from,
    to,
  ]
  const child = execa(program, args, {
    cwd: tmpdir(),
    env: environment(),
    extendEnv: false,
    shell: false,
    preferLocal: false,
    input: names.map((name) => `${name}\0`).join(''),
    encoding: 'latin1',
    stripFinalNewline: true,
    maxBuffer: outputBytes,
    reject: false,
    detached: true, // Ctrl-C is for us, who then still have locks to give back
    cleanup: false, // would not reach the group
  })
  const result = await untilEnd(child, child.pid, 'SIGTERM')
  if (result.exitCode === undefined) return refuseStart(program, result)
  return {
    exitCode: result.exitCode,
    lines: result.stdout.split('\n'),
    stderr: Buffer.from(result.stderr, 'latin1').toString('utf8'),
  }
}

function environment(): Record<string, string> {
  const kept = passedOn.flatMap((name) => {
    const text = process.env[name]
    return text === undefined ? [] : [[name, text] as const]
  })
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' }
}

function refuseStart(
  program: string,
  result: { code?: string | undefined; signal?: string | undefined; isMaxBuffer: boolean },
): never {
  if (result.code === 'ENOENT') {
    fail(
      'unsupported-destination',
      `${program} is not installed on this machine, and an rsync:// destination needs it`,
      'Install the package rsync, here and on the other side (and an ssh client here).',
    )
  }
  if (result.isMaxBuffer) {
    fail(
      'limit-exceeded',
      `${program} printed more than ${outputBytes} bytes`,
      'List less at once.',
    )
  }
  const why = result.signal ?? result.code ?? 'unknown reason'
  return fail(
    'unreachable',
    `${program} could not be started, or was ended: ${why}`,
    'Somebody or the system ended it; check memory and the kernel log, and run the command again.',
  )
}
