import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../engine/index.ts'
import { audit } from '../../../planner/audit/audit.ts'
import type { ExposureSeries } from '../../../planner/audit/exposure.ts'
import type { Plan } from '../../../planner/plan/plan.ts'
import type { StepRecord } from '../../../planner/step/record.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { planOf } from '../../support/sound-plan.ts'

const minute = 60_000
const start = Date.UTC(2026, 5, 1)
const at = (minutes: number): number => start + minutes * minute
const iso = (minutes: number): string => new Date(at(minutes)).toISOString()

let plan: Plan
beforeAll(async () => {
  plan = await planOf(`version: 1
name: test
owner: somebody
targets:
  primary: { engine: vectra, path: ./primary, region: here }
collections:
  words: { target: primary, objectives: { rpo: 1h } }
destinations:
  near: { url: ./near, region: here }
  far: { url: ./far, region: there }
schedules:
  often:
    every: 30m
    steps:
      - backup: { collections: [words], to: far }
      - verify: { in: far, collection: words }
      - archive: { collections: [words], to: far }
`)
})

const position = (lsn: number, minutes: number) => ({
  ...{ uuid: 'u', history: 'h', epoch: 1, lsn, count: lsn, committedAt: null },
  observedAt: iso(minutes),
})

const step = (kind: StepRecord['kind'], minutes: number, outputs: JsonObject): StepRecord =>
  stepAt(at(minutes), at(minutes), { kind, step: kind, outputs })

const backup = (lsn: number, minutes: number, to = 'far', id = `s${lsn}`) =>
  step('backup', minutes, {
    destination: to,
    snapshots: [{ collection: 'words', snapshotId: id, position: position(lsn, minutes) }],
  })

const verify = (lsn: number, minutes: number, more: JsonObject = {}, ok = true, to = 'far') =>
  step('verify', minutes, {
    ...{ destination: to, depth: 'objects', readShare: 1 },
    verified: [{ collection: 'words', snapshotId: `s${lsn}`, ok }],
    ...more,
  })

const archive = (lsn: number, minutes: number, firstLsn?: number) =>
  step('archive', minutes, {
    destination: 'far',
    archives: [
      {
        ...{ collection: 'words', position: position(lsn, minutes) },
        ...(firstLsn !== undefined && { readBack: { firstLsn, lastLsn: lsn } }),
      },
    ],
  })

/** Minutes of the ends of a window, and what happened in it. */
function exposed(from: number, to: number, steps: readonly StepRecord[], loss = 'region') {
  const sorted = [...steps].sort((a, b) => Date.parse(a.endedAt) - Date.parse(b.endedAt))
  const run = { run: 'r', kind: 'schedule', name: 'often', startedAt: start } as const
  const entries = ledgerOf({ ...run, endedAt: at(to), steps: sorted })
  const { sections } = audit({ plan, entries, window: { from: at(from), to: at(to) } })
  const found = sections?.exposure.find(({ losses }) => losses.some((each) => each === loss))
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

test('a copy counts from the end of its verification, and only where it survives', () => {
  const near = [backup(1, 5, 'near'), verify(1, 7, {}, true, 'near')]
  expect(curve(exposed(0, 60, near))).toEqual(['0–60: none–none'])
  expect(curve(exposed(0, 60, near, 'data'))).toEqual(['0–7: none–none', '7–60: 2–55'])
  const far = [backup(1, 10), verify(1, 20)]
  expect(curve(exposed(0, 60, far))).toEqual(['0–20: none–none', '20–60: 10–50'])
  for (const shallow of [{ depth: 'manifest', readShare: 0 }, { readShare: 0.5 }]) {
    expect(curve(exposed(0, 60, [backup(1, 10), verify(1, 20, shallow)]))).toEqual([
      '0–60: none–none',
    ])
  }
})

test('an idle collection does not age while its source is looked at', () => {
  const looks = [backup(1, 10), verify(1, 20), archive(1, 30), archive(1, 40), archive(2, 50)]
  expect(curve(exposed(0, 60, looks))).toEqual([
    '0–20: none–none',
    '20–30: 10–20',
    '30–40: 0–10',
    '40–60: 0–20',
  ])
})

test('a standby that lags says nothing of the source', () => {
  const standby = step('check', 40, {
    ...{ target: 'standby', collection: 'words', position: position(1, 40) },
  })
  expect(curve(exposed(0, 60, [backup(1, 10), verify(1, 20), standby]))).toEqual([
    '0–20: none–none',
    '20–60: 10–50',
  ])
})

test('a failed verification takes back all since the last that passed', () => {
  const steps = [backup(1, 10), verify(1, 20), backup(2, 30), verify(2, 40), verify(2, 60)]
  expect(curve(exposed(0, 100, [...steps, verify(2, 80, {}, false)]))).toEqual([
    '0–20: none–none',
    '20–40: 10–30',
    '40–60: 10–30',
    // the older one is left
    '60–100: 50–90',
  ])
  const healed = [verify(2, 80, {}, false), verify(2, 90)]
  expect(curve(exposed(0, 100, [...steps, ...healed])).slice(3)).toEqual([
    '60–90: 50–80',
    '90–100: 60–70',
  ])
})

test('archived log counts once it was read back, from a verified snapshot that it goes on from', () => {
  const log = [archive(5, 30, 2), archive(8, 40, 6)]
  expect(curve(exposed(0, 60, [backup(1, 10), ...log]))).toEqual(['0–60: none–none'])
  expect(curve(exposed(0, 60, [backup(1, 10), verify(1, 20), ...log]))).toEqual([
    '0–20: none–none',
    '20–30: 10–20',
    '30–40: 0–10',
    '40–60: 0–20',
  ])
  // verified only afterwards
  expect(curve(exposed(0, 60, [backup(1, 10), verify(1, 45), ...log]))).toEqual([
    '0–45: none–none',
    '45–60: 5–20',
  ])
  // nothing leads over a gap but a new snapshot
  const gap = [backup(1, 10), verify(1, 20), archive(9, 40, 7)]
  expect(curve(exposed(0, 60, gap))).toEqual(['0–20: none–none', '20–60: 10–50'])
  expect(curve(exposed(0, 60, [...gap, backup(9, 50), verify(9, 55)])).at(-1)).toBe('55–60: 5–10')
})

test('archived log that nobody read back counts from the verification that did', () => {
  const ranges = (lastLsn: number) => ({
    log: { ranges: [{ uuid: 'u', history: 'h', firstLsn: 1, lastLsn }], damaged: [] },
  })
  const before = [backup(1, 10), verify(1, 20), archive(5, 30), archive(8, 40)]
  expect(curve(exposed(0, 60, before)).at(-1)).toBe('20–60: 10–50')
  expect(curve(exposed(0, 60, [...before, verify(1, 50, ranges(8))])).slice(1)).toEqual([
    '20–50: 10–40',
    '50–60: 10–20',
  ])
  // read and sound, later damaged: taken back to when it was last read
  const damaged = { log: { ranges: [], damaged: ['u'] } }
  const after = [verify(1, 50, ranges(8)), archive(9, 55, 9), verify(1, 70, damaged)]
  expect(curve(exposed(0, 80, [...before, ...after])).slice(1)).toEqual(['20–80: 10–70'])
})

test('what retention removed stands no longer', () => {
  const forgotten = [{ collection: 'words', snapshotId: 's1' }]
  const pruned = step('prune', 40, { destination: 'far', forgotten })
  expect(curve(exposed(0, 60, [backup(1, 10), verify(1, 20), pruned])).slice(1)).toEqual([
    '20–40: 10–30',
    '40–60: none–none',
  ])
})

test('a curve of many pieces keeps its peaks', () => {
  const many = Array.from({ length: 700 }, (_, index) => {
    const minutes = 10 + index * 10
    return [backup(index + 1, minutes), verify(index + 1, minutes + 1)]
  }).flat()
  const exact = exposed(
    0,
    7_010,
    many.filter((_, index) => index < 40),
  )
  expect(exact.isCurveExact).toBe(true)
  const merged = exposed(11, 7_010, many.toSpliced(600, 4))
  expect(merged.isCurveExact).toBe(false)
  expect(merged.curve).toHaveLength(480)
  expect(Math.max(...merged.curve.map(({ highMs }) => highMs ?? 0))).toBe(merged.worstMs)
  expect(merged.worstMs).toBe(31 * minute)
})

/** Backups, verifications and archive runs at random, in the order of LSNs. */
const histories = fc
  .array(
    fc.record({
      pause: fc.integer({ min: 1, max: 50 }),
      what: fc.constantFrom('backup', 'backup', 'verify', 'verify', 'fail', 'archive', 'look'),
      which: fc.nat(5),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((all) => {
    const steps: StepRecord[] = []
    const made: number[] = []
    let minutes = 0
    let lsn = 1
    let archivedTo = 0
    for (const { pause, what, which } of all) {
      minutes += pause
      const one = made.at(-1 - which) ?? made.at(-1)
      if (what === 'backup') {
        steps.push(backup(++lsn, minutes))
        made.push(lsn)
      }
      if (what === 'look') steps.push(archive(lsn, minutes))
      if (what === 'archive') {
        steps.push(archive(++lsn, minutes, archivedTo + 1))
        archivedTo = lsn
      }
      if (what === 'verify' && one !== undefined) steps.push(verify(one, minutes))
      if (what === 'fail' && one !== undefined) steps.push(verify(one, minutes, {}, false))
    }
    return { steps, end: minutes + 30, lsn }
  })

test('property: exposure is never negative, and its numbers agree with each other', async () => {
  await fc.assert(
    fc.property(histories, ({ steps, end }) => {
      const found = exposed(0, end, steps)
      for (const { lowMs, highMs } of found.curve) {
        expect(lowMs ?? 0).toBeGreaterThanOrEqual(0)
        expect(highMs ?? lowMs ?? 0).toBeGreaterThanOrEqual(lowMs ?? 0)
      }
      if (found.worstMs === null) return
      expect(found.worstMs).toBeGreaterThanOrEqual(found.p95Ms ?? Number.POSITIVE_INFINITY)
      expect(found.worstMs).toBeGreaterThanOrEqual(found.meanMs ?? Number.POSITIVE_INFINITY)
    }),
    { numRuns: 200 },
  )
})

test('property: one more successful, verified backup never makes it worse', async () => {
  const atMost = (one: number | null, other: number | null) =>
    (one ?? Number.POSITIVE_INFINITY) <= (other ?? Number.POSITIVE_INFINITY)
  await fc.assert(
    fc.property(histories, fc.nat(100), fc.nat(20), ({ steps, end, lsn }, share, wait) => {
      const minutes = Math.floor((share / 100) * end)
      const more = [backup(lsn + 1, minutes), verify(lsn + 1, Math.min(minutes + wait, end))]
      const [before, after] = [exposed(0, end, steps), exposed(0, end, [...steps, ...more])]
      for (const key of ['integralS2', 'meanMs', 'worstMs', 'p95Ms', 'currentMs'] as const) {
        expect([key, atMost(after[key], before[key])]).toEqual([key, true])
      }
      expect(after.withoutPointMs).toBeLessThanOrEqual(before.withoutPointMs)
      expect(after.inBreachMs).toBeLessThanOrEqual(before.inBreachMs)
    }),
    { numRuns: 200 },
  )
})

test('property: two windows that touch tell together what one over both tells', async () => {
  await fc.assert(
    fc.property(histories, fc.integer({ min: 1, max: 99 }), ({ steps, end }, share) => {
      // nothing happens between what is seen of the two
      const middle = Math.max(1, Math.floor((share / 100) * end))
      const verifies = steps.filter(({ outputs }) => !JSON.stringify(outputs).includes('false'))
      const [all, one, two] = [
        exposed(0, end, verifies),
        exposed(
          0,
          middle,
          verifies.filter(({ endedAt }) => Date.parse(endedAt) <= at(middle)),
        ),
        exposed(middle, end, verifies),
      ]
      expect(one.withoutPointMs + two.withoutPointMs).toBe(all.withoutPointMs)
      expect(one.inBreachMs + two.inBreachMs).toBe(all.inBreachMs)
      if (all.worstMs === null || one.worstMs === null || two.worstMs === null) return
      expect(Math.max(one.worstMs, two.worstMs)).toBe(all.worstMs)
      expect((one.integralS2 ?? 0) + (two.integralS2 ?? 0)).toBeCloseTo(all.integralS2 ?? 0, 3)
    }),
    { numRuns: 200 },
  )
})
