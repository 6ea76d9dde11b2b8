/**
 * From the words of a command to what the operating system starts: an argument list and a
 * minimal environment. No shell reads any of it, so no character in it means anything.
 *
 * `vectra-cli` and `vectra-dr` are this installation's own commands, run by the Node that runs this
 * program, whatever PATH says: nobody can be led to another program of that name.
 */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail } from '../base/errors.ts'

export interface Invocation {
  readonly file: string
  readonly args: readonly string[]
}

/** Variables that every program gets; whoever starts it adds more by name. */
const inherited = ['PATH', 'HOME', 'LANG'] as const

const ownCommands: ReadonlyMap<string, string> = new Map([
  ['vectra-cli', 'engine/cli/main.js'],
  ['vectra-dr', 'planner/cli/main.js'],
])

/** The built command of this installation: from `dist/engine/outside` or, run from source, below `dist`. */
function ownMain(file: string): string {
  const here = fileURLToPath(import.meta.url)
  const root = path.resolve(path.dirname(here), '../..')
  return path.join(root, path.extname(here) === '.ts' ? 'dist' : '', file)
}

/** @throws `usage` for words that no system can start, or only through a shell */
export function toInvocation(words: readonly string[]): Invocation {
  const [program = '', ...args] = words
  if (program.trim() === '') return refuse('has no program', 'Name the program first.')
  for (const word of words) checkNul('an argument', word)
  if (program.startsWith('-')) {
    return refuse(`starts with ${program}`, 'The first word is the program, not a flag.')
  }
  if (/\.(bat|cmd)$/i.test(program)) {
    return refuse(
      `names the batch file ${program}`,
      'Batch files run through a shell; name the program itself.',
    )
  }
  const own = ownCommands.get(program)
  return own === undefined
    ? { file: program, args }
    : { file: process.execPath, args: [ownMain(own), ...args] }
}

/**
 * The whole environment of the program. Only absolute directories stay in PATH: an empty or relative
 * one would look in the working directory, where data may lie that somebody else wrote.
 */
export function toEnvironment(
  host: Readonly<Record<string, string | undefined>>,
  declared: ReadonlyMap<string, string>,
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of inherited) {
    const value = host[name]
    if (value !== undefined) environment[name] = value
  }
  for (const [name, value] of declared) {
    checkNul(`the variable ${name}`, value)
    environment[name] = value
  }
  const search = (environment['PATH'] ?? '').split(path.delimiter).filter(path.isAbsolute)
  // an empty PATH means the working directory; without one the system's own directories are searched
  if (search.length > 0) environment['PATH'] = search.join(path.delimiter)
  else delete environment['PATH']
  return environment
}

function checkNul(what: string, text: string): void {
  if (text.includes('\0')) refuse(`has a NUL character in ${what}`, 'Take it out.')
}

const refuse = (problem: string, hint: string): never =>
  fail('usage', `the command ${problem}`, hint)
