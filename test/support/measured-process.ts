/** A process of node with what it cost: time of the processors, its threads included, and time on the wall. */
import { execa } from 'execa'

export interface MeasuredProcess {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
  readonly processorMs: number
  readonly wallMs: number
}

const mark = 'processor time in microseconds: '
/** Writes the cost at the very end, also of what ends with `process.exit`. */
const teller = `data:text/javascript,process.on('exit',()=>{const {user,system}=process.cpuUsage();process.stderr.write('\\n${mark}'+(user+system))})`

/** @param args of node: a script and its arguments */
export async function measuredProcess(args: readonly string[]): Promise<MeasuredProcess> {
  const { exitCode, stdout, stderr, durationMs } = await execa(
    process.execPath,
    ['--import', teller, ...args],
    { reject: false, maxBuffer: 64 * 2 ** 20 },
  )
  const [before = '', micros] = stderr.split(mark)
  if (micros === undefined) throw new Error(`the process did not tell its cost: ${stderr}`)
  return {
    exitCode,
    stdout,
    stderr: before.trimEnd(),
    processorMs: Number(micros) / 1_000,
    wallMs: durationMs,
  }
}
