/**
 * Durable ingest: points a second of many concurrent writers, each waiting for its point to be on disk
 * before it sends the next, against SQLite (WAL, synchronous=FULL, one transaction a point).
 *
 * Options: `--points N --sqlite-points N --writers N --dimension N --trials N`. The same points go to
 * both, in turn. SQLite has one writer at a time whatever the number of clients, and its driver is
 * synchronous: the clients take turns. Index building is not part of either: the default stays below
 * the size at which a segment is sealed, and SQLite has no index of vectors. Exits 1 below 10.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtEngine } from '../support/built-engine.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { describeRun, median, rate, table, timed, times } from './report.ts'
import { openSqlite } from './sqlite.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '60000' },
    'sqlite-points': { type: 'string', default: '5000' },
    writers: { type: 'string', default: '64' },
    dimension: { type: 'string', default: '512' },
    trials: { type: 'string', default: '3' },
  },
})
const points = Number(values.points)
const sqlitePoints = Number(values['sqlite-points'])
const writers = Number(values.writers)
const dimension = Number(values.dimension)
const trials = Number(values.trials)
const aim = 10

const { makeConfig, nodeDisk, openDataDirectory, systemClock } = await builtEngine()
const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
const rows = 2_000
const vectors = clusteredVectors({ count: rows, dimension, seed: 7 })
const vectorOf = (id: number) => rowOf(vectors, dimension, id % rows)

/** Each writer takes the next id when its last point is durable. */
async function ours(directory: string): Promise<number> {
  const opened = await openDataDirectory(directory, {
    disk: nodeDisk,
    clock: systemClock,
    create: true,
  })
  const items = await opened.create('items', makeConfig({ dimension, metric: 'cosine' }))
  let next = 0
  const write = async () => {
    for (let id = next++; id < points; id = next++) {
      await items.upsert([{ id, vector: vectorOf(id), metadata: { row: id } }])
    }
  }
  const { ms } = await timed(() => Promise.all(Array.from({ length: writers }, write)))
  if (items.count !== points) throw new Error(`${items.count} points instead of ${points}`)
  await opened.close()
  return ms
}

async function sqlite(file: string): Promise<number> {
  const peer = await openSqlite(file)
  const { ms } = await timed(() => {
    for (let id = 0; id < sqlitePoints; id++) {
      peer.insert(id, vectorOf(id), JSON.stringify({ row: id }))
    }
  })
  if (peer.count() !== sqlitePoints) throw new Error(`${peer.count()} rows`)
  peer.close()
  return ms
}

try {
  await openSqlite(':memory:') // installed before anything is timed
  const ratios: number[] = []
  const shown = [['trial', `vectra, ${writers} writers`, 'SQLite', 'ratio', 'aim']]
  for (let trial = 1; trial <= trials; trial++) {
    const sqliteMs = await sqlite(join(root, `peer-${trial}.db`))
    const oursMs = await ours(join(root, `ours-${trial}`))
    const ratio = points / oursMs / (sqlitePoints / sqliteMs)
    ratios.push(ratio)
    const speeds = [rate(points, oursMs), rate(sqlitePoints, sqliteMs)]
    shown.push([String(trial), ...speeds, times(ratio), `≥ ${aim} ×`])
  }
  shown.push(['median', '', '', times(median(ratios)), `≥ ${aim} ×`])
  console.log(`${describeRun()}\n${points} points of ${4 * dimension} bytes\n\n${table(shown)}`)
  if (points >= 60_000 && median(ratios) < aim) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
