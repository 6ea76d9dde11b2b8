/**
 * How a failure is told: `error:` and `hint:` on standard error, with `--json` also as the last object
 * on standard output, and the exit code of the catalogue. A bug shows its stack and exits 1.
 */
import { type Command, CommanderError } from 'commander'
import { exitCodes, OperatingError } from '../../engine/index.ts'
import { oneLine } from '../step/plain-text.ts'
import type { Io } from './io.ts'

/** @returns the exit code */
export async function reportFailure(error: unknown, io: Io, json: boolean): Promise<number> {
  const { exitCode, lines, record } = error instanceof OperatingError ? told(error) : bug(error)
  await io.stderr.write(`${lines.join('\n')}\n`)
  if (json) await io.stdout.write(`${JSON.stringify({ outcome: 'failed', error: record })}\n`)
  return exitCode
}

interface Told {
  readonly exitCode: number
  readonly lines: readonly string[]
  readonly record: object
}

const told = (error: OperatingError): Told => ({
  exitCode: error.exitCode,
  lines: [
    `error: ${oneLine(error.message)}`,
    ...(error.hint === '' ? [] : [`hint: ${oneLine(error.hint)}`]),
  ],
  record: error.toJSON(),
})

function bug(error: unknown): Told {
  const message = error instanceof Error ? error.message : String(error)
  const stack = error instanceof Error ? (error.stack ?? message) : message
  return {
    exitCode: exitCodes.bug,
    lines: [
      `error: a bug in vectra-dr: ${oneLine(message)}`,
      'hint: Please report it with the command and the lines below.',
      stack,
    ],
    record: { code: 'bug', message, exitCode: exitCodes.bug },
  }
}

/**
 * What the argument parser refuses, as the usage error of the catalogue; undefined when it only
 * printed help or the version.
 */
export function toUsageError(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error
  if (error.exitCode === exitCodes.done) return undefined
  const command = commandOf(program, argv)
  const path = pathOf(command)
  if (error.code === 'commander.help') {
    const names = command.commands.map((child) => child.name()).join(', ')
    return new OperatingError(
      'usage',
      `${path} needs a command`,
      `One of: ${names}. See ${path} --help.`,
    )
  }
  const [first = '', suggestion] = error.message.split('\n')
  const hint = suggestion?.replace(/^\(|\)$/g, '') ?? `See ${path} --help.`
  return new OperatingError('usage', first.replace(/^error: /, ''), hint)
}

/** The command that the arguments name, as far as they name one. */
function commandOf(program: Command, argv: readonly string[]): Command {
  return argv.reduce(
    (command, word) => command.commands.find((child) => child.name() === word) ?? command,
    program,
  )
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
