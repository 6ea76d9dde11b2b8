/**
 * Running a program for somebody: an argument list, never a shell; the environment that is given and no more; no
 * standard input. It gets a process group of its own: when it is to stop, the whole group is asked to end, and
 * killed after a grace period or at once when `forceSignal` is given. What it leaves running behind is killed
 * soon after its end.
 */
import { OperatingError } from '../base/errors.ts'
import { processStart } from '../base/process-start.ts'
import type { Timer } from '../base/timer.ts'
import type { Invocation } from './invocation.ts'
import { killGroup, untilEnd } from './process-group.ts'

/** From the request to end to the kill. */
const graceMs = 5_000
/** From the program's end to the kill of children that still hold its output. */
const lingerMs = 1_000
/** Characters of its last words in an error. */
const lastWordsChars = 500

export interface ProgramRun {
  readonly invocation: Invocation
  readonly cwd: string
  /** All of it. */
  readonly environment: Readonly<Record<string, string>>
  readonly timer: Timer
  /** Ends it, gently at first. */
  readonly signal: AbortSignal
  /** Ends it at once. */
  readonly forceSignal?: AbortSignal
  /** Told as soon as it runs, and waited for. */
  readonly onStart?: (pid: number, startedAt: string | null) => Promise<void>
  readonly stdout: (chunk: Uint8Array) => void
  readonly stderr: (chunk: Uint8Array) => void
}

export interface ProgramEnd {
  readonly exitCode?: number
  readonly signal?: string
  /** Why it could not be started. */
  readonly reason?: string
}

/** Runs it to its end, however it ends. @throws the signal's reason when it is there before the start */
export async function runProgram(run: ProgramRun): Promise<ProgramEnd> {
  const { invocation, cwd, environment, timer, signal, forceSignal } = run
  // loaded here: it takes as long to load as all the rest
  const { execa } = await import('execa')
  signal.throwIfAborted()
  const child = execa(invocation.file, invocation.args, {
    cwd,
    env: environment,
    extendEnv: false,
    shell: false,
    preferLocal: false,
    stdin: 'ignore',
    buffer: false,
    encoding: 'buffer',
    reject: false,
    detached: true, // a process group of its own; it still ends with us, because we end it
    cleanup: false,
  })
  child.stdout?.on('data', run.stdout)
  child.stderr?.on('data', run.stderr)

  const kill = (name: 'SIGTERM' | 'SIGKILL') => {
    if (child.pid !== undefined) killGroup(child.pid, name)
  }
  const cancels: (() => void)[] = []
  const stop = () => {
    kill('SIGTERM')
    cancels.push(timer.after(graceMs, () => kill('SIGKILL')))
  }
  const force = () => kill('SIGKILL')
  child.once('exit', () => cancels.push(timer.after(lingerMs, () => kill('SIGKILL'))))
  signal.addEventListener('abort', stop, { once: true })
  forceSignal?.addEventListener('abort', force, { once: true })
  try {
    const { pid } = child
    if (pid !== undefined) await run.onStart?.(pid, (await processStart(pid)) ?? null)
    const result = await untilEnd(child, pid, 'SIGKILL')
    // whoever is left of a stopped group did not listen
    if (signal.aborted) kill('SIGKILL')
    return {
      ...(result.exitCode !== undefined && { exitCode: result.exitCode }),
      ...(result.signal !== undefined && { signal: result.signal }),
      ...(result.exitCode === undefined && result.failed && { reason: result.originalMessage }),
    }
  } finally {
    for (const cancel of cancels) cancel()
    signal.removeEventListener('abort', stop)
    forceSignal?.removeEventListener('abort', force)
  }
}

/**
 * The error of a program that did not end well.
 * @param stderr what it said, masked; its last line is told
 * @param more what else there is to look at, as the second half of a hint
 */
export function programError(
  program: string,
  end: ProgramEnd,
  stderr: string,
  more = '',
): OperatingError {
  const last = stderr.trimEnd().split('\n').at(-1) ?? ''
  const said = last === '' ? '' : `: ${last.slice(0, lastWordsChars)}`
  if (end.exitCode !== undefined) {
    return new OperatingError(
      'command-failed',
      `${program} ended with exit code ${end.exitCode}${said}`,
      `Run the command by hand to see what it says${more}.`,
    )
  }
  if (end.signal !== undefined) {
    return new OperatingError(
      'command-failed',
      `${program} was ended by ${end.signal}${said}`,
      'Somebody or the system killed it; check memory and the kernel log.',
    )
  }
  return new OperatingError(
    'command-failed',
    `${program} could not be started: ${end.reason ?? 'unknown reason'}`,
    'Name a program that is in PATH, an absolute path, or a path that starts with ./',
  )
}
