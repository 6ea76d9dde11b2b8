/**
 * Checks every file of a directory, one after the other, in a process of its own, and prints what came
 * out with its cost: one JSON line a file. Memory is the peak of the whole process, its threads
 * included, above what it was after a plan without faults; Linux counts it, and not as getrusage does,
 * for which a process starts at the peak of the one that made it.
 */
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { nodeDisk, OperatingError } from '../../engine/index.ts'
import { checkPlan } from '../../planner/plan/load-plan.ts'
import { processorMs } from './processor-time.ts'

export interface Told {
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface Measured {
  readonly name: string
  readonly code: string
  /** Of the processors, threads included. */
  readonly ms: number
  readonly growthBytes: number
  readonly errors: readonly Told[]
}

async function peakBytes(): Promise<number> {
  const status = await fs.readFile('/proc/self/status', 'utf8')
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  if (kib === undefined) throw new Error('/proc/self/status has no VmHWM')
  return 1024 * Number(kib)
}

async function outcome(file: string): Promise<Pick<Measured, 'code' | 'errors'>> {
  try {
    const check = await checkPlan(file, { disk: nodeDisk, env: {} })
    if (check.kind === 'valid') return { code: 'valid', errors: [] }
    const errors = check.errors.map(({ line, column, message }) => ({ line, column, message }))
    return { code: check.code, errors }
  } catch (error) {
    if (error instanceof OperatingError) return { code: error.code, errors: [] }
    throw error
  }
}

/** What takes less is fast enough and not measured again. */
const slowMs = 2_000

const [, , directory = '.'] = process.argv
const names = (await fs.readdir(directory)).sort()
await outcome(path.join(directory, names[0] ?? ''))
const baseBytes = await peakBytes()
for (const name of names) {
  const times: number[] = []
  let found: Pick<Measured, 'code' | 'errors'> = { code: '', errors: [] }
  // work beside it may take the caches away for a while
  while (times.length < 3 && Math.min(...times) >= slowMs) {
    const startedMs = processorMs()
    found = await outcome(path.join(directory, name))
    times.push(processorMs() - startedMs)
  }
  const ms = Math.min(...times)
  const measured: Measured = {
    name,
    ...found,
    ms,
    growthBytes: (await peakBytes()) - baseBytes,
  }
  process.stdout.write(`${JSON.stringify(measured)}\n`)
}
