/** What protects copies: encryption, a place of their own, secrets that are not written out. */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { placesOf } from '../plan/flow.ts'
import type { Destination, Plan, Target } from '../plan/plan.ts'
import { tasksOf } from '../plan/plan.ts'
import { isOffSite } from '../plan/survival.ts'
import type { Facts } from './facts.ts'
import type { Rule } from './finding.ts'
import { clearSecrets } from './secret-text.ts'
import { listed } from './words.ts'

/** Homes of collections whose copies go there. */
const homesOf = (facts: Facts, destination: string): Target[] => [
  ...new Set(
    facts.judged
      .filter(({ name }) => placesOf(facts.flowsOf(name)).includes(destination))
      .flatMap(({ target }) => facts.plan.targets.get(target) ?? []),
  ),
]

/** A bucket is somebody else's machine, whatever the plan says of it. */
const leavesHome = (facts: Facts, destination: Destination): string | undefined => {
  if (destination.url.startsWith('s3:')) return 'it is a bucket'
  const home = homesOf(facts, destination.name).find(({ domains }) =>
    isOffSite(domains, destination.domains),
  )
  return home && `it lies in another region, account or vendor than ${home.name}`
}

const directoryOf = ({ url }: Destination): string | undefined =>
  url.startsWith('file:') ? fileURLToPath(url) : undefined

const isInside = (inner: string, outer: string): boolean => {
  const relative = path.relative(outer, inner)
  return relative === '' || !(relative === '..' || relative.startsWith(`..${path.sep}`))
}

const insiders = ({ targets, destinations }: Plan) =>
  [...destinations.values()].flatMap((destination) => {
    const directory = directoryOf(destination)
    if (directory === undefined) return []
    return [...targets.values()].flatMap((target) =>
      target.kind === 'vectra' && isInside(directory, target.path) ? [{ destination, target }] : [],
    )
  })

export const protectionRules: readonly Rule[] = [
  {
    code: 'offsite-unencrypted',
    severity: 'warning',
    title: 'Copies leave the house in the clear',
    why: 'Vectors and metadata give away what they were made from; who reads the store reads them.',
    remedy: 'Give the destination encryption: with a key that is kept elsewhere.',
    find: (facts) =>
      [...facts.plan.destinations.values()].flatMap((destination) => {
        const away = leavesHome(facts, destination)
        const used = homesOf(facts, destination.name).length > 0
        return away === undefined || !used || destination.encryption !== undefined
          ? []
          : [
              {
                place: destination.place,
                message: `what goes to ${destination.name} is not encrypted by Vectra DR`,
                arithmetic: [`${away}; encryption: none`],
                assumes:
                  'encryption by the store itself, with keys that its owner holds, does not count',
              },
            ]
      }),
  },
  {
    code: 'destination-inside-target',
    severity: 'error',
    title: 'Backups lie inside what they are of',
    why: 'Whoever loses or deletes the data directory loses the backups with it.',
    remedy: 'Move the destination out of the data directory, best to another disk.',
    find: ({ plan }) =>
      insiders(plan).map(({ destination, target }) => ({
        place: destination.place,
        message: `${destination.name} lies inside the data directory of ${target.name}`,
        arithmetic: [
          `data directory of ${target.name} contains the directory of ${destination.name}`,
        ],
      })),
  },
  {
    code: 'repository-unsigned',
    severity: 'note',
    title: 'Off-site copies that anybody may have written',
    why: 'Hashes find damage; that a snapshot is yours, only a signature says.',
    remedy: 'Give the destination signing: { keyFile: …, trust: […] }.',
    find: (facts) => {
      const bare = [...facts.plan.destinations.values()].filter(
        (each) =>
          each.signing?.trust === undefined &&
          homesOf(facts, each.name).length > 0 &&
          leavesHome(facts, each) !== undefined,
      )
      return bare.map(({ name, place }) => ({
        place,
        message: `a restore from ${name} takes what anybody put there`,
        arithmetic: ['keys trusted: 0'],
      }))
    },
  },
  {
    code: 'copy-unsigned',
    severity: 'error',
    title: 'Unsigned snapshots are to be copied where only signed ones are taken',
    why: 'A copy keeps the signature of what is copied, or its lack. A destination that trusts keys refuses every snapshot that none of them signed.',
    remedy:
      'Sign where backups are made: signing: with the keyFile of a trusted key at the source too.',
    find: (facts) =>
      facts.byClock('copy').flatMap(({ input: { from, to }, place }) => {
        const trust = facts.plan.destinations.get(to)?.signing?.trust ?? []
        const keyFile = facts.plan.destinations.get(from)?.signing?.keyFile
        if (trust.length === 0 || keyFile !== undefined) return []
        return [
          {
            place,
            message: `what is backed up to ${from} is not signed, and ${to} takes only what a trusted key signed`,
            arithmetic: [
              `keys that ${to} trusts: ${trust.length}, keys that ${from} signs with: 0`,
            ],
          },
        ]
      }),
  },
  {
    code: 'secret-in-clear',
    severity: 'error',
    title: 'A secret stands in the plan',
    why: 'Plans are kept in repositories, printed, and shared; so is everything in them, for ever.',
    remedy: 'Write ${env.NAME} instead, and change the secret: it is known by now.',
    find: ({ plan }) =>
      clearSecrets(plan).map(({ place, where, looks }) => ({
        place,
        message: `${where} holds what looks like a secret: ${looks}`,
        arithmetic: ['variables of the environment in this text: none that hides it'],
        assumes: 'it is no example',
      })),
  },
  {
    code: 'restore-one-source',
    severity: 'note',
    title: 'A procedure restores from one place, and there are more',
    why: 'What is damaged or unreachable at the first destination is taken from the next, object by object; a procedure with one source has no next.',
    remedy: 'Name the other destinations in from: as well.',
    find: (facts) =>
      [...facts.plan.procedures.values()].flatMap((procedure) =>
        tasksOf(procedure.steps).flatMap((step) => {
          if (step.kind !== 'restore' || step.input.from.length !== 1) return []
          const others = placesOf(facts.flowsOf(step.input.collection)).filter(
            (each) => !step.input.from.includes(each),
          )
          return others.length === 0
            ? []
            : [
                {
                  place: step.place,
                  message: `procedure ${procedure.name} restores ${step.input.collection} from ${listed(step.input.from)} only, and ${listed(others)} has copies too`,
                  arithmetic: [`sources: 1 of ${others.length + 1}`],
                },
              ]
        }),
      ),
  },
]
