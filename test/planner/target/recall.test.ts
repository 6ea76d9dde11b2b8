import { expect, test } from 'vitest'
import { measureSearch } from '../../../planner/target/measure-search.ts'
import { foundNeighbours, percentile } from '../../../planner/target/recall.ts'
import { shapeDifferences } from '../../../planner/target/shape.ts'
import { manualClock } from '../../support/manual-clock.ts'

const near = (...pairs: readonly (readonly [string, number])[]) =>
  pairs.map(([id, distance]) => ({ id, distance }))

test('a found neighbour counts when it is one of the k true ones', () => {
  const truth = near(['a', 1], ['b', 2], ['c', 3], ['d', 4])
  expect(foundNeighbours(3, near(['a', 1], ['b', 2], ['c', 3]), truth)).toBe(3)
  expect(foundNeighbours(3, near(['a', 1], ['x', 2.5], ['d', 4]), truth)).toBe(1)
  expect(foundNeighbours(3, near(['d', 4], ['e', 5], ['f', 6]), truth)).toBe(0)
  expect(foundNeighbours(3, [], truth)).toBe(0)
})

test('a tie with the k-th true neighbour counts whichever was returned', () => {
  const truth = near(['a', 1], ['b', 2])
  expect(foundNeighbours(2, near(['a', 1], ['z', 2]), truth)).toBe(2)
  // nearer than the k-th and not in the truth: the distances are not to be believed
  expect(foundNeighbours(2, near(['a', 1], ['z', 1.5]), truth)).toBe(1)
})

test('fewer true neighbours than k are all that can be found', () => {
  expect(foundNeighbours(10, near(['a', 1], ['b', 2]), near(['a', 1]))).toBe(1)
  expect(foundNeighbours(10, near(['a', 1]), [])).toBe(0)
})

test('percentiles are nearest-rank', () => {
  const values = [5, 1, 4, 2, 3]
  expect([50, 95, 99, 1].map((percent) => percentile(values, percent))).toEqual([3, 5, 5, 1])
  expect(percentile([7], 95)).toBe(7)
})

test('the shape says every setting that differs', () => {
  const hnsw = { dimension: 3, metric: 'l2', index: { kind: 'hnsw', m: 16 } }
  expect(shapeDifferences(hnsw, hnsw)).toEqual([])
  expect(shapeDifferences(hnsw, { dimension: 4, metric: 'l2', index: { kind: 'flat' } })).toEqual([
    'dimension is 3, not 4',
    'index.kind is hnsw, not flat',
    'index.m is 16, not unset',
  ])
})

test('the shape names an alias that is lacking, and not one that was made since', () => {
  const flat = { dimension: 4, metric: 'l2', index: { kind: 'flat' } }
  const wanted = { ...flat, aliases: ['catalogue', 'live'] }
  expect(shapeDifferences({ ...flat, aliases: ['live', 'new', 'catalogue'] }, wanted)).toEqual([])
  expect(shapeDifferences({ ...flat, aliases: ['live'] }, wanted)).toEqual([
    'alias catalogue is unset, not set',
  ])
  expect(shapeDifferences(flat, wanted)).toHaveLength(2)
})

test('recall is found over wanted, latency is that of the timed passes', async () => {
  const clock = manualClock(1_000)
  let searches = 0
  const measured = await measureSearch(
    {
      truth: 'snapshot',
      k: 2,
      queries: [
        { id: 'q1', neighbours: near(['a', 1], ['b', 2]) },
        { id: 'q2', neighbours: near(['c', 1], ['d', 2]) },
      ],
      search: async ({ id }) => {
        searches += 1
        // the first pass is slow: it loads, and does not count
        clock.advance(searches <= 2 ? 1_000 : 4)
        return id === 'q1' ? near(['a', 1], ['b', 2]) : near(['c', 1], ['x', 9])
      },
    },
    clock,
    { signal: new AbortController().signal, progress: () => {}, remark: () => {} },
  )
  expect(measured).toMatchObject({
    recall: 0.75,
    queries: 2,
    worst: [{ id: 'q2', recall: 0.5 }],
    latencyMs: { p50: 4, p95: 4, p99: 4 },
    searches: searches - 2,
    servingAt: 2_000,
  })
})
