/** Whether copies come often enough for the RPO. */

import { type Flow, placesOf } from '../plan/flow.ts'
import { tasksOf } from '../plan/plan.ts'
import { isOffSite } from '../plan/survival.ts'
import { formatDuration } from '../plan/units.ts'
import { showDuration } from '../step/quantity.ts'
import { type Facts, type FlowPause, passedRuns, wanting } from './facts.ts'
import type { Rule } from './finding.ts'
import { exceeds, listed, pauseLines, sequenceText } from './words.ts'

/** The steadiest way by which states of a collection get away from it. */
interface Best {
  readonly destination: string
  readonly flows: readonly Flow[]
  readonly pause: FlowPause
}

/** Among destinations that `counts` takes; a copy of a copy is never newer than the first one. */
function bestOf(
  facts: Facts,
  collection: string,
  counts: (destination: string) => boolean = () => true,
): Best | undefined {
  const flows = facts.flowsOf(collection)
  const restorable = placesOf(flows).filter(counts)
  const ways = restorable.flatMap((destination) => {
    const there = flows.filter((flow) => flow.destination === destination)
    const pause = facts.pauseOf(there)
    if (pause === undefined) return []
    return [{ destination, flows: there, pause: behindItsSource(facts, flows, pause) }]
  })
  return ways.sort((a, b) => a.pause.worstMs - b.pause.worstMs)[0]
}

/** A copy made by a schedule of its own is as much older as its source may be. */
function behindItsSource(facts: Facts, flows: readonly Flow[], pause: FlowPause): FlowPause {
  const made = flows.filter(({ sequence }) => pause.sequences.includes(sequence))
  if (made.some(({ kind }) => kind !== 'copy')) return pause
  const source = facts.pauseOf(flows.filter(({ kind }) => kind === 'backup'))
  if (source === undefined) return pause
  return {
    ...pause,
    sequences: [...new Set([...source.sequences, ...pause.sequences])],
    lengthMs: source.lengthMs + pause.lengthMs,
    jitterMs: source.jitterMs + pause.jitterMs,
    worstMs: source.worstMs + pause.worstMs,
  }
}

const isUnbacked = (facts: Facts, collection: string): boolean =>
  placesOf(facts.flowsOf(collection)).length === 0

const byHand = ({ plan }: Facts, collection: string): string[] => [
  ...new Set(
    [...plan.drills.values(), ...plan.procedures.values()]
      .filter((sequence) =>
        tasksOf(sequence.steps).some(
          (step) => step.kind === 'backup' && step.input.collections.includes(collection),
        ),
      )
      .map(sequenceText),
  ),
]

/** A standby that is near enough, but follows deletes as well. */
const keepsUp = ({ plan }: Facts, collection: string, rpoMs: number): boolean => {
  const replication = plan.replication.get(collection)
  if (replication === undefined) return false
  return replication.mode === 'sync' || (replication.maxLagMs ?? Number.POSITIVE_INFINITY) <= rpoMs
}

function late(facts: Facts, standbyKeepsUp: boolean) {
  return wanting(facts, 'rpo').flatMap(({ collection, wanted }) => {
    const best = bestOf(facts, collection.name)
    if (best === undefined || best.pause.worstMs <= wanted) return []
    if (keepsUp(facts, collection.name, wanted) !== standbyKeepsUp) return []
    return [{ collection, wanted, best }]
  })
}

export const rpoRules: readonly Rule[] = [
  {
    code: 'rpo-unbacked',
    severity: 'error',
    title: 'An RPO, and nothing that copies by the clock',
    why: 'What is copied only when somebody thinks of it is as old as that thought.',
    remedy: 'Add a schedule with a backup step, and an archive step for an RPO of minutes.',
    find: (facts) =>
      wanting(facts, 'rpo')
        .filter(({ collection }) => isUnbacked(facts, collection.name))
        .map(({ collection, wanted }) => {
          const others = byHand(facts, collection.name)
          return {
            place: collection.place,
            message: `no schedule backs up ${collection.name}, and its RPO is ${showDuration(wanted)}`,
            arithmetic: [
              'schedules with a backup of it: 0',
              ...(others.length === 0
                ? []
                : [`run by hand, which does not count: ${listed(others)}`]),
            ],
          }
        }),
  },
  {
    code: 'rpo-schedule',
    severity: 'error',
    title: 'Copies come more rarely than the RPO allows',
    why: 'Whatever was written since the newest copy is lost with the system. The longest pause counts, with the hours that a change of the clock adds.',
    remedy: 'Back up more often, or add an archive step that ships the log all the time.',
    find: (facts) =>
      late(facts, false).map(({ collection, wanted, best }) => ({
        place: collection.place,
        message: `${collection.name} may lose ${showDuration(best.pause.worstMs)} of writes, and its RPO is ${showDuration(wanted)}`,
        arithmetic: [
          ...pauseLines(best.pause),
          `newest copies are in ${best.destination}`,
          exceeds(best.pause.worstMs, wanted),
        ],
        remedy: `Let a schedule with every: ${formatDuration(Math.max(1_000, Math.floor(wanted / 2_000) * 1_000))} archive ${collection.name} to ${best.destination}, or back it up that often.`,
      })),
  },
  {
    code: 'rpo-mistake',
    severity: 'warning',
    title: 'Only the standby meets the RPO',
    why: 'A standby follows deletes and bad writes too. After a mistake or an attack the newest copy is all there is.',
    remedy:
      'Archive the log to a destination, so that any moment before the mistake can be restored.',
    find: (facts) =>
      late(facts, true).map(({ collection, wanted, best }) => ({
        place: collection.place,
        message: `a standby keeps the RPO of ${collection.name}, but after a mistake ${showDuration(best.pause.worstMs)} of writes are lost`,
        arithmetic: [...pauseLines(best.pause), exceeds(best.pause.worstMs, wanted)],
      })),
  },
  {
    code: 'rpo-duration',
    severity: 'warning',
    title: 'Pause and measured duration together exceed the RPO',
    why: 'A copy holds the state of the moment when it began, and counts from the moment when it ended.',
    remedy: 'Start it more often, archive the log beside it, or make the run shorter.',
    find: (facts) =>
      wanting(facts, 'rpo').flatMap(({ collection, wanted }) => {
        const best = bestOf(facts, collection.name)
        if (best === undefined || best.pause.worstMs > wanted) return []
        const slowest = longestRun(facts, best.flows)
        const total = best.pause.worstMs + slowest.durationMs
        if (total <= wanted) return []
        return [
          {
            place: collection.place,
            message: `${collection.name} may lose ${showDuration(total)} of writes, and its RPO is ${showDuration(wanted)}`,
            arithmetic: [
              ...pauseLines(best.pause),
              `the longest of the last ${slowest.runs} runs took ${showDuration(slowest.durationMs)} (ledger, run ${slowest.run})`,
              `${showDuration(best.pause.worstMs)} + ${showDuration(slowest.durationMs)} = ${exceeds(total, wanted)}`,
            ],
          },
        ]
      }),
  },
  {
    code: 'rpo-offsite',
    severity: 'warning',
    title: 'Off-site copies are older than the RPO',
    why: 'When the site is lost, only what left it counts.',
    remedy: 'Archive straight to an off-site destination, or copy there as often as you back up.',
    find: (facts) =>
      wanting(facts, 'rpo').flatMap(({ collection, wanted }) => {
        const home = facts.plan.targets.get(collection.target)?.domains ?? {}
        const away = (name: string): boolean =>
          isOffSite(home, facts.plan.destinations.get(name)?.domains ?? {})
        const best = bestOf(facts, collection.name)
        const off = bestOf(facts, collection.name, away)
        if (best === undefined || off === undefined) return []
        if (best.pause.worstMs > wanted || off.pause.worstMs <= wanted) return []
        const standbys = facts.plan.replication.get(collection.name)?.to ?? []
        const far = standbys.some((name) =>
          isOffSite(home, facts.plan.targets.get(name)?.domains ?? {}),
        )
        if (far && keepsUp(facts, collection.name, wanted)) return []
        return [
          {
            place: collection.place,
            message: `${collection.name} meets its RPO of ${showDuration(wanted)} on site only: with the site, ${showDuration(off.pause.worstMs)} are lost`,
            arithmetic: [
              `on site, in ${best.destination}: at most ${showDuration(best.pause.worstMs)}`,
              ...pauseLines(off.pause),
              `off-site, in ${off.destination}: ${exceeds(off.pause.worstMs, wanted)}`,
            ],
          },
        ]
      }),
  },
  {
    code: 'archive-alone',
    severity: 'warning',
    title: 'A log is archived where no snapshot is',
    why: 'A restore begins with a snapshot and goes on with the log behind it, from the same destination.',
    remedy: 'Back up or copy snapshots to the same destination as well.',
    find: (facts) =>
      facts.judged.flatMap(({ name }) => {
        const flows = facts.flowsOf(name)
        const whole = new Set(placesOf(flows))
        return flows
          .filter(({ kind, destination }) => kind === 'archive' && !whole.has(destination))
          .map(({ step, destination }) => ({
            place: step.place,
            message: `the log of ${name} goes to ${destination}, where no schedule brings a snapshot of it`,
            arithmetic: [
              `snapshots of ${name} go to: ${whole.size === 0 ? 'nowhere' : listed([...whole])}`,
            ],
          }))
      }),
  },
  {
    code: 'backup-missing',
    severity: 'warning',
    title: 'A collection that nothing backs up',
    why: 'What no schedule copies is gone with its system.',
    remedy: 'Back it up, or exclude it under compliance: with the reason.',
    find: (facts) =>
      facts.judged
        .filter(({ name, objectives }) => objectives.rpoMs === undefined && isUnbacked(facts, name))
        .map(({ name, place }) => ({
          place,
          message: `no schedule backs up ${name}`,
          arithmetic: ['schedules with a backup of it: 0'],
        })),
  },
]

function longestRun(facts: Facts, flows: readonly Flow[]) {
  const runs = [...new Set(flows.map(({ sequence }) => sequence))]
    .flatMap((sequence) => passedRuns(facts, sequence).slice(-10))
    .map(({ run, ended }) => ({ run, durationMs: ended?.durationMs ?? 0 }))
  const slowest = runs.reduce((a, b) => (b.durationMs > a.durationMs ? b : a), {
    run: '',
    durationMs: 0,
  })
  return { ...slowest, runs: runs.length }
}
