/**
 * `exec`: runs a program. The only file that starts processes.
 *
 * An argument list, never a shell; a minimal environment; the plan's directory as working directory;
 * no standard input. The program gets a process group of its own: when the step is stopped the whole
 * group is asked to end, and killed after a grace period or at once when `forceSignal` is given. Its
 * output is bounded and masked.
 */
import { fail, OperatingError, processStart } from '../../engine/index.ts'
import type { ExecInput } from '../plan/step-inputs.ts'
import { estimateFrom } from './estimate.ts'
import { type Invocation, toEnvironment, toInvocation } from './exec-command.ts'
import { keepOutput } from './output-keeper.ts'
import type { Examination, Interrupted, StepContext, StepFaces, StepResult } from './step.ts'

/** From the request to end to the kill. */
const graceMs = 5_000
/** From the program's end to the kill of children that still hold its output. */
const lingerMs = 1_000
/** Lines of standard output shown as remarks. */
const linesShown = 100
/** Characters of standard output in the record; the artefact has more. */
const outputChars = 4_096

export const exec: StepFaces<'exec'> = {
  kind: 'exec',
  run,
  describe: (input) => ({
    sentence: `Run ${shortened(input.command.map((word) => word.text).join(' '))}`,
    expected: 'exit code 0',
    commands: [withVariables(input)],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'exec' }, 1_000),
  touches: (input) => [{ access: 'runs', what: 'command', name: input.command[0].text }],
  needs: () => [],
  examine,
}

/** Longer commands are cut in titles; `explain` shows them whole. */
const titleChars = 80

const shortened = (text: string): string =>
  text.length <= titleChars ? text : `${text.slice(0, titleChars - 1)}…`

function withVariables({ command, env }: ExecInput): string[] {
  const variables = [...env].map(([name, value]) => `${name}=${value.text}`)
  const words = command.map((word) => word.text)
  return variables.length === 0 ? words : ['env', ...variables, ...words]
}

function run({ command, env, workingDirectory }: ExecInput, context: StepContext) {
  const variables = new Map([...env].map(([name, value]) => [name, context.text(value)]))
  return runCommand({ command, workingDirectory, variables }, context)
}

export interface Command extends Pick<ExecInput, 'command' | 'workingDirectory'> {
  /** What its environment has beyond the minimal one. */
  readonly variables: ReadonlyMap<string, string>
}

/** Runs a program of the plan to its end, and keeps what it said. */
export async function runCommand(
  { command: words, workingDirectory, variables }: Command,
  context: StepContext,
): Promise<StepResult> {
  const command = words.map((word) => context.text(word))
  const invocation = toInvocation(command)
  const environment = toEnvironment(context.environment, variables)

  let shown = 0
  const stdout = keepOutput(context.redact, (line) => {
    if (shown < linesShown) context.remark(line)
    if (shown === linesShown) context.remark('… more output; the artefact of this step has it')
    shown += 1
  })
  const stderr = keepOutput(context.redact, () => {})
  const end = await runProcess(invocation, workingDirectory, environment, context, {
    stdout: (chunk) => stdout.add(chunk),
    stderr: (chunk) => stderr.add(chunk),
  })
  stdout.end()
  stderr.end()

  const artefact = await context.keep('stdout.txt', stdout.text())
  if (stderr.totalBytes > 0) await context.keep('stderr.txt', stderr.text())
  const outputs = {
    exitCode: end.exitCode ?? null,
    signal: end.signal ?? null,
    stdout: stdout.text().slice(0, outputChars),
    stdoutBytes: stdout.totalBytes,
    stderrBytes: stderr.totalBytes,
    ...compareWithEarlier(artefact.sha256, context),
  }
  if (context.signal.aborted) throw context.signal.reason
  if (end.exitCode === 0) return { outputs }
  return { outputs, error: failure(command[0] ?? '', end, stderr.text()) }
}

/** What a program did cannot be seen from here; whether it still runs can. */
async function examine(
  { command, repeatable }: ExecInput,
  { note }: Interrupted,
): Promise<Examination> {
  const { pid, startedAt } = note ?? {}
  const [program] = command
  const isKnown = typeof pid === 'number' && startedAt !== 'unknown'
  if (isKnown && (await processStart(pid)) === startedAt) {
    return fail(
      'locked',
      `${program.text}, which the interrupted step started, still runs as process ${pid}`,
      `Wait until it ends, or end it and what it started: kill -- -${pid}`,
    )
  }
  return repeatable
    ? { state: 'repeat', found: 'the plan says that it may be repeated' }
    : { state: 'unknown', found: `what ${program.text} did cannot be seen from here` }
}

interface End {
  readonly exitCode?: number
  readonly signal?: string
  /** Why it could not be started. */
  readonly reason?: string
}

async function runProcess(
  { file, args }: Invocation,
  cwd: string,
  env: Record<string, string>,
  { signal, forceSignal, timer, note }: StepContext,
  listeners: Record<'stdout' | 'stderr', (chunk: Uint8Array) => void>,
): Promise<End> {
  // loaded here: whoever only reads a plan starts nothing
  const { execa } = await import('execa')
  signal.throwIfAborted()
  const child = execa(file, args, {
    cwd,
    env,
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
  child.stdout?.on('data', listeners.stdout)
  child.stderr?.on('data', listeners.stderr)

  const kill = (name: 'SIGTERM' | 'SIGKILL') => killGroup(child.pid, name)
  const cancels: (() => void)[] = []
  const stop = () => {
    kill('SIGTERM')
    cancels.push(timer.after(graceMs, () => kill('SIGKILL')))
  }
  const force = () => kill('SIGKILL')
  child.once('exit', () => cancels.push(timer.after(lingerMs, () => kill('SIGKILL'))))
  signal.addEventListener('abort', stop, { once: true })
  forceSignal.addEventListener('abort', force, { once: true })
  try {
    const { pid } = child
    if (pid !== undefined) await note({ pid, startedAt: (await processStart(pid)) ?? null })
    const result = await child
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
    forceSignal.removeEventListener('abort', force)
  }
}

function killGroup(pid: number | undefined, name: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // the group is gone already
  }
}

function failure(program: string, end: End, stderr: string): OperatingError {
  const last = stderr.trimEnd().split('\n').at(-1) ?? ''
  const said = last === '' ? '' : `: ${last.slice(0, 500)}`
  if (end.exitCode !== undefined) {
    return new OperatingError(
      'command-failed',
      `${program} ended with exit code ${end.exitCode}${said}`,
      'Run the command by hand to see what it says; the artefact of this step has its output.',
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

/** The same command earlier in the run: whether it said the same is what a reader wants to know. */
function compareWithEarlier(
  sha256: string,
  context: StepContext,
): { sameAs?: string; differsFrom?: string } {
  const words = JSON.stringify(context.inputs['command'])
  const earlier = context.records.findLast(
    (record) =>
      record.kind === 'exec' &&
      record.outcome === 'passed' &&
      JSON.stringify(record.inputs['command']) === words,
  )
  const kept = earlier?.evidence.find((each) => each.artefact.endsWith('stdout.txt'))
  if (earlier === undefined || kept === undefined) return {}
  if (kept.sha256 === sha256) {
    context.remark(`the same output as in step ${earlier.step}`)
    return { sameAs: earlier.step }
  }
  context.remark(`not the output of step ${earlier.step}`)
  return { differsFrom: earlier.step }
}
