/** One run of `vectra-dr`: arguments in, exit code out. Nothing here touches the process. */
import { exitCodes, OperatingError } from '../../engine/index.ts'
import { reportFailure, toUsageError } from './failure.ts'
import type { Io } from './io.ts'
import { buildProgram } from './program.ts'

/**
 * Runs the command that `argv` (without node and script) names.
 * @returns the exit code: 0 only when everything asked for was done and every objective was met
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let text = ''
  const program = buildProgram(io, (part) => {
    text += part
  })
  try {
    try {
      await program.parseAsync([...argv], { from: 'user' })
    } catch (error) {
      const failure = toUsageError(error, program, argv)
      if (failure !== undefined) throw failure
      await io.stdout.write(text)
    }
    return exitCodes.done
  } catch (error) {
    // what an interrupt breaks may fail in any way; the interrupt is the reason to tell
    const { aborted, reason } = io.stopSignal
    const cause = aborted && !(error instanceof OperatingError) ? reason : error
    return reportFailure(cause, io, argv.includes('--json'))
  }
}
