import { expect, test } from 'vitest'
import { measured } from '../../../planner/tabletop/distribution.ts'
import { simulate } from '../../../planner/tabletop/simulate.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { type StoryOptions, storyModel } from '../../support/simulated-plan.ts'

const second = 1_000

const promoting = '      - promote: { target: spare, collections: [words] }\n'
const replicated = (mode: string, maxLag = ', maxLag: 20s') =>
  `replication: { words: { from: primary, to: [spare], mode: ${mode}${maxLag} } }\n`

/** Looks in order: what the first look saw, and what it was when the step passed. */
const looks = (lags: readonly (readonly [number, number])[]) =>
  ledgerOf({
    ...({ run: 'a', startedAt: 0, endedAt: 1e6, kind: 'schedule', name: 'lag' } as const),
    steps: lags.map(([first, last], index) =>
      stepAt(index * second, index * second + 1, {
        ...{ step: 'wait', kind: 'wait', inputs: { kind: 'lag', collection: 'words' } },
        outputs: {
          lag: { spare: { seconds: last, records: 0, lsn: 1 } },
          first: { spare: { seconds: first, records: 0, lsn: 1 } },
        },
      }),
    ),
  }).map((entry) => ({ ...entry, plan: 'story' }))

async function lossOf(more: string, options: StoryOptions = {}, steps = promoting) {
  const model = await storyModel({ steps, more }, options)
  const { rpo, recovered, steps: simulated } = simulate(model, 2_000, 7)
  return { ...rpo[0], recovered, promote: simulated[0] }
}

/** One to ten seconds, each once. */
const oneToTen = Array.from({ length: 10 }, (_, index) => [index + 1, 0] as const)

test('a standby that survives is a recovery point with its lag as the ledger measured it, before any waiting', async () => {
  const found = await lossOf(replicated('async'), { entries: looks(oneToTen) })
  expect(found.basis).toBe('lag of the standby, as 10 looks in the ledger found it, at worst 10 s')
  expect(found.recovered).toBe(1)
  // one to ten, each about a tenth of the trials, with what ten looks leave open around each
  const [p50 = 0, p95 = 0, worst = 0] = [found.p50Ms, found.p95Ms, found.worstMs].map(
    (each) => (each ?? 0) / second,
  )
  expect(p50).toBeGreaterThan(4)
  expect(p50).toBeLessThan(7)
  expect(p95).toBeGreaterThan(9)
  expect(p95).toBeLessThan(worst)
  expect(worst).toBeGreaterThan(10)
  expect(worst).toBeCloseTo(measured(oneToTen.map(([lag]) => lag)).at(1 - 1e-9), 0)
})

test('few looks leave it to the bound of the plan, and a synchronous standby lacks nothing', async () => {
  const few = await lossOf(replicated('async'), { entries: looks(oneToTen.slice(1)) })
  expect(few.basis).toContain('anything up to its maxLag of 20 s')
  const bounded = (few.worstMs ?? 0) / second
  expect(bounded).toBeGreaterThan(19)
  expect(bounded).toBeLessThanOrEqual(20)
  const sync = await lossOf(replicated('sync', ''), { entries: looks(oneToTen) })
  expect(sync).toMatchObject({ basis: 'synchronous standby', worstMs: 0 })
})

test('without the standby nothing is better: what it would have brought is lost', async () => {
  const entries = looks(oneToTen)
  const with_ = await lossOf(replicated('async'), { entries })
  const gone = await lossOf(replicated('async'), {
    entries,
    without: [{ what: 'target', name: 'spare' }],
  })
  expect(gone.recovered).toBe(0)
  const atMost = (one: number | null | undefined, other: number | null | undefined) =>
    (one ?? Number.POSITIVE_INFINITY) <= (other ?? Number.POSITIVE_INFINITY)
  for (const key of ['p50Ms', 'p95Ms', 'worstMs'] as const) {
    expect([key, atMost(with_[key], gone[key])]).toEqual([key, true])
  }
})

test('a promotion takes as long as promotions of that standby took, of its own kind first', async () => {
  const promotion = (at: number, durationMs: number, planned: boolean, target = 'spare') =>
    stepAt(at, at + durationMs, {
      ...{ step: `p${at}`, kind: 'promote', outputs: { target } },
      inputs: { target, collections: ['words'], planned },
    })
  const run = (...steps: ReturnType<typeof promotion>[]) =>
    ledgerOf({
      ...({ run: 'a', startedAt: 0, endedAt: 1e6, kind: 'drill', name: 'some' } as const),
      steps,
    }).map((entry) => ({ ...entry, plan: 'story' }))
  const planned = await lossOf(replicated('async'), {
    entries: run(promotion(0, 3 * second, true), promotion(5_000, 700, true, 'primary')),
  })
  expect(planned.promote?.duration).toMatchObject({
    ...{
      origin: 'measured',
      text: '1 run in the ledger, of other promotions of it, half to three times of it',
    },
  })
  const own = await lossOf(replicated('async'), {
    entries: run(promotion(0, 3 * second, true), promotion(3_000, 4 * second, false)),
  })
  expect(own.promote?.duration).toMatchObject({
    ...{ origin: 'measured', text: '1 run in the ledger, half to three times of it' },
  })
})
