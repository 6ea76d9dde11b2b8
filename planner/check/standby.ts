/** Standbys: where they stand, how near they follow, and how one takes over. */
import { tasksOf } from '../plan/plan.ts'
import { domainKinds, survival } from '../plan/survival.ts'
import { showDuration } from '../step/quantity.ts'
import { type Facts, tasksOfKind } from './facts.ts'
import type { Rule } from './finding.ts'
import { exceeds, listed, pauseLines, shortIso } from './words.ts'

const pairs = ({ plan }: Facts) =>
  [...plan.replication.values()].flatMap((replication) => {
    const from = plan.targets.get(replication.from)
    return replication.to.flatMap((name) => {
      const to = plan.targets.get(name)
      return from === undefined || to === undefined ? [] : [{ replication, from, to }]
    })
  })

/** Replications of collections that are judged, with their RPO. */
const wanted = ({ plan, judged }: Facts) =>
  judged.flatMap(({ name, objectives: { rpoMs } }) => {
    const replication = plan.replication.get(name)
    return replication === undefined ? [] : [{ ...replication, rpoMs }]
  })

/** What measures the lag of a collection by the clock. */
const watching = ({ timed }: Facts, collection: string) =>
  timed
    .filter(({ steps }) =>
      tasksOfKind(tasksOf(steps), 'wait').some(
        ({ input }) => input.kind === 'lag' && input.collection === collection,
      ),
    )
    .map((sequence) => ({ sequence }))

/** So many pauses without a look are too many: the last one was not just late. */
const missedLooks = 2
const dayMs = 86_400_000

const wholeSeconds = (ms: number): number => Math.floor(ms / 1_000) * 1_000

export const standbyRules: readonly Rule[] = [
  {
    code: 'standby-near',
    severity: 'warning',
    title: 'The standby would be lost with the primary',
    why: 'It takes over when its primary is gone. What takes both leaves nothing.',
    remedy: 'Put the standby into another region, on another node.',
    find: (facts) =>
      pairs(facts).flatMap(({ replication, from, to }) => {
        const shared = (['node', 'region'] as const).filter(
          (kind) => survival(from.domains, to.domains, kind) === 'shared',
        )
        return shared.length === 0
          ? []
          : [
              {
                place: replication.place,
                message: `standby ${to.name} of ${replication.collection} shares the ${listed(shared)} of ${from.name}`,
                arithmetic: shared.map(
                  (kind) => `${kind}: ${from.domains[kind] ?? ''} = ${to.domains[kind] ?? ''}`,
                ),
              },
            ]
      }),
  },
  {
    code: 'standby-unsaid',
    severity: 'note',
    title: 'Nobody says where the standby stands',
    why: 'What is not said counts as shared with the primary.',
    remedy: 'Write node and region beside both targets.',
    find: (facts) =>
      pairs(facts).flatMap(({ replication, from, to }) => {
        const unsaid = (['node', 'region'] as const).filter(
          (kind) => survival(from.domains, to.domains, kind) === 'unknown',
        )
        return unsaid.length === 0
          ? []
          : [
              {
                place: replication.place,
                message: `it is not said whether standby ${to.name} of ${replication.collection} outlives the ${listed(unsaid)} of ${from.name}`,
                arithmetic: domainKinds
                  .filter((kind) => kind === 'node' || kind === 'region')
                  .map(
                    (kind) =>
                      `${kind}: ${from.domains[kind] ?? 'not said'}, ${to.domains[kind] ?? 'not said'}`,
                  ),
              },
            ]
      }),
  },
  {
    code: 'replication-lag',
    severity: 'error',
    title: 'The standby may lag by more than the RPO',
    why: 'What the standby has not got when it takes over is lost.',
    remedy: 'Lower maxLag below the RPO, or use mode: sync.',
    find: ({ plan }) =>
      [...plan.replication.values()].flatMap(({ collection, maxLagMs, mode, place }) => {
        const rpoMs = plan.collections.get(collection)?.objectives.rpoMs
        if (mode === 'sync' || maxLagMs === undefined || rpoMs === undefined || maxLagMs <= rpoMs)
          return []
        return [
          {
            place,
            message: `the standby of ${collection} may lag by ${showDuration(maxLagMs)}, and the RPO is ${showDuration(rpoMs)}`,
            arithmetic: [exceeds(maxLagMs, rpoMs)],
          },
        ]
      }),
  },
  {
    code: 'replication-unbounded',
    severity: 'warning',
    title: 'Nobody says how far the standby may lag',
    why: 'A standby hours behind looks as well as one that is up to date, until it takes over.',
    remedy: 'Write maxLag, at most the RPO.',
    find: ({ plan }) =>
      [...plan.replication.values()].flatMap(({ collection, maxLagMs, mode, place }) => {
        const rpoMs = plan.collections.get(collection)?.objectives.rpoMs
        if (mode === 'sync' || maxLagMs !== undefined || rpoMs === undefined) return []
        return [
          {
            place,
            message: `the standby of ${collection} may lag without bound, and the RPO is ${showDuration(rpoMs)}`,
            arithmetic: ['mode: async, maxLag: none'],
          },
        ]
      }),
  },
  {
    code: 'lag-seldom',
    severity: 'warning',
    title: 'Nobody looks at the standby often enough for the RPO',
    why: 'Between two looks its lag is not known: an audit counts it older with every minute, and calls the RPO missed.',
    remedy: 'Let a schedule wait: { lag: … } more often than the RPO.',
    find: (facts) =>
      wanted(facts).flatMap(({ collection, maxLagMs = 0, place, rpoMs }) => {
        if (rpoMs === undefined) return []
        const pause = facts.pauseOf(watching(facts, collection))
        if (pause !== undefined && pause.worstMs + maxLagMs <= rpoMs) return []
        const sum = (pause?.worstMs ?? 0) + maxLagMs
        return [
          {
            place,
            message:
              pause === undefined
                ? `by the clock nothing measures how far the standby of ${collection} is behind`
                : `the lag of ${collection} is measured every ${showDuration(pause.worstMs)} at worst, and its RPO is ${showDuration(rpoMs)}`,
            arithmetic:
              pause === undefined
                ? ['schedules and drills that wait for its lag: 0']
                : [...pauseLines(pause), `maxLag: ${showDuration(maxLagMs)}`, exceeds(sum, rpoMs)],
          },
        ]
      }),
  },
  {
    code: 'lag-stale',
    severity: 'warning',
    title: 'The last look at a standby is old',
    why: 'Nobody knows how far it is behind now, nor whether it is there.',
    remedy: 'Look now: run the schedule that waits for its lag, or vectra-dr status --live.',
    find: (facts) =>
      wanted(facts).flatMap(({ collection, to, place, rpoMs }) => {
        const pause = facts.pauseOf(watching(facts, collection))
        const limitMs = pause === undefined ? (rpoMs ?? dayMs) : missedLooks * pause.worstMs
        return facts.looks
          .filter((look) => look.collection === collection && to.includes(look.target))
          .filter(({ at }) => facts.at - at > limitMs)
          .map(({ target, at }) => ({
            place,
            message: `${target}, standby of ${collection}, was last looked at ${showDuration(wholeSeconds(facts.at - at))} ago`,
            arithmetic: [
              `last look: ${shortIso(at)}`,
              ...(pause === undefined
                ? []
                : [`${missedLooks} × ${showDuration(pause.worstMs)}, the longest pause`]),
              exceeds(wholeSeconds(facts.at - at), limitMs),
            ],
          }))
      }),
  },
  {
    code: 'promote-unfenced',
    severity: 'warning',
    title: 'A standby takes over and the old primary goes on',
    why: 'Two systems that both take writes drift apart, and what one of them took is lost.',
    remedy: 'Fence the old primary before; unreachable: continue where it may be gone.',
    find: ({ plan }) =>
      [...plan.procedures.values(), ...plan.drills.values()].flatMap((sequence) => {
        const tasks = tasksOf(sequence.steps)
        return tasksOfKind(tasks, 'promote')
          .filter(({ input }) => !input.planned)
          .filter(
            (step) => !tasks.slice(0, tasks.indexOf(step)).some(({ kind }) => kind === 'fence'),
          )
          .map((step) => ({
            place: step.place,
            message: `step ${step.id} of ${sequence.kind} ${sequence.name} promotes ${step.input.target} and fences nobody before`,
            arithmetic: ['fence steps before it: 0'],
            assumes: 'nothing outside of the plan stops the old primary',
          }))
      }),
  },
  {
    code: 'failback-missing',
    severity: 'note',
    title: 'No way back',
    why: 'After a failover people run on the standby, without one of their own, until somebody has thought out the way back.',
    remedy: 'Write a procedure that replicates back and promotes with planned: true.',
    find: ({ plan }) =>
      [...plan.replication.values()].flatMap(({ collection, from, to, place }) => {
        const promotes = [...plan.procedures.values()]
          .flatMap(({ steps }) => tasksOfKind(tasksOf(steps), 'promote'))
          .filter(({ input }) => input.collections.includes(collection))
        const fails = promotes.some(({ input }) => to.includes(input.target))
        const returns = promotes.some(({ input }) => input.target === from)
        return !fails || returns
          ? []
          : [
              {
                place,
                message: `procedures promote the standby of ${collection}, and none brings it back to ${from}`,
                arithmetic: [`procedures that promote ${from}: 0`],
              },
            ]
      }),
  },
  {
    code: 'standby-without-failover',
    severity: 'warning',
    title: 'A standby that no procedure promotes',
    why: 'At night nobody works out how it takes over.',
    remedy: 'Write a procedure: fence, promote, switch, probe.',
    find: ({ plan }) =>
      [...plan.replication.values()].flatMap(({ collection, to, place }) => {
        const promoted = [...plan.procedures.values()]
          .flatMap(({ steps }) => tasksOfKind(tasksOf(steps), 'promote'))
          .some(({ input }) => to.includes(input.target) && input.collections.includes(collection))
        return promoted
          ? []
          : [
              {
                place,
                message: `no procedure promotes ${listed([...to])} for ${collection}`,
                arithmetic: ['promote steps for it: 0'],
              },
            ]
      }),
  },
]
