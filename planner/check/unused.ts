/** What the plan names and nothing uses: left over, or forgotten where it was needed. */
import type { Place } from '../plan/place.ts'
import type { AnySequence, Plan, TaskStep } from '../plan/plan.ts'
import { allTasks, type Facts } from './facts.ts'
import type { Rule } from './finding.ts'

/** A section of the plan, and what of it is used. */
interface Section {
  readonly what: 'target' | 'destination' | 'channel' | 'role' | 'contact' | 'tier'
  readonly why: string
  readonly remedy: string
  named(plan: Plan): ReadonlyMap<string, { readonly place: Place }>
  used(plan: Plan, steps: readonly TaskStep[]): readonly (string | undefined)[]
}

function targetsOf(step: TaskStep): string[] {
  switch (step.kind) {
    case 'import':
    case 'check':
    case 'drop':
    case 'inject':
    case 'canary':
    case 'fence':
    case 'promote':
      return [step.input.target]
    case 'restore':
      return [step.input.into]
    case 'replicate':
      return [step.input.from, step.input.to]
    case 'switch':
      return [step.input.to]
    case 'reconcile':
      return [step.input.from]
    default:
      return []
  }
}

function destinationsOf(step: TaskStep): readonly string[] {
  switch (step.kind) {
    case 'backup':
    case 'archive':
      return [step.input.to]
    case 'copy':
      return [step.input.from, step.input.to]
    case 'verify':
    case 'prune':
      return [step.input.in]
    case 'restore':
      return step.input.from
    case 'replicate':
      return step.input.base === undefined ? [] : [step.input.base]
    default:
      return []
  }
}

const sections: readonly Section[] = [
  {
    what: 'target',
    why: 'It may be one that should have been backed up, or one that is long gone.',
    remedy: 'Use it, or take it out.',
    named: ({ targets }) => targets,
    used: ({ collections, replication }, steps) => [
      ...[...collections.values()].map(({ target }) => target),
      ...[...replication.values()].flatMap(({ from, to }) => [from, ...to]),
      ...steps.flatMap(targetsOf),
    ],
  },
  {
    what: 'destination',
    why: 'Somebody may believe that copies go there.',
    remedy: 'Back up or copy to it, or take it out.',
    named: ({ destinations }) => destinations,
    used: ({ ledger }, steps) => [ledger.anchor, ...steps.flatMap(destinationsOf)],
  },
  {
    what: 'channel',
    why: 'Somebody may believe that messages come there.',
    remedy: 'Send to it, or take it out.',
    named: ({ people }) => people.channels,
    used: ({ people }, steps) => [
      ...[...people.communications.values()].map(({ channel }) => channel),
      ...steps.map((step) => (step.kind === 'notify' ? step.input.channel : undefined)),
    ],
  },
  {
    what: 'role',
    why: 'People in it wait for a call that does not come.',
    remedy: 'Call or ask it somewhere, or take it out.',
    named: ({ people }) => people.roles,
    used: ({ people, compliance }, steps) => [
      ...people.escalation.map(({ role }) => role),
      ...[...people.communications.values()].map(({ by }) => by),
      ...compliance.signers,
      ...steps.map((step) => {
        if (step.kind === 'approve') return step.input.by
        return step.kind === 'manual' ? step.input.role : undefined
      }),
    ],
  },
  {
    what: 'contact',
    why: 'They are in no role, so nobody calls them.',
    remedy: 'Give them a role, or take them out.',
    named: ({ people }) => people.contacts,
    used: ({ people }) =>
      [...people.roles.values()].flatMap(({ primary, deputies }) => [primary, ...deputies]),
  },
  {
    what: 'tier',
    why: 'Its objectives hold for nothing.',
    remedy: 'Put collections into it, or take it out.',
    named: ({ tiers }) => tiers,
    used: ({ collections }) => [...collections.values()].map(({ tier }) => tier),
  },
]

const stepsOf = (sequences: readonly AnySequence[]): TaskStep[] => sequences.flatMap(allTasks)

const unusedRule = ({ what, why, remedy, named, used }: Section): Rule => ({
  code: `unused-${what}`,
  severity: 'note',
  title: `A ${what} that nothing uses`,
  why,
  remedy,
  find: ({ plan, sequences }: Facts) => {
    const all = named(plan)
    if (all.size === 0) return []
    const names = new Set(used(plan, stepsOf(sequences)))
    return [...all]
      .filter(([name]) => !names.has(name))
      .map(([name, { place }]) => ({
        place,
        message: `nothing uses ${what} ${name}`,
        arithmetic: ['places that name it: 0'],
      }))
  },
})

export const unusedRules: readonly Rule[] = sections.map(unusedRule)
