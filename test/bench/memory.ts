/**
 * The most memory that backing up, verifying, copying and restoring take on top of the collection itself,
 * with the built binary: each command's peak (VmHWM) less that of a command that only opens the collection.
 *
 * Options: `--mib N --dimension N --bound MiB --directory DIR`. The full size is 4096 MiB of vectors; five
 * times that is needed on the disk. Exits 1 when a command takes more than the bound on top.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { clusteredVectors } from '../support/clustered-vectors.ts'
import { describeRun, duration, table } from './report.ts'

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '4096' },
    dimension: { type: 'string', default: '1024' },
    bound: { type: 'string', default: '600' },
    directory: { type: 'string', default: tmpdir() },
  },
})
const dimension = Number(values.dimension)
const points = Math.floor((Number(values.mib) * 2 ** 20) / (4 * dimension))
const boundMiB = Number(values.bound)
const binary = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))
const chunkPoints = 20_000
/** How often the kernel is asked for the peak of a running command; the peak itself never falls. */
const pollMs = 20

const root = await mkdtemp(join(values.directory, 'vectra-memory-'))
const shown = [['command', 'time', 'peak memory', 'on top of the open collection']]

/** Runs one command to its end. @throws when it fails */
async function vectra(...command: string[]): Promise<{ ms: number; peakMiB: number }> {
  const start = performance.now()
  const child = spawn(process.execPath, [binary, '--data', join(root, 'data'), ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  let peakMiB = 0
  const look = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peakMiB = Math.max(peakMiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }
  const poll = setInterval(() => void look(), pollMs)
  const [code] = await once(child, 'close')
  clearInterval(poll)
  if (code !== 0) throw new Error(`vectra-cli ${command.join(' ')} ended with ${code}`)
  return { ms: performance.now() - start, peakMiB }
}

async function writeVectors(file: string): Promise<void> {
  const handle = await open(file, 'w')
  for (let from = 0; from < points; from += chunkPoints) {
    const count = Math.min(chunkPoints, points - from)
    const chunk = clusteredVectors({ count, dimension, seed: from })
    await handle.write(new Uint8Array(chunk.buffer))
  }
  await handle.close()
}

try {
  const file = join(root, 'vectors.f32')
  const [first, second] = [join(root, 'first'), join(root, 'second')]
  await writeVectors(file)
  const shape = ['--dimension', String(dimension), '--index', 'flat', '--quiet']
  await vectra('collections', 'import', 'items', file, ...shape)
  await rm(file)
  const opened = await vectra('collections', 'count', 'items')
  shown.push(['open', duration(opened.ms), `${opened.peakMiB.toFixed(0)} MiB`, ''])
  let worstMiB = 0
  const step = async (name: string, ...command: string[]): Promise<void> => {
    const { ms, peakMiB } = await vectra('--quiet', ...command)
    const onTopMiB = peakMiB - opened.peakMiB
    worstMiB = Math.max(worstMiB, onTopMiB)
    shown.push([name, duration(ms), `${peakMiB.toFixed(0)} MiB`, `${onTopMiB.toFixed(0)} MiB`])
    console.log(`${name}: ${duration(ms)}, ${onTopMiB.toFixed(0)} MiB on top`)
  }
  const snapshot = ['--destination', first, '--snapshot-id', 'full']
  await step('backup', 'collections', 'backup', 'items', ...snapshot)
  await step('verify', 'collections', 'backup', 'verify', '--source', first)
  await step('copy', 'repository', 'copy', first, second)
  await vectra('--quiet', 'collections', 'drop', 'items')
  await step('restore', 'collections', 'restore', 'items', '--source', second)
  const size = `${points} × ${dimension}, ${values.mib} MiB of vectors, bound ${boundMiB} MiB`
  console.log(`\n${describeRun()}\n${size}\n\n${table(shown)}`)
  if (worstMiB > boundMiB) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
