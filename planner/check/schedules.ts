/** Whether what runs by the clock ends, tells when it fails, and fits between its times. */

import type { Timed } from '../plan/flow.ts'
import { tasksOf } from '../plan/plan.ts'
import { showDuration } from '../step/quantity.ts'
import { type Facts, passedRuns, tasksOfKind } from './facts.ts'
import type { Rule } from './finding.ts'
import { shortestPause } from './pause.ts'
import { exceeds, rhythmText } from './words.ts'

const dayMs = 86_400_000

const hasLimit = (sequence: Timed): boolean =>
  sequence.timeoutMs !== undefined ||
  tasksOf(sequence.steps).every(({ timeoutMs }) => timeoutMs !== undefined)

/** A message when it failed, or a heartbeat whose absence somebody notices. */
const tells = (sequence: Timed): boolean =>
  sequence.heartbeat !== undefined ||
  tasksOfKind(tasksOf(sequence.always), 'notify').some(({ when }) => when !== 'success') ||
  tasksOfKind(tasksOf(sequence.steps), 'notify').some(({ when }) => when === 'failure')

const longestRunMs = (facts: Facts, sequence: Timed) =>
  passedRuns(facts, sequence)
    .slice(-10)
    .map(({ run, ended }) => ({ run, durationMs: ended?.durationMs ?? 0 }))
    .reduce((a, b) => (b.durationMs > a.durationMs ? b : a), { run: '', durationMs: 0 })

export const scheduleRules: readonly Rule[] = [
  {
    code: 'schedule-endless',
    severity: 'warning',
    title: 'A run without a time limit',
    why: 'Runs of one plan do not overlap: one that hangs keeps all later ones from starting.',
    remedy: 'Give it a timeout: well above what it usually takes.',
    find: (facts) =>
      facts.timed
        .filter((sequence) => !hasLimit(sequence))
        .map((sequence) => ({
          place: sequence.place,
          message: `${sequence.kind} ${sequence.name} may run for ever`,
          arithmetic: ['timeout of the run: none, and not every step has one'],
        })),
  },
  {
    code: 'schedule-silent',
    severity: 'warning',
    title: 'A failure that nobody hears of',
    why: 'Backups fail at night. What nobody hears of is found on the day when it is needed.',
    remedy: 'Add a notify step with when: failure under always:, or a heartbeat.',
    find: (facts) =>
      facts.timed
        .filter((sequence) => !tells(sequence))
        .map((sequence) => ({
          place: sequence.place,
          message: `${sequence.kind} ${sequence.name} fails in silence`,
          arithmetic: ['notify steps after a failure: 0, heartbeat: none'],
          assumes: 'whoever runs it does not watch its exit code',
        })),
  },
  {
    code: 'schedule-overruns',
    severity: 'warning',
    title: 'A run takes longer than its pause',
    why: 'Runs of one plan do not overlap, so the next one is skipped or late, and copies come more rarely than planned.',
    remedy: 'Start it less often, or split it into schedules of their own.',
    find: (facts) =>
      facts.timed.flatMap((sequence) => {
        // an interval begins anew at the end of the run before
        if (sequence.rhythm.kind === 'every') return []
        const slowest = longestRunMs(facts, sequence)
        if (slowest.durationMs === 0) return []
        const shortest = shortestPause(sequence.rhythm, facts.at)
        if (shortest === undefined || slowest.durationMs <= shortest) return []
        return [
          {
            place: sequence.place,
            message: `${sequence.kind} ${sequence.name} took ${showDuration(slowest.durationMs)}, and is due again after ${showDuration(shortest)}`,
            arithmetic: [
              `${rhythmText(sequence.rhythm)}; run ${slowest.run} in the ledger`,
              exceeds(slowest.durationMs, shortest),
            ],
          },
        ]
      }),
  },
  {
    code: 'timeout-below-measured',
    severity: 'warning',
    title: 'The time limit is about to stop good runs',
    why: 'A run that was always fine is stopped once the data has grown a little.',
    remedy: 'Raise the timeout: to twice what the run usually takes.',
    find: (facts) =>
      facts.timed.flatMap((sequence) => {
        const slowest = longestRunMs(facts, sequence)
        const { timeoutMs } = sequence
        if (timeoutMs === undefined || slowest.durationMs <= timeoutMs * 0.8) return []
        return [
          {
            place: sequence.place,
            message: `${sequence.kind} ${sequence.name} is stopped after ${showDuration(timeoutMs)}, and took ${showDuration(slowest.durationMs)}`,
            arithmetic: [
              `run ${slowest.run} in the ledger used ${Math.round((slowest.durationMs / timeoutMs) * 100)} % of its time`,
            ],
          },
        ]
      }),
  },
  {
    code: 'catch-up-missing',
    severity: 'note',
    title: 'A missed run is left out',
    why: 'When the machine is off at the time, the next run comes a day or more later.',
    remedy: 'Write catchUp: true.',
    find: (facts) =>
      facts.timed.flatMap((sequence) => {
        if (sequence.catchUp || sequence.rhythm.kind === 'every') return []
        const pause = facts.pauseOf([{ sequence }])
        if (pause === undefined || pause.lengthMs < dayMs) return []
        return [
          {
            place: sequence.place,
            message: `when ${sequence.kind} ${sequence.name} misses its time, the next run is up to ${showDuration(pause.lengthMs)} later`,
            arithmetic: [`${rhythmText(sequence.rhythm)}; catchUp: false`],
          },
        ]
      }),
  },
]
