/**
 * Checks every file of a directory, one after the other, in a process of its own, and prints what came
 * out with its cost: one JSON line a file. Memory is the peak of the whole process, its threads
 * included, above what it was after a plan without faults.
 */
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { nodeDisk, OperatingError } from '../../engine/index.ts'
import { checkPlan } from '../../planner/plan/load-plan.ts'

export interface Told {
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface Measured {
  readonly name: string
  readonly code: string
  readonly ms: number
  readonly growthBytes: number
  readonly errors: readonly Told[]
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024

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

const [, , directory = '.'] = process.argv
const names = (await fs.readdir(directory)).sort()
await outcome(path.join(directory, names[0] ?? ''))
const baseBytes = peakBytes()
for (const name of names) {
  const startedMs = performance.now()
  const found = await outcome(path.join(directory, name))
  const ms = performance.now() - startedMs
  const measured: Measured = {
    name,
    ...found,
    ms,
    growthBytes: peakBytes() - baseBytes,
  }
  process.stdout.write(`${JSON.stringify(measured)}\n`)
}
