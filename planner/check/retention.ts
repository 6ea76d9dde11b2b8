/** How far back one can go, and what pruning takes away. */

import { placesOf } from '../plan/flow.ts'
import { tasksOf } from '../plan/plan.ts'
import type { KeepInput } from '../plan/step-inputs.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import { type Facts, type TaskOf, tasksOfKind } from './facts.ts'
import type { Rule } from './finding.ts'
import { listed } from './words.ts'

const dayMs = 86_400_000

/** Intruders and silent corruption are found late; how late, no plan knows. */
const detectionMs = 30 * dayMs

const periods = [
  ['hourly', 3_600_000],
  ['daily', dayMs],
  ['weekly', 7 * dayMs],
  ['monthly', 30 * dayMs],
  ['yearly', 365 * dayMs],
] as const

interface Reach {
  readonly reachMs: number
  readonly lines: readonly string[]
}

/** How old the oldest snapshot is that the rules keep, once there were enough of them. */
function reachOf(keep: KeepInput, pauseMs: number | undefined): Reach {
  const parts: [string, number][] = periods.flatMap(([name, ms]) => {
    const count = keep[name]
    return count === undefined
      ? []
      : [[`${name}: ${count} reaches ${showDuration(count * ms)} back`, count * ms]]
  })
  if (keep.withinMs !== undefined)
    parts.push([`within: ${showDuration(keep.withinMs)}`, keep.withinMs])
  if (keep.last !== undefined && pauseMs !== undefined) {
    const ms = keep.last * pauseMs
    parts.push([`last: ${keep.last} × ${showDuration(pauseMs)} = ${showDuration(ms)}`, ms])
  }
  return {
    reachMs: Math.max(0, ...parts.map(([, ms]) => ms)),
    lines: parts.map(([line]) => line),
  }
}

/** Prune steps by the clock at a destination. */
const prunesAt = (facts: Facts, destination: string): TaskOf<'prune'>[] =>
  facts.byClock('prune').filter(({ input }) => input.in === destination)

/** How far back a collection can be restored from there: what the strictest prune step leaves. */
function reachAt(facts: Facts, destination: string, collection: string): Reach | 'all' {
  const prunes = facts.stepsAt('prune', destination, collection)
  const flows = facts
    .flowsOf(collection)
    .filter((flow) => flow.destination === destination && flow.kind !== 'archive')
  const pause = facts.pauseOf(flows)?.lengthMs
  const reaches = prunes.map(({ input }) => reachOf(input.keep, pause))
  return reaches.length === 0 ? 'all' : reaches.reduce((a, b) => (b.reachMs < a.reachMs ? b : a))
}

const keepsOne = (keep: KeepInput): boolean =>
  keep.withinMs === undefined &&
  (keep.last ?? 0) <= 1 &&
  periods.every(([name]) => (keep[name] ?? 0) <= 1) &&
  keep.tags === undefined

export const retentionRules: readonly Rule[] = [
  {
    code: 'retention-detection',
    severity: 'warning',
    title: 'Snapshots go before damage is noticed',
    why: 'When an intruder or a bad import is found after weeks, every snapshot that is left may hold the damage.',
    remedy: 'Keep some for longer, such as weekly: 8 or monthly: 3, at one destination at least.',
    find: (facts) =>
      facts.judged.flatMap(({ name, place }) => {
        const places = placesOf(facts.flowsOf(name))
        const reaches = places.map((destination) => ({
          destination,
          reach: reachAt(facts, destination, name),
        }))
        const limited = reaches.flatMap(({ destination, reach }) =>
          reach === 'all' ? [] : [{ destination, ...reach }],
        )
        if (limited.length === 0 || limited.length < reaches.length) return []
        const longest = Math.max(...limited.map(({ reachMs }) => reachMs))
        if (longest >= detectionMs) return []
        return [
          {
            place,
            message: `${name} can be restored as it was ${showDuration(longest)} ago, and no earlier`,
            arithmetic: [
              ...limited.map(({ destination, lines }) => `${destination}: ${lines.join('; ')}`),
              `${showDuration(longest)} < ${showDuration(detectionMs)}`,
            ],
            assumes: `damage may stay unnoticed for ${showDuration(detectionMs)}`,
          },
        ]
      }),
  },
  {
    code: 'prune-keeps-one',
    severity: 'warning',
    title: 'A prune step leaves one snapshot',
    why: 'When the one that is left is bad, there is none.',
    remedy: 'Keep a few more: last: 3 costs little where snapshots share their objects.',
    find: (facts) =>
      facts.sequences.flatMap((sequence) =>
        tasksOfKind([...tasksOf(sequence.steps), ...tasksOf(sequence.always)], 'prune')
          .filter(({ input }) => keepsOne(input.keep))
          .map(({ place, id, input }) => ({
            place,
            message: `step ${id} of ${sequence.kind} ${sequence.name} leaves one snapshot of each collection in ${input.in}`,
            arithmetic: ['each rule of keep: keeps at most 1, and the newest satisfies them all'],
          })),
      ),
  },
  {
    code: 'prune-missing',
    severity: 'note',
    title: 'Nothing ever leaves a destination',
    why: 'A store that only grows is full one night, and then no backup gets in.',
    remedy: 'Add a prune step with the retention that you want, or note elsewhere who empties it.',
    find: (facts) => {
      const filled = new Set(facts.judged.flatMap(({ name }) => placesOf(facts.flowsOf(name))))
      return [...filled]
        .filter((destination) => prunesAt(facts, destination).length === 0)
        .flatMap((destination) => {
          const place = facts.plan.destinations.get(destination)?.place
          return place === undefined
            ? []
            : [
                {
                  place,
                  message: `no schedule prunes ${destination}`,
                  arithmetic: [`prune steps by the clock in ${destination}: 0`],
                },
              ]
        })
    },
  },
  {
    code: 'prune-against-drill',
    severity: 'warning',
    title: 'A drill wants snapshots that are pruned',
    why: 'It would find nothing, or never try the old ones that it was made to try.',
    remedy: 'Keep snapshots for as long as the drill looks back, or pin the one that it names.',
    find: (facts) =>
      [...facts.plan.drills.values()].flatMap((drill) =>
        tasksOfKind(tasksOf(drill.steps), 'restore').flatMap(({ input, place, id }) => {
          const { snapshot } = input
          const reaches = input.from.map((destination) => ({
            destination,
            reach: reachAt(facts, destination, input.collection),
          }))
          const limited = reaches.flatMap(({ destination, reach }) =>
            reach === 'all' ? [] : [{ destination, ...reach }],
          )
          if (limited.length === 0 || limited.length < reaches.length) return []
          const longest = Math.max(...limited.map(({ reachMs }) => reachMs))
          const lines = limited.map(
            ({ destination, lines: each }) => `${destination}: ${each.join('; ')}`,
          )
          if (snapshot.kind === 'random' && snapshot.withinMs > longest) {
            return [
              {
                place,
                message: `step ${id} of drill ${drill.name} looks ${showDuration(snapshot.withinMs)} back, and snapshots are kept for ${showDuration(longest)}`,
                arithmetic: [
                  ...lines,
                  `${showDuration(snapshot.withinMs)} > ${showDuration(longest)}`,
                ],
              },
            ]
          }
          const isFixed =
            snapshot.kind === 'id' && snapshot.id.parts.every((part) => part.kind === 'text')
          return isFixed
            ? [
                {
                  place,
                  message: `step ${id} of drill ${drill.name} restores one named snapshot, which pruning takes after ${showDuration(longest)}`,
                  arithmetic: lines,
                  assumes: 'the snapshot is not pinned',
                },
              ]
            : []
        }),
      ),
  },
  {
    code: 'lock-against-retention',
    severity: 'note',
    title: 'Snapshots outlive their lock',
    why: 'From the end of its lock on, who has the credentials can delete a snapshot.',
    remedy: 'Lock for as long as you keep, or count only on what is locked.',
    find: (facts) =>
      facts.judged.flatMap(({ name }) =>
        placesOf(facts.flowsOf(name)).flatMap((destination) => {
          const there = facts.plan.destinations.get(destination)
          const reach = reachAt(facts, destination, name)
          if (there?.objectLock === undefined || reach === 'all') return []
          const { forMs } = there.objectLock
          if (reach.reachMs <= forMs) return []
          return [
            {
              place: there.place,
              message: `${destination} keeps snapshots of ${name} for ${showDuration(reach.reachMs)} and locks them for ${showDuration(forMs)}`,
              arithmetic: [
                ...reach.lines,
                `${showDuration(reach.reachMs)} > ${showDuration(forMs)}`,
              ],
              assumes: 'nothing prolongs the lock of what newer snapshots do not share',
            },
          ]
        }),
      ),
  },
  {
    code: 'lock-below-detection',
    severity: 'warning',
    title: 'The lock ends before an intrusion is noticed',
    why: 'Who waits for the locks to end can delete everything before anybody looks.',
    remedy: 'Lock for 30 days or more.',
    find: ({ plan }) =>
      [...plan.destinations.values()].flatMap(({ name, objectLock, place }) =>
        objectLock === undefined || objectLock.forMs >= detectionMs
          ? []
          : [
              {
                place,
                message: `${name} locks what it holds for ${showDuration(objectLock.forMs)}`,
                arithmetic: [`${showDuration(objectLock.forMs)} < ${showDuration(detectionMs)}`],
                assumes: `an intruder may stay unnoticed for ${showDuration(detectionMs)}`,
              },
            ],
      ),
  },
  {
    code: 'immutable-missing',
    severity: 'warning',
    title: 'No copy that nobody can change',
    why: 'Ransomware and stolen credentials delete backups first. Without an immutable copy there is no answer to them.',
    remedy: 'Give one destination objectLock: { mode: compliance, for: 35d }.',
    find: (facts) => {
      const bare = facts.judged.filter(({ name }) => {
        const places = placesOf(facts.flowsOf(name))
        return (
          places.length > 0 &&
          places.every((each) => facts.plan.destinations.get(each)?.objectLock === undefined)
        )
      })
      const [first] = bare
      return first === undefined
        ? []
        : [
            {
              place: first.place,
              message: `no copy of ${listed(bare.map(({ name }) => name))} is immutable`,
              arithmetic: [
                `${showCount(bare.length, 'collection')}, destinations with an object lock: 0`,
              ],
              assumes: 'a bucket or disk is not made immutable by other means',
            },
          ]
    },
  },
]
