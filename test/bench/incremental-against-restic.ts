/**
 * An incremental backup after 1 % of the points was overwritten, against restic (compression off) over
 * our own data directory at the same moment, and over the same vectors overwritten in one flat file.
 *
 * Options: `--points N --dimension N --ef-construction N --trials N`. The changed points are flushed
 * before both, sealed and indexed, which is the collection's work and is printed apart. Ours is measured
 * twice: inside an engine that stays, from the call to the durable snapshot with its golden queries; and
 * as a whole process that opens the collection first. Segments are not merged meanwhile: for restic a merge
 * is new files. restic is installed with apt-get when it is missing.
 * Exits 1 below 2 and 10, inside a running engine.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { builtEngine } from '../support/built-engine.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { buildCollection, type Items } from './peers.ts'
import { describeRun, duration, median, table, timed, times } from './report.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '500000' },
    dimension: { type: 'string', default: '128' },
    'ef-construction': { type: 'string', default: '200' },
    trials: { type: 'string', default: '3' },
  },
})
const count = Number(values.points)
const dimension = Number(values.dimension)
const trials = Number(values.trials)
const overDirectoryAim = 2
const overFlatAim = 10

const { createBackup, nodeDisk, openDataDirectory, systemClock } = await builtEngine()
const binary = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))
const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
const at = (name: string) => join(root, name)
const environment = { ...process.env, RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: at('cache') }

function restic(repository: string, ...command: string[]): void {
  const options = ['--repo', at(repository), '--quiet', '--compression', 'off']
  execFileSync('restic', [...options, ...command], { env: environment })
}

function requireRestic(): void {
  try {
    execFileSync('restic', ['version'])
  } catch {
    console.log('installing restic …')
    execFileSync('apt-get', ['install', '--yes', 'restic'], { stdio: 'ignore' })
  }
}

async function openAgain(): Promise<{ items: Items; close(): Promise<void> }> {
  const outside = { disk: nodeDisk, clock: systemClock }
  const compaction = 'manual'
  const directory = await openDataDirectory(at('data'), { ...outside, create: false, compaction })
  return { items: await directory.open('items'), close: () => directory.close() }
}

/** Writes the rows of `ids` anew, in the collection and in the flat file. @returns ms of the flush */
async function overwrite(items: Items, ids: readonly number[], seed: number): Promise<number> {
  const fresh = clusteredVectors({ count: ids.length, dimension, seed })
  for (let from = 0; from < ids.length; from += 1000) {
    const batch = ids.slice(from, from + 1000).map((id, i) => ({
      id,
      vector: rowOf(fresh, dimension, from + i),
    }))
    await items.upsert(batch)
  }
  const flush = await timed(() => items.checkpoint())
  const flat = await open(join(at('flat'), 'vectors.f32'), 'r+')
  for (const [row, id] of ids.entries()) {
    const values_ = rowOf(fresh, dimension, row)
    const bytes = new Uint8Array(values_.buffer, values_.byteOffset, values_.byteLength)
    await flat.write(bytes, 0, bytes.length, id * bytes.length)
  }
  await flat.sync()
  await flat.close()
  return flush.ms
}

async function ours(items: Items, snapshotId: string): Promise<number> {
  const outside = { disk: nodeDisk, clock: systemClock }
  const destination = at('backups')
  const taken = await timed(() => createBackup(items, { ...outside, destination, snapshotId }))
  const phases = taken.value.phases.map((each) => `${each.phase} ${duration(each.durationMs)}`)
  console.log(`${snapshotId}: ${duration(taken.ms)}, of it ${phases.join(', ')}`)
  return taken.ms
}

function oursAsProcess(snapshotId: string): void {
  const where = ['--destination', at('backups'), '--snapshot-id', snapshotId, '--wait']
  const command = ['--data', at('data'), '--quiet', 'collections', 'backup', 'items', ...where]
  execFileSync(process.execPath, [binary, ...command], { stdio: ['ignore', 'ignore', 'inherit'] })
}

try {
  requireRestic()
  const vectors = clusteredVectors({ count, dimension, seed: 7 })
  const efConstruction = Number(values['ef-construction'])
  await (await buildCollection(at('data'), vectors, dimension, efConstruction)).close()
  await mkdir(at('flat'))
  await writeFile(join(at('flat'), 'vectors.f32'), new Uint8Array(vectors.buffer))
  const running = await openAgain()
  await ours(running.items, 'full')
  for (const [repository, source] of [
    ['restic-data', 'data'],
    ['restic-flat', 'flat'],
  ] as const) {
    restic(repository, 'init')
    restic(repository, 'backup', at(source))
  }

  const random = seededRandom(11)
  const took = {
    flush: [] as number[],
    data: [] as number[],
    flat: [] as number[],
    inside: [] as number[],
    process: [] as number[],
  }
  const changed = Math.ceil(count / 100)
  const someIds = () => [...new Set(Array.from({ length: changed }, () => random.integer(count)))]
  for (let trial = 1; trial <= trials; trial++) {
    took.flush.push(await overwrite(running.items, someIds(), trial))
    took.flat.push((await timed(() => restic('restic-flat', 'backup', at('flat')))).ms)
    took.data.push((await timed(() => restic('restic-data', 'backup', at('data')))).ms)
    took.inside.push(await ours(running.items, `inside-${trial}`))
  }
  await running.close()
  for (let trial = 1; trial <= trials; trial++) {
    const opened = await openAgain()
    await overwrite(opened.items, someIds(), 1000 + trial)
    await opened.close()
    took.process.push((await timed(() => oursAsProcess(`process-${trial}`))).ms)
  }
  const [data, flat] = [median(took.data), median(took.flat)]
  const line = (name: string, ms: number, aims: readonly [string, string]) => [
    name,
    duration(ms),
    times(data / ms),
    aims[0],
    times(flat / ms),
    aims[1],
  ]
  const aims = [`≥ ${overDirectoryAim} ×`, `≥ ${overFlatAim} ×`] as const
  const inside = median(took.inside)
  const shown = [
    [
      '',
      'time',
      'restic over our directory ÷ this',
      'aim',
      'restic over a flat file ÷ this',
      'aim',
    ],
    ['restic over our data directory', duration(data), '', '', '', ''],
    ['restic over a flat file', duration(flat), '', '', '', ''],
    line('incremental, in an engine that stays', inside, aims),
    line('incremental, whole process', median(took.process), aims),
    ['flushing the changed points, before', duration(median(took.flush)), '', '', '', ''],
  ]
  const size = `${count} × ${dimension}, efConstruction ${efConstruction}, ${changed} overwritten`
  console.log(`${describeRun()}\n${size}, medians of ${trials}\n\n${table(shown)}`)
  const met = data / inside >= overDirectoryAim && flat / inside >= overFlatAim
  if (count >= 500_000 && !met) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
