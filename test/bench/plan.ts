/**
 * Validating, checking and explaining a plan of 500 collections and 2,000 steps: the three built commands in a
 * process each, and all in one process, against processes that do nothing but parse the same file with the same library.
 *
 * Options: `--trials N`. Times are processor time, threads included, the least of the trials, and wall time of the same trial.
 * Exits 1 when the three in one process take 2 s of processor time or more.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { largePlan } from '../support/large-plan.ts'
import { type MeasuredProcess, measuredProcess } from '../support/measured-process.ts'
import { describeRun, duration, table, times } from './report.ts'

const { values } = parseArgs({ options: { trials: { type: 'string', default: '7' } } })
const trials = Number(values.trials)
const aimMs = 2_000
const inOne = '**the three, in one process**'

const binary = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))
const commands = fileURLToPath(new URL('./plan-commands.mjs', import.meta.url))
const yaml = fileURLToPath(import.meta.resolve('yaml'))
const directory = await mkdtemp(join(tmpdir(), 'vectra-bench-'))

async function least(args: readonly string[], exitCode: number): Promise<MeasuredProcess> {
  const all: MeasuredProcess[] = []
  while (all.length < trials) {
    const run = await measuredProcess(args)
    if (run.exitCode !== exitCode) throw new Error(`exit ${run.exitCode}: ${run.stderr}`)
    all.push(run)
  }
  const [first] = all.sort((a, b) => a.processorMs - b.processorMs)
  if (first === undefined) throw new RangeError('give the number of trials, at least 1')
  return first
}

try {
  const file = join(directory, 'large.yaml')
  await writeFile(file, largePlan())
  const parse = `require(${JSON.stringify(yaml)}).parse(require('fs').readFileSync(${JSON.stringify(file)}, 'utf8'))`
  const idle = await least(['-e', '0'], 0)
  const parsed = await least(['-e', parse], 0)
  const validate = await least([binary, 'validate', file], 0)
  // its backups are too rare for its objectives
  const check = await least([binary, 'check', file], 3)
  const explain = await least([binary, 'explain', file], 0)
  const one = await least([commands, file], 0)
  if (one.stdout !== '0 3 0') throw new Error(`exit codes ${one.stdout}`)
  const sum = (key: 'processorMs' | 'wallMs') => validate[key] + check[key] + explain[key]
  const rows: [string, number, number, number][] = [
    ['node, nothing', idle.processorMs, idle.wallMs, 1],
    ['node, parsing the file', parsed.processorMs, parsed.wallMs, 1],
    ['validate', validate.processorMs, validate.wallMs, 1],
    ['check', check.processorMs, check.wallMs, 1],
    ['explain', explain.processorMs, explain.wallMs, 1],
    ['the three, a process each', sum('processorMs'), sum('wallMs'), 3],
    [inOne, one.processorMs, one.wallMs, 3],
  ]
  console.log(
    `${describeRun()}\nthe least of ${trials}\n\n${table([
      ['', 'processor time', 'wall time', '÷ parsing, as often', 'aim'],
      ...rows.map(([name, processorMs, wallMs, often]) => [
        name,
        duration(processorMs),
        duration(wallMs),
        times(processorMs / (often * parsed.processorMs)),
        name === inOne ? `< ${duration(aimMs)}` : '',
      ]),
    ])}`,
  )
  if (one.processorMs >= aimMs) process.exitCode = 1
} finally {
  await rm(directory, { recursive: true, force: true })
}
