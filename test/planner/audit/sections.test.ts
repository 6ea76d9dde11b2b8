import { beforeAll, describe, expect, test } from 'vitest'
import { type Audit, audit } from '../../../planner/audit/audit.ts'
import type { ExposureSeries } from '../../../planner/audit/exposure.ts'
import type { AuditSections } from '../../../planner/audit/sections.ts'
import { quarter, quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { planOf } from '../../support/sound-plan.ts'

const minute = 60_000
const hour = 60 * minute
const at = (hours: number, minutes: number) => hours * hour + minutes * minute

let judged: Audit
let sections: AuditSections

beforeAll(async () => {
  const plan = await planOf(quarterPlan)
  judged = audit({ plan, entries: quarterLedger(), window: quarter })
  sections = judged.sections as AuditSections // of a window it has them
})

const series = (loss: ExposureSeries['losses'][number]): ExposureSeries => {
  const found = sections.exposure.find(({ losses }) => losses.includes(loss))
  if (found === undefined) throw new Error(`no exposure to the loss of ${loss}`)
  return found
}

const short = (instant: string): string => instant.slice(5, 16)

const breaches = ({ breaches: all }: ExposureSeries) =>
  all.map(({ from, to, durationMs, worstMs, cause }) => ({
    ...{ from: short(from), to: short(to), ms: durationMs, worst: worstMs, cause },
  }))

/**
 * By hand. As-of is one minute after 02:30 in Zurich, which is 00:31 UTC until 25 October and 01:31 UTC after it.
 * The objective of 25 h is broken from as-of + 25 h until the next point is verified: 20 minutes after a due time
 * near by, 40 minutes after it far away. A night that fails leaves 48 h to the next.
 */
describe('a quarter, against what was computed by hand', () => {
  test('losses that leave the same places are one series', () => {
    expect(
      sections.exposure.map(({ collection, losses, survivors, verdict }) => ({
        ...{ collection, losses, survivors, verdict },
      })),
    ).toEqual([
      { collection: 'orders', losses: ['data'], survivors: ['near', 'far'], verdict: 'missed' },
      {
        collection: 'orders',
        losses: ['node', 'disk', 'region', 'account'],
        survivors: ['far'],
        verdict: 'missed',
      },
      // nobody says whose they are
      { collection: 'orders', losses: ['vendor'], survivors: [], verdict: 'unproven' },
    ])
  })

  test('every interval beyond the objective after a loss of the region, with its cause', () => {
    const night = { ms: at(23, 39), worst: at(48, 39) }
    expect(breaches(series('region'))).toEqual([
      // 25 hours from one 02:30 to the next, and 39 minutes until the copy is there
      { from: '10-26T01:31', to: '10-26T02:10', ms: at(0, 39), worst: at(25, 39), cause: 'lag' },
      { from: '11-05T02:31', to: '11-06T02:10', ...night, cause: 'missed run' },
      { from: '11-12T02:31', to: '11-13T02:10', ...night, cause: 'failed run' },
      { from: '11-19T02:31', to: '11-20T02:10', ...night, cause: 'failed run' },
      { from: '12-03T02:31', to: '12-04T02:10', ...night, cause: 'failed verification' },
      // found at noon on the 10th, taken back to 02:10 of that day
      { from: '12-10T02:31', to: '12-11T02:10', ...night, cause: 'failed verification' },
      { from: '12-17T02:31', to: '12-18T02:10', ...night, cause: 'failed run' },
    ])
  })

  test('while only data is lost, the nearer copy counts as well', () => {
    const night = { ms: at(23, 19), worst: at(48, 19) }
    expect(breaches(series('data'))).toEqual([
      { from: '10-26T01:31', to: '10-26T01:50', ms: at(0, 19), worst: at(25, 19), cause: 'lag' },
      { from: '11-05T02:31', to: '11-06T01:50', ...night, cause: 'missed run' },
      { from: '11-12T02:31', to: '11-13T01:50', ...night, cause: 'failed run' },
      { from: '12-03T02:31', to: '12-04T01:50', ...night, cause: 'failed verification' },
      { from: '12-17T02:31', to: '12-18T01:50', ...night, cause: 'failed run' },
    ])
  })

  test('integral, mean, worst, current and time in breach', () => {
    // 86 good nights: 78 gaps of 24 h, one of 25 h, 6 of 48 h, and the two ends of the window
    const gap = (hours: number) => (0.65 + hours / 2) * hours
    const start = (23 + 29 / 60 + 35 / 60) * (70 / 60)
    const end = (0.65 + (21 + 50 / 60) / 2) * (21 + 50 / 60)
    const integralH2 = start + 78 * gap(24) + gap(25) + 6 * gap(48) + end
    const far = series('region')
    expect(far.integralS2).toBeCloseTo(integralH2 * 3_600 * 3_600, 0)
    expect(far.meanMs).toBeCloseTo((integralH2 / (92 * 24)) * hour, 3)
    expect(far).toMatchObject({
      worstMs: at(48, 39),
      currentMs: at(22, 29),
      inBreachMs: 6 * at(23, 39) + at(0, 39),
      withoutPointMs: 0,
      from: '2026-10-01T00:00:00.000Z',
      to: '2027-01-01T00:00:00.000Z',
    })
    // 5 % of 2,208 h are 110.4 h: the last 18.4 h of each of the six long gaps
    expect(far.p95Ms).toBeCloseTo(at(48, 39) - 18.4 * hour, 3)
    expect(series('vendor')).toMatchObject({
      ...{ worstMs: null, integralS2: null, currentMs: null, withoutPointMs: 92 * 24 * hour },
      breaches: [{ cause: 'no survivor' }],
    })
  })

  test('what was due, attempted, succeeded, failed, missed', () => {
    const told = sections.schedules.map(({ sequence, days, failing, ...counts }) => ({
      name: sequence.name,
      ...counts,
    }))
    expect(told).toEqual([
      {
        ...{ name: 'nightly', rhythm: '30 2 * * * Europe/Zurich', pending: 0 },
        ...{ due: 92, attempted: 91, succeeded: 87, failed: 3, unfinished: 1, missed: 1 },
      },
      {
        ...{ name: 'weekly', rhythm: '0 13 * * 4 Europe/Zurich', pending: 0 },
        ...{ due: 14, attempted: 14, succeeded: 13, failed: 1, unfinished: 0, missed: 0 },
      },
      {
        ...{ name: 'restore-test', rhythm: '0 4 1 * * Europe/Zurich', pending: 0 },
        ...{ due: 3, attempted: 2, succeeded: 2, failed: 0, unfinished: 0, missed: 1 },
      },
    ])
    const nightly = sections.schedules[0]
    expect(
      nightly?.failing.map(({ outcome, firstDueAt, error }) => [short(firstDueAt), outcome, error]),
    ).toEqual([
      ['11-05T01:30', 'missed', null],
      ['11-12T01:30', 'failed', null],
      ['11-19T01:30', 'failed', null],
      ['12-03T01:30', 'failed', null],
      ['12-17T01:30', 'unfinished', null],
    ])
    // from 02:00 on 1 October to 01:00 on 1 January by the clocks of Zurich
    expect(nightly?.days).toHaveLength(93)
    expect(nightly?.days.filter(({ due }) => due !== 1).map(({ day }) => day)).toEqual([
      '2027-01-01',
    ])
    expect(nightly?.days.find(({ day }) => day === '2026-11-05')).toMatchObject({ missed: 1 })
  })

  test('drills: due, done, overdue', () => {
    // the last pass ended on 1 November at 03:21 UTC; 35 days later it was 6 December
    expect(sections.drills).toEqual([
      {
        ...{ drill: 'restore-test', proves: ['rto', 'recall'], rhythm: '0 4 1 * * Europe/Zurich' },
        ...{ due: 3, missed: 1, done: 2, passed: 2, failed: 0, void: 0, broken: 0 },
        lastPassedAt: '2026-11-01T03:21:00.000Z',
        lastPassedRun: 'drill-2026-11-01',
        everyMs: 35 * 24 * hour,
        overdueSince: '2026-12-06T03:21:00.000Z',
        overdueMs: (25 * 24 + 20) * hour + 39 * minute,
      },
    ])
  })

  test('RTO by phase, worst, median, age of the proof; the forecast stands apart', () => {
    const [orders] = sections.recoveries
    expect(
      orders?.runs.map(({ run, rtoMs, recall, latency }) => ({ run, rtoMs, recall, latency })),
    ).toEqual([
      {
        ...{ run: 'drill-2026-10-01', rtoMs: 12 * minute, recall: 0.97 },
        latency: { p50Ms: 1.5, p95Ms: 3, p99Ms: 4.5, searches: 64 },
      },
      {
        ...{ run: 'drill-2026-11-01', rtoMs: 20 * minute, recall: 0.98 },
        latency: { p50Ms: 1.5, p95Ms: 3, p99Ms: 4.5, searches: 64 },
      },
    ])
    expect(orders?.runs[1]?.phases.map(({ name, afterMs }) => [name, afterMs / minute])).toEqual([
      ['run started', 0],
      ['restored', 18],
      ['verified', 19],
      ['serving', 19.5],
      ['checked', 20],
    ])
    expect(orders?.rto).toEqual({
      ...{ objectiveMs: 30 * minute, measured: 2, worstMs: 20 * minute, medianMs: 16 * minute },
      newestAt: '2026-11-01T03:21:00.000Z',
      proofAgeMs: (60 * 24 + 20) * hour + 39 * minute,
      forecast: {
        isEstimate: true,
        // 1,320 points then; the 92 nights after the first of 1,000 brought ten each
        rtoMs: Math.round((20 * minute * 1_920) / 1_320),
        fromRun: 'drill-2026-11-01',
        basis: expect.stringContaining('1920 points'),
      },
    })
    expect(judged.verdicts.map(({ objective, verdict }) => [objective, verdict])).toEqual([
      ['rpo', 'missed'],
      ['rto', 'unproven'],
      ['recall', 'unproven'],
    ])
  })

  test('recovery points with their age and last verification', () => {
    expect(
      sections.recoveryPoints.map(({ destination, id, ageMs, lastCheck, standing }) => ({
        ...{ destination, id, ageMs, depth: lastCheck?.depth, standing },
      })),
    ).toEqual([
      {
        ...{ destination: 'near', id: 'night-2026-12-31', ageMs: at(22, 29) },
        // 93 nights without the missed, the failed and the dead one
        ...{ depth: 'objects', standing: 90 },
      },
      {
        ...{ destination: 'far', id: 'night-2026-12-31', ageMs: at(22, 29) },
        // and without those of which the verification or the copy failed
        ...{ depth: 'objects', standing: 88 },
      },
    ])
  })

  test('size and change by day', () => {
    const [orders] = sections.data
    expect(orders?.days).toHaveLength(89)
    expect(orders?.days[0]).toEqual({
      ...{ day: '2026-10-01', count: 1_010, totalBytes: 1_010_000, storedBytes: 50_000 },
      ...{ logRecords: null, logBytes: null },
    })
  })

  test('findings close only with the run that proves it, and keep their owner and date', () => {
    const told = sections.findings.map(
      ({ id, severity, state, retest, dueAt, isLate, closedBy }) => {
        const due = dueAt === null ? 'never' : short(dueAt)
        const end = closedBy === null ? state : `closed by ${closedBy.run}`
        return `${severity} ${id}: ${end}, ${retest}, due ${due}${isLate ? ', late' : ''}`
      },
    )
    const exposure = (loss: string, at: string, by: string, due: string) =>
      `critical exposure/orders/${loss}/2026-${at}:00.000Z: closed by nightly-2026-${by}, passed, due ${due}`
    const rest = 'node+disk+region+account'
    const runs = (name: string, at: string, by: string, due: string) =>
      `warning runs/schedule/${name}/2026-${at}:00.000Z: closed by ${name}-2026-${by}, passed, due ${due}`
    expect(told).toEqual([
      'critical damage/near/orders/night-2026-12-03: open, not retested, due 12-10T01:50, late',
      'critical damage/far/orders/night-2026-12-10: open, not retested, due 12-17T12:09, late',
      'warning unprotected/orders: open, not retested, due 10-30T00:30, late',
      'warning unproven/rpo/orders: open, not retested, due 10-31T00:00, late',
      'warning runs/drill/restore-test/2026-12-01T03:00:00.000Z: open, not retested, due 12-31T03:00, late',
      'warning drill/restore-test: open, not retested, due 01-05T03:21',
      exposure('data', '10-26T01:31', '10-26', '11-02T01:31'),
      exposure(rest, '10-26T01:31', '10-26', '11-02T01:31'),
      exposure('data', '11-05T02:31', '11-06', '11-12T02:31'),
      exposure(rest, '11-05T02:31', '11-06', '11-12T02:31'),
      exposure('data', '11-12T02:31', '11-13', '11-19T02:31'),
      exposure(rest, '11-12T02:31', '11-13', '11-19T02:31'),
      exposure(rest, '11-19T02:31', '11-20', '11-26T02:31'),
      exposure('data', '12-03T02:31', '12-04', '12-10T02:31'),
      exposure(rest, '12-03T02:31', '12-04', '12-10T02:31'),
      exposure(rest, '12-10T02:31', '12-11', '12-17T02:31'),
      exposure('data', '12-17T02:31', '12-18', '12-24T02:31'),
      exposure(rest, '12-17T02:31', '12-18', '12-24T02:31'),
      runs('nightly', '11-05T01:30', '11-06', '12-05T01:30'),
      runs('nightly', '11-12T01:30', '11-13', '12-12T01:30'),
      runs('nightly', '11-19T01:30', '11-20', '12-19T01:30'),
      runs('nightly', '12-03T01:30', '12-04', '01-02T01:30'),
      runs('weekly', '12-10T12:00', '12-17', '01-09T12:00'),
      runs('nightly', '12-17T01:30', '12-18', '01-16T01:30'),
    ])
    expect(new Set(sections.findings.map(({ owner }) => owner))).toEqual(new Set(['dr-team']))
  })

  test('what is left out is said, with its reason', () => {
    expect(sections.compliance).toMatchObject({
      exclusions: [{ collection: 'scratch', reason: 'rebuilt every night' }],
      frameworks: ['soc2', 'dora'],
      reviewedAt: '2026-09-01T00:00:00.000Z',
    })
  })
})
