/** Whether what is copied is read again. */
import type { PlanCollection } from '../plan/plan.ts'
import { tasksOf } from '../plan/plan.ts'
import type { Facts, TaskOf } from './facts.ts'
import { putUnder, tasksOfKind } from './facts.ts'
import type { Found, Rule } from './finding.ts'
import { listed } from './words.ts'

interface Held {
  readonly destination: string
  readonly collections: readonly PlanCollection[]
}

/** Destinations to which a backup brings snapshots. What a copy brings is hashed at the far end. */
function backedUpTo(facts: Facts): Held[] {
  const held = new Map<string, PlanCollection[]>()
  for (const collection of facts.judged) {
    const places = new Set(
      facts
        .flowsOf(collection.name)
        .filter(({ kind }) => kind === 'backup')
        .map(({ destination }) => destination),
    )
    for (const place of places) putUnder(held, place, collection)
  }
  return [...held].map(([destination, collections]) => ({ destination, collections }))
}

const reads = ({ input }: TaskOf<'verify'>): boolean => input.depth !== 'manifest'

/** One finding a destination, for the collections that `lacks` takes. */
const perDestination = (
  facts: Facts,
  lacks: (steps: readonly TaskOf<'verify'>[]) => boolean,
  tell: (destination: string, names: string) => Omit<Found, 'place'>,
): Found[] =>
  backedUpTo(facts).flatMap(({ destination, collections }) => {
    const lacking = collections.filter(({ name }) =>
      lacks(facts.stepsAt('verify', destination, name)),
    )
    const place = facts.plan.destinations.get(destination)?.place
    return lacking.length === 0 || place === undefined
      ? []
      : [{ place, ...tell(destination, listed(lacking.map(({ name }) => name))) }]
  })

export const verificationRules: readonly Rule[] = [
  {
    code: 'verify-missing',
    severity: 'warning',
    title: 'Backups that nobody reads again',
    why: 'A backup that was never read may be damaged from the first day on; it does not count as a recovery point.',
    remedy: 'Add a verify step with depth: objects behind the backup.',
    find: (facts) =>
      perDestination(
        facts,
        (steps) => steps.length === 0,
        (destination, names) => ({
          message: `backups of ${names} in ${destination} are never verified`,
          arithmetic: [`verify steps by the clock in ${destination} for them: 0`],
        }),
      ),
  },
  {
    code: 'verify-shallow',
    severity: 'warning',
    title: 'Only manifests are verified',
    why: 'A manifest says what should be there. Whether the bytes are still what they were, only reading them tells.',
    remedy: 'Verify with depth: objects, or content now and then.',
    find: (facts) =>
      perDestination(
        facts,
        (steps) => steps.length > 0 && !steps.some(reads),
        (destination, names) => ({
          message: `of the backups of ${names} in ${destination} only the manifests are verified`,
          arithmetic: ['depth of every verify step: manifest', 'bytes of data read: 0'],
        }),
      ),
  },
  {
    code: 'verify-sampled',
    severity: 'note',
    title: 'Only a sample is verified',
    why: 'A sample finds damage that is everywhere, and seldom a single bad object.',
    remedy: 'Verify everything once in a while, in a schedule of its own.',
    find: (facts) =>
      perDestination(
        facts,
        (steps) => {
          const deep = steps.filter(reads)
          return deep.length > 0 && deep.every(({ input }) => (input.sample ?? 1) < 1)
        },
        (destination, names) => ({
          message: `of the backups of ${names} in ${destination} only samples are read`,
          arithmetic: [
            `one damaged object is found with the chance of the sample, each time: ${sampleText(facts, destination)}`,
          ],
        }),
      ),
  },
  {
    code: 'prune-before-proof',
    severity: 'warning',
    title: 'Old snapshots go before the new one is proven',
    why: 'When the new one turns out bad, the old one that would have helped is gone.',
    remedy: 'Move the prune step behind verify and copy.',
    find: (facts) =>
      facts.timed.flatMap((sequence) => {
        const tasks = tasksOf(sequence.steps)
        return tasksOfKind(tasks, 'prune').flatMap((prune) => {
          const later = tasks
            .slice(tasks.indexOf(prune) + 1)
            .filter(
              (task) =>
                (task.kind === 'verify' && task.input.in === prune.input.in) ||
                (task.kind === 'copy' && task.input.from === prune.input.in),
            )
          return later.length === 0
            ? []
            : [
                {
                  place: prune.place,
                  message: `step ${prune.id} of ${sequence.kind} ${sequence.name} prunes ${prune.input.in} before ${listed(later.map(({ id }) => id))}`,
                  arithmetic: [`order: ${tasks.map(({ id }) => id).join(', ')}`],
                },
              ]
        })
      }),
  },
]

const sampleText = (facts: Facts, destination: string): string => {
  const shares = facts.timed
    .flatMap((sequence) => tasksOfKind(tasksOf(sequence.steps), 'verify'))
    .filter(({ input }) => input.in === destination)
    .flatMap(({ input }) =>
      input.sample === undefined ? [] : [`${Number((input.sample * 100).toFixed(2))} %`],
    )
  return [...new Set(shares)].join(', ')
}
