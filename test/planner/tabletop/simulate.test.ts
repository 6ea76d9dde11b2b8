import { expect, test } from 'vitest'
import { quantiles, simulate } from '../../../planner/tabletop/simulate.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { storyModel } from '../../support/simulated-plan.ts'

const minute = 60_000
const fixed = (length: string): string => `{ min: ${length}, likely: ${length}, max: ${length} }`

test('quantiles are by nearest rank, and what never ends is null', () => {
  const never = Number.POSITIVE_INFINITY
  const hundred = quantiles(Float64Array.from({ length: 100 }, (_, index) => 100 - index))
  expect(hundred).toMatchObject({
    p5Ms: 5,
    p50Ms: 50,
    p90Ms: 90,
    p95Ms: 95,
    p99Ms: 99,
    worstMs: 100,
  })
  expect(hundred.curveMs).toEqual([1, ...Array.from({ length: 100 }, (_, index) => index + 1)])
  expect(quantiles(Float64Array.of(3, never, 1))).toMatchObject({ p50Ms: 3, worstMs: null })
})

test('the step that varies explains the spread, the long one takes the time', async () => {
  const model = await storyModel({
    steps: `      - exec: { command: [/bin/true] }
        id: long
        takes: ${fixed('1h')}
      - exec: { command: [/bin/true] }
        id: wild
        takes: { min: 0s, likely: 5m, max: 10m }
`,
  })
  const { path, recovered, rto, steps } = simulate(model, 2_000, 7)
  expect(recovered).toBe(1)
  expect(rto.p50Ms).toBeGreaterThan(64 * minute)
  expect(path.map(({ step, onPath }) => [step, onPath])).toEqual([
    ['long', 1],
    ['wild', 1],
  ])
  expect(path[0]?.share).toBeCloseTo(60 / 65, 2)
  expect(path[0]?.ofSpread).toBeCloseTo(0, 6)
  expect(path[1]?.ofSpread).toBeCloseTo(1, 6)
  expect(steps[1]?.duration).toEqual({ origin: 'plan', text: 'takes 0s, 5m, 10m' })
})

test('chances count every trial, and what the procedure leaves behind is named', async () => {
  const model = await storyModel({
    steps: `      - exec: { command: [/bin/true] }\n        id: a\n        takes: ${fixed('1m')}\n        odds: 0.25\n`,
  })
  const { chances, deadEnds, leftBehind, recovered } = simulate(model, 2_000, 7)
  expect(recovered).toBeGreaterThan(0.21)
  expect(recovered).toBeLessThan(0.29)
  expect(deadEnds).toEqual([
    {
      message: 'step a failed in its only try',
      trials: expect.closeTo(2_000 * (1 - recovered), 6),
      share: expect.closeTo(1 - recovered, 6),
    },
  ])
  expect(leftBehind.map(({ message }) => message)).toEqual([
    'procedure back does not bring back words, and its target primary is lost with node n1',
  ])
  expect(chances.map(({ objective, chance }) => [objective, chance])).toEqual([
    ['rto', 0],
    ['rpo', 0],
  ])
})

test('dead ends are told in words', async () => {
  const told = async (parts: Parameters<typeof storyModel>[0]) =>
    simulate(await storyModel(parts), 20, 7).deadEnds.map(({ message }) => message)
  const schedules =
    'schedules: { often: { every: 1h, steps: [{ backup: { collections: [words], to: near } }] } }'
  const restore = (from: string): string =>
    `      - restore: { from: [${from}], collection: words, into: spare }`
  expect(await told({ steps: restore('near'), schedules })).toEqual([
    'step restore: no copy of words survives: near is lost with node n1',
  ])
  expect(await told({ steps: restore('near, far'), schedules })).toEqual([
    'step restore: no copy of words can be had: far has none or does not answer at that time (as often as schedule often of the plan runs); near is lost with node n1',
  ])
  const people =
    'people: { roles: { boss: { primary: ann } }, contacts: { ann: { name: Ann, hours: 24x7 } } }'
  const approve = '      - approve: { by: boss, question: "Now?" }\n'
  const injects = '      - { at: 0m, fail: { contact: ann } }'
  expect(await told({ steps: approve, people, injects })).toEqual([
    'nobody who is called ever answers: ann does not answer',
  ])
  const called = `${people.slice(0, -1)}, escalation: [{ after: 0m, role: other }] }`
    .replace('roles: {', 'roles: { other: { primary: bob },')
    .replace('contacts: {', 'contacts: { bob: { name: Bob, hours: 24x7 },')
  expect(await told({ steps: approve, people: called, injects })).toEqual([
    'step approve: nobody may approve as boss: ann does not answer',
  ])
  expect(await told({ steps: `${approve}        timeout: 1m\n`, people: called, injects })).toEqual(
    ['step approve: nobody answered as boss within 1 min: ann does not answer'],
  )
  expect(
    await told({
      procedure: '    timeout: 10m',
      steps: `      - exec: { command: [/bin/true] }\n        takes: ${fixed('1h')}\n`,
    }),
  ).toEqual(['the procedure’s timeout of 10 min was over at step exec'])
})

test('the same seed gives the same figures, another one gives others', async () => {
  const model = await storyModel({ steps: '      - exec: { command: [/bin/true] }\n' })
  const text = (seed: number): string => JSON.stringify(simulate(model, 500, seed))
  expect(text(7)).toBe(text(7))
  expect(text(8)).not.toBe(text(7))
})

test('what the ledger measured counts more than the plan, scaled to today’s data', async () => {
  const start = Date.UTC(2026, 9, 1)
  const passed = { outcome: 'passed', stage: 'steps', attempts: 1 } as const
  const runs = [10, 20].map((minutes, index) => ({
    run: `r${index}`,
    kind: 'drill' as const,
    startedAt: start + index * 3_600_000,
    endedAt: start + index * 3_600_000 + minutes * minute,
    steps: [
      stepAt(start + index * 3_600_000, start + index * 3_600_000 + minutes * minute, {
        ...{ step: 'again', kind: 'restore', ...passed },
        inputs: { collection: 'words' },
        outputs: { count: 1_000 },
      }),
    ],
  }))
  const backup = {
    run: 'b',
    kind: 'schedule' as const,
    startedAt: start + 9_000_000,
    endedAt: start + 9_001_000,
    steps: [
      stepAt(start + 9_000_000, start + 9_001_000, {
        ...{ step: 'backup', kind: 'backup', ...passed },
        outputs: { destination: 'far', snapshots: [{ collection: 'words', count: 3_000 }] },
      }),
    ],
  }
  // the builder names the plan "test"
  const entries = ledgerOf(...runs, backup).map((entry) => ({ ...entry, plan: 'story' }))
  const model = await storyModel(
    {
      steps:
        '      - restore: { from: [far], collection: words, into: spare }\n        takes: { min: 1s, likely: 1s, max: 1s }\n',
      schedules:
        'schedules: { often: { every: 1h, steps: [{ backup: { collections: [words], to: far } }] } }',
    },
    { entries },
  )
  const { rto, steps, path: way } = simulate(model, 2_000, 7)
  expect(steps[0]?.duration).toEqual({
    origin: 'measured',
    text: '2 runs in the ledger, scaled to today’s data',
  })
  // about one run or the other, and as far beyond as two can tell; on the average what they took
  expect(rto.p5Ms).toBeLessThan(30 * minute)
  expect(rto.p95Ms).toBeGreaterThan(60 * minute)
  expect(Math.abs((way.at(-1)?.meanMs ?? 0) / (45 * minute) - 1)).toBeLessThan(0.06)
})

test('one run in the ledger is one of many: half to three times of it, and no certainty', async () => {
  const at = Date.parse('2026-10-01T00:00:00Z')
  const restored = stepAt(at, at + 20 * minute, {
    ...{ step: 'restore', kind: 'restore', outcome: 'passed', attempts: 1, stage: 'steps' },
    inputs: { collection: 'words' },
    outputs: { count: 1_000 },
  })
  const run = { run: 'a', kind: 'drill' as const, startedAt: at, endedAt: at + 20 * minute }
  const entries = ledgerOf({ ...run, steps: [restored] }).map((each) => ({
    ...each,
    plan: 'story',
  }))
  const model = await storyModel(
    {
      steps: '      - restore: { from: [far], collection: words, into: spare }\n',
      schedules:
        'schedules: { often: { every: 1h, steps: [{ backup: { collections: [words], to: far } }] } }',
    },
    { entries },
  )
  const { rto, steps, chances } = simulate(model, 2_000, 7)
  expect(steps[0]?.duration).toEqual({
    origin: 'measured',
    text: '1 run in the ledger, half to three times of it',
  })
  expect(rto.p5Ms).toBeLessThan(16 * minute)
  expect(rto.p95Ms).toBeGreaterThan(36 * minute)
  // it took 20 min once, and is wanted within 30
  const within = chances.find(({ objective }) => objective === 'rto')?.chance ?? 1
  expect(within).toBeGreaterThan(0.5)
  expect(within).toBeLessThan(0.95)
})
