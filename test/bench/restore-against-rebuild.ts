/**
 * Restore with its graph against restore that rebuilds it, and against the build alone: the same
 * 50,000 × 384 clustered vectors, one run.
 *
 * Options: `--points N --dimension N --trials N`. Build alone: hnswlib-node on one thread, vectors in
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

  const buildStart = performance.now()
  const raw = rawHnsw(vectors, dimension)
  raw.search(query, 10)
  const buildMs = performance.now() - buildStart
  console.log(`build, one thread of hnswlib-node: ${buildMs.toFixed(0)} ms`)

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
  const reindexStart = performance.now()
  const rebuilt = await restoreSnapshot(target, {
    ...outside,
    collection: 'items',
    source: join(root, 'backup'),
    reindex: true,
  })
  await (await target.open('items')).search(query, { k: 10 })
  const reindexMs = performance.now() - reindexStart
  if (rebuilt.graphs !== 'rebuilt') throw new Error('no graph was rebuilt')
  console.log(`restore that builds the graph anew, to first answer: ${reindexMs.toFixed(0)} ms`)
  await target.close()

  const restoreMs = median([...times])
  const ratios = (ms: number) =>
    `${(reindexMs / ms).toFixed(0)} × faster than a restore that rebuilds, ${(buildMs / ms).toFixed(0)} × than the build alone`
  console.log(
    [
      `${count} × ${dimension}, ${cpus().length} × ${cpus()[0]?.model}, node ${process.version}:`,
      `build alone ${buildMs.toFixed(0)} ms, restore that rebuilds ${reindexMs.toFixed(0)} ms`,
      `restore in a running engine ${restoreMs.toFixed(0)} ms (median of ${trials}): ${ratios(restoreMs)}`,
      `first restore of a process ${firstMs.toFixed(0)} ms: ${ratios(firstMs)}`,
      `aim: ${aim} × faster than the build alone`,
    ].join('\n'),
  )
  if (count >= 50_000 && buildMs / restoreMs < aim) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
