/**
 * What a command works with: the world, the global options, and the ways to say something.
 *
 * Results go to standard output, as text or, with `--json`, as one object a line; everything else goes
 * to standard error. Text of plans, steps and ledgers is never trusted by the terminal.
 */

import { oneLine } from '../step/plain-text.ts'
import type { Io } from './io.ts'

export interface GlobalOptions {
  /** `--state`, as given. */
  readonly state: string | undefined
  readonly json: boolean
  readonly quiet: boolean
}

export interface Context extends GlobalOptions {
  readonly io: Io
  /** A line of results for people; nothing with `--json`. */
  print(line: string): Promise<void>
  /** The same for many lines, at once. */
  printLines(lines: readonly string[]): Promise<void>
  /** An object for programs; only with `--json`. */
  emit(object: object): Promise<void>
  /** A sentence that says what was done; nothing with `--json` or `--quiet`. */
  confirm(sentence: string): Promise<void>
  /** Something worth knowing, on standard error; nothing with `--quiet`. */
  remark(sentence: string): Promise<void>
  /** Something that may hurt, on standard error, always. */
  warn(sentence: string): Promise<void>
}

export function createContext(io: Io, options: GlobalOptions): Context {
  const { json, quiet } = options
  const toStdout = (text: string) => io.stdout.write(`${text}\n`)
  const toStderr = (text: string) => io.stderr.write(`${oneLine(text)}\n`)
  return {
    ...options,
    io,
    print: async (line) => (json ? undefined : toStdout(oneLine(line))),
    printLines: async (lines) =>
      json || lines.length === 0 ? undefined : toStdout(lines.map(oneLine).join('\n')),
    emit: async (object) => (json ? toStdout(JSON.stringify(object)) : undefined),
    confirm: async (sentence) => (json || quiet ? undefined : toStdout(oneLine(sentence))),
    remark: async (sentence) => (quiet ? undefined : toStderr(sentence)),
    warn: (sentence) => toStderr(`warning: ${sentence}`),
  }
}
