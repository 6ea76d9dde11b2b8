/**
 * How a failure is told: `error:` and `hint:` on standard error, with `--json` also as the last object
 * on standard output, and the exit code of the catalogue. A bug shows its stack and exits 1.
 */
import { type Command, CommanderError } from 'commander'
import type { JsonObject } from '../base/canonical-json.ts'
import { type ErrorPlace, exitCodes, isOperatingError, OperatingError } from '../base/errors.ts'
import type { Io } from './io.ts'
import { oneLine } from './plain-text.ts'

/** Findings of one error that are printed; the rest is counted. */
const detailsShown = 20

/** @returns the exit code */
export async function reportFailure(error: unknown, io: Io, json: boolean): Promise<number> {
  if (isOperatingError(error, 'output-closed')) return error.exitCode
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

function told(error: OperatingError): Told {
  // a single finding is the message itself
  const details = error.details.length > 1 ? error.details : []
  const shown = details.slice(0, detailsShown).map((detail) => `  - ${showDetail(detail)}`)
  const more = details.length - shown.length
  return {
    exitCode: error.exitCode,
    lines: [
      `error: ${oneLine(error.message)}${showPlace(error)}`,
      ...shown,
      ...(more > 0 ? [`  - and ${more} more (--json has all)`] : []),
      ...(error.hint === '' ? [] : [`hint: ${oneLine(error.hint)}`]),
    ],
    record: error.toJSON(),
  }
}

/** A finding is text, or an object that says what is wrong in words. */
function showDetail(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return oneLine(String(detail))
  const { problem, message } = detail as { problem?: unknown; message?: unknown } // unknown, checked
  const text = [problem, message].find((each) => typeof each === 'string')
  return oneLine(typeof text === 'string' ? text : JSON.stringify(detail))
}

/** ` (file x, offset 12, LSN 7)`, without what the message says already. */
function showPlace({ message, place }: { message: string; place: ErrorPlace }): string {
  const parts = [
    place.file !== undefined && !message.includes(place.file) ? `file ${place.file}` : '',
    place.offset !== undefined ? `offset ${place.offset}` : '',
    place.lsn !== undefined && !message.includes(`LSN ${place.lsn}`) ? `LSN ${place.lsn}` : '',
    place.line !== undefined && !message.includes(`line ${place.line}`) ? `line ${place.line}` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${oneLine(parts.join(', '))})`
}

function bug(error: unknown): Told {
  const message = error instanceof Error ? error.message : String(error)
  const stack = error instanceof Error ? (error.stack ?? message) : message
  return {
    exitCode: exitCodes.bug,
    lines: [
      `error: a bug in vectra-cli: ${oneLine(message)}`,
      'hint: Please report it with the command, `vectra-cli --version` and the lines below.',
      stack,
    ],
    record: { code: 'bug', message, exitCode: exitCodes.bug } satisfies JsonObject,
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
  const children = command.createHelp().visibleCommands(command)
  const names = children.map((child) => child.name()).filter((name) => name !== 'help')
  const commands = names.length > 0 ? `Its commands: ${names.join(', ')}. ` : ''
  const help = `${commands}See ${path} --help.`
  if (error.code === 'commander.help') {
    return new OperatingError('usage', `${path} needs a command`, help)
  }
  const [first = '', suggestion] = error.message.split('\n')
  const hint = suggestion?.replace(/^\(|\)$/g, '') ?? help
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
