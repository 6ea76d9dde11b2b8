/**
 * What a command works with: the world, the global options, and the ways to say something.
 *
 * Results go to standard output, as text or, with `--json`, as one object a line; everything else goes
 * to standard error.
 */
import { noProgress, type Progress } from '../base/progress.ts'
import type { Io } from './io.ts'
import { oneLine } from './plain-text.ts'
import { createProgressLine } from './progress-line.ts'

export interface GlobalOptions {
  /** The data directory. */
  readonly data: string
  /** The server that has the data, where one was named. */
  readonly endpoint?: string
  /** What a server asks for, or is to ask for. */
  readonly token?: string
  readonly json: boolean
  readonly quiet: boolean
}

export interface Context extends GlobalOptions {
  readonly io: Io
  readonly progress: Progress
  /** A result for people; nothing with `--json`. `text` ends its lines itself. */
  print(text: string): Promise<void>
  /** A result for programs: one line, only with `--json`. */
  emit(object: object): Promise<void>
  /** A sentence that says what was done; nothing with `--json` or `--quiet`. */
  confirm(sentence: string): Promise<void>
  /** Something worth knowing, on standard error; nothing with `--quiet`. */
  remark(sentence: string): Promise<void>
  /** Something that may hurt, on standard error, always. */
  warn(sentence: string): Promise<void>
  /** Takes the progress line away. */
  settle(): Promise<void>
}

export function createContext(io: Io, options: GlobalOptions): Context {
  const line = createProgressLine(io.stderr, io.clock)
  const toStdout = async (text: string) => {
    await line.clear()
    await io.stdout.write(text)
  }
  const toStderr = async (text: string) => {
    await line.clear()
    await io.stderr.write(`${oneLine(text)}\n`)
  }
  return {
    ...options,
    io,
    progress: options.quiet ? noProgress : line.report,
    print: async (text) => (options.json ? undefined : toStdout(text)),
    emit: async (object) => (options.json ? toStdout(`${JSON.stringify(object)}\n`) : undefined),
    confirm: async (sentence) =>
      options.json || options.quiet ? undefined : toStdout(`${oneLine(sentence)}\n`),
    remark: async (sentence) => (options.quiet ? undefined : toStderr(sentence)),
    warn: (sentence) => toStderr(`warning: ${sentence}`),
    settle: () => line.clear(),
  }
}
