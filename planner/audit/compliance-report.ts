/** The section on how the plan is looked after: who answers for it, who signs, what is left out and why. Plain JSON. */
import type { Framework, Plan } from '../plan/plan.ts'
import { toIso } from '../step/observation.ts'

export interface Exclusion {
  readonly collection: string
  readonly reason: string
}

export interface ComplianceReport {
  readonly owner: string
  readonly reviewedAt: string | null
  /** At the end of the window; null when nobody said. */
  readonly reviewAgeMs: number | null
  readonly frameworks: readonly Framework[]
  /** Roles that sign the report; names are not in it. */
  readonly signers: readonly string[]
  /** Older proof counts as unproven; null when the plan does not say. */
  readonly drillEveryMs: number | null
  /** Collections that are not judged. */
  readonly exclusions: readonly Exclusion[]
  /** Collections without any objective: nothing is held against them. */
  readonly withoutObjectives: readonly string[]
  readonly ledger: { readonly isSigned: boolean; readonly anchor: string | null }
}

/** @param at end of the window, epoch milliseconds */
export function reportCompliance(plan: Plan, at: number): ComplianceReport {
  const { compliance, owner, reviewedAt, ledger } = plan
  const { exclusions } = compliance
  return {
    owner,
    reviewedAt: reviewedAt === undefined ? null : toIso(reviewedAt),
    reviewAgeMs: reviewedAt === undefined ? null : at - reviewedAt,
    frameworks: compliance.frameworks,
    signers: compliance.signers,
    drillEveryMs: compliance.drillEveryMs ?? null,
    exclusions: [...exclusions].map(([collection, reason]) => ({ collection, reason })),
    withoutObjectives: [...plan.collections.values()]
      .filter(
        ({ name, objectives }) => !exclusions.has(name) && Object.keys(objectives).length === 0,
      )
      .map(({ name }) => name),
    ledger: { isSigned: ledger.signingKeyFile !== undefined, anchor: ledger.anchor ?? null },
  }
}
