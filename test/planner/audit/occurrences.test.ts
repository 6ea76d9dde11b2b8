import { describe, expect, test } from 'vitest'
import { daysOf } from '../../../planner/audit/days.ts'
import { RunBook } from '../../../planner/audit/ledger-run.ts'
import { occurrencesOf } from '../../../planner/audit/occurrences.ts'
import { reportSchedules } from '../../../planner/audit/schedules.ts'
import type { Rhythm } from '../../../planner/plan/plan.ts'
import { type DescribedRun, ledgerOf } from '../../support/ledger-builder.ts'
import { buildPlan } from '../../support/plan-builder.ts'
import { buildSchedule, cron, every, instant } from '../../support/schedule-builder.ts'

const minute = 60_000

type Ran = Partial<DescribedRun> & { readonly startedAt: number; readonly died?: true }

function ran(...runs: readonly Ran[]) {
  const book = new RunBook('test')
  const described = runs.map(({ died, ...run }, index) => ({
    ...({ run: `r${index}`, kind: 'schedule', name: 'nightly', steps: [] } as const),
    ...(died === undefined && { endedAt: run.startedAt + minute }),
    ...run,
  }))
  for (const entry of ledgerOf(...described)) book.read(entry)
  return book.runs()
}

const found = (rhythm: Rhythm, runs: ReturnType<typeof ran>, from: string, to: string) =>
  occurrencesOf(buildPlan(), [buildSchedule(rhythm)], runs, new Map(), {
    from: instant(from),
    to: instant(to),
  })

const told = (all: ReturnType<typeof found>) =>
  all[0]?.all.map(
    ({ dueAt, outcome }) => `${new Date(dueAt).toISOString().slice(5, 16)} ${outcome}`,
  )

describe('a cron line', () => {
  const daily = cron('0 2 * * *')

  test('each due time is served by the runs until the next one, and one that passed decides', () => {
    const at = (text: string) => instant(`2026-06-${text}Z`)
    const runs = ran(
      { startedAt: at('01T02:00:05'), outcome: 'passed' },
      { startedAt: at('02T02:00'), outcome: 'failed' },
      { startedAt: at('02T09:30'), outcome: 'passed' },
      { startedAt: at('03T02:00'), outcome: 'interrupted' },
      // none on the 4th
      { startedAt: at('05T02:00'), died: true },
    )
    const all = found(daily, runs, '2026-06-01T00:00Z', '2026-06-06T02:05Z')
    expect(told(all)).toEqual([
      '06-01T02:00 succeeded',
      '06-02T02:00 succeeded',
      '06-03T02:00 failed',
      '06-04T02:00 missed',
      '06-05T02:00 unfinished',
    ])
    // the sixth may still begin
    expect(all[0]?.pending).toBe(1)
  })

  test('on the days when clocks change it is due once, at the hour of the wall', () => {
    const zurich = cron('30 2 * * *', 'Europe/Zurich')
    // 02:30 does not exist on 29 March and comes twice on 25 October
    expect(told(found(zurich, [], '2026-03-28T00:00Z', '2026-03-31T00:00Z'))).toEqual([
      '03-28T01:30 missed',
      '03-29T01:00 missed',
      '03-30T00:30 missed',
    ])
    expect(told(found(zurich, [], '2026-10-24T00:00Z', '2026-10-27T00:00Z'))).toEqual([
      '10-24T00:30 missed',
      '10-25T00:30 missed',
      '10-26T01:30 missed',
    ])
  })
})

describe('an interval', () => {
  const at = (text: string) => instant(`2026-06-01T${text}Z`)
  const often = every(10 * minute)

  test('what lies between two runs more than a period apart was missed', () => {
    const runs = ran(
      { startedAt: at('10:00') },
      { startedAt: at('10:10') },
      { startedAt: at('10:41'), outcome: 'failed' },
    )
    const all = found(often, runs, '2026-06-01T10:05Z', '2026-06-01T11:05Z')
    expect(told(all)).toEqual([
      '06-01T10:10 succeeded',
      '06-01T10:20 missed',
      '06-01T10:30 missed',
      '06-01T10:41 failed',
      '06-01T10:51 missed',
    ])
    expect(all[0]?.pending).toBe(1)
  })

  test('one that never ran was due all the time', () => {
    const [report] = reportSchedules(
      found(often, [], '2026-06-01T10:00Z', '2026-06-01T12:00Z'),
      daysOf({ from: at('10:00'), to: at('12:00') }, 'UTC'),
    )
    expect(report).toMatchObject({ due: 12, missed: 12, attempted: 0, pending: 1 })
    expect(report?.failing).toEqual([
      {
        outcome: 'missed',
        firstDueAt: '2026-06-01T10:00:00.000Z',
        lastDueAt: '2026-06-01T11:50:00.000Z',
        count: 12,
        ...{ run: null, line: null, error: null },
      },
    ])
  })
})
