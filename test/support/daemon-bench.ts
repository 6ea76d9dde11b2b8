/** A watched plan on clocks that a test moves. Runs take the time that the test says. */
import type { Plan } from '../../planner/plan/plan.ts'
import type { Due } from '../../planner/schedule/decision.ts'
import type { ServedTimes } from '../../planner/schedule/served-times.ts'
import { PlanWatch, type WatchEvent, type WatchedOutcome } from '../../planner/schedule/watch.ts'
import { pause } from '../../planner/step/timer.ts'
import { manualClock } from './manual-clock.ts'
import { manualTimer } from './manual-timer.ts'

export interface WatchBench {
  readonly watch: PlanWatch
  readonly clock: ReturnType<typeof manualClock>
  readonly timer: ReturnType<typeof manualTimer>
  /** `nightly 2026-11-26T02:00:00.000Z at 2026-11-26T02:00:00.000Z` */
  readonly runs: readonly string[]
  readonly events: readonly WatchEvent[]
  /** What the plan file holds from now on: another plan, or something invalid. */
  file: Plan | Error
  takesMs: number
  outcome: WatchedOutcome
  stop(): Promise<void>
}

export function watchBench(
  plan: Plan,
  startAt: string,
  served: ServedTimes = { dueAt: new Map() },
) {
  const clock = manualClock(Date.parse(startAt))
  const timer = manualTimer(clock)
  const stop = new AbortController()
  const runs: string[] = []
  const events: WatchEvent[] = []
  const iso = (at: number) => new Date(at).toISOString()
  const bench = { file: plan as Plan | Error, takesMs: 0, outcome: 'passed' as WatchedOutcome }
  const watch = new PlanWatch(plan, {
    clock,
    timer,
    stopSignal: stop.signal,
    fingerprint: async () => (bench.file instanceof Error ? bench.file.message : bench.file.sha256),
    load: async () => {
      if (bench.file instanceof Error) throw bench.file
      return bench.file
    },
    served: async () => served,
    run: async (_, { sequence, dueAt }: Due) => {
      runs.push(`${sequence.name} ${iso(dueAt)} at ${iso(clock.nowMs())}`)
      if (bench.takesMs > 0) await pause(timer, bench.takesMs, stop.signal).catch(() => {})
      return bench.outcome
    },
    observe: (event) => void events.push(event),
  })
  const done = watch.watch()
  return Object.assign(bench, {
    watch,
    clock,
    timer,
    runs,
    events,
    stop: async () => {
      stop.abort()
      await done
    },
  })
}
