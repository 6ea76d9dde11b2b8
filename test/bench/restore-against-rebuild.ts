/**
 * Restore with its graph against building the graph: the same 50,000 × 384 clustered vectors, one run.
 *
 * Options: `--points N --dimension N --trials N`. Rebuild: hnswlib-node on one thread, from vectors in
 * memory to an index that answers. Restore: `restoreSnapshot` from a local repository into a running
 * engine, from the call to the first answer, everything included: reading, hashing, writing, fsync,
 * recomputing the content digest, loading the graph, one search. Exits 1 below 100 at full size.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtEngine } from '../support/built-engine.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { rawHnsw } from './raw-hnsw.ts'

const { createBackup, makeConfig, nodeDisk, openDataDirectory, restoreSnapshot, systemClock } =
  await builtEngine()
const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '50000' },
    dimension: { type: 'string', default: '384' },
    trials: { type: 'string', default: '5' },
  },
})
const count = Number(values.points)
const dimension = Number(values.dimension)
const trials = Number(values.trials)
const aim = 100
const outside = { disk: nodeDisk, clock: systemClock }
const median = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0

const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
try {
  const vectors = clusteredVectors({ count, dimension, seed: 7 })
  const query = rowOf(vectors, dimension, 1)

  const rebuildStart = performance.now()
  const raw = rawHnsw(vectors, dimension)
  raw.search(query, 10)
  const rebuildMs = performance.now() - rebuildStart
  console.log(`build, one thread of hnswlib-node: ${rebuildMs.toFixed(0)} ms`)

  const rebuilds: string[] = []
  const phases = new Set<string>()
  let firstMs = 0
  const onWarning = (text: string) => rebuilds.push(text)
  const source = await openDataDirectory(join(root, 'source'), { ...outside, create: true })
  const config = makeConfig({ dimension, metric: 'cosine' })
  const items = await source.create('items', config)
  for (let row = 0; row < count; row += 1000) {
    const batch = Array.from({ length: Math.min(1000, count - row) }, (_, i) => ({
      id: row + i,
      vector: rowOf(vectors, dimension, row + i),
      metadata: { row: row + i },
    }))
    await items.upsert(batch)
  }
  await items.checkpoint()
  const before = await items.search(query, { k: 10 })
  await createBackup(items, {
    ...outside,
    destination: join(root, 'backup'),
    snapshotId: 'bench',
    mode: 'full',
  })
  await source.close()

  // The disaster happens to a running engine: its collection is dropped and comes back. The first
  // restore, with threads to start and code to compile, is printed and not counted.
  const times: number[] = []
  const target = await openDataDirectory(join(root, 'target'), {
    ...outside,
    create: true,
    onWarning,
    progress: ({ phase }) => phases.add(phase),
  })
  for (let trial = 0; trial <= trials; trial++) {
    const start = performance.now()
    const result = await restoreSnapshot(target, {
      ...outside,
      collection: 'items',
      source: join(root, 'backup'),
    })
    const restored = await target.open('items')
    const after = await restored.search(query, { k: 10 })
    const tookMs = performance.now() - start
    if (JSON.stringify(after) !== JSON.stringify(before)) throw new Error('the answers differ')
    if (result.graphs !== 'kept' || phases.has('build-graph') || rebuilds.length > 0) {
      throw new Error('a graph was rebuilt')
    }
    const shown = result.phases.map((each) => `${each.phase} ${each.durationMs.toFixed(0)}`)
    const first = trial === 0 ? ', the first' : ''
    console.log(`restore to first answer${first}: ${tookMs.toFixed(0)} ms (${shown.join(', ')})`)
    if (trial === 0) firstMs = tookMs
    else times.push(tookMs)
    await target.drop('items')
  }
  await target.close()
  const restoreMs = median([...times])
  const ratio = rebuildMs / restoreMs
  console.log(
    `| ${count} × ${dimension} | build ${rebuildMs.toFixed(0)} ms | first restore ${firstMs.toFixed(0)} ms, ratio ${(rebuildMs / firstMs).toFixed(0)} | restore ${restoreMs.toFixed(0)} ms (median of ${trials}), ratio ${ratio.toFixed(0)} | aim ${aim} | ${cpus().length} × ${cpus()[0]?.model} | node ${process.version} |`,
  )
  if (count >= 50_000 && ratio < aim) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
