/** What is left after a node, a disk, a region, an account or a vendor is lost. */

import { placesOf } from '../plan/flow.ts'
import type { Plan, PlanCollection } from '../plan/plan.ts'
import {
  type DomainKind,
  domainKinds,
  isOffSite,
  type Survival,
  survival,
} from '../plan/survival.ts'
import { type Facts, putUnder } from './facts.ts'
import type { Found, Rule, Severity } from './finding.ts'
import { listed } from './words.ts'

/** Collections that live on one target and have copies at the same places: they share their fate. */
interface Fate {
  readonly target: string
  readonly destinations: readonly string[]
  /** Targets that follow it: copies too when a place is lost, though none against a mistake. */
  readonly standbys: readonly string[]
  readonly collections: readonly PlanCollection[]
}

function fatesOf(facts: Facts): Fate[] {
  const fates = new Map<string, PlanCollection[]>()
  for (const collection of facts.judged) {
    const places = placesOf(facts.flowsOf(collection.name)).sort()
    const standbys = [...(facts.plan.replication.get(collection.name)?.to ?? [])].sort()
    if (places.length + standbys.length === 0) continue
    const key = JSON.stringify([collection.target, places, standbys])
    putUnder(fates, key, collection)
  }
  return [...fates].map(([key, collections]) => {
    // the key was made above
    const [target, destinations, standbys] = JSON.parse(key) as [string, string[], string[]]
    return { target, destinations, standbys, collections }
  })
}

/** Where the copies are, backups first. */
const copiesOf = ({ targets, destinations }: Plan, fate: Fate) => [
  ...fate.destinations.map((name) => ({ name, domains: destinations.get(name)?.domains ?? {} })),
  ...fate.standbys.map((name) => ({
    name: `standby ${name}`,
    domains: targets.get(name)?.domains ?? {},
  })),
]

/** What of the copies outlives the loss; the best of them counts. */
function bestSurvival(facts: Facts, fate: Fate, kind: DomainKind): Survival {
  const home = facts.plan.targets.get(fate.target)?.domains ?? {}
  const each = copiesOf(facts.plan, fate).map(({ domains }) => survival(home, domains, kind))
  if (each.includes('survives')) return 'survives'
  return each.includes('unknown') ? 'unknown' : 'shared'
}

const namesOf = ({ collections }: Fate): string => listed(collections.map(({ name }) => name))

const domainText = (facts: Facts, fate: Fate, kind: DomainKind): string[] => [
  `${fate.target}: ${facts.plan.targets.get(fate.target)?.domains[kind] ?? 'not said'}`,
  ...copiesOf(facts.plan, fate).map(
    ({ name, domains }) => `${name}: ${domains[kind] ?? 'not said'}`,
  ),
]

const placeOf = (fate: Fate, facts: Facts): Found['place'] | undefined =>
  facts.plan.targets.get(fate.target)?.place ?? fate.collections[0]?.place

/** Findings of fates, each at its target. */
const atTarget = (
  facts: Facts,
  tell: (fate: Fate) => Omit<Found, 'place'> | undefined,
): readonly Found[] =>
  fatesOf(facts).flatMap((fate) => {
    const told = tell(fate)
    const place = placeOf(fate, facts)
    return told === undefined || place === undefined ? [] : [{ place, ...told }]
  })

const losses: Readonly<Record<DomainKind, { readonly severity: Severity; readonly why: string }>> =
  {
    node: { severity: 'warning', why: 'A machine dies with everything that stands on it.' },
    disk: { severity: 'warning', why: 'A disk dies with the data and the backups on it.' },
    region: { severity: 'warning', why: 'A fire, a flood or a power cut takes a whole region.' },
    account: {
      severity: 'warning',
      why: 'Who gets hold of an account, or closes it, reaches every copy in it.',
    },
    vendor: {
      severity: 'note',
      why: 'A vendor can fail, or lock a customer out, everywhere at once.',
    },
  }

const lossRule = (kind: DomainKind): Rule => ({
  code: `domain-${kind}`,
  severity: losses[kind].severity,
  title: `No copy survives the loss of the ${kind}`,
  why: losses[kind].why,
  remedy: `Copy to a destination in another ${kind}, and say so there.`,
  find: (facts) =>
    atTarget(facts, (fate) =>
      bestSurvival(facts, fate, kind) === 'shared'
        ? {
            message: `the loss of ${kind} ${facts.plan.targets.get(fate.target)?.domains[kind] ?? ''} takes ${namesOf(fate)} and every copy`,
            arithmetic: [...domainText(facts, fate, kind), 'copies elsewhere: 0'],
          }
        : undefined,
    ),
})

export const domainRules: readonly Rule[] = [
  ...domainKinds.map(lossRule),
  {
    code: 'domains-unsaid',
    severity: 'warning',
    title: 'Nobody says what fails together',
    why: 'What is not said counts as shared: no copy is known to survive, and no report will claim it.',
    remedy: 'Write node, disk, region, account and vendor beside targets and destinations.',
    find: (facts) =>
      atTarget(facts, (fate) => {
        const unsaid = domainKinds.filter((kind) => bestSurvival(facts, fate, kind) === 'unknown')
        return unsaid.length === 0
          ? undefined
          : {
              message: `it is not said whether a copy of ${namesOf(fate)} survives the loss of its ${listed(unsaid)}`,
              arithmetic: unsaid.map(
                (kind) => `${kind}: ${domainText(facts, fate, kind).join('; ')}`,
              ),
            }
      }),
  },
  {
    code: 'three-two-one-one-zero',
    severity: 'note',
    title: 'Less than 3-2-1-1-0',
    why: 'The rule of thumb of the field: 3 copies, on 2 kinds of storage, 1 off-site, 1 that nobody can change, 0 errors when verified.',
    remedy: 'Add what is missing, or decide that you do without.',
    find: (facts) =>
      atTarget(facts, (fate) => {
        const counted = count(facts, fate)
        const lacking = counted.filter(({ has, wants }) => has < wants)
        return lacking.length === 0 || fate.destinations.length === 0
          ? undefined
          : {
              message: `${namesOf(fate)}: ${lacking.map(({ what, has, wants }) => `${has} of ${wants} ${what}`).join(', ')}`,
              arithmetic: counted.map(({ what, has, wants }) => `${what}: ${has}, wanted ${wants}`),
              assumes:
                'the collection itself is a copy; a directory and a bucket are two kinds of storage, two directories on disks that are named are too; a standby is no copy here, as it follows every mistake',
            }
      }),
  },
]

function count(facts: Facts, { target, destinations }: Fate) {
  const home = facts.plan.targets.get(target)?.domains ?? {}
  const places = destinations.flatMap((name) => facts.plan.destinations.get(name) ?? [])
  const storage = new Set([
    `disk ${home.disk ?? '?'}`,
    ...places.map(({ url, domains }) =>
      url.startsWith('s3:') ? 'bucket' : `disk ${domains.disk ?? '?'}`,
    ),
  ])
  return [
    { what: 'copies', has: 1 + places.length, wants: 3 },
    { what: 'kinds of storage', has: storage.size, wants: 2 },
    {
      what: 'off-site copies',
      has: places.filter(({ domains }) => isOffSite(home, domains)).length,
      wants: 1,
    },
    {
      what: 'copies that nobody can change',
      has: places.filter(({ objectLock }) => objectLock !== undefined).length,
      wants: 1,
    },
    {
      what: 'places that are verified',
      has: new Set(
        facts.timed
          .flatMap(({ steps }) =>
            steps.flatMap((step) => (step.kind === 'parallel' ? step.steps : [step])),
          )
          .flatMap((step) =>
            step.kind === 'verify' && step.input.depth !== 'manifest'
              ? [step.input.in]
              : step.kind === 'copy'
                ? [step.input.to]
                : [],
          )
          .filter((name) => destinations.includes(name)),
      ).size,
      wants: places.length,
    },
  ]
}
