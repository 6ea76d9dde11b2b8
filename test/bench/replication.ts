/**
 * What a standby costs, and how soon it answers in the primary's place. Three processes on one machine: this
 * one asks, a primary and a standby serve, so that all of them share its processors.
 *
 * - durable ingest: 64 writers over HTTP with a synchronous standby, against the same server without one;
 * - search on the standby while it applies 200 points a second, against the same search while nobody writes,
 *   before and after. The two nodes of a cluster are two machines, so each side has a processor of its own, always
 *   the same one, where the system has `taskset`: the standby and who searches it, the primary and its writers,
 *   which are a fourth process. That is held against the aim;
 * - the same with all of them on all processors, and while as many points are written to a collection of the
 *   primary that is not replicated: what writers and primary take from whoever searches, without any applying.
 *   And search while the standby applies as many points as 8 writers can send;
 * - promotion: the primary is killed with -9; from the first request to promote to the first answer, at
 *   `--points` points.
 *
 * Options: `--points N --dimension N --writes N --trials N`. Exits 1 below 0.5, below 0.8, or at a second and more.
 */
import { fork, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { VectraClient } from '../../engine/server/client.ts'
import type { NodeDescription } from '../../engine/server/served-node.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { describeRun, duration, median, rate, table, timed, times } from './report.ts'
import type { WriteOrder, Written } from './steady-writer.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '100000' },
    dimension: { type: 'string', default: '128' },
    writes: { type: 'string', default: '12000' },
    trials: { type: 'string', default: '3' },
  },
})
const points = Number(values.points)
const dimension = Number(values.dimension)
const writes = Number(values.writes)
const trials = Number(values.trials)
/** Points a second of the writers that search is held against. */
const steadyWrites = 200
const [syncAim, searchAim, promoteAimMs] = [0.5, 0.8, 1_000]

const command = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))
const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
const vectors = clusteredVectors({ count: 4_000, dimension, seed: 11 })
const vectorOf = (id: number) => Array.from(rowOf(vectors, dimension, id % 4_000))

const aSecond = (count: number): string => rate(count, 1_000)

interface Node {
  readonly pid: number
  readonly url: string
  readonly client: VectraClient
  kill(): Promise<void>
}

async function serve(name: string): Promise<Node> {
  const words = ['--data', join(root, name), 'serve', '--name', name, '--listen', '0', '--json']
  const child = spawn(process.execPath, [command, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))).url)
    })
  })
  const kill = () => {
    child.kill('SIGKILL')
    return ended
  }
  const { pid = 0 } = child // it has answered
  return { pid, url, client: new VectraClient({ endpoint: url }), kill }
}

const v1 = '/vectra/v1'
const config = {
  ...{ dimension, metric: 'cosine', durability: { mode: 'always' } },
  index: { kind: 'hnsw', m: 16, efConstruction: 40, ef: 64 },
}
const upsert = ({ client }: Node, name: string, ids: readonly number[]) =>
  client.ask('POST', `${v1}/collections/${name}/points`, {
    points: ids.map((id) => ({ id, vector: vectorOf(id), metadata: {} })),
  })

/** 64 writers; each sends its next point when the last one is acknowledged. @returns points a second */
async function ingest(node: Node, name: string): Promise<number> {
  let next = 0
  const writer = async () => {
    while (next < writes) await upsert(node, name, [next++])
  }
  const { ms } = await timed(() => Promise.all(Array.from({ length: 64 }, writer)))
  return (next / ms) * 1_000
}

const steady = fork(fileURLToPath(new URL('steady-writer.ts', import.meta.url)))

/** Writes to a collection beside `work`. @returns points a second, and what `work` gave */
async function beside<T>(order: WriteOrder, work: () => Promise<T>) {
  const written = new Promise<Written>((resolve) => steady.once('message', resolve))
  steady.send(order)
  await new Promise((resolve) => setTimeout(resolve, 500)) // its first requests are slow
  const value = await work()
  steady.send('stop')
  const { count, ms } = await written
  return { value, written: (count / ms) * 1_000 }
}

/** Binds all threads of a process to some processors. @returns whether the system can do it */
const bind = (pid: number, processors: string): boolean =>
  spawnSync('taskset', ['-acp', processors, String(pid)], { stdio: 'ignore' }).status === 0

/** Searches one after the other for a while. @returns searches a second */
async function searches({ client }: Node, name: string, ms: number): Promise<number> {
  const until = performance.now() + ms
  let count = 0
  while (performance.now() < until) {
    const body = { vector: vectorOf(count * 7), k: 10 }
    await client.ask('POST', `${v1}/collections/${name}/search`, body)
    count++
  }
  return (count / ms) * 1_000
}

const copyOf = async ({ client }: Node, name: string) => {
  const { copies } = await client.ask<NodeDescription>('GET', `${v1}/cluster`)
  return copies.find((each) => each.name === name)
}

/** Until the standby has everything. */
async function caughtUp(primary: Node, standby: Node, name: string): Promise<void> {
  for (;;) {
    const [one, other] = await Promise.all([copyOf(primary, name), copyOf(standby, name)])
    if (one !== undefined && one.lsn === other?.lsn) return
    await new Promise(setImmediate)
  }
}

async function replicate(primary: Node, standby: Node, name: string, mode: 'sync' | 'async') {
  const { node } = await standby.client.ask<NodeDescription>('GET', `${v1}/cluster`)
  await primary.client.ask('POST', `${v1}/cluster/nodes`, node)
  const whenAlone = mode === 'sync' ? { whenAlone: 'block' } : {}
  await primary.client.ask('PUT', `${v1}/collections/${name}/replicas/${node.name}`, {
    ...{ mode, ...whenAlone },
  })
  await caughtUp(primary, standby, name)
}

const primary = await serve('primary')
const standby = await serve('standby')
try {
  const shown = [['', 'against', 'measured', 'ratio', 'aim']]
  const ratios: number[] = []
  for (let trial = 1; trial <= trials; trial++) {
    const [alone, both] = [`alone-${trial}`, `both-${trial}`]
    for (const name of [alone, both]) {
      await primary.client.ask('PUT', `${v1}/collections/${name}`, config)
    }
    const single = await ingest(primary, alone)
    await replicate(primary, standby, both, 'sync')
    const pair = await ingest(primary, both)
    ratios.push(pair / single)
    const what = `ingest, synchronous standby, trial ${trial}`
    shown.push([what, aSecond(single), aSecond(pair), times(pair / single), `≥ ${times(syncAim)}`])
  }

  await primary.client.ask('PUT', `${v1}/collections/large`, config)
  for (let from = 0; from < points; from += 1_000) {
    const count = Math.min(1_000, points - from)
    await upsert(
      primary,
      'large',
      Array.from({ length: count }, (_, index) => from + index),
    )
  }
  await replicate(primary, standby, 'large', 'async')
  await primary.client.ask('PUT', `${v1}/collections/aside`, config)
  const found = (ms = 3_000) => searches(standby, 'large', ms)
  /** Searches a second while points are written to a collection of the primary. */
  const foundBeside = (collection: string, pauseMs = 8_000 / steadyWrites) =>
    beside({ url: primary.url, collection, dimension, writers: 8, pauseMs }, () => found())
  /** Search while `collection` is written to, against what it is before and after. */
  const againstIdle = async (what: string, collection: string, aim: string) => {
    const measured: number[] = []
    let before = await found()
    for (let trial = 1; trial <= trials; trial++) {
      const { value: busy, written } = await foundBeside(collection)
      if (collection === 'large') await caughtUp(primary, standby, collection)
      const after = await found()
      const idle = (before + after) / 2
      measured.push(busy / idle)
      const title = `search on a standby, ${what}, ${aSecond(written)}, trial ${trial}`
      const against = `nobody writes, before ${aSecond(before)}, after ${aSecond(after)}`
      shown.push([title, against, aSecond(busy), times(busy / idle), aim])
      before = after
    }
    return median(measured)
  }
  await found(8_000) // until everything is compiled
  await beside(
    { ...{ url: primary.url, collection: 'aside', dimension, writers: 8 }, pauseMs: 40 },
    () => found(1_000),
  )
  const all = `0-${cpus().length - 1}`
  const isBound =
    cpus().length > 1 &&
    bind(process.pid, '0') &&
    bind(standby.pid, '0') &&
    bind(primary.pid, '1') &&
    bind(steady.pid ?? 0, '1')
  const own = isBound ? 'each side on a processor of its own' : 'on one machine, unbound'
  const searchRatio = await againstIdle(`which applies, ${own}`, 'large', `≥ ${times(searchAim)}`)
  if (isBound) {
    for (const pid of [process.pid, standby.pid, primary.pid, steady.pid ?? 0]) bind(pid, all)
    await againstIdle('which applies, all processes on all processors', 'large', '')
  }
  await againstIdle('as many written, none replicated, on all processors', 'aside', '')
  const idle = await found()
  const fast = await foundBeside('large', 0)
  shown.push([
    `search on a standby that applies ${aSecond(fast.written)}, on all processors`,
    `nobody writes: ${aSecond(idle)}`,
    aSecond(fast.value),
    times(fast.value / idle),
    '',
  ])

  await caughtUp(primary, standby, 'large')
  await primary.kill()
  const promotion = `${v1}/cluster/promote`
  const { ms: promotedMs } = await timed(async () => {
    const request = { collection: 'large', planned: false }
    const { window } = await standby.client.ask<{ window: object }>('POST', promotion, request)
    await standby.client.ask('POST', promotion, { ...request, accept: window })
  })
  const { ms: answeredMs } = await timed(async () => {
    await searches(standby, 'large', 1)
    await upsert(standby, 'large', [points * 10])
  })
  const wholeMs = promotedMs + answeredMs
  shown.push([
    `promotion to the first answer and write, ${points} points`,
    'a second',
    duration(wholeMs),
    times(promoteAimMs / wholeMs),
    `< ${duration(promoteAimMs)}`,
  ])
  console.log(`${describeRun()}\n${points} × ${dimension}\n\n${table(shown)}`)
  const isMet = median(ratios) >= syncAim && searchRatio >= searchAim && wholeMs < promoteAimMs
  if (!isMet) process.exitCode = 1
} finally {
  steady.disconnect()
  await Promise.all([primary.kill(), standby.kill()])
  await rm(root, { recursive: true })
}
