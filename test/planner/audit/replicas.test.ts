import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../engine/index.ts'
import { audit } from '../../../planner/audit/audit.ts'
import type { ExposureSeries } from '../../../planner/audit/exposure.ts'
import type { Plan } from '../../../planner/plan/plan.ts'
import { toReport } from '../../../planner/report/report.ts'
import type { StepRecord } from '../../../planner/step/record.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { planOf } from '../../support/sound-plan.ts'

const minute = 60_000
const start = Date.UTC(2026, 5, 1)
const at = (minutes: number): number => start + minutes * minute
const iso = (minutes: number): string => new Date(at(minutes)).toISOString()

const textOf = (standbys: readonly string[], rpo = '10m') => `version: 1
name: test
owner: somebody
targets:
  primary: { engine: vectra, url: "http://127.0.0.1:7700", region: here, node: a }
  far: { engine: vectra, url: "http://127.0.0.1:7701", region: there, node: b }
  farther: { engine: vectra, url: "http://127.0.0.1:7702", region: elsewhere, node: c }
  near: { engine: vectra, url: "http://127.0.0.1:7703", region: here, node: d }
collections:
  words: { target: primary, objectives: { rpo: ${rpo} } }
replication:
  words: { from: primary, to: [${standbys.join(', ')}], mode: async, maxLag: 1m }
destinations:
  vault: { url: ./vault, region: there, node: v }
schedules:
  lag: { every: 5m, steps: [{ wait: { lag: { collection: words, below: 1m } } }] }
  nightly:
    every: 1h
    steps:
      - backup: { collections: [words], to: vault }
      - verify: { in: vault, collection: words }
`
let plan: Plan
let both: Plan
beforeAll(async () => {
  plan = await planOf(textOf(['far']))
  both = await planOf(textOf(['far', 'farther', 'near']))
})

const step = (
  kind: StepRecord['kind'],
  minutes: number,
  outputs: JsonObject,
  more: Partial<StepRecord> = {},
): StepRecord => stepAt(at(minutes), at(minutes), { kind, step: kind, outputs, ...more })

/** A look: how many minutes each standby was behind. */
const look = (minutes: number, lag: Readonly<Record<string, number>>, more: JsonObject = {}) =>
  step(
    'wait',
    minutes,
    {
      waitedMs: 0,
      lag: Object.fromEntries(
        Object.entries(lag).map(([target, each]) => [
          target,
          { seconds: each * 60, records: 1, bytes: 9, lsn: 5, uuid: 'u', history: 'h', ...more },
        ]),
      ),
    },
    { inputs: { kind: 'lag', collection: 'words', belowMs: minute } },
  )

const seeded = (minutes: number, to = 'far') =>
  step('replicate', minutes, {
    ...{ from: 'primary', to, mode: 'async' },
    collections: { words: { how: 'seeded', lost: null } },
  })

const promoted = (minutes: number, target: string, lostRecords: number | null = 0) =>
  step('promote', minutes, { target, collections: { words: { epoch: 2, lsn: 9, lostRecords } } })

/** A backup that is verified at once. */
const backup = (minutes: number): StepRecord[] => [
  step('backup', minutes, {
    destination: 'vault',
    snapshots: [
      {
        ...{ collection: 'words', snapshotId: `s${minutes}` },
        position: {
          ...{ uuid: 'u', history: 'h', epoch: 1, lsn: minutes, count: 1, committedAt: null },
          observedAt: iso(minutes),
        },
      },
    ],
  }),
  step('verify', minutes, {
    ...{ destination: 'vault', depth: 'objects', readShare: 1 },
    verified: [{ collection: 'words', snapshotId: `s${minutes}`, ok: true }],
  }),
]

const audited = (to: number, steps: readonly StepRecord[], of: Plan, from = 0) => {
  const sorted = [...steps].sort((a, b) => Date.parse(a.endedAt) - Date.parse(b.endedAt))
  const run = { run: 'r', kind: 'procedure', name: 'p', startedAt: start, proves: [] } as const
  const entries = ledgerOf({ ...run, endedAt: at(to), steps: sorted })
  return audit({ plan: of, entries, window: { from: at(from), to: at(to) } })
}

function exposed(to: number, steps: readonly StepRecord[], loss = 'region', of = plan) {
  const found = audited(to, steps, of).sections?.exposure.find(({ losses }) =>
    losses.some((each) => each === loss),
  )
  if (found === undefined) throw new Error(`no exposure to the loss of ${loss}`)
  return found
}

/** `0–10: 5–15` for minutes from 0 to 10 with exposures from 5 to 15 minutes. */
const curve = ({ curve: pieces }: ExposureSeries): string[] =>
  pieces.map(({ from, to, lowMs, highMs }) => {
    const minutes = (instant: string) => (Date.parse(instant) - start) / minute
    const height = (ms: number | null) => (ms === null ? 'none' : ms / minute)
    return `${minutes(from)}–${minutes(to)}: ${height(lowMs)}–${height(highMs)}`
  })

test('a look bounds exposure to the lag that it measured, and from then on it grows with the clock', () => {
  const found = exposed(60, [look(10, { far: 0.5 }), look(15, { far: 2 }), look(20, { far: 0 })])
  expect(curve(found)).toEqual([
    '0–10: none–none',
    '10–15: 0.5–5.5',
    // the newer look knows better, also where it is worse
    '15–20: 2–7',
    '20–60: 0–40',
  ])
  expect(found).toMatchObject({ standbys: ['far'], survivors: ['vault'], replicaMs: 50 * minute })
  expect(found.newest).toMatchObject({ kind: 'replica', destination: 'far', isProven: false })
  // by verified copies alone there was nothing
  expect(found.copiesAlone).toMatchObject({ worstMs: null, withoutPointMs: 60 * minute })
})

test('what was asked long before the step ended counts from when it was asked', () => {
  const slow = look(10, { far: 1 })
  const late = { ...slow, outputs: { ...slow.outputs, lookedAt: iso(8) } }
  expect(curve(exposed(20, [late]))).toEqual(['0–10: none–none', '10–20: 3–13'])
})

test('a standby survives the loss of what it does not share, and never the loss of the data', () => {
  const steps = [look(10, { far: 0, near: 0 })]
  const losses = (of: Plan) =>
    audited(60, steps, of).sections?.exposure.map((each) => [each.losses.join(' '), each.standbys])
  expect(losses(plan)).toEqual([
    ['data', []],
    ['node disk region', ['far']],
    ['account vendor', []],
  ])
  expect(losses(both)).toEqual([
    ['data', []],
    ['node disk', ['far', 'farther', 'near']],
    ['region', ['far', 'farther']],
    ['account vendor', []],
  ])
})

test('a verified copy counts where it is newer, and a failed look takes nothing and gives nothing', () => {
  const failed = { ...look(30, {}), outcome: 'failed' as const, outputs: {} }
  const found = exposed(60, [look(10, { far: 1 }), ...backup(20), failed, look(40, { far: 5 })])
  expect(curve(found)).toEqual(['0–10: none–none', '10–20: 1–11', '20–40: 0–20', '40–60: 5–25'])
  expect(found).toMatchObject({ replicaMs: 30 * minute })
  expect(found.copiesAlone).toMatchObject({ currentMs: 40 * minute })
})

/** Looks every 5 minutes from 5 to 60, half a minute behind. */
const steady = Array.from({ length: 12 }, (_, index) => look(5 + 5 * index, { far: 0.5 }))

test('an objective that only a replica keeps is unproven until its content was compared', async () => {
  const steps = [...backup(0), ...steady]
  const unproven = exposed(62, steps)
  // 10 minutes after the backup the copies alone are beyond the RPO, up to 62
  expect(unproven).toMatchObject({
    ...{ verdict: 'unproven', breaches: [], inBreachMs: 0, unprovenMs: 52 * minute },
    copiesAlone: { verdict: 'missed', inBreachMs: 52 * minute, worstMs: 62 * minute },
  })
  const told = audited(62, steps, plan)
  expect(told.sections?.findings.map(({ id }) => id)).toContain('replica/words/node+disk+region')
  const { markdown, html } = await toReport(told)
  expect(markdown).toContain('vault, replica on far')
  expect(markdown).toContain('verified copies alone: vault')
  expect(html).toContain('words on far survives the loss of node, disk, region.')
  const [rpo] = told.verdicts
  expect(rpo?.reasons.join()).toContain('only by the word of far, a replica')

  // a backup in the 20th minute, seeded in the 24th, looked at in the 25th: proven from there on
  const partly = exposed(62, [...steps, ...backup(20), seeded(24)])
  expect(partly).toMatchObject({ verdict: 'unproven', inBreachMs: 0, unprovenMs: 10 * minute })
  expect(partly.newest).toMatchObject({ isProven: true })
  const met = exposed(62, [seeded(0), ...steps])
  expect(met).toMatchObject({ verdict: 'met', unprovenMs: 0 })
  // another collection under the same name was never compared
  const other = steady.map((each) =>
    Date.parse(each.endedAt) < at(30)
      ? each
      : { ...look((Date.parse(each.endedAt) - start) / minute, { far: 0.5 }, { uuid: 'v' }) },
  )
  expect(exposed(62, [seeded(0), ...backup(1), ...other])).toMatchObject({ verdict: 'unproven' })
})

test('looks that did not come are a breach, also of a replica that is proven, and the cause is named', () => {
  const found = exposed(30, [seeded(0), look(1, { far: 0 }), look(25, { far: 0 })])
  expect(found).toMatchObject({ verdict: 'missed', inBreachMs: 14 * minute })
  expect(found.breaches).toMatchObject([
    { from: iso(11), to: iso(25), cause: 'missed run', endedBy: { kind: 'replica' } },
  ])
  expect(found.breaches[0]?.because).toContain('schedule lag, due')
})

test('who takes over has everything and ages; who handed over has everything up to then', () => {
  const steps = [
    look(10, { far: 1 }),
    promoted(20, 'far'),
    promoted(30, 'primary'),
    look(40, { far: 0 }),
  ]
  expect(curve(exposed(60, steps))).toEqual([
    '0–10: none–none',
    '10–20: 1–11',
    '20–30: 0–10',
    // as of the way back
    '30–40: 0–10',
    '40–60: 0–20',
  ])
  // while it writes, a look at who follows it shows that it is there
  const away = [look(10, { far: 1 }), promoted(20, 'far', null), look(30, { primary: 2 })]
  expect(curve(exposed(60, away)).slice(2)).toEqual(['20–30: 0–10', '30–60: 2–32'])
  // nobody knows what became of a primary that did not hand over
  const lost = [look(10, { far: 1 }), promoted(20, 'far', null), promoted(30, 'primary', null)]
  expect(curve(exposed(60, lost)).at(-1)).toBe('30–60: none–none')
  const seed = [look(10, { far: 1 }), seeded(20), look(30, { far: 0 })]
  expect(curve(exposed(60, seed)).slice(1)).toEqual([
    '10–20: 1–11',
    '20–30: none–none',
    '30–60: 0–30',
  ])
})

test('a look that finds a standby diverged takes back all since the look before, and the proof', () => {
  const diverged = {
    ...look(30, {}),
    ...{ outcome: 'failed' as const, outputs: { diverged: { far: 'not the same' } } },
  }
  const steps = [seeded(0), look(10, { far: 0 }), look(20, { far: 1 })]
  expect(curve(exposed(40, [...steps, diverged]))).toEqual([
    '0–10: none–none',
    '10–20: 0–10',
    '20–40: none–none',
  ])
  const after = exposed(40, [...steps, diverged, look(35, { far: 0 })])
  expect(after.newest).toMatchObject({ kind: 'replica', isProven: false })
})

/** Looks at several standbys, seedings, promotions and backups at random. */
const histories = fc
  .array(
    fc.record({
      pause: fc.integer({ min: 1, max: 30 }),
      what: fc.constantFrom('look', 'look', 'look', 'backup', 'seeded'),
      far: fc.integer({ min: 0, max: 60 }),
      farther: fc.integer({ min: 0, max: 60 }),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((all) => {
    let minutes = 0
    const steps = all.flatMap(({ pause, what, far, farther }): StepRecord[] => {
      minutes += pause
      if (what === 'backup') return backup(minutes)
      return [what === 'seeded' ? seeded(minutes) : look(minutes, { far, farther })]
    })
    return { steps, end: minutes + 20 }
  })

const figures = ['integralS2', 'meanMs', 'worstMs', 'p95Ms', 'currentMs'] as const
const atMost = (one: number | null, other: number | null) =>
  (one ?? Number.POSITIVE_INFINITY) <= (other ?? Number.POSITIVE_INFINITY)

test('property: fewer standbys never lower exposure, and verified copies alone never do', async () => {
  await fc.assert(
    fc.property(histories, ({ steps, end }) => {
      const [many, one] = [exposed(end, steps, 'region', both), exposed(end, steps, 'region', plan)]
      for (const key of figures) {
        expect([key, atMost(many[key], one[key])]).toEqual([key, true])
        expect([key, atMost(one[key], one.copiesAlone?.[key] ?? null)]).toEqual([key, true])
      }
      expect(many.inBreachMs).toBeLessThanOrEqual(one.inBreachMs)
    }),
    { numRuns: 50 },
  )
})

test('property: a replica never lowers exposure below the lag that was measured, and unproven never is met', async () => {
  await fc.assert(
    fc.property(histories, fc.nat(100), ({ steps, end }, share) => {
      const withoutCopies = steps.filter(({ kind }) => kind === 'wait' || kind === 'replicate')
      const until = Math.max(1, Math.floor((share / 100) * end))
      const kept = withoutCopies.filter(({ endedAt }) => Date.parse(endedAt) < at(until))
      const found = exposed(until, kept)
      const last = kept.findLast(({ kind }) => kind === 'wait')
      const lag = (last?.outputs['lag'] ?? {}) as { readonly far?: { readonly seconds: number } }
      if (found.currentMs !== null && last !== undefined) {
        const age = at(until) - Date.parse(last.endedAt)
        expect(found.currentMs).toBe((lag.far?.seconds ?? 0) * 1_000 + age)
      }
      if (kept.every(({ kind }) => kind !== 'replicate')) expect(found.verdict).not.toBe('met')
    }),
    { numRuns: 50 },
  )
})
