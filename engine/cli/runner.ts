/**
 * Joins a command's work to the argument parser: the work gets a context, its arguments and its
 * options; what it returns is the last object of `--json`.
 */
import type { Command } from 'commander'
import { fail } from '../base/errors.ts'
import { type Context, createContext } from './context.ts'
import type { Io } from './io.ts'

export const defaultDataDirectory = './vectra-data'

/** What was done, for programs; merged into `{"outcome": "done"}`. */
export type Summary = object

/** Wraps work for commander's `action`: its arguments, then the options, then the command. */
export type Runner = <Args extends readonly unknown[]>(
  work: (context: Context, ...args: Args) => Promise<Summary>,
) => (...args: [...Args, Command]) => Promise<void>

/** Each command gets a context of its own, with the global options it was called with. */
export function createRunner(io: Io): Runner {
  return <Args extends readonly unknown[]>(
    work: (context: Context, ...args: Args) => Promise<Summary>,
  ) =>
    async (...args: [...Args, Command]) => {
      // commander passes the command last; TypeScript loses it in the spread
      const command = args.at(-1) as Command
      const context = createContext(io, globalsOf(command, io))
      try {
        // [...Args, Command] without its last is Args, which slice cannot say
        const own = args.slice(0, -1) as unknown as Args
        const summary = await work(context, ...own)
        await context.emit({ outcome: 'done', ...summary })
      } finally {
        await context.settle()
      }
    }
}

function globalsOf(command: Command, io: Io) {
  const options = command.optsWithGlobals<{
    data?: string
    endpoint?: string
    token?: string
    json?: true
    quiet?: true
  }>()
  if (options.data !== undefined && options.endpoint !== undefined) {
    fail('usage', '--data and --endpoint are both given', 'A server has its own data: give one.')
  }
  // what was typed counts before what the environment says
  const endpoint =
    options.endpoint ?? (options.data === undefined ? io.env['VECTRA_ENDPOINT'] : undefined)
  const token = options.token ?? io.env['VECTRA_TOKEN']
  return {
    data: options.data ?? (io.env['VECTRA_DATA'] || defaultDataDirectory),
    ...(endpoint && { endpoint }),
    ...(token && { token }),
    json: options.json === true,
    quiet: options.quiet === true,
  }
}

/** Examples for a command's help: arguments of vectra-cli, or a whole line that names it. */
export function examples(...lines: string[]): string {
  const whole = lines.map((line) => (line.includes('vectra-cli') ? line : `vectra-cli ${line}`))
  return `\nExamples:\n${whole.map((line) => `  $ ${line}`).join('\n')}`
}
