/**
 * `status` and `ledger verify` over a long ledger, with the built binary, against the same over one of a few
 * lines: what a command costs that does not know how long the record is.
 *
 * Options: `--lines N --trials N`. Times are processor time, threads included, the least of the trials, and wall time of the
 * same trial. At full size (100,000 lines) it exits 1 when `status` takes
 * 1 s of processor time or more, or `ledger verify` 5 s.
 */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeLargeLedger } from '../support/large-ledger.ts'
import { type MeasuredProcess, measuredProcess } from '../support/measured-process.ts'
import { describeRun, duration, table, times } from './report.ts'

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '100000' },
    trials: { type: 'string', default: '5' },
  },
})
const [lines, trials] = [Number(values.lines), Number(values.trials)]
const few = 20
const aims = { status: 1_000, verify: 5_000, lines: 100_000 }
const binary = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))
const planText = `version: 1
name: long
owner: somebody
targets: { local: { engine: vectra, path: ./store } }
collections: { points: { target: local, objectives: { rpo: 15m } } }
destinations: { backups: { url: ./backups } }
schedules:
  nightly: { cron: "0 2 * * *", steps: [{ backup: { collections: [points], to: backups } }] }
  archive: { every: 5m, steps: [{ archive: { collections: [points], to: backups } }] }
drills:
  lost: { proves: [rpo], steps: [{ verify: { in: backups, collection: points } }] }
`

const run = async (...args: readonly string[]): Promise<MeasuredProcess> => {
  const measured = await measuredProcess([binary, ...args])
  if (measured.exitCode !== 0) throw new Error(`exit ${measured.exitCode}: ${measured.stderr}`)
  return measured
}

async function least(...args: readonly string[]): Promise<MeasuredProcess> {
  const all: MeasuredProcess[] = []
  while (all.length < trials) all.push(await run(...args))
  const [first] = all.sort((a, b) => a.processorMs - b.processorMs)
  if (first === undefined) throw new RangeError('give the number of trials, at least 1')
  return first
}

const directory = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
try {
  const planOf = async (name: string, count: number) => {
    const file = join(directory, name, 'long.yaml')
    const ledger = join(directory, name, '.vectra-dr', 'ledger.jsonl')
    await mkdir(join(directory, name, '.vectra-dr'), { recursive: true })
    await writeFile(file, planText)
    await writeLargeLedger(ledger, 'long', count)
    return { file, bytes: (await stat(ledger)).size }
  }
  const [short, long] = [await planOf('short', few), await planOf('long', lines)]
  const first = await run('status', long.file)
  const status = [await least('status', short.file), await least('status', long.file)] as const
  const verify = [
    await least('ledger', 'verify', short.file),
    await least('ledger', 'verify', long.file),
  ] as const
  const row = (name: string, it: MeasuredProcess, base: MeasuredProcess, aim = '') => [
    name,
    duration(it.processorMs),
    duration(it.wallMs),
    times(it.processorMs / base.processorMs),
    aim,
  ]
  console.log(
    `${describeRun()}\n${lines.toLocaleString('en')} lines, ${Math.round(long.bytes / 2 ** 20)} MiB; the least of ${trials}\n\n${table(
      [
        ['', 'processor time', 'wall time', `÷ ${few} lines`, 'aim'],
        row('status, nothing remembered', first, status[0]),
        row('**status**', status[1], status[0], `< ${duration(aims.status)}`),
        row('**ledger verify**', verify[1], verify[0], `< ${duration(aims.verify)}`),
      ],
    )}`,
  )
  const isFull = lines >= aims.lines
  const isSlow = status[1].processorMs >= aims.status || verify[1].processorMs >= aims.verify
  if (isFull && isSlow) process.exitCode = 1
} finally {
  await rm(directory, { recursive: true, force: true })
}
