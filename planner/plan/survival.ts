/**
 * What outlives what: failure domains of two systems, compared. What is not said counts as shared, but
 * what lies in another region stands on another node and another disk, and so on down. Pure.
 */
import type { FailureDomains } from './plan.ts'

export const domainKinds = ['node', 'disk', 'region', 'account', 'vendor'] as const
export type DomainKind = (typeof domainKinds)[number]

/** `unknown`: one of the two does not say. */
export type Survival = 'survives' | 'shared' | 'unknown'

/** If one of these differs, so does the first. */
const implied: Readonly<Record<DomainKind, readonly DomainKind[]>> = {
  node: ['region', 'vendor'],
  disk: ['node', 'region', 'vendor'],
  region: [],
  account: ['vendor'],
  vendor: [],
}

/** Whether `other` outlives the loss of what `lost` stands in. */
export function survival(lost: FailureDomains, other: FailureDomains, kind: DomainKind): Survival {
  const differs = (each: DomainKind): boolean =>
    lost[each] !== undefined && other[each] !== undefined && lost[each] !== other[each]
  if (differs(kind) || implied[kind].some(differs)) return 'survives'
  return lost[kind] === undefined || other[kind] === undefined ? 'unknown' : 'shared'
}

/** Known to lie in another region, account or vendor: what people call off-site. */
export const isOffSite = (lost: FailureDomains, other: FailureDomains): boolean =>
  (['region', 'account', 'vendor'] as const).some(
    (kind) => survival(lost, other, kind) === 'survives',
  )

/**
 * What a story takes away and no place is named to stand in: most likely a name that is written wrong. Kinds of which
 * no place has a name are left out.
 * @param domains of all targets and destinations
 */
export const lostNowhere = (
  loses: ReadonlyMap<DomainKind, string>,
  domains: readonly FailureDomains[],
): { readonly kind: DomainKind; readonly name: string; readonly known: readonly string[] }[] =>
  [...loses].flatMap(([kind, name]) => {
    const known = [...new Set(domains.flatMap((each) => each[kind] ?? []))]
    return known.length === 0 || known.includes(name) ? [] : [{ kind, name, known }]
  })
