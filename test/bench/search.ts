/**
 * Searches a second at equal recall: a collection as the build left it, against one raw hnswlib-node
 * index over the same points. One query at a time on one thread, as a client would ask; each side uses
 * the smallest ef with which it reaches the recall.
 *
 * Options: `--points N --dimension N --queries N --recall R --rounds N`. The queries are drawn like the
 * points and are none of them; the true neighbours come from comparing all. Exits 1 below 0.7,
 * and below 0.9 after compaction to one segment.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { buildCollection, type Items } from './peers.ts'
import { rawHnsw } from './raw-hnsw.ts'
import { describeRun, median, rate, table, timed, times } from './report.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '50000' },
    dimension: { type: 'string', default: '128' },
    queries: { type: 'string', default: '500' },
    recall: { type: 'string', default: '0.98' },
    rounds: { type: 'string', default: '15' },
  },
})
const count = Number(values.points)
const dimension = Number(values.dimension)
const queryCount = Number(values.queries)
const wanted = Number(values.recall)
const rounds = Number(values.rounds)
const k = 10
const largestEf = 1_000

/** One side: answers all queries with a beam of `ef`. */
type Answer = (ef: number) => Promise<number[][]>

function recallOf(answers: readonly number[][], truth: readonly ReadonlySet<number>[]): number {
  const found = answers.map((ids, query) => ids.filter((id) => truth[query]?.has(id)).length)
  return found.reduce((sum, each) => sum + each, 0) / (k * truth.length)
}

/** The smallest beam that reaches the recall: recall rises with the beam. */
async function beamFor(answer: Answer, truth: readonly ReadonlySet<number>[]): Promise<number> {
  let low = k
  let high = largestEf
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (recallOf(await answer(middle), truth) >= wanted) high = middle
    else low = middle + 1
  }
  return low
}

const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
try {
  const all = clusteredVectors({ count: count + queryCount, dimension, seed: 7 })
  const vectors = all.slice(0, count * dimension)
  const queries = Array.from({ length: queryCount }, (_, i) => rowOf(all, dimension, count + i))
  const raw = rawHnsw(vectors, dimension)
  const built = await buildCollection(join(root, 'data'), vectors, dimension)
  const { items } = built
  const truth: ReadonlySet<number>[] = []
  for (const query of queries) {
    const found = await items.search(query, { k, exact: true })
    truth.push(new Set(found.map(({ id }) => Number(id))))
  }
  const askRaw: Answer = async (ef) => {
    raw.setEf(ef)
    return queries.map((query) => raw.search(query, k))
  }
  const askUs =
    (of: Items): Answer =>
    async (ef) => {
      const answers: number[][] = []
      for (const query of queries) {
        answers.push((await of.search(query, { k, ef })).map(({ id }) => Number(id)))
      }
      return answers
    }

  const shown = [['layout', 'ef', 'recall@10', 'queries', 'ratio', 'aim']]
  const rawEf = await beamFor(askRaw, truth)
  const compare = async (layout: string, aim: number): Promise<void> => {
    const ask = askUs(items)
    const ef = await beamFor(ask, truth)
    const times_: { raw: number; ours: number }[] = []
    for (let round = 0; round < rounds; round++) {
      const rawRound = await timed(() => askRaw(rawEf))
      const oursRound = await timed(() => ask(ef))
      times_.push({ raw: rawRound.ms, ours: oursRound.ms })
    }
    const ratio = median(times_.map((each) => each.raw / each.ours))
    const row = (name: string, beam: number, recall: number, ms: number, last: string[]) =>
      shown.push([name, String(beam), recall.toFixed(4), rate(queryCount, ms), ...last])
    const rawMs = median(times_.map((each) => each.raw))
    row('raw index', rawEf, recallOf(await askRaw(rawEf), truth), rawMs, ['', ''])
    const oursMs = median(times_.map((each) => each.ours))
    const verdict = [times(ratio), `≥ ${aim} ×`]
    row(layout, ef, recallOf(await ask(ef), truth), oursMs, verdict)
    if (count >= 50_000 && ratio < aim) process.exitCode = 1
  }
  const sealed = () => items.stats().segments.filter(({ kind }) => kind === 'sealed').length
  await compare(`as the build left it, ${sealed()} segment(s)`, 0.7)
  // by name, so that the benchmark also runs on an engine that does not merge segments
  const compact: unknown = Reflect.get(items, 'compact')
  if (typeof compact === 'function') {
    await Reflect.apply(compact, items, [])
    await compare(`after compaction, ${sealed()} segment(s)`, 0.9)
  }
  console.log(`${describeRun()}\n${count} × ${dimension}, ${queryCount} queries\n\n${table(shown)}`)
  await built.close()
} finally {
  await rm(root, { recursive: true, force: true })
}
