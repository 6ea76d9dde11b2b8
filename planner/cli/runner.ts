/**
 * Joins a command's work to the argument parser: the work gets a context, its arguments and its
 * options; what it returns is the last object of `--json`.
 */
import type { Command } from 'commander'
import { type Context, createContext } from './context.ts'
import type { Io } from './io.ts'

/** What was done, for programs; merged into `{"outcome": "done"}`. */
export type Summary = object

/** Wraps work for commander's `action`: its arguments, then the options, then the command. */
export type Runner = <Args extends readonly unknown[]>(
  work: (context: Context, ...args: Args) => Promise<Summary>,
) => (...args: [...Args, Command]) => Promise<void>

/** A runner that works in the world of `io`. */
export function createRunner(io: Io): Runner {
  return <Args extends readonly unknown[]>(
    work: (context: Context, ...args: Args) => Promise<Summary>,
  ) =>
    async (...args: [...Args, Command]) => {
      // commander passes the command last; TypeScript loses it in the spread
      const command = args.at(-1) as Command
      const { state, json, quiet } = command.optsWithGlobals<{
        state?: string
        json?: true
        quiet?: true
      }>()
      const context = createContext(io, { state, json: json === true, quiet: quiet === true })
      // [...Args, Command] without its last is Args, which slice cannot say
      const own = args.slice(0, -1) as unknown as Args
      const summary = await work(context, ...own)
      await context.emit({ outcome: 'done', ...summary })
    }
}

/** Examples for a command's help. */
export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ vectra-dr ${line}`).join('\n')}`
