/**
 * Building an index through the engine, on all cores, against one thread of raw hnswlib-node over the
 * same vectors with the same settings (cosine, M 16, efConstruction 200).
 *
 * Options: `--points N --dimension N --trials N`. Ours is everything from the first upsert to a
 * checkpointed collection: logged, synced, hashed, written as files. Exits 1 below 1.7.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clusteredVectors } from '../support/clustered-vectors.ts'
import { buildCollection } from './peers.ts'
import { rawHnsw } from './raw-hnsw.ts'
import { describeRun, duration, median, table, timed, times } from './report.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '50000' },
    dimension: { type: 'string', default: '128' },
    trials: { type: 'string', default: '3' },
  },
})
const count = Number(values.points)
const dimension = Number(values.dimension)
const trials = Number(values.trials)
const aim = 1.7

const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
try {
  const vectors = clusteredVectors({ count, dimension, seed: 7 })
  const shown = [['trial', 'raw, one thread', 'engine', 'of it the checkpoint', 'ratio', 'aim']]
  const ratios: number[] = []
  let segments = 0
  for (let trial = 1; trial <= trials; trial++) {
    const raw = await timed(() => rawHnsw(vectors, dimension))
    const directory = join(root, String(trial))
    const built = await buildCollection(directory, vectors, dimension)
    segments = built.items.stats().segments.filter(({ kind }) => kind === 'sealed').length
    await built.close()
    await rm(directory, { recursive: true })
    const oursMs = built.upsertMs + built.checkpointMs
    const ratio = raw.ms / oursMs
    ratios.push(ratio)
    const ours = [duration(oursMs), duration(built.checkpointMs)]
    shown.push([String(trial), duration(raw.ms), ...ours, times(ratio), `≥ ${aim} ×`])
  }
  shown.push(['median', '', '', '', times(median(ratios)), `≥ ${aim} ×`])
  console.log(
    `${describeRun()}\n${count} × ${dimension}, ${segments} segment(s)\n\n${table(shown)}`,
  )
  if (count >= 50_000 && median(ratios) < aim) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
