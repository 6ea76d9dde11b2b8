/**
 * `exec`: runs a program.
 *
 * An argument list, never a shell; a minimal environment; the plan's directory as working directory.
 * When the step is stopped the program's whole process group ends. Its output is bounded and masked.
 */
import { fail, type JsonObject, markedProcesses, processStart } from '../../engine/index.ts'
import {
  keepOutput,
  programError,
  runProgram,
  toEnvironment,
  toInvocation,
} from '../../engine/outside.ts'
import type { ExecInput } from '../plan/step-inputs.ts'
import { estimateFrom } from './estimate.ts'
import type { Examination, Interrupted, StepContext, StepFaces, StepResult } from './step.ts'

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

/** Has the step's mark in the environment of what it runs: the process may die before it has noted the pid. */
const markVariable = 'VECTRA_DR_STEP'

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
  // the mark stands first: it is looked for there
  const environment = {
    [markVariable]: context.mark,
    ...toEnvironment(context.environment, variables),
  }

  let shown = 0
  const stdout = keepOutput(context.redact, (line) => {
    if (shown < linesShown) context.remark(line)
    if (shown === linesShown) context.remark('… more output; the artefact of this step has it')
    shown += 1
  })
  const stderr = keepOutput(context.redact, () => {})
  const { signal, forceSignal, timer, note } = context
  const end = await runProgram({
    ...{ invocation, environment, signal, forceSignal, timer },
    cwd: workingDirectory,
    onStart: (pid, startedAt) => note({ pid, startedAt }),
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
  if (signal.aborted) throw signal.reason
  if (end.exitCode === 0) return { outputs }
  const more = '; the artefact of this step has its output'
  return { outputs, error: programError(command[0] ?? '', end, stderr.text(), more) }
}

/** What a program did cannot be seen from here; whether it still runs can. */
async function examine(
  { command, repeatable }: ExecInput,
  { note }: Interrupted,
  { mark }: StepContext,
): Promise<Examination> {
  const running = (await stillRunning(note)) ?? (await markedProcesses(markVariable, mark))[0]
  if (running !== undefined) {
    return fail(
      'locked',
      `${command[0].text}, which the interrupted step started, still runs as process ${running}`,
      `Wait until it ends, or end it and what it started: kill -- -${running}`,
    )
  }
  return repeatable
    ? { state: 'repeat', found: 'the plan says that it may be repeated' }
    : { state: 'unknown', found: `what ${command[0].text} did cannot be seen from here` }
}

/** The pid that was noted, while it is still that program. */
async function stillRunning({ pid, startedAt }: JsonObject = {}): Promise<number | undefined> {
  if (typeof pid !== 'number' || startedAt === 'unknown') return undefined
  return (await processStart(pid)) === startedAt ? pid : undefined
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
