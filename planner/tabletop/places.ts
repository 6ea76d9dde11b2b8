/** Targets and destinations in a story: which are lost, which are away for a while. Times are since the disaster. */
import type { FailureDomains, Plan } from '../plan/plan.ts'
import type { Scenario } from '../plan/scenario.ts'
import { type DomainKind, survival } from '../plan/survival.ts'
import { Absence, type Span } from './absence.ts'

export interface Place {
  readonly what: 'target' | 'destination'
  readonly name: string
  readonly absence: Absence
  /** Why it is gone for good, as the end of a sentence. */
  readonly lostBecause?: string
}

/** Taken away on top of the story, for ever. */
export interface Without {
  readonly what: 'contact' | 'destination' | 'target'
  readonly name: string
}

/** All of the plan's, targets first. */
export function placesIn(plan: Plan, scenario: Scenario, without: readonly Without[]): Place[] {
  const place = (what: Place['what'], name: string, domains: FailureDomains): Place => {
    const isTaken = without.some((each) => each.what === what && each.name === name)
    const because = isTaken ? 'taken away by --without' : lostBecause(scenario, domains)
    const spans = because === undefined ? failingSpans(scenario, what, name) : [always]
    return {
      ...{ what, name, absence: new Absence(spans) },
      ...(because !== undefined && { lostBecause: because }),
    }
  }
  return [
    ...[...plan.targets.values()].map(({ name, domains }) => place('target', name, domains)),
    ...[...plan.destinations.values()].map(({ name, domains }) =>
      place('destination', name, domains),
    ),
  ]
}

const always: Span = { fromMs: 0, toMs: Number.POSITIVE_INFINITY }

/** When the story lets it fail. */
export const failingSpans = (
  { injects }: Scenario,
  what: Without['what'],
  name: string,
): readonly Span[] =>
  injects.flatMap(({ atMs, fail }) =>
    fail?.what === what && fail.name === name
      ? [{ fromMs: atMs, toMs: atMs + (fail.forMs ?? Number.POSITIVE_INFINITY) }]
      : [],
  )

/** What is not said counts as shared. */
function lostBecause({ loses }: Scenario, domains: FailureDomains): string | undefined {
  const lost: FailureDomains = Object.fromEntries(loses)
  const fates = [...loses].map(([kind, name]) => ({
    kind: kind satisfies DomainKind,
    name,
    fate: survival(lost, domains, kind),
  }))
  const shared = fates.find(({ fate }) => fate === 'shared')
  if (shared !== undefined) return `lost with ${shared.kind} ${shared.name}`
  const unknown = fates.find(({ fate }) => fate === 'unknown')
  if (unknown === undefined) return undefined
  return `counted as lost with ${unknown.kind} ${unknown.name}, because the plan does not say its ${unknown.kind}`
}
