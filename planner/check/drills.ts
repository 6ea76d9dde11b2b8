/** Whether drills prove what they say. */

import { placesOf } from '../plan/flow.ts'
import type { Drill } from '../plan/plan.ts'
import { tasksOf } from '../plan/plan.ts'
import { showCount } from '../step/quantity.ts'
import { madeBy } from './drill-conduct.ts'
import { drillsOf, type Facts, putUnder, tasksOfKind, wanting } from './facts.ts'
import type { Found, Rule } from './finding.ts'
import { listed } from './words.ts'

const objectiveNames = { rpo: 'RPO', rto: 'RTO', recall: 'recall' } as const

const proving = ({ plan }: Facts): Drill[] =>
  [...plan.drills.values()].filter(({ proves }) => proves.length > 0)

/** Drills that restore the collection, or let a standby take it over. */
const recoveringDrills = (facts: Facts, collection: string): Drill[] => [
  ...drillsOf(facts, collection),
  ...[...facts.plan.drills.values()].filter(({ steps }) =>
    tasksOfKind(tasksOf(steps), 'promote').some(({ input }) =>
      input.collections.includes(collection),
    ),
  ),
]

/** Objectives of a collection that no drill which brings it back proves. */
const unproven = (facts: Facts, collection: string): string[] =>
  (['rpo', 'rto', 'recall'] as const)
    .filter((kind) => wanting(facts, kind).some(({ collection: { name } }) => name === collection))
    .filter(
      (kind) => !recoveringDrills(facts, collection).some(({ proves }) => proves.includes(kind)),
    )
    .map((kind) => objectiveNames[kind])

/** What a drill lacks to be evidence for what it `proves`. */
function lacking(drill: Drill): string[] {
  const tasks = tasksOf(drill.steps)
  const restores = tasksOfKind(tasks, 'restore')
  const promotes = tasksOfKind(tasks, 'promote')
  const checks = tasksOfKind(tasks, 'check')
  // that a standby answers, a probe shows as well
  const shown = promotes.length === 0 ? [] : tasksOfKind(tasks, 'probe')
  if (restores.length + promotes.length === 0) return ['it restores nothing']
  return [
    ...(drill.proves.includes('rpo') &&
    !tasks.some(({ kind }) => kind === 'inject' || kind === 'fence')
      ? ['it proves rpo and makes no disaster, so nothing can be lost']
      : []),
    ...(drill.proves.includes('rto') && checks.length + shown.length === 0
      ? ['it proves rto and checks nothing, so nothing says when the service was back']
      : []),
    ...(drill.proves.includes('recall') && !checks.some(({ input }) => input.recall !== undefined)
      ? ['it proves recall and no check of it measures recall']
      : []),
  ]
}

export const drillRules: readonly Rule[] = [
  {
    code: 'drill-missing',
    severity: 'warning',
    title: 'A collection that no drill restores',
    why: 'A backup that was never restored is a hope. Its objectives stay unproven in every report.',
    remedy: 'Add a drill that restores it to another name or target, checks it and drops it.',
    find: (facts) =>
      facts.judged
        .filter(({ name }) => placesOf(facts.flowsOf(name)).length > 0)
        .filter(({ name }) => drillsOf(facts, name).length === 0)
        .map(({ name, place }) => ({
          place,
          message: `no drill restores ${name}`,
          arithmetic: [`drills that restore it: 0 of ${facts.plan.drills.size}`],
        })),
  },
  {
    code: 'objective-unproven',
    severity: 'warning',
    title: 'An objective that no drill proves',
    why: 'What no drill is evidence for is unproven in every report, and unproven never counts as met.',
    remedy: 'Add the objective to proves: of a drill that measures it.',
    find: (facts) =>
      facts.judged
        .filter(({ name }) => drillsOf(facts, name).length > 0)
        .flatMap(({ name, place }) => {
          const kinds = unproven(facts, name)
          return kinds.length === 0
            ? []
            : [
                {
                  place,
                  message: `no drill proves the ${listed(kinds)} of ${name}`,
                  arithmetic: drillsOf(facts, name).map(
                    (drill) =>
                      `drill ${drill.name} proves: ${drill.proves.join(', ') || 'nothing'}`,
                  ),
                },
              ]
        }),
  },
  {
    code: 'drill-cannot-prove',
    severity: 'warning',
    title: 'A drill that cannot prove what it says',
    why: 'It passes, and the report still says unproven.',
    remedy:
      'Give it the steps that measure: inject for RPO, check for RTO, check with recall for recall.',
    find: (facts) =>
      proving(facts).flatMap((drill) => {
        const reasons = lacking(drill)
        return reasons.length === 0
          ? []
          : [
              {
                place: drill.place,
                message: `drill ${drill.name} cannot be evidence: ${listed(reasons)}`,
                arithmetic: [`proves: ${drill.proves.join(', ')}`],
              },
            ]
      }),
  },
  {
    code: 'drill-always-latest',
    severity: 'note',
    title: 'Only the newest snapshot is ever tried',
    why: 'On the day it may be an older one that is needed, and nobody knows whether those come back.',
    remedy: 'Let one drill restore snapshot: { random: 30d }.',
    find: (facts) =>
      facts.judged.flatMap(({ name, place }) => {
        const restores = drillsOf(facts, name).flatMap((drill) =>
          tasksOfKind(tasksOf(drill.steps), 'restore').filter(
            ({ input }) => input.collection === name,
          ),
        )
        const isNewest = ({ input: { snapshot } }: (typeof restores)[number]): boolean =>
          snapshot.kind === 'latest' ||
          (snapshot.kind === 'moment' && snapshot.at.text === 'latest')
        return restores.length === 0 || !restores.every(isNewest)
          ? []
          : [
              {
                place,
                message: `drills restore the newest snapshot of ${name} and no other`,
                arithmetic: [
                  `restores of it in drills: ${restores.length}, of the newest: ${restores.length}`,
                ],
              },
            ]
      }),
  },
  {
    code: 'destination-untried',
    severity: 'note',
    title: 'A destination that no drill restores from first',
    why: 'Objects come from the first source that has them whole; the others are hardly touched.',
    remedy: 'Let a drill name it first in from:.',
    find: (facts) => {
      const held = new Map<string, string[]>()
      for (const { name } of facts.judged) {
        if (drillsOf(facts, name).length === 0) continue
        for (const destination of placesOf(facts.flowsOf(name))) {
          putUnder(held, destination, name)
        }
      }
      const tried = new Set(
        [...facts.plan.drills.values()].flatMap((drill) =>
          tasksOfKind(tasksOf(drill.steps), 'restore').flatMap(({ input }) => input.from[0] ?? []),
        ),
      )
      return [...held].flatMap(([destination, names]): Found[] => {
        const place = facts.plan.destinations.get(destination)?.place
        return tried.has(destination) || place === undefined
          ? []
          : [
              {
                place,
                message: `no drill restores from ${destination} first, and it has copies of ${listed(names)}`,
                arithmetic: [`first sources of drills: ${listed([...tried]) || 'none'}`],
              },
            ]
      })
    },
  },
  {
    code: 'check-below-objective',
    severity: 'note',
    title: 'A check asks for less recall than the objective',
    why: 'The drill passes where the report says missed.',
    remedy: 'Write the objective’s number into the check.',
    find: (facts) =>
      wanting(facts, 'recall').flatMap(({ collection, wanted }) =>
        drillsOf(facts, collection.name).flatMap((drill) => {
          const names = madeBy(tasksOf(drill.steps)).flatMap(({ step, target, name }) =>
            step.kind === 'restore' && step.input.collection === collection.name
              ? [`${target}/${name}`]
              : [],
          )
          return tasksOfKind(tasksOf(drill.steps), 'check').flatMap(({ input, place, id }) => {
            const min = input.recall?.min
            if (min === undefined || min >= wanted) return []
            if (!names.includes(`${input.target}/${input.collection.text}`)) return []
            return [
              {
                place,
                message: `step ${id} of drill ${drill.name} is content with a recall of ${min}, and ${collection.name} wants ${wanted}`,
                arithmetic: [`${min} < ${wanted}`],
              },
            ]
          })
        }),
      ),
  },
  {
    code: 'golden-too-few',
    severity: 'warning',
    title: 'Too few golden queries to see the objective missed',
    why: 'Recall is counted in neighbours found; with few of them one more or less decides.',
    remedy: 'Ask for a larger sample, or more neighbours each.',
    find: (facts) =>
      wanting(facts, 'recall').flatMap(({ collection, wanted }) => {
        const { sample, k, file } = collection.golden
        const neighbours = sample * k
        // ten neighbours or more that may be missed: below that one of them moves the verdict
        if (file !== undefined || wanted === 1 || neighbours * (1 - wanted) >= 10) return []
        return [
          {
            place: collection.place,
            message: `${showCount(sample, 'golden query').replace('querys', 'queries')} of ${collection.name} with ${k} neighbours each hardly tell a recall of ${wanted} from a lower one`,
            arithmetic: [
              `${sample} × ${k} = ${neighbours} neighbours; ${neighbours} × (1 − ${wanted}) = ${(neighbours * (1 - wanted)).toFixed(1)} may be missed, below 10`,
            ],
          },
        ]
      }),
  },
]
