/** A place to run task trees in: a disk in memory, a real ledger, time turned by hand. */
import { fail } from '../../engine/index.ts'
import type { TaskTree } from '../../planner/compile/task.ts'
import { Ledger } from '../../planner/ledger/ledger.ts'
import { readLedger } from '../../planner/ledger/ledger-reader.ts'
import { runTree } from '../../planner/run/run.ts'
import type { RunEvent } from '../../planner/run/run-event.ts'
import type { RunResult } from '../../planner/run/run-result.ts'
import type { RunTools } from '../../planner/run/run-tools.ts'
import { nobodyToAsk } from '../../planner/step/asking.ts'
import { manualClock } from './manual-clock.ts'
import { manualTimer, settle } from './manual-timer.ts'
import { MemoryDisk } from './memory-disk.ts'

const unused = (what: string) => (): never => fail('step-failed', `this test has no ${what}`, '')

export function runBench(changes: Partial<RunTools> = {}) {
  const clock = manualClock()
  const timer = manualTimer(clock)
  const disk = new MemoryDisk()
  const stop = new AbortController()
  const force = new AbortController()
  const events: RunEvent[] = []
  const ledgerFile = '/state/ledger.jsonl'
  const tools: RunTools = {
    disk,
    clock,
    timer,
    environment: {},
    asking: nobodyToAsk,
    stateDirectory: '/state',
    target: unused('target'),
    repositories: {
      verify: unused('repository'),
      prune: unused('repository'),
      copy: unused('repository'),
      since: unused('repository'),
      holding: unused('repository'),
      latest: unused('repository'),
      backup: unused('repository'),
      expectation: unused('repository'),
    },
    ledger: new Ledger(ledgerFile, { disk, clock, timer }),
    redact: (text) => text,
    observe: (event) => events.push(event),
    stopSignal: stop.signal,
    forceSignal: force.signal,
    ...changes,
  }
  return {
    clock,
    timer,
    disk,
    stop,
    force,
    events,
    tools,
    run: (tree: TaskTree): Promise<RunResult> =>
      runTree(
        tree,
        {
          header: {
            plan: tree.plan.name,
            planSha256: tree.plan.sha256,
            gitCommit: null,
            run: '20260101-000000-0000',
          },
          dueAt: clock.nowMs(),
          version: '0.0.0',
        },
        tools,
      ),
    /** Resolves once the step has started; what it did at once is done. */
    started: async (step: string): Promise<void> => {
      const has = () => events.some((each) => each.kind === 'step-started' && each.step === step)
      while (!has()) await settle()
      await settle()
    },
    ledger: () => readLedger(disk, ledgerFile),
  }
}
