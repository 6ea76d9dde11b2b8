/**
 * The commands of the walk-through at scale, with the built binary: import, back up, verify, drop,
 * restore, restore under another name, list, count. Prints the time and the peak memory of each
 * command and the times of its phases, and ends in the bare number of points.
 *
 * Options: `--points N --dimension N --m N --ef-construction N --keep DIR`. The full size, 1,500,000 × 128,
 * takes the better part of an hour on two cores, nearly all of it for the graphs: a smaller
 * efConstruction makes poorer graphs of the same size sooner. `--keep` leaves the files in DIR.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { clusteredVectors } from '../support/clustered-vectors.ts'
import { describeRun, duration, table } from './report.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1500000' },
    dimension: { type: 'string', default: '128' },
    m: { type: 'string', default: '16' },
    'ef-construction': { type: 'string', default: '200' },
    keep: { type: 'string' },
  },
})
const points = Number(values.points)
const dimension = Number(values.dimension)
const binary = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))
const chunkPoints = 50_000
/** How often the kernel is asked for the peak of a running command; the peak itself never falls. */
const pollMs = 20

const root = values.keep ?? (await mkdtemp(join(tmpdir(), 'vectra-scale-')))
await mkdir(root, { recursive: true })
const shown = [['command', 'time', 'peak memory', 'phases']]

interface Ran {
  readonly stdout: string
  readonly ms: number
  readonly peakMiB: number
}

/** Runs one command to its end. @throws when it fails */
async function vectra(...command: string[]): Promise<Ran> {
  const start = performance.now()
  const child = spawn(process.execPath, [binary, '--data', join(root, 'data'), ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let peakMiB = 0
  const look = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peakMiB = Math.max(peakMiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }
  const poll = setInterval(() => void look(), pollMs)
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  const [code] = await once(child, 'close')
  clearInterval(poll)
  if (code !== 0) throw new Error(`vectra-cli ${command.join(' ')} ended with ${code}`)
  return { stdout: Buffer.concat(output).toString().trim(), ms: performance.now() - start, peakMiB }
}

/** Runs a command and notes its line of the table. */
async function step(name: string, ...command: string[]): Promise<void> {
  const { stdout, ms, peakMiB } = await vectra('--json', '--quiet', ...command)
  const last = JSON.parse(stdout.split('\n').at(-1) ?? '{}') as Summary // our own output
  const phases = (last.phases ?? []).map((each) => `${each.phase} ${duration(each.durationMs)}`)
  if (last.checkpointMs !== undefined) phases.push(`checkpoint ${duration(last.checkpointMs)}`)
  shown.push([name, duration(ms), `${peakMiB.toFixed(0)} MiB`, phases.join(', ')])
  console.log(`${name}: ${duration(ms)}, ${peakMiB.toFixed(0)} MiB`)
}

interface Summary {
  readonly phases?: readonly { readonly phase: string; readonly durationMs: number }[]
  readonly checkpointMs?: number
}

async function writeVectors(file: string): Promise<void> {
  const handle = await open(file, 'w')
  for (let from = 0; from < points; from += chunkPoints) {
    const count = Math.min(chunkPoints, points - from)
    await handle.write(new Uint8Array(clusteredVectors({ count, dimension, seed: from }).buffer))
  }
  await handle.close()
}

try {
  const file = join(root, 'vectors.f32')
  const backups = join(root, 'backups')
  const snapshot = ['--snapshot-id', 'full', '--wait']
  await writeVectors(file)
  const settings = ['--m', values.m, '--ef-construction', values['ef-construction']]
  const shape = ['--dimension', String(dimension), ...settings]
  await step('import', 'collections', 'import', 'items', file, ...shape)
  await rm(file)
  await step('search, first', 'search', 'items', '--like', '7', '-k', '10')
  await step('backup', 'collections', 'backup', 'items', '--destination', backups, ...snapshot)
  await step('verify', 'collections', 'backup', 'verify', '--source', backups)
  await step('drop', 'collections', 'drop', 'items')
  await step('restore', 'collections', 'restore', 'items', '--source', backups, '--wait')
  await step('search, restored', 'search', 'items', '--like', '7', '-k', '10')
  const beside = ['--new-collection-name', 'items_restored_test', '--wait']
  await step('restore beside', 'collections', 'restore', 'items', '--source', backups, ...beside)
  await step('list', 'collections', 'list')
  const count = await vectra('collections', 'count', 'items_restored_test')
  const size = `${points} × ${dimension}, m ${values.m}, efConstruction ${values['ef-construction']}`
  console.log(`\n${describeRun()}\n${size}\n\n${table(shown)}\n\n${count.stdout}`)
  if (count.stdout !== String(points)) process.exitCode = 1
} finally {
  if (values.keep === undefined) await rm(root, { recursive: true, force: true })
}
