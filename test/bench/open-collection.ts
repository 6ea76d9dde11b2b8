/**
 * Opening a collection against building its index: the engine's own build on all cores, from the first
 * upsert to a checkpointed collection, measured in full in the same run.
 *
 * Options: `--points N --dimension N --ef-construction N --trials N`. Opened means: files hashed and
 * checked, ids and digest in memory, log replayed, ready for writes and counts. The first answer also
 * has every graph checked and loaded. Exits 1 below 100 for the opening.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtEngine } from '../support/built-engine.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { buildCollection } from './peers.ts'
import { describeRun, duration, median, table, timed, times } from './report.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '500000' },
    dimension: { type: 'string', default: '128' },
    'ef-construction': { type: 'string', default: '200' },
    trials: { type: 'string', default: '5' },
  },
})
const count = Number(values.points)
const dimension = Number(values.dimension)
const efConstruction = Number(values['ef-construction'])
const trials = Number(values.trials)
const aim = 100

const { nodeDisk, openDataDirectory, systemClock } = await builtEngine()
const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
try {
  const vectors = clusteredVectors({ count, dimension, seed: 7 })
  const query = rowOf(vectors, dimension, 1)
  const built = await buildCollection(root, vectors, dimension, efConstruction)
  await built.close()
  const buildMs = built.upsertMs + built.checkpointMs
  const opening: number[] = []
  const answering: number[] = []
  for (let trial = 0; trial < trials; trial++) {
    const start = performance.now()
    const directory = await openDataDirectory(root, {
      disk: nodeDisk,
      clock: systemClock,
      create: false,
    })
    const items = await directory.open('items')
    if (items.count !== count) throw new Error(`${items.count} points`)
    opening.push(performance.now() - start)
    await timed(() => items.search(query, { k: 10 }))
    answering.push(performance.now() - start)
    await directory.close()
  }
  const rows = [
    ['', 'time', 'build ÷ this', 'aim'],
    ['build, upsert to checkpoint', duration(buildMs), '', ''],
    ...[
      ['opened', opening, `≥ ${aim} ×`] as const,
      ['opened, to the first answer', answering, ''] as const,
    ].map(([name, all, wanted]) => {
      const ms = median(all)
      return [name, duration(ms), times(buildMs / ms), wanted]
    }),
  ]
  const size = `${count} × ${dimension}, efConstruction ${efConstruction}`
  console.log(`${describeRun()}\n${size}, medians of ${trials}\n\n${table(rows)}`)
  if (count >= 500_000 && buildMs / median(opening) < aim) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
