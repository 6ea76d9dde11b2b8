/**
 * An incremental backup after 1 % of the points were overwritten, against the full one before it: bytes
 * written, bytes read, time in the process.
 *
 * Options: `--points N --dimension N --share P --trials N --index hnsw|flat`. Every trial overwrites
 * points at random and flushes, which is the collection's work and is printed apart; then the collection
 * is closed, opened again, as a command does, and backed up. Bytes are counted at the disk under engine
 * and repository alike. Time is that of `createBackup`, everything in it included. At full size exits 1
 * above 3 % of the bytes written, 5 % of the bytes read or 5 % of the time.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtEngine } from '../support/built-engine.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { CountingDisk } from '../support/counting-disk.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { describeRun, duration, median, table, timed } from './report.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '500000' },
    dimension: { type: 'string', default: '128' },
    share: { type: 'string', default: '1' },
    trials: { type: 'string', default: '3' },
    index: { type: 'string', default: 'hnsw' },
  },
})
const count = Number(values.points)
const dimension = Number(values.dimension)
const trials = Number(values.trials)
const changed = Math.round((Number(values.share) / 100) * count)
const aims = { written: 3, read: 5, time: 5 }

const { createBackup, makeConfig, nodeDisk, openDataDirectory, systemClock } = await builtEngine()
const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
const disk = new CountingDisk(nodeDisk)
const open = () => openDataDirectory(join(root, 'data'), { disk, clock: systemClock, create: true })

interface Cost {
  readonly ms: number
  readonly read: number
  readonly written: number
  readonly phases: string
}

/** Opens the collection cold and backs it up. */
async function backUp(snapshotId: string, mode: 'full' | 'incremental'): Promise<Cost> {
  const data = await open()
  const items = await data.open('items')
  disk.take()
  const destination = join(root, 'repository')
  const options = { disk, clock: systemClock, destination, snapshotId, mode }
  const { durationMs, phases } = await createBackup(items, options)
  const { readBytes, writtenBytes } = disk.take()
  await data.close()
  const shown = phases.map((each) => `${each.phase} ${duration(each.durationMs)}`).join(', ')
  return { ms: durationMs, read: readBytes, written: writtenBytes, phases: shown }
}

try {
  const vectors = clusteredVectors({ count, dimension, seed: 7 })
  const fresh = clusteredVectors({ count: changed, dimension, seed: 8 })
  const random = seededRandom(9)
  const data = await open()
  const index = values.index === 'flat' ? 'flat' : 'hnsw'
  const items = await data.create('items', makeConfig({ dimension, metric: 'cosine', index }))
  const filling = await timed(async () => {
    for (let row = 0; row < count; row += 1000) {
      const batch = Array.from({ length: Math.min(1000, count - row) }, (_, i) => ({
        id: row + i,
        vector: rowOf(vectors, dimension, row + i),
        metadata: { row: row + i },
      }))
      await items.upsert(batch)
    }
    await items.checkpoint()
  })
  await data.close()
  console.log(`${count} × ${dimension}, ${index}, filled in ${duration(filling.ms)}`)

  const full = await backUp('full', 'full')
  console.log(`full: ${full.phases}`)
  const costs: Cost[] = []
  for (let trial = 1; trial <= trials; trial++) {
    const changing = await open()
    const target = await changing.open('items')
    const flush = await timed(async () => {
      for (let row = 0; row < changed; row += 1000) {
        const batch = Array.from({ length: Math.min(1000, changed - row) }, (_, i) => ({
          id: random.integer(count),
          vector: rowOf(fresh, dimension, (row + i + 31 * trial) % changed),
          metadata: { trial },
        }))
        await target.upsert(batch)
      }
      await target.checkpoint()
    })
    await changing.close()
    const cost = await backUp(`trial-${trial}`, 'incremental')
    costs.push(cost)
    const flushed = `${changed} points overwritten and flushed in ${duration(flush.ms)}`
    console.log(`trial ${trial}: ${flushed}; backup: ${cost.phases}`)
  }

  const middle = (of: (cost: Cost) => number) => median(costs.map(of))
  const percent = (of: (cost: Cost) => number) => (100 * middle(of)) / of(full)
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const row = (
    what: string,
    of: (cost: Cost) => number,
    show: (value: number) => string,
    aim: number,
  ) => [what, show(of(full)), show(middle(of)), `${percent(of).toFixed(1)} %`, `${aim} %`]
  console.log(describeRun())
  console.log(
    table([
      [`after ${values.share} % changed`, 'full', 'incremental', 'share', 'at most'],
      row('bytes written', (cost) => cost.written, mebibytes, aims.written),
      row('bytes read', (cost) => cost.read, mebibytes, aims.read),
      row('time', (cost) => cost.ms, duration, aims.time),
    ]),
  )
  const missed =
    percent((cost) => cost.written) > aims.written ||
    percent((cost) => cost.read) > aims.read ||
    percent((cost) => cost.ms) > aims.time
  if (count >= 500_000 && missed) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
