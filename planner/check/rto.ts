/** Whether people and machines are quick enough for the RTO, as far as it was measured or is said. */

import { isJsonObject } from '../../engine/index.ts'
import type { LedgerRun } from '../audit/ledger-run.ts'
import { measureRto } from '../audit/measure-objective.ts'
import { recovers, toRecovery } from '../audit/recovery.ts'
import type { Procedure, TaskStep } from '../plan/plan.ts'
import { tasksOf } from '../plan/plan.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import { type Facts, tasksOfKind, wanting } from './facts.ts'
import type { Rule } from './finding.ts'
import { exceeds, shortIso } from './words.ts'

interface MeasuredRestore {
  readonly run: string
  readonly at: number
  readonly actualMs: number
  readonly points: number | undefined
  readonly graphs: string | undefined
}

/** The newest run that restored the collection and proved it. */
function lastRestore({ runs }: Facts, collection: string): MeasuredRestore | undefined {
  for (const run of runs.toReversed()) {
    if (!recovers(run, collection) || run.ended?.outcome !== 'passed') continue
    const recovery = toRecovery(run, collection)
    const measured = measureRto(recovery)
    if (typeof measured === 'string' || recovery.restore === undefined) continue
    const { count, graphs } = recovery.restore.record.outputs
    return {
      run: run.run,
      at: run.ended.at,
      actualMs: measured.actual,
      points: typeof count === 'number' && count > 0 ? count : undefined,
      graphs: typeof graphs === 'string' ? graphs : undefined,
    }
  }
  return undefined
}

/** The newest run in which a standby took the collection over, unplanned where it was no drill, and answered. */
function lastTakeover({ runs }: Facts, collection: string) {
  for (const run of runs.toReversed()) {
    if (!recovers(run, collection) || run.ended?.outcome !== 'passed') continue
    const recovery = toRecovery(run, collection)
    const measured = recovery.takeover && measureRto(recovery)
    if (measured === undefined || typeof measured === 'string') continue
    return { run: run.run, at: run.ended.at, actualMs: measured.actual }
  }
  return undefined
}

/** Points in the newest backup of the ledger. */
function pointsToday(runs: readonly LedgerRun[], collection: string): number | undefined {
  for (const { record } of runs.flatMap(({ steps }) => steps).toReversed()) {
    const { snapshots } = record.outputs
    if (record.kind !== 'backup' || !Array.isArray(snapshots)) continue
    for (const snapshot of snapshots) {
      if (!isJsonObject(snapshot) || snapshot['collection'] !== collection) continue
      if (typeof snapshot['count'] === 'number') return snapshot['count']
    }
  }
  return undefined
}

interface Forecast extends MeasuredRestore {
  readonly forecastMs: number
  readonly lines: readonly string[]
}

function forecast(facts: Facts, collection: string): Forecast | undefined {
  const last = lastRestore(facts, collection)
  if (last === undefined) return undefined
  const today = pointsToday(facts.runs, collection)
  const scale = last.points === undefined || today === undefined ? 1 : today / last.points
  const forecastMs = last.actualMs * scale
  const lines = [
    `measured: ${showDuration(last.actualMs)} in run ${last.run}, ended ${shortIso(last.at)}${
      last.points === undefined ? '' : `, ${showCount(last.points, 'point')}`
    }`,
    ...(scale === 1
      ? []
      : [
          `today: ${showCount(today ?? 0, 'point')}; ${showDuration(last.actualMs)} × ${scale.toFixed(2)} = ${showDuration(forecastMs)}`,
        ]),
    ...(last.graphs === 'rebuilt' ? ['the index was rebuilt, which is in the measured time'] : []),
  ]
  return { ...last, forecastMs, lines }
}

const scaled =
  'the time grows with the number of points; building an index grows a little faster than that'

/** Procedures that bring the collection back. */
const proceduresOf = ({ plan }: Facts, collection: string): Procedure[] =>
  [...plan.procedures.values()].filter((procedure) =>
    tasksOf(procedure.steps).some(
      (step) =>
        (step.kind === 'restore' && step.input.collection === collection) ||
        (step.kind === 'promote' &&
          !step.input.planned &&
          step.input.collections.includes(collection)),
    ),
  )

/** What the plan itself says of a step's time. */
function saidMs(step: TaskStep): number {
  if (step.kind === 'wait' && step.input.kind === 'time') return step.input.forMs
  return step.takes?.likelyMs ?? 0
}

export const rtoRules: readonly Rule[] = [
  {
    code: 'rto-measured',
    severity: 'error',
    title: 'The last measured restore or takeover took longer than the RTO',
    why: 'It will take at least as long on the day.',
    remedy:
      'Keep a standby, restore from a nearer destination, keep the index instead of rebuilding it, decide sooner, or agree on another RTO.',
    find: (facts) =>
      wanting(facts, 'rto').flatMap(({ collection: { name, place }, wanted }) => {
        const restore = forecast(facts, name)
        const takeover = lastTakeover(facts, name)
        const isSlow =
          restore !== undefined && restore.actualMs > wanted && restore.forecastMs > wanted
        const told = (what: string, actualMs: number) =>
          `${what} of ${name} took ${showDuration(actualMs)}, and its RTO is ${showDuration(wanted)}`
        return [
          ...(isSlow
            ? [
                {
                  place,
                  message: told('a restore', restore.actualMs),
                  arithmetic: [...restore.lines, exceeds(restore.forecastMs, wanted)],
                },
              ]
            : []),
          ...(takeover !== undefined && takeover.actualMs > wanted
            ? [
                {
                  place,
                  message: told('a takeover', takeover.actualMs),
                  arithmetic: [
                    `measured: ${showDuration(takeover.actualMs)} in run ${takeover.run}, ended ${shortIso(takeover.at)}`,
                    exceeds(takeover.actualMs, wanted),
                  ],
                },
              ]
            : []),
        ]
      }),
  },
  {
    code: 'rto-forecast',
    severity: 'warning',
    title: 'At today’s size a restore would miss the RTO',
    why: 'Collections grow, and restores with them; the measured one was of a smaller collection.',
    remedy: 'Run the drill again at today’s size; then keep a standby, or agree on another RTO.',
    find: (facts) =>
      wanting(facts, 'rto').flatMap(({ collection, wanted }) => {
        const seen = forecast(facts, collection.name)
        if (seen === undefined || seen.actualMs > wanted || seen.forecastMs <= wanted) return []
        return [
          {
            place: collection.place,
            message: `a restore of ${collection.name} is estimated at ${showDuration(seen.forecastMs)} today, and its RTO is ${showDuration(wanted)}`,
            arithmetic: [...seen.lines, exceeds(seen.forecastMs, wanted)],
            assumes: scaled,
          },
        ]
      }),
  },
  {
    code: 'rto-rebuild',
    severity: 'warning',
    title: 'The measured restore kept an index that the real one rebuilds',
    why: 'Building the graph is what takes hours; a restore that keeps it says nothing about one that does not.',
    remedy:
      'Let the drill restore as the procedure does, or take reindex: true out of the procedure.',
    find: (facts) =>
      wanting(facts, 'rto').flatMap(({ collection }) => {
        const seen = lastRestore(facts, collection.name)
        if (seen?.graphs !== 'kept') return []
        return proceduresOf(facts, collection.name).flatMap((procedure) =>
          tasksOfKind(tasksOf(procedure.steps), 'restore').flatMap((step) => {
            const target = facts.plan.targets.get(step.input.into)
            const rebuilds =
              step.input.reindex || (target !== undefined && !target.kind.startsWith('vectra'))
            if (step.input.collection !== collection.name || !rebuilds) return []
            return [
              {
                place: step.place,
                message: `procedure ${procedure.name} rebuilds the index of ${collection.name}; the measured restore kept it`,
                arithmetic: [
                  `measured: ${showDuration(seen.actualMs)} in run ${seen.run}, index kept`,
                  step.input.reindex
                    ? 'this step: reindex: true'
                    : `this step: ${step.input.into} is a ${target?.kind ?? 'foreign'} system, which builds its own index`,
                ],
              },
            ]
          }),
        )
      }),
  },
  {
    code: 'rto-unmeasured',
    severity: 'note',
    title: 'No restore and no takeover was ever measured',
    why: 'An RTO that nobody has tried is a hope.',
    remedy: 'Run a drill that restores it, or promotes its standby, and checks the result.',
    find: (facts) =>
      wanting(facts, 'rto')
        .filter(({ collection: { name } }) =>
          [lastRestore(facts, name), lastTakeover(facts, name)].every((seen) => seen === undefined),
        )
        .map(({ collection, wanted }) => ({
          place: collection.place,
          message: `the RTO of ${collection.name}, ${showDuration(wanted)}, was never measured`,
          arithmetic: [
            'passed runs in the ledger that restore it or let a standby take over, and check it: 0',
          ],
          assumes: 'the ledger beside the plan is the one that counts',
        })),
  },
  {
    code: 'rto-procedure',
    severity: 'warning',
    title: 'A procedure takes longer than the RTO by its own word',
    why: 'The times that the plan gives for its steps already add up to more.',
    remedy: 'Shorten or automate the steps that take longest, or agree on another RTO.',
    find: (facts) =>
      wanting(facts, 'rto').flatMap(({ collection, wanted }) =>
        proceduresOf(facts, collection.name).flatMap((procedure) => {
          const timed = procedure.steps.map((step) => {
            const tasks = step.kind === 'parallel' ? step.steps : [step]
            return {
              step,
              ms: Math.max(0, ...tasks.map(saidMs)),
              id: tasks.map(({ id }) => id).join(' | '),
            }
          })
          const total = timed.reduce((sum, { ms }) => sum + ms, 0)
          if (total <= wanted) return []
          return [
            {
              place: procedure.place,
              message: `procedure ${procedure.name} brings ${collection.name} back in ${showDuration(total)} at best, and its RTO is ${showDuration(wanted)}`,
              arithmetic: [
                ...timed
                  .filter(({ ms }) => ms > 0)
                  .map(({ id, ms }) => `${id}: ${showDuration(ms)}`),
                `sum, other steps not counted: ${exceeds(total, wanted)}`,
              ],
            },
          ]
        }),
      ),
  },
  {
    code: 'rto-approval',
    severity: 'warning',
    title: 'An approval may wait as long as the RTO',
    why: 'The clock runs from the disaster; who waits for a yes uses it up.',
    remedy: 'Give the approval a timeout well below the RTO, and deputies who may answer.',
    find: (facts) =>
      wanting(facts, 'rto').flatMap(({ collection, wanted }) =>
        proceduresOf(facts, collection.name).flatMap((procedure) =>
          tasksOfKind(tasksOf(procedure.steps), 'approve')
            .filter(({ timeoutMs }) => timeoutMs === undefined || timeoutMs >= wanted)
            .map(({ timeoutMs, place, id }) => ({
              place,
              message: `step ${id} of procedure ${procedure.name} may wait ${
                timeoutMs === undefined ? 'for ever' : showDuration(timeoutMs)
              } for a yes, and the RTO of ${collection.name} is ${showDuration(wanted)}`,
              arithmetic: [
                timeoutMs === undefined
                  ? 'timeout: none'
                  : `${showDuration(timeoutMs)} ≥ ${showDuration(wanted)}`,
              ],
            })),
        ),
      ),
  },
]
