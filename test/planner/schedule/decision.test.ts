import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decision, decide } from '../../../planner/schedule/decision.ts'
import { dueAfter } from '../../../planner/schedule/due-times.ts'
import { type ServedTimes, withServed } from '../../../planner/schedule/served-times.ts'
import type { Timed } from '../../../planner/schedule/timed.ts'
import { buildSchedule, cron, every, instant, ran } from '../../support/schedule-builder.ts'

const nightly = buildSchedule(cron('0 2 * * *'))
const eager = buildSchedule(cron('0 2 * * *'), { catchUp: true })
const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString())

/** Nobody watched before `watched`; by default all the while. */
const at = (sequence: Timed, past: ServedTimes, now: string, watched = '2000-01-01T00:00Z') =>
  told(decide('p', sequence, past, { now: instant(now), watchedSinceAt: instant(watched) }))

const told = (decision: Decision) =>
  decision.kind === 'due'
    ? `due ${iso(decision.dueAt)}, ${decision.missed} missed${decision.caughtUp ? ', caught up' : ''}`
    : `later ${iso(decision.next?.dueAt)}${decision.skippedDueAt === undefined ? '' : `, skipped ${iso(decision.skippedDueAt)}`}`

describe('a cron line', () => {
  test('is due from its time on until a run has served it, and then at the next', () => {
    const past = ran('2026-11-25T02:00Z')
    expect(at(nightly, past, '2026-11-26T01:59:59Z')).toBe('later 2026-11-26T02:00:00.000Z')
    expect(at(nightly, past, '2026-11-26T02:00Z')).toBe('due 2026-11-26T02:00:00.000Z, 0 missed')
    expect(at(nightly, ran('2026-11-26T02:00Z'), '2026-11-26T02:00:01Z')).toBe(
      'later 2026-11-27T02:00:00.000Z',
    )
  })

  test('is served by what a person began after it was due, not by what was begun before', () => {
    expect(at(nightly, ran('2026-11-26T01:59Z'), '2026-11-26T02:05Z')).toMatch(/^due 2026-11-26T02/)
    expect(at(nightly, ran('2026-11-26T02:01Z'), '2026-11-26T02:05Z')).toMatch(/^later 2026-11-27/)
  })

  test('case 42: missed for three days it runs once where the plan wants that, and says how many', () => {
    const past = ran('2026-11-23T02:00Z')
    const woken = '2026-11-26T09:00Z'
    expect(at(eager, past, woken, woken)).toBe('due 2026-11-26T02:00:00.000Z, 2 missed, caught up')
    const after = withServed(past, 'schedule/nightly', instant('2026-11-26T02:00Z'))
    expect(at(eager, after, woken, woken)).toBe('later 2026-11-27T02:00:00.000Z')
  })

  test('case 42: without catchUp a missed run is told and not run', () => {
    const woken = '2026-11-26T09:00Z'
    expect(at(nightly, ran('2026-11-23T02:00Z'), woken, woken)).toBe(
      'later 2026-11-27T02:00:00.000Z, skipped 2026-11-26T02:00:00.000Z',
    )
  })

  test('has missed nothing before the first run of its plan', () => {
    const woken = '2026-11-26T09:00Z'
    expect(at(eager, { dueAt: new Map() }, woken, woken)).toBe('later 2026-11-27T02:00:00.000Z')
    const known = { knownSinceAt: instant('2026-11-25T12:00Z'), dueAt: new Map() }
    expect(at(eager, known, woken, woken)).toBe('due 2026-11-26T02:00:00.000Z, 0 missed, caught up')
  })

  test('due while somebody watched is late, not missed', () => {
    expect(at(nightly, ran('2026-11-25T02:00Z'), '2026-11-26T05:00Z', '2026-11-26T01:00Z')).toBe(
      'due 2026-11-26T02:00:00.000Z, 0 missed',
    )
  })
})

describe('an interval', () => {
  const log = buildSchedule(every(30_000))

  test('is due at once, and then counts from when its last run was due', () => {
    expect(at(log, { dueAt: new Map() }, '2026-11-26T02:00:07Z')).toMatch(
      /^due 2026-11-26T02:00:07/,
    )
    const past = ran('2026-11-26T02:00:07Z')
    expect(at(log, past, '2026-11-26T02:00:36Z')).toBe('later 2026-11-26T02:00:37.000Z')
    expect(at(log, past, '2026-11-26T02:00:40Z')).toBe('due 2026-11-26T02:00:37.000Z, 0 missed')
  })

  test('case 42: overdue for three days it runs once, whatever catchUp says', () => {
    const woken = '2026-11-26T02:00:10Z'
    expect(at(log, ran('2026-11-23T02:00:00Z'), woken, woken)).toBe(
      'due 2026-11-26T02:00:00.000Z, 100 missed',
    )
  })

  test('never run, does not wait for a jitter that moves on with the clock', () => {
    const spread = buildSchedule(every(30_000), { jitterMs: 29_000 })
    expect(at(spread, { dueAt: new Map() }, '2026-11-26T02:00:07Z')).toMatch(/^due/)
  })
})

describe('a clock that jumps', () => {
  test('case 40: set back by an hour it runs nothing a second time', () => {
    const past = ran('2026-11-25T02:00Z', '2026-11-26T02:00Z')
    for (const now of ['2026-11-26T01:05Z', '2026-11-26T02:00Z', '2026-11-26T03:00Z']) {
      expect(at(eager, past, now)).toBe('later 2026-11-27T02:00:00.000Z')
    }
    const log = buildSchedule(every(7_200_000))
    expect(at(log, past, '2026-11-26T01:00Z')).toBe('later 2026-11-26T04:00:00.000Z')
  })

  test('case 40: runs that a clock ten years ahead wrote do not stop everything for ten years', () => {
    const past = ran('2026-11-25T02:00Z', '2036-11-26T02:00Z')
    expect(at(nightly, past, '2026-11-26T02:00Z')).toBe('due 2026-11-26T02:00:00.000Z, 0 missed')
    const decision = decide('p', nightly, past, {
      now: instant('2026-11-26T02:00Z'),
      watchedSinceAt: 0,
    })
    expect(decision.aheadMs).toBe(instant('2036-11-26T02:00Z') - instant('2026-11-26T02:00Z'))
    const log = buildSchedule(every(30_000))
    expect(at(log, past, '2026-11-25T02:00:10Z')).toMatch(/^later 2026-11-25T02:00:30/)
  })

  test('case 40: ten years forward and beyond 2038 it runs once, not 3,653 times', () => {
    const past = ran('2026-11-26T02:00Z')
    const then = '2038-01-19T03:14:08Z'
    expect(at(eager, past, then, then)).toBe('due 2038-01-19T02:00:00.000Z, 100 missed, caught up')
    const after = withServed(past, 'schedule/nightly', instant('2038-01-19T02:00Z'))
    expect(at(eager, after, then, then)).toBe('later 2038-01-20T02:00:00.000Z')
  })
})

describe('daylight saving', () => {
  const zones = ['Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo']
  const localDay = (dueAt: number, zone: string) =>
    new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(dueAt)

  test('case 41: a daily job runs exactly once a day around every change of the year, at every quarter of an hour, in four zones', () => {
    const quarters = fc.integer({ min: 0, max: 95 })
    fc.assert(
      fc.property(fc.constantFrom(...zones), quarters, (zone, quarter) => {
        const line = `${(quarter % 4) * 15} ${Math.floor(quarter / 4)} * * *`
        const daily = buildSchedule(cron(line, zone))
        for (const around of [
          '2026-03-08',
          '2026-03-29',
          '2026-04-05',
          '2026-04-24',
          '2026-10-04',
          '2026-10-25',
          '2026-10-30',
          '2026-11-01',
        ]) {
          const from = instant(`${around}T12:00Z`) - 3 * 86_400_000
          const days: string[] = []
          for (let due = dueAfter(daily, from); due !== undefined && days.length < 5; ) {
            days.push(localDay(due, zone))
            due = dueAfter(daily, due)
          }
          const first = Date.parse(`${days[0]}T12:00Z`)
          const wanted = days.map((_, i) =>
            new Date(first + i * 86_400_000).toISOString().slice(0, 10),
          )
          expect(days).toEqual(wanted)
        }
      }),
      { numRuns: 12 },
    )
  })

  test.each([
    ['Europe/Zurich', '2026-03-29T01:00:00.000Z'],
    ['America/New_York', '2026-03-08T07:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30:00.000Z'],
  ])('case 41: in %s a time that spring skips is due right after the gap', (zone, due) => {
    const skipped = buildSchedule(cron('15 2 * * *', zone))
    expect(iso(dueAfter(skipped, Date.parse(due) - 3_600_000))).toBe(due)
  })

  test.each([
    ['Europe/Zurich', '30 2 * * *', '2026-10-25T00:30:00.000Z'],
    ['America/New_York', '30 1 * * *', '2026-11-01T05:30:00.000Z'],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T14:45:00.000Z'],
  ])('case 41: in %s a time that autumn repeats is due once, the first time', (zone, line, due) => {
    const repeated = buildSchedule(cron(line, zone))
    const first = dueAfter(repeated, Date.parse(due) - 3_600_000)
    expect(iso(first)).toBe(due)
    expect((dueAfter(repeated, first ?? 0) ?? 0) - Date.parse(due)).toBeGreaterThan(23 * 3_600_000)
  })

  test.each(['Europe/Zurich', 'America/New_York'])(
    'case 41: an hourly job runs once in every real hour of the days that change in %s',
    (zone) => {
      const hourly = buildSchedule(cron('0 * * * *', zone))
      for (const day of ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01']) {
        let due = instant(`${day}T00:00Z`) - 3_600_000
        for (let hour = 0; hour < 24; hour++) {
          const next = dueAfter(hourly, due) ?? 0
          expect(next - due).toBe(3_600_000)
          due = next
        }
      }
    },
  )
})

test('whatever the clock does, no due time is run twice and at most one run follows a pause', () => {
  const lines = ['0 2 * * *', '*/15 * * * *', '30 1 * * 0']
  const moves = fc.array(fc.integer({ min: 1, max: 3 * 86_400 }), { minLength: 5, maxLength: 20 })
  fc.assert(
    fc.property(
      fc.constantFrom(...lines),
      fc.constantFrom('Europe/Zurich', 'America/New_York', 'Australia/Lord_Howe'),
      fc.boolean(),
      fc.integer({ min: 0, max: 40_000_000 }),
      moves,
      (line, zone, catchUp, jitterMs, seconds) => {
        const sequence = buildSchedule(cron(line, zone), { catchUp, jitterMs })
        let now = instant('2026-10-20T00:00Z')
        let past = ran('2026-10-19T00:00Z')
        const served: number[] = []
        for (const each of seconds) {
          now += each * 1_000
          const decision = decide('p', sequence, past, { now, watchedSinceAt: now - 600_000 })
          if (decision.kind !== 'due') continue
          expect(decision.dueAt).toBeLessThanOrEqual(now)
          served.push(decision.dueAt)
          past = withServed(past, 'schedule/nightly', decision.dueAt)
        }
        expect([...new Set(served)].sort((a, b) => a - b)).toEqual(served)
      },
    ),
    { numRuns: 15 },
  )
})
