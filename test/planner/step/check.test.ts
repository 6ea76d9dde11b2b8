import { expect, test } from 'vitest'
import type { CheckInput } from '../../../planner/plan/step-inputs.ts'
import { check } from '../../../planner/step/check.ts'
import type { Expectation } from '../../../planner/target/expectation.ts'
import type { Measurement, SearchMeasurement } from '../../../planner/target/target.ts'
import { text } from '../../support/plan-builder.ts'
import { buildAdapter, buildRecord, noRepositories, stepBench } from '../../support/step-bench.ts'

const shape = { dimension: 100, metric: 'cosine', index: { kind: 'hnsw', m: 16 } }
const digest = 'd'.repeat(64)

const search: SearchMeasurement = {
  truth: 'snapshot',
  k: 10,
  queries: 64,
  recall: 0.99,
  worst: [],
  latencyMs: { p50: 1, p95: 5, p99: 9 },
  searches: 256,
  servingAt: 1_000,
}

const measurement: Measurement = {
  position: {
    uuid: 'u',
    epoch: { number: 2, history: 'h' },
    lsn: 7,
    count: 100,
    observedAt: 500,
  },
  shape,
  digest,
  contentKnownAt: 600,
  search,
}

const expectation: Expectation = {
  snapshotId: 's1',
  source: 'file:///backups/local',
  lsn: 7,
  count: 100,
  digest,
  shape,
  golden: { k: 10, queries: [] },
}

const everything: CheckInput = {
  target: 'primary',
  collection: text('words_test'),
  against: 'snapshot',
  count: 'equal',
  digest: 'equal',
  parity: true,
  recall: { min: 0.95 },
  latency: { p95Ms: 20 },
}

const restored = buildRecord({
  step: 'restore',
  kind: 'restore',
  outputs: {
    target: 'primary',
    collection: 'words_test',
    restoredFrom: 'words',
    snapshot: 's1',
    source: 'local',
  },
})

function bench(found: Measurement = measurement, wanted: Expectation = expectation) {
  const asked: unknown[] = []
  const made = stepBench({
    adapter: buildAdapter({
      measure: async (request) => {
        asked.push(request)
        return found
      },
    }),
    repositories: {
      ...noRepositories,
      expectation: async (...args) => {
        asked.push(args)
        return wanted
      },
    },
    records: [restored],
  })
  return { ...made, asked }
}

test('a collection that is as the snapshot promised passes, with everything it measured', async () => {
  const { context, asked, kept } = bench()
  const { outputs, error } = await check.run(everything, context)
  expect(error).toBeUndefined()
  expect(asked[0]).toEqual(['file:///backups/local', 'words', 's1'])
  expect(asked[1]).toMatchObject({ collection: 'words_test', digest: true, search: true })
  expect(outputs).toMatchObject({
    restoredFrom: 'words',
    count: 100,
    digest,
    recall: 0.99,
    latencyP95Ms: 5,
    servingAt: '1970-01-01T00:00:01.000Z',
  })
  expect([...kept.keys()]).toEqual(['measurement.json'])
})

test.each([
  ['count', { position: { ...measurement.position, count: 99 } }],
  ['content digest', { digest: 'e'.repeat(64) }],
  ['parity', { shape: { ...shape, metric: 'l2' } }],
  ['parity', { shape: { ...shape, index: { kind: 'hnsw', m: 8 } } }],
  ['recall', { search: { ...search, recall: 0.949 } }],
  ['recall', { search: { ...search, queries: 0, recall: 1 } }],
  ['latency', { search: { ...search, latencyMs: { p50: 1, p95: 20.1, p99: 21 } } }],
])('case 80: a wrong %s fails the check and keeps what was measured', async (what, change) => {
  const { context, kept } = bench({ ...measurement, ...change })
  const { outputs, error } = await check.run(everything, context)
  expect(error).toMatchObject({ code: 'check-failed', message: expect.stringContaining(what) })
  expect(error?.message.match(/NOT/g)).toHaveLength(1)
  expect(outputs['count']).toBeDefined()
  expect(kept.size).toBe(1)
})

test('a check against a snapshot needs a restore of this run to that place', async () => {
  const { context } = bench()
  const elsewhere = { ...everything, collection: text('other') }
  await expect(check.run(elsewhere, context)).rejects.toMatchObject({ code: 'check-failed' })
})

test('a count between bounds needs no snapshot', async () => {
  const { context } = bench()
  const input: CheckInput = {
    target: 'primary',
    collection: text('words'),
    count: { min: 1, max: 100 },
    parity: false,
  }
  expect((await check.run(input, context)).error).toBeUndefined()
  const tooMany = await check.run({ ...input, count: { max: 99 } }, context)
  expect(tooMany.error?.code).toBe('check-failed')
})
