import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openCalendar, periods } from '../../../engine/retention/calendar.ts'
import { applyRules, type Candidate, type KeepRules } from '../../../engine/retention/keep-rules.ts'
import { neededObjects } from '../../../engine/retention/needed.ts'
import { dayMs, startMs, toManifest } from './small-repository.ts'

const candidate = (changes: Partial<Candidate> & { lsn: number }): Candidate => ({
  collection: 'products',
  snapshotId: `s${changes.lsn}`,
  uuid: 'u1',
  epoch: '000001-00112233aabbccdd',
  asOfMs: startMs + changes.lsn * dayMs,
  createdMs: startMs + changes.lsn * dayMs,
  count: 100,
  tags: [],
  pinned: undefined,
  isBad: false,
  ...changes,
})

/** One a day, `s0` the oldest. */
const daily = (days: number, changes: Partial<Candidate> = {}) =>
  Array.from({ length: days }, (_, lsn) => candidate({ ...changes, lsn }))

const keptOf = (snapshots: readonly Candidate[], rules: KeepRules, zone = 'UTC') =>
  applyRules(snapshots, rules, zone)
    .filter(({ keep }) => keep)
    .map(({ snapshot }) => snapshot.snapshotId)

describe('a rule', () => {
  it('refuses to keep nothing', () => {
    for (const rules of [
      {},
      { tags: [] },
      { last: 0 },
      { daily: -1 },
      { withinMs: 0 },
      { last: 1.5 },
    ]) {
      expect(() => applyRules(daily(3), rules, 'UTC')).toThrow(
        expect.objectContaining({ code: 'usage' }),
      )
    }
  })

  it('last keeps the newest by LSN, whatever the clocks said', () => {
    const back = candidate({ lsn: 9, asOfMs: startMs - dayMs, createdMs: startMs - dayMs })
    expect(keptOf([...daily(5), back], { last: 2 })).toEqual(['s4', 's9'])
  })

  it('daily keeps the newest of each of the last days that have one', () => {
    const twice = candidate({ lsn: 100, snapshotId: 'evening', asOfMs: startMs + dayMs + 1 })
    const old = candidate({ lsn: 101, asOfMs: startMs + 40 * dayMs })
    expect(keptOf([...daily(3), twice, old], { daily: 3 })).toEqual(['s2', 'evening', 's101'])
  })

  it('days, weeks, months and years begin in the zone', () => {
    const late = [0, 1].map((lsn) =>
      candidate({ lsn, asOfMs: Date.parse('2025-12-31T22:30:00Z') + lsn * 3_600_000 }),
    )
    for (const period of ['daily', 'monthly', 'yearly'] as const) {
      expect(keptOf(late, { [period]: 2 }, 'Europe/Zurich')).toEqual(['s0', 's1'])
      expect(keptOf(late, { [period]: 2 }, 'UTC')).toEqual(['s1'])
    }
    expect(keptOf(late, { weekly: 2 }, 'Europe/Zurich')).toEqual(['s1'])
    expect(keptOf(late, { hourly: 2 }, 'UTC')).toEqual(['s0', 's1'])
  })

  it('case 40: within counts back from the newest snapshot, not from now', () => {
    expect(keptOf(daily(10), { withinMs: 2 * dayMs })).toEqual(['s7', 's8', 's9'])
  })

  it('tags keep what has one of them', () => {
    const tagged = candidate({ lsn: 1, tags: ['audit', 'x'] })
    const [decision] = applyRules([tagged, candidate({ lsn: 2 })], { tags: ['audit'] }, 'UTC')
    expect(decision).toMatchObject({ keep: true, reasons: ['tag audit'] })
  })

  it('is joined with the others by or, and every snapshot has its reasons', () => {
    const decisions = applyRules(daily(40), { last: 1, daily: 2, monthly: 2 }, 'UTC')
    expect(decisions.map(({ reasons }) => reasons).slice(-2)).toEqual([
      ['daily 2026-02-08 (2 of 2)'],
      ['last 1 of 1', 'daily 2026-02-09 (1 of 2)', 'monthly 2026-02 (1 of 2)'],
    ])
    expect(decisions[30]).toMatchObject({ keep: true, reasons: ['monthly 2026-01 (2 of 2)'] })
    expect(decisions[0]).toMatchObject({ keep: false, reasons: ['no rule keeps it'] })
  })

  it('looks at every collection and history by itself', () => {
    const others = [
      candidate({ lsn: 0, collection: 'words', uuid: 'u2', snapshotId: 'w0' }),
      candidate({ lsn: 50, epoch: '000002-ffffffffffffffff', snapshotId: 'after' }),
    ]
    expect(keptOf([...daily(3), ...others], { last: 1 })).toEqual(['s2', 'w0', 'after'])
  })

  it('case 81: never takes a damaged snapshot for the good one of its day, nor the last good one', () => {
    const [first, second] = daily(2)
    const bad = candidate({ lsn: 2, isBad: true, asOfMs: startMs + dayMs + 1 })
    if (first === undefined || second === undefined) throw new Error('there are two')
    expect(keptOf([first, second, bad], { daily: 1 })).toEqual(['s1', 's2'])
    // no rule keeps a good one: the newest good one stays
    const decisions = applyRules([first, second, bad], { tags: ['none'] }, 'UTC')
    expect(decisions.map(({ keep }) => keep)).toEqual([false, true, true])
    expect(decisions[1]?.reasons).toEqual(['the last good snapshot of its collection'])
  })

  it('keeps what is pinned, and counts it as well', () => {
    const pinned = candidate({ lsn: 0, pinned: 'before the migration' })
    const decisions = applyRules([pinned, ...daily(5).slice(1)], { last: 1 }, 'UTC')
    expect(decisions[0]?.reasons).toEqual(['pinned: before the migration'])
    expect(decisions.filter(({ keep }) => keep)).toHaveLength(2)
  })
})

const zones = ['UTC', 'Europe/Zurich', 'America/New_York', 'Africa/Cairo', 'Pacific/Apia']

const anyRules = fc
  .record(
    {
      last: fc.integer({ min: 1, max: 4 }),
      hourly: fc.integer({ min: 1, max: 5 }),
      daily: fc.integer({ min: 1, max: 5 }),
      weekly: fc.integer({ min: 1, max: 4 }),
      monthly: fc.integer({ min: 1, max: 3 }),
      yearly: fc.integer({ min: 1, max: 2 }),
      withinMs: fc.integer({ min: 1, max: 40 * dayMs }),
      tags: fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  )
  .filter((rules) => Object.keys(rules).length > 0)

const anySnapshots = fc
  .array(
    fc.record({
      lsn: fc.nat(30),
      hours: fc.nat(24 * 60),
      uuid: fc.constantFrom('u1', 'u2'),
      epoch: fc.constantFrom('000001-00112233aabbccdd', '000002-ffffffffffffffff'),
      tags: fc.subarray(['a', 'b', 'c']),
      pinned: fc.option(fc.constant('why'), { nil: undefined, freq: 6 }),
      isBad: fc.nat(4).map((each) => each === 0),
      objects: fc.subarray(['1', '2', '3', '4', '5', '6', '7', '8'], { minLength: 1 }),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((all) =>
    all.map(({ hours, objects, ...rest }, index) => ({
      ...candidate({ ...rest, snapshotId: `s${index}` }),
      asOfMs: startMs + hours * 3_600_000,
      createdMs: startMs + hours * 3_600_000 + 1,
      manifest: toManifest({ id: `s${index}`, lsn: rest.lsn, objects }),
    })),
  )

describe('any rules on any snapshots', () => {
  it('case 81: keep what each rule says, what is pinned, a good one of each collection, and all their objects', async () => {
    await fc.assert(
      fc.property(anySnapshots, anyRules, fc.constantFrom(...zones), (snapshots, rules, zone) => {
        const decisions = applyRules(snapshots, rules, zone)
        // one assertion a case: thousands of cases, and looking is slower than deciding
        const wrong: string[] = []
        const hold = (holds: boolean, what: string) => void (holds || wrong.push(what))
        hold(
          decisions.every(({ snapshot }, index) => snapshot === snapshots[index]),
          'order',
        )
        hold(
          decisions.every(({ reasons }) => reasons.length > 0),
          'reasons',
        )
        const kept = new Set(decisions.filter(({ keep }) => keep).map(({ snapshot }) => snapshot))
        for (const uuid of ['u1', 'u2']) {
          const own = snapshots.filter((each) => each.uuid === uuid)
          const good = own.filter((each) => !each.isBad)
          hold(good.length === 0 || good.some((each) => kept.has(each)), 'the last good one')
          for (const each of own)
            hold(!(each.pinned || each.isBad) || kept.has(each), 'pinned, bad')
          for (const epoch of new Set(good.map((each) => each.epoch))) {
            const history = good.filter((each) => each.epoch === epoch)
            for (const each of history) {
              hold(!mustStay(each, history, rules, zone) || kept.has(each), each.snapshotId)
            }
          }
        }
        // what only the removed need may go; nothing that a kept one needs is among it
        const manifests = [...kept].map((each) => each.manifest)
        const needed = neededObjects(manifests, (sha256) => sha256)
        for (const { files } of manifests) {
          for (const { sha256 } of files.flatMap(({ pieces }) => pieces)) {
            hold(needed.has(sha256), 'an object')
          }
        }
        expect(wrong).toEqual([])
      }),
      { numRuns: 5_000 },
    )
  })
})

const calendars = new Map(zones.map((zone) => [zone, openCalendar(zone)]))

/** The rules again, said otherwise: whether a good snapshot of a history must not be missing. */
function mustStay(
  snapshot: Candidate,
  history: readonly Candidate[],
  { last = 0, withinMs, tags = [], ...counts }: KeepRules,
  zone: string,
): boolean {
  const { lsn, createdMs, asOfMs } = snapshot
  const same = history.filter((each) => each.lsn === lsn && each.createdMs === createdMs)
  if (same.length > 1) return false // which of two equal ones counts is not the rule's matter
  const newer = history.filter(
    (each) => each.lsn > lsn || (each.lsn === lsn && each.createdMs > createdMs),
  )
  if (newer.length < last) return true
  const newestMs = Math.max(...history.map((each) => each.asOfMs))
  if (withinMs !== undefined && newestMs - asOfMs <= withinMs) return true
  if (snapshot.tags.some((tag) => tags.includes(tag))) return true
  const calendar = calendars.get(zone)
  return periods.some((period) => {
    const wanted = counts[period] ?? 0
    if (wanted === 0 || calendar === undefined) return false
    const stretches = new Set(newer.map((each) => calendar.stretch(period, each.asOfMs)))
    return stretches.size < wanted && !stretches.has(calendar.stretch(period, asOfMs))
  })
}
