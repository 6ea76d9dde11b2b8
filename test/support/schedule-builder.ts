/** Schedules and past runs for tests of due times. */
import type { Rhythm, Schedule } from '../../planner/plan/plan.ts'
import type { ServedTimes } from '../../planner/schedule/served-times.ts'
import type { Timed } from '../../planner/schedule/timed.ts'
import { somewhere } from './plan-builder.ts'

export const buildSchedule = (
  rhythm: Rhythm,
  changes: Partial<Schedule> = {},
): Timed & Schedule => ({
  kind: 'schedule',
  name: 'nightly',
  timezone: rhythm.kind === 'cron' ? rhythm.timezone : 'UTC',
  catchUp: false,
  rhythm,
  steps: [],
  always: [],
  place: somewhere,
  ...changes,
})

export const cron = (line: string, timezone = 'UTC'): Rhythm => ({ kind: 'cron', line, timezone })

export const every = (everyMs: number): Rhythm => ({ kind: 'every', everyMs })

/** Epoch milliseconds. */
export const instant = (text: string): number => Date.parse(text)

/** Runs of the schedule `nightly`, by when they were due. */
export const ran = (...dueAt: readonly string[]): ServedTimes => ({
  ...(dueAt[0] !== undefined && { knownSinceAt: instant(dueAt[0]) }),
  dueAt: new Map([['schedule/nightly', dueAt.map(instant).sort((a, b) => a - b)]]),
})
